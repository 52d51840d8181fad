//! Refusals: why an entry is not an event, or an event does nothing.
//!
//! One list for the parser, the admission rules and the state function, so that a submitter
//! meets one vocabulary. [`Refusal::code`] is the stable word that programs match on (the last
//! part of the `type` of the log's problem answer); `Display` tells a person what to do.
//! Which HTTP status a code gets is decided by the log, not here.

use std::fmt;

use thiserror::Error;

use crate::event::EventId;

/// Why an event is refused.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Refusal {
    /// The bytes are not a signed note of three lines around one JSON object.
    #[error("not an event: {0}")]
    Malformed(Malformed),
    /// The JSON says the right thing in another form than RFC 8785.
    #[error(
        "line 3 is not canonical JSON (RFC 8785) from its byte {offset} on; sort the names, drop spaces and nulls, write numbers as integers"
    )]
    NotCanonical {
        /// First byte of line 3 that differs from the canonical form.
        offset: usize,
    },
    /// A line of a known key does not verify, or too few distinct keys signed.
    #[error(
        "signed by {valid} of {needed} keys in force, or a line of a known key does not verify; sign the note text of exactly these bytes"
    )]
    BadSignature {
        /// Distinct public keys in force whose line verified.
        valid: u64,
        /// How many the kind asks for.
        needed: u64,
    },
    /// Nobody who may sign this event is known under this name.
    #[error(
        "no signature line belongs to an authority or member in force; accredit the authority first, or sign with its key"
    )]
    UnknownAuthority,
    /// The signer is known, but its scope does not reach this far, or the name belongs to another.
    #[error(
        "the signer's scope does not cover this event; ask its member for a grant, or let the owner of the name sign"
    )]
    OutOfScope,
    /// `prev` is not the id of the subject's newest accepted event.
    #[error("prev is not the subject's newest accepted event; {}", want_sentence(.want.as_ref()))]
    WrongPrevious {
        /// The id that `prev` must hold; nothing if it must be absent.
        want: Option<EventId>,
    },
    /// The label was issued before.
    #[error("this label was issued before; ask for its status, or choose another native id")]
    DuplicateLabel,
    /// The table of states has no such step.
    #[error("a subject that is {from} cannot take this step; ask for its status first")]
    BadTransition {
        /// The word of the status it has.
        from: &'static str,
    },
    /// The entry is longer than an entry may be, or names more than an entry may name.
    #[error(
        "{got} is over the limit of {limit}; shorten the lists or the texts, evidence goes in by its hash"
    )]
    TooLarge {
        /// What was found, in bytes or pieces.
        got: u64,
        /// What is allowed.
        limit: u64,
    },
    /// One member is missing, unknown, or not of its form.
    #[error("{pointer}: {why}")]
    BadMember {
        /// Where, as a JSON pointer into line 3.
        pointer: Pointer,
        /// What is wrong there.
        why: Complaint,
    },
    /// One member holds what must never be in a public log.
    #[error("{pointer}: holds {what}, which the log must never hold; remove it")]
    PrivateData {
        /// Where, as a JSON pointer into line 3.
        pointer: Pointer,
        /// What was recognised.
        what: PrivateData,
    },
    /// Line 2 names another log, or entry 0 is not the genesis of this one.
    #[error("made for another log; sign it again with this log's origin on line 2")]
    WrongLog,
    /// The event is about something that was never defined here.
    #[error("no such subject in this log; define, accredit or issue it first")]
    UnknownSubject,
    /// The kind is not one of this version of the state function.
    #[error("no such kind in this version of the log; its page /v1/log says which version it runs")]
    UnknownKind,
    /// The decision is dated later than the clock allows.
    #[error("decided_at lies in the future; correct it, or the clock of the machine that signs")]
    DecidedInFuture,
}

impl Refusal {
    /// The stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Malformed(_) => "malformed",
            Refusal::NotCanonical { .. } => "not-canonical",
            Refusal::BadSignature { .. } => "bad-signature",
            Refusal::UnknownAuthority => "unknown-authority",
            Refusal::OutOfScope => "out-of-scope",
            Refusal::WrongPrevious { .. } => "wrong-previous",
            Refusal::DuplicateLabel => "duplicate-label",
            Refusal::BadTransition { .. } => "bad-transition",
            Refusal::TooLarge { .. } => "too-large",
            Refusal::BadMember { .. } => "bad-member",
            Refusal::PrivateData { .. } => "private-data",
            Refusal::WrongLog => "wrong-log",
            Refusal::UnknownSubject => "unknown-subject",
            Refusal::UnknownKind => "unknown-kind",
            Refusal::DecidedInFuture => "decided-in-future",
        }
    }

    /// The member a refusal points at, if it points at one.
    #[must_use]
    pub fn pointer(&self) -> Option<&Pointer> {
        match self {
            Refusal::BadMember { pointer, .. } | Refusal::PrivateData { pointer, .. } => {
                Some(pointer)
            }
            _ => None,
        }
    }

    /// A refusal of the member at `pointer`.
    #[must_use]
    pub fn bad_member(pointer: impl Into<Pointer>, why: impl fmt::Display) -> Refusal {
        Refusal::BadMember {
            pointer: pointer.into(),
            why: Complaint::of(why.to_string()),
        }
    }
}

fn want_sentence(want: Option<&EventId>) -> String {
    match want {
        Some(id) => format!("it must be {id}; look whether you meant to follow it, and sign again"),
        None => "leave it out, the subject has none yet".to_owned(),
    }
}

/// Why bytes are not an event at all.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Malformed {
    /// Not a signed note (c2sp.org/signed-note).
    #[error("the bytes are not a signed note")]
    Note,
    /// The text of the note has another number of lines than three.
    #[error("the signed text has not exactly three lines")]
    Lines,
    /// Line 1 is another tag.
    #[error("line 1 is not labelproof-event/v1")]
    Tag,
    /// Line 2 cannot be an origin.
    #[error("line 2 is not the origin of a log")]
    Origin,
    /// Line 3 is not JSON.
    #[error("line 3 is not JSON")]
    Json,
}

/// What the private-data filter recognises.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum PrivateData {
    /// A MAC address or EUI-64.
    #[error("a hardware address")]
    HardwareAddress,
    /// A Matter set-up code, as QR text or in digits.
    #[error("a Matter set-up code")]
    MatterCode,
    /// An e-mail address.
    #[error("an e-mail address (the page of a role would do)")]
    EmailAddress,
    /// A serial number of one unit.
    #[error("a serial number")]
    SerialNumber,
    /// An IMEI.
    #[error("an IMEI")]
    Imei,
}

/// A place in a JSON text (RFC 6901), at most [`MAX_POINTER_BYTES`] long: a place below that is that of what it is in.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Pointer(String);

impl Pointer {
    /// The whole text.
    #[must_use]
    pub fn root() -> Pointer {
        Pointer(String::new())
    }

    /// The member `name` of the object at this place.
    #[must_use]
    pub fn member(&self, name: &str) -> Pointer {
        let name = name.replace('~', "~0").replace('/', "~1");
        Pointer(cut_pointer(format!("{}/{name}", self.0)))
    }

    /// The element `index` of the list at this place.
    #[must_use]
    pub fn element(&self, index: usize) -> Pointer {
        Pointer(cut_pointer(format!("{}/{index}", self.0)))
    }

    /// The pointer as RFC 6901 writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Pointer {
    /// Takes a pointer in its written form.
    fn from(text: &str) -> Pointer {
        Pointer(cut_pointer(text.to_owned()))
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() {
            "the object"
        } else {
            &self.0
        })
    }
}

/// Whole parts only, so that it stays the pointer of something.
fn cut_pointer(mut text: String) -> String {
    while text.len() > MAX_POINTER_BYTES {
        text.truncate(text.rfind('/').unwrap_or(0));
    }
    text
}

/// What is wrong with a member, in words, at most [`MAX_COMPLAINT_BYTES`] of them; not for programs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Complaint(String);

impl Complaint {
    fn of(mut text: String) -> Self {
        if text.len() > MAX_COMPLAINT_BYTES {
            let ends = text.char_indices().map(|(at, _)| at);
            let end = ends.take_while(|at| *at <= MAX_COMPLAINT_BYTES).last();
            text.truncate(end.unwrap_or(0));
            text.push('…');
        }
        Self(text)
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Four times the longest there is in an event that is right.
pub const MAX_POINTER_BYTES: usize = 256;
/// All members of a label by name; what is longer repeats what a stranger wrote.
pub const MAX_COMPLAINT_BYTES: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    fn one_of_each() -> Vec<Refusal> {
        vec![
            Refusal::Malformed(Malformed::Tag),
            Refusal::NotCanonical { offset: 3 },
            Refusal::BadSignature {
                valid: 0,
                needed: 1,
            },
            Refusal::UnknownAuthority,
            Refusal::OutOfScope,
            Refusal::WrongPrevious { want: None },
            Refusal::DuplicateLabel,
            Refusal::BadTransition { from: "revoked" },
            Refusal::TooLarge { got: 2, limit: 1 },
            Refusal::bad_member("/body/level", "unknown"),
            Refusal::PrivateData {
                pointer: "/body".into(),
                what: PrivateData::Imei,
            },
            Refusal::WrongLog,
            Refusal::UnknownSubject,
            Refusal::UnknownKind,
            Refusal::DecidedInFuture,
        ]
    }

    #[test]
    fn codes_are_the_words_of_the_interface() {
        let codes: Vec<_> = one_of_each().iter().map(Refusal::code).collect();
        assert_eq!(
            codes,
            [
                "malformed",
                "not-canonical",
                "bad-signature",
                "unknown-authority",
                "out-of-scope",
                "wrong-previous",
                "duplicate-label",
                "bad-transition",
                "too-large",
                "bad-member",
                "private-data",
                "wrong-log",
                "unknown-subject",
                "unknown-kind",
                "decided-in-future",
            ]
        );
    }

    #[test]
    fn sentences_are_lower_case_without_full_stop() {
        for refusal in one_of_each() {
            let text = refusal.to_string();
            assert!(
                !text.ends_with('.') && !text.starts_with(char::is_uppercase),
                "{text}"
            );
        }
    }

    #[test]
    fn what_a_stranger_wrote_comes_back_at_no_length() {
        let long = "é".repeat(8_192);
        let parent = Pointer::root().member("body").element(7);
        assert_eq!(parent.member(&long), parent);
        assert_eq!(Pointer::from(&*format!("/body/{long}/x")).as_str(), "/body");
        assert_eq!(Pointer::from(&*long).as_str(), "");
        let refusal = Refusal::bad_member(parent.member(&long), format!("x{long}"));
        let Refusal::BadMember { pointer, why } = refusal else {
            panic!("of a member")
        };
        let text = why.to_string();
        assert!(text.starts_with("xé") && text.ends_with("é…"), "{text}");
        assert!(text.len() <= MAX_COMPLAINT_BYTES + '…'.len_utf8());
        assert_eq!(pointer, parent);
        let fits = "x".repeat(MAX_COMPLAINT_BYTES);
        assert_eq!(Complaint::of(fits.clone()).to_string(), fits);
    }

    #[test]
    fn pointers_escape_slash_and_tilde() {
        assert_eq!(
            Pointer::root()
                .member("a/b")
                .element(2)
                .member("~")
                .as_str(),
            "/a~1b/2/~0"
        );
    }
}
