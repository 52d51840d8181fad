//! Rows on their way into the log, and what became of each.

use labelproof_core::{
    event::{EventId, Kind, Subject},
    merkle::LeafIndex,
};
use labelproof_host::exit::Exit;
use serde_json::Value;

use super::{columns::Columns, fault::Fault, journal::Signed, source::Item};

/// A right row of the file.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) item: Item,
    pub(crate) signed: Option<Signed>,
    pub(crate) fate: Fate,
}

/// What became of a row.
#[derive(Debug)]
pub(crate) enum Fate {
    /// Nothing yet.
    Open,
    /// An earlier run saw it proved.
    Before(LeafIndex),
    /// It is in the log; the log says it was before.
    Known(LeafIndex),
    /// It is in the log since now.
    Added(LeafIndex),
    /// The log would take it.
    Accepted,
    /// It is signed, and nobody was asked to take it.
    Kept,
    Failed(Fault),
}

impl Entry {
    /// A row that nothing was done for.
    pub(crate) fn new(item: Item) -> Self {
        Self {
            item,
            signed: None,
            fate: Fate::Open,
        }
    }

    /// The event's id, once it is signed.
    pub(crate) fn event(&self) -> Option<EventId> {
        self.signed.as_ref().map(|signed| signed.event)
    }

    pub(crate) fn subject(&self) -> &Subject {
        &self.item.subject
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.fate, Fate::Open)
    }

    /// Ends the row with a fault.
    pub(crate) fn fail(&mut self, code: &str, exit: Exit, what: impl Into<String>) {
        let fault = Fault::new(self.item.line, code, what)
            .about(self.item.subject.to_string())
            .exit(exit);
        self.fate = Fate::Failed(fault);
    }

    /// Ends the row with a fault of one of its cells.
    pub(crate) fn fail_at(
        &mut self,
        columns: Option<&Columns>,
        pointer: Option<&str>,
        code: &str,
        exit: Exit,
        what: impl Into<String>,
    ) {
        self.fail(code, exit, what);
        let (Fate::Failed(fault), Some(pointer)) = (&mut self.fate, pointer) else {
            return;
        };
        let moved = self.item.moved.find(pointer).map(|(column, _)| column);
        let column = |columns: &Columns| moved.or_else(|| columns.of_pointer(pointer));
        let column = columns.and_then(|columns| Some((columns, column(columns)?)));
        let (at, name) = match column {
            Some((columns, at)) => (Some(at + 1), columns.name(at).to_owned()),
            None => (None, pointer.to_owned()),
        };
        fault.column = at;
        fault.name = Some(name);
    }
}

/// The first member in which a signed event and the row differ, as a JSON pointer.
pub(crate) fn difference(signed: &Signed, draft: &str) -> Option<String> {
    let mut before: Value = serde_json::from_str(signed.json()).ok()?;
    let now: Value = serde_json::from_str(draft).ok()?;
    let members = before.as_object_mut()?;
    members.remove("kind");
    members.remove("prev");
    differ(&before, &now, String::new())
}

fn differ(one: &Value, other: &Value, at: String) -> Option<String> {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.keys().chain(other.keys()).find_map(|name| {
                let null = Value::Null;
                let (a, b) = (one.get(name), other.get(name));
                differ(
                    a.unwrap_or(&null),
                    b.unwrap_or(&null),
                    format!("{at}/{name}"),
                )
            })
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => one
            .iter()
            .zip(other)
            .enumerate()
            .find_map(|(place, (a, b))| differ(a, b, format!("{at}/{place}"))),
        _ => (one != other).then_some(at),
    }
}

/// Whether the event follows another, whose id only the log knows.
pub(crate) fn follows(kind: Kind) -> bool {
    !kind.opens_subject() && !kind.may_be_blind()
}
