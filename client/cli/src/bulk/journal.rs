//! What an earlier run signed, and what is known to be in the log.
//!
//! ```text
//! NAME.events.jsonl    signed notes, a JSON string a line; replaced in one synced step before any is sent
//! NAME.logged.jsonl    {"event":"<64 hex>","index":7}, a line for each whose proof held
//! ```
//! Only the first is precious. A line lost from the second costs a request: the log knows the event by its id.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{File, OpenOptions},
    io::{BufReader, Write},
    path::{Path, PathBuf},
};

use labelproof_core::{
    event::{Event, EventId, Kind, Subject},
    merkle::LeafIndex,
};
use labelproof_host::exit::Exit;
use serde::Deserialize;
use serde_json::json;

use crate::{
    report::Failure,
    table::Lines,
    world::{World, not_written},
};

/// A signed note.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) event: EventId,
    pub(crate) prev: Option<EventId>,
    pub(crate) text: String,
}

impl Signed {
    /// The note of an event.
    pub(crate) fn of(event: &Event) -> Self {
        Self {
            event: event.id(),
            prev: event.prev(),
            text: event.note().to_string(),
        }
    }

    /// The event as JSON, the third line of the note.
    pub(crate) fn json(&self) -> &str {
        self.text.lines().nth(2).unwrap_or_default()
    }
}

/// The signed notes beside a file, in the order in which they were signed.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    notes: BTreeMap<usize, Signed>,
    next: usize,
    by_subject: BTreeMap<(Kind, Subject), Vec<usize>>,
    is_changed: bool,
}

impl Journal {
    /// Reads what is there, perhaps nothing.
    ///
    /// # Errors
    /// Exit 10 with the line that is no signed event.
    pub(crate) fn open(path: &Path, world: &World) -> Result<Self, Failure> {
        let mut journal = Self {
            path: path.to_owned(),
            notes: BTreeMap::new(),
            next: 0,
            by_subject: BTreeMap::new(),
            is_changed: false,
        };
        if !world.exists(path)? {
            return Ok(journal);
        }
        let name = path.display();
        let file = File::open(path)
            .map_err(|error| Failure::new(Exit::Usage, format!("cannot read {name}: {error}")))?;
        for line in Lines::new(BufReader::new(file), MAX_NOTE_BYTES) {
            let line = line.map_err(|error| Failure::on(Exit::Internal, &name, &error))?;
            let place = format!("{name}, line {}", line.number);
            let bytes = line.bytes.unwrap_or_default();
            let note: String = serde_json::from_slice(&bytes)
                .map_err(|error| Failure::on(Exit::Malformed, &place, &error))?;
            let event = Event::parse(note.as_bytes())
                .map_err(|refusal| Failure::on(Exit::Malformed, &place, &refusal))?;
            journal.insert(&event);
        }
        Ok(journal)
    }

    /// The notes of this kind about a label, the newest first.
    pub(crate) fn about(&self, kind: Kind, subject: &Subject) -> Vec<&Signed> {
        let places = self.by_subject.get(&(kind, subject.clone()));
        let places = places.map_or(&[][..], Vec::as_slice);
        places
            .iter()
            .rev()
            .filter_map(|place| self.notes.get(place))
            .collect()
    }

    /// Adds a note.
    pub(crate) fn add(&mut self, event: &Event) -> Signed {
        self.is_changed = true;
        self.insert(event)
    }

    /// Takes a note of this kind about a label away that was never logged, so that nobody sends it by mistake.
    pub(crate) fn remove(&mut self, kind: Kind, subject: &Subject, event: EventId) {
        self.is_changed = true;
        let Some(places) = self.by_subject.get_mut(&(kind, subject.clone())) else {
            return;
        };
        let notes = &mut self.notes;
        places.retain(|place| {
            let is_it = notes.get(place).is_some_and(|note| note.event == event);
            if is_it {
                notes.remove(place);
            }
            !is_it
        });
    }

    /// Writes all notes in one durable step, if there are new ones.
    ///
    /// # Errors
    /// As [`World::write`].
    pub(crate) fn save(&mut self, world: &World) -> Result<(), Failure> {
        if !self.is_changed {
            return Ok(());
        }
        let mut bytes = Vec::new();
        for signed in self.notes.values() {
            bytes.extend_from_slice(json!(signed.text).to_string().as_bytes());
            bytes.push(b'\n');
        }
        world.write(&self.path, &bytes)?;
        self.is_changed = false;
        Ok(())
    }

    fn insert(&mut self, event: &Event) -> Signed {
        let signed = Signed::of(event);
        let key = (event.kind(), event.subject().clone());
        self.by_subject.entry(key).or_default().push(self.next);
        self.notes.insert(self.next, signed.clone());
        self.next += 1;
        signed
    }
}

/// Which events are in the log, as an earlier run saw proved.
#[derive(Debug)]
pub(crate) struct Logged {
    path: PathBuf,
    known: HashMap<EventId, LeafIndex>,
    file: Option<File>,
}

impl Logged {
    /// Reads what is there; a line that is cut off is none.
    pub(crate) fn open(path: &Path) -> Self {
        let mut known = HashMap::new();
        if let Ok(file) = File::open(path) {
            for line in Lines::new(BufReader::new(file), MAX_LOGGED_BYTES).map_while(Result::ok) {
                let read = serde_json::from_slice::<LoggedLine>(&line.bytes.unwrap_or_default());
                if let Ok(LoggedLine { event, index }) = read
                    && let Ok(event) = event.parse()
                {
                    known.insert(event, LeafIndex::new(index));
                }
            }
        }
        Self {
            path: path.to_owned(),
            known,
            file: None,
        }
    }

    /// Where an event is, if that was proved before.
    pub(crate) fn index(&self, event: EventId) -> Option<LeafIndex> {
        self.known.get(&event).copied()
    }

    /// Keeps that an event is in the log.
    ///
    /// # Errors
    /// Exit 1 or 2 if the file cannot be written.
    pub(crate) fn add(&mut self, event: EventId, index: LeafIndex) -> Result<(), Failure> {
        if self.known.insert(event, index).is_some() {
            return Ok(());
        }
        let failed = |error| not_written(&error);
        if self.file.is_none() {
            let file = OpenOptions::new()
                .create(true)
                .append(true)
                .open(&self.path);
            let mut file = file.map_err(failed)?;
            // A line that was cut off must not swallow the next one; an empty line is none.
            file.write_all(b"\n").map_err(failed)?;
            self.file = Some(file);
        }
        let line = format!(
            "{}\n",
            json!({ "event": event.to_string(), "index": index.get() })
        );
        let file = self.file.as_mut().expect("opened above");
        file.write_all(line.as_bytes()).map_err(failed)
    }
}

#[derive(Deserialize)]
struct LoggedLine {
    event: String,
    index: u64,
}

/// A note of 16 KiB as a JSON string of the longest form, six bytes for one.
const MAX_NOTE_BYTES: usize = 6 * (16 << 10) + 64;
/// An id and a number.
const MAX_LOGGED_BYTES: usize = 256;

#[cfg(test)]
mod tests {
    use labelproof_core::{
        event::{Draft, template},
        key::{KeyType, SigningKey},
        note::Note,
    };

    use super::*;

    /// A revocation of the label of the template that says this.
    fn event(text: &str) -> Event {
        let name = "label.jp.example".parse().unwrap();
        let key = SigningKey::from_seed(name, KeyType::Note, [7; 32]);
        let mut draft: serde_json::Value =
            serde_json::from_str(template(Kind::LabelRevoke)).unwrap();
        draft["reason"]["text"] = text.into();
        let draft = Draft::from_json(Kind::LabelRevoke, &draft.to_string()).unwrap();
        let text = draft.text(&"labels.g7.example".parse().unwrap(), None);
        let line = key.sign_note(&text);
        Event::parse(&Note::new(text, vec![line]).unwrap().to_bytes()).unwrap()
    }

    #[test]
    fn a_note_that_is_taken_away_leaves_the_others() {
        let dir = tempfile::tempdir().unwrap();
        let (path, world) = (dir.path().join("a.events.jsonl"), World::real(0));
        let (one, other) = (event("one"), event("other"));
        let (kind, subject) = (Kind::LabelRevoke, one.subject());
        let ids = |journal: &Journal| -> Vec<EventId> {
            let notes = journal.about(kind, subject);
            notes.iter().map(|signed| signed.event).collect()
        };
        let mut journal = Journal::open(&path, &world).unwrap();
        for event in [&one, &other, &one] {
            journal.add(event);
        }
        journal.remove(kind, subject, one.id());
        assert_eq!(ids(&journal), [other.id()]);
        journal.remove(Kind::LabelIssue, subject, other.id());
        journal.save(&world).unwrap();
        assert_eq!(ids(&Journal::open(&path, &world).unwrap()), [other.id()]);
    }
}
