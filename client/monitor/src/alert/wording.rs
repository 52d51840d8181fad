//! Findings put into words: what happened, on what, what to do next.
//!
//! ```text
//! title     label.revoke jp.jc-star/EX-000123: vulnerability
//! detail    Entry 4711 of labels.g7.example, event 9f86…, signed by label.jp.example, decided 2026-…. …
//! ```
//! What each means for an auditor is in `docs/spec/alert.md`.

use labelproof_core::{
    checkpoint::Origin,
    event::{AuthorityName, Event},
    evidence::{Claim, Evidence},
    merkle::LeafHash,
    note::Note,
    time::Time,
    tlog_proof::TlogProof,
};

use super::{Alert, AlertId, Occasion, Proof, Rule, Severity};
use crate::{
    finding::{Blindness, Logged, Observation},
    name::Name,
};

impl Alert {
    /// An event that `line` of a watch list names.
    #[must_use]
    pub fn watched(list: &Name, line: &str, logged: &Logged, at: Time) -> Self {
        let event = logged.event();
        let severity = if event.body().takes_away() {
            Severity::Warning
        } else {
            Severity::Notice
        };
        let why = format!("The list {list} says: {line}.");
        Self::about_event(
            Rule::Watch(list.clone()),
            severity,
            summary(event),
            &why,
            logged,
            at,
        )
    }

    /// An event that `key` signed, and its owner did not.
    #[must_use]
    pub fn not_mine(key: &str, logged: &Logged, at: Time) -> Self {
        let title = format!("not mine: {}", summary(logged.event()));
        let why = format!(
            "The key {key} signed it, and it is not in the list of its own events. If nobody of yours signed it, the key \
             is in other hands: revoke it with an authority.key event, then the labels it touched."
        );
        Self::about_event(Rule::NotMine, Severity::Critical, title, &why, logged, at)
    }

    /// An event of one of my keys that could not be compared with my list.
    #[must_use]
    pub fn not_compared(key: &str, why: &str, logged: &Logged, at: Time) -> Self {
        let title = format!(
            "cannot tell whether it is mine: {}",
            summary(logged.event())
        );
        let why = format!(
            "The key {key} signed it, and the list of its own events cannot be read: {why}. Mend the list, then compare \
             this event with it by hand."
        );
        Self::about_event(Rule::Blind, Severity::Warning, title, &why, logged, at)
    }

    fn about_event(
        rule: Rule,
        severity: Severity,
        title: String,
        why: &str,
        logged: &Logged,
        at: Time,
    ) -> Self {
        let event = logged.event();
        let names: Vec<&str> = event
            .note()
            .signatures()
            .iter()
            .map(|line| line.name().as_str())
            .collect();
        let reason = event.reason().and_then(|reason| reason.text());
        let reason = reason.map_or_else(String::new, |text| format!(" Reason: {text}"));
        let detail = format!(
            "Entry {} of {}, event {}, signed by {}, decided {}.{reason} {why}",
            logged.index(),
            event.origin(),
            event.id(),
            names.join(", "),
            event.decided_at(),
        );
        let proof = Proof::Entry {
            event: Box::new(event.clone()),
            proof: logged.proof().clone(),
        };
        let about = (
            Some(event.origin().clone()),
            Occasion::Entry(logged.index()),
        );
        Self::new(rule, severity, at, about, Words::new(title, detail), proof)
    }

    /// The log signed what it should not have.
    #[must_use]
    pub fn evidence(evidence: &Evidence, at: Time) -> Self {
        let origin = evidence.origin();
        let (title, what, mirror) = match evidence.claim() {
            Claim::Fork => (
                format!("{origin} signed two histories"),
                "Two heads that it signed are of different logs, so somebody was shown what others were not.",
                "",
            ),
            Claim::BackDated => (
                format!("{origin} signed heads in the wrong order of clocks"),
                "A later head has an earlier clock.",
                "",
            ),
            Claim::WrongHead => (
                format!("{origin} signed a wrong state head"),
                "The head is not what the entries before it give.",
                " --mirror DIR",
            ),
            Claim::BadEntry => (
                format!("{origin} holds an entry that breaks a rule"),
                "The state function refuses the entry, or it stands where the state head must; an honest log would never have taken it.",
                " --mirror DIR",
            ),
        };
        let detail = format!(
            "{what} Keep the evidence; anybody can check it: labelproof verify FILE.evidence --trust trust.toml{mirror}. \
             Tell the members and the other monitors, and believe no new head of this log."
        );
        let digest = evidence.to_string();
        let digest = digest.lines().last().unwrap_or_default();
        let digest = digest.strip_prefix("sha256 ").unwrap_or(digest);
        let occasion = super::hex32(digest).expect("evidence ends with its SHA-256");
        Self::new(
            Rule::of_claim(evidence.claim()),
            Severity::Critical,
            at,
            (Some(origin.clone()), Occasion::Named(occasion)),
            Words::new(title, detail),
            Proof::Evidence(evidence.clone()),
        )
    }

    /// Something to look at that proves nothing.
    #[must_use]
    pub fn observed(origin: &Origin, what: &Observation, at: Time) -> Self {
        let (rule, title, detail, seen) = match what {
            Observation::HeadWentBack { from, to, head } => (
                Rule::HeadWentBack,
                format!("{origin} shows size {to} after size {from}"),
                "Perhaps a copy that lags, perhaps a restored backup. Ask whoever runs the log; compare with other monitors.",
                head,
            ),
            Observation::CanarySilent {
                authority,
                since,
                times: _,
                head,
            } => (
                Rule::CanarySilent,
                format!("{origin} shows no event of {authority} since {since}"),
                "One is due each day, to show that the whole chain of alarms works. Ask whoever runs its timer; if it was \
                 sent, ask the log for it.",
                head,
            ),
            Observation::QuorumLost { head, since } => (
                Rule::QuorumLost,
                format!("{origin} signs heads that too few witnesses cosign, since {since}"),
                "Nothing new can be proved to anybody until they do. Ask whoever runs the log and the witnesses.",
                head,
            ),
            Observation::Stale { as_of, head } => (
                Rule::Stale,
                format!("{origin} was last witnessed at {as_of}"),
                "What was decided since is not known to anybody. Ask whoever runs the log and the witnesses.",
                head,
            ),
            Observation::TileMissing { path, head } => (
                Rule::Tile,
                format!("{origin} does not give {path}"),
                "A witnessed head stands for it. Ask whoever runs the log, and for a copy from another monitor.",
                head,
            ),
            Observation::TileWrong { path, head } => (
                Rule::Tile,
                format!("{origin} gives a wrong {path}"),
                "It is not what a witnessed head stands for. Ask whoever runs the log, and for a copy from another monitor.",
                head,
            ),
        };
        let words = Words::new(title, detail);
        let proof = Proof::Seen(vec![seen.clone()]);
        if let Observation::CanarySilent { since, times, .. } = what {
            // The same silence, also after a restart.
            let occasion = Occasion::hashed(format!("{since}\n{times}\n"));
            let about = (Some(origin.clone()), occasion);
            return Self::new(rule, Severity::Warning, at, about, words, proof);
        }
        Self::named(rule, Severity::Warning, at, Some(origin), words, proof)
    }

    /// An event for which the log gave a receipt is not in the log by the receipt's deadline.
    #[must_use]
    pub fn deadline_passed(
        origin: &Origin,
        receipt: &TlogProof,
        leaf: LeafHash,
        deadline: Time,
        at: Time,
    ) -> Self {
        let index = receipt.index();
        Self::new(
            Rule::DeadlinePassed,
            Severity::Warning,
            at,
            (Some(origin.clone()), Occasion::hashed(receipt.to_bytes())),
            Words::new(
                format!("{origin} promised entry {index} until {deadline} and does not show it"),
                "The receipt is kept and watched: once the log shows a witnessed head of that size, the event is in it or \
                 the log signed a fork. Ask whoever runs the log and the witnesses.",
            ),
            Proof::Receipt {
                receipt: receipt.clone(),
                leaf,
            },
        )
    }

    /// A signed event that takes something away was handed in and is not in the log.
    #[must_use]
    pub fn not_logged(event: &Event, since: Time, at: Time) -> Self {
        let origin = event.origin();
        Self::new(
            Rule::NotLogged,
            Severity::Warning,
            at,
            (Some(origin.clone()), Occasion::event(event.id())),
            Words::new(
                format!("signed, not logged: {}", summary(event)),
                format!(
                    "Handed in at {since}, and {origin} does not show it. The log would have to take it: send it again, \
                     and tell those who rely on the label meanwhile."
                ),
            ),
            Proof::Seen(vec![event.note().clone()]),
        )
    }

    /// The monitor cannot see.
    #[must_use]
    pub fn blind(origin: &Origin, why: &Blindness, at: Time) -> Self {
        Self::named(
            Rule::Blind,
            Severity::Warning,
            at,
            Some(origin),
            Words::new(
                format!("blind on {origin}: {why}"),
                "Until it sees again, silence about this log means nothing. This says nothing of the log itself.",
            ),
            Proof::Seen(Vec::new()),
        )
    }

    /// A file of the person who runs the monitor is not understood.
    #[must_use]
    pub fn own_file(why: &str, at: Time) -> Self {
        Self::named(
            Rule::Blind,
            Severity::Warning,
            at,
            None,
            Words::new(
                why.to_owned(),
                "What the monitor read before still holds, and nothing of the change. Mend the file; it is read again at \
                 each poll.",
            ),
            Proof::Seen(Vec::new()),
        )
    }

    /// It sees again.
    #[must_use]
    pub fn sees_again(origin: &Origin, since: Time, at: Time) -> Self {
        Self::named(
            Rule::SeesAgain,
            Severity::Info,
            at,
            Some(origin),
            Words::new(
                format!("sees {origin} again, after being blind since {since}"),
                "All that was logged meanwhile is verified and told.",
            ),
            Proof::Seen(Vec::new()),
        )
    }

    /// The event that should come each day came again at the second of these times, after a silence since the first.
    #[must_use]
    pub fn canary_back(
        origin: &Origin,
        authority: &AuthorityName,
        (since, heard): (Time, Time),
        head: Note,
        at: Time,
    ) -> Self {
        Self::new(
            Rule::CanaryBack,
            Severity::Info,
            at,
            (
                Some(origin.clone()),
                Occasion::hashed(format!("{since}\n{heard}\n")),
            ),
            Words::new(
                format!("{origin} shows an event of {authority} again, after none since {since}"),
                format!(
                    "It was logged at {heard}, and the chain of alarms works. Whether what should have come meanwhile was \
                     sent late or never, whoever runs its timer can say."
                ),
            ),
            Proof::Seen(vec![head]),
        )
    }

    /// The verdict of the day of `at`: how each log stands, a line each.
    ///
    /// Told again on that day, also after a restart, it is the same alert.
    #[must_use]
    pub fn daily(is_well: bool, lines: &[String], at: Time) -> Self {
        let day = at.to_string();
        let day = day.split_once('T').map_or(day.as_str(), |(day, _)| day);
        let (severity, title) = match is_well {
            true => (Severity::Info, format!("{day}: nothing wrong")),
            false => (Severity::Warning, format!("{day}: not as it should be")),
        };
        Self::new(
            Rule::Daily,
            severity,
            at,
            (None, Occasion::hashed(format!("daily\n{day}\n"))),
            Words::new(title, lines.join(" ")),
            Proof::Seen(Vec::new()),
        )
    }

    /// An alert about a moment: another one a second later is another alert.
    fn named(
        rule: Rule,
        severity: Severity,
        at: Time,
        origin: Option<&Origin>,
        words: Words,
        proof: Proof,
    ) -> Self {
        let occasion = Occasion::hashed(format!("{at}\n{}\n", words.title));
        Self::new(
            rule,
            severity,
            at,
            (origin.cloned(), occasion),
            words,
            proof,
        )
    }

    fn new(
        rule: Rule,
        severity: Severity,
        at: Time,
        about: (Option<Origin>, Occasion),
        words: Words,
        proof: Proof,
    ) -> Self {
        let (origin, occasion) = about;
        Self {
            id: AlertId::of(&rule, origin.as_ref(), &occasion),
            rule,
            severity,
            at,
            origin,
            occasion,
            title: words.title,
            detail: words.detail,
            proof,
        }
    }
}

/// What people read.
struct Words {
    title: String,
    detail: String,
}

impl Words {
    fn new(title: String, detail: impl Into<String>) -> Self {
        Self {
            title,
            detail: detail.into(),
        }
    }
}

/// An event in a line.
fn summary(event: &Event) -> String {
    let (kind, subject) = (event.kind(), event.subject());
    match event.reason() {
        Some(reason) => format!("{kind} {subject}: {}", reason.code()),
        None => format!("{kind} {subject}"),
    }
}
