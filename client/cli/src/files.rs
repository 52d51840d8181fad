//! Which of our files a file is, by its first bytes.
//!
//! ```text
//! labelproof-bundle/v1      a bundle             c2sp.org/tlog-proof@v1   a proof or a receipt
//! labelproof-event/v1       a signed event       labelproof-evidence/v1   evidence
//! labelproof-state/v1       a state head         PRIVATE+KEY+             a signing key
//! "labelproof-event/v1\n…   signed events, a JSON string a line
//! ```
//! Whether it is a right one is for the parser of its kind to say.

use labelproof_core::{checkpoint::Checkpoint, event::Event, key::Vkey, note::Note};
use labelproof_host::exit::Exit;

use crate::report::Failure;

/// A kind of file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FileKind {
    Bundle,
    Checkpoint,
    Draft,
    Event,
    Events,
    Evidence,
    Note,
    Policy,
    SigningKey,
    StateHead,
    TlogProof,
    Trust,
    Vkey,
}

impl FileKind {
    /// Guesses from the bytes; `None` if nothing of ours begins so.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let text = str::from_utf8(bytes).ok()?;
        let first = text.lines().find(|line| !line.trim().is_empty())?;
        let by_tag = match first {
            "labelproof-bundle/v1" => Some(Self::Bundle),
            "c2sp.org/tlog-proof@v1" => Some(Self::TlogProof),
            "labelproof-evidence/v1" => Some(Self::Evidence),
            "labelproof-event/v1" => Some(Self::Event),
            "labelproof-state/v1" => Some(Self::StateHead),
            line if line.starts_with("PRIVATE+KEY+") => Some(Self::SigningKey),
            line if line.starts_with("\"labelproof-event/v1\\n") => Some(Self::Events),
            line if line.starts_with('{') => Some(Self::Draft),
            _ => None,
        };
        by_tag.or_else(|| Self::by_content(text, bytes))
    }

    fn by_content(text: &str, bytes: &[u8]) -> Option<Self> {
        if let Ok(note) = Note::parse(bytes) {
            let is_checkpoint = Checkpoint::parse(note.text()).is_ok();
            return Some(if is_checkpoint {
                Self::Checkpoint
            } else {
                Self::Note
            });
        }
        if text.trim_end().parse::<Vkey>().is_ok() {
            return Some(Self::Vkey);
        }
        let mut words = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let first = words.next()?;
        match first.split([' ', '\t', '=']).next()? {
            "log" | "witness" | "group" | "quorum"
                if !first.contains('=') || first.contains('+') =>
            {
                Some(Self::Policy)
            }
            "version" | "previous" | "[[log]]" => Some(Self::Trust),
            _ => None,
        }
    }
}

/// The signed events of a note, or of a file with a JSON string a line.
///
/// # Errors
/// Exit 10 with the line that is no event.
pub(crate) fn events_of(name: &str, bytes: &[u8]) -> Result<Vec<Event>, Failure> {
    if FileKind::of(bytes) != Some(FileKind::Events) {
        let event = Event::parse(bytes).map_err(|refusal| {
            Failure::on(Exit::Malformed, name, &refusal)
                .next("`labelproof inspect` says what a file is")
        })?;
        return Ok(vec![event]);
    }
    let mut events = Vec::new();
    for (at, line) in bytes
        .split(|byte| *byte == b'\n')
        .enumerate()
        .filter(|(_, line)| !line.is_empty())
    {
        let place = format!("{name}, line {}", at + 1);
        let note: String = serde_json::from_slice(line)
            .map_err(|error| Failure::on(Exit::Malformed, &place, &error))?;
        events.push(
            Event::parse(note.as_bytes())
                .map_err(|refusal| Failure::on(Exit::Malformed, &place, &refusal))?,
        );
    }
    Ok(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_each_kind_by_its_beginning() {
        let cases: [(&str, Option<FileKind>); 11] = [
            ("labelproof-bundle/v1\n", Some(FileKind::Bundle)),
            ("c2sp.org/tlog-proof@v1\n", Some(FileKind::TlogProof)),
            ("labelproof-evidence/v1\n", Some(FileKind::Evidence)),
            ("labelproof-event/v1\n", Some(FileKind::Event)),
            ("\"labelproof-event/v1\\nlabels", Some(FileKind::Events)),
            ("PRIVATE+KEY+x", Some(FileKind::SigningKey)),
            ("{\"subject\":1}", Some(FileKind::Draft)),
            (
                "# a policy\n\nlog a+00000000+AA https://a.example\n",
                Some(FileKind::Policy),
            ),
            ("# trust\nversion = 1\n", Some(FileKind::Trust)),
            ("", None),
            ("hello\n", None),
        ];
        for (text, kind) in cases {
            assert_eq!(FileKind::of(text.as_bytes()), kind, "{text}");
        }
        assert_eq!(FileKind::of(&[0xff, 0xfe]), None);
    }
}
