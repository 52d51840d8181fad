//! Events in a file: CSV, or JSON lines; each is checked for all that can be known without the log.
//!
//! ```text
//! .csv .tsv .txt       a table: header of dotted paths, an event a row
//! .jsonl .ndjson       an event a line, as in a file for one label
//! ```
//! A wrong row keeps no other back; everything wrong with it that can be found is reported.

use std::{
    collections::{BTreeMap, HashSet},
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

use labelproof_core::{
    checkpoint::Origin,
    event::{Draft, Event, Kind, Subject, admission::admit, template},
    key::SigningKey,
    note::Note,
    refusal::Refusal,
    time::Time,
};
use labelproof_host::exit::Exit;
use serde_json::Value;

use super::{
    columns::Columns,
    fault::Fault,
    row::{self, Places},
};
use crate::{
    report::Failure,
    table::{Lines, MAX_ROW_BYTES, Row, Table, TableError},
};

/// A right row.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) line: u64,
    pub(crate) subject: Subject,
    /// The event without `kind` and `prev`, as JSON.
    pub(crate) draft: String,
    /// Where members came from that are numbered otherwise than the header.
    pub(crate) moved: Places,
}

/// What a file holds.
#[derive(Debug)]
pub(crate) struct Source {
    /// Right rows, in order.
    pub(crate) items: Vec<Item>,
    /// What is wrong, in order of lines.
    pub(crate) faults: Vec<Fault>,
    /// Rows with at least one fault.
    pub(crate) wrong_rows: usize,
    /// The header of a table; JSON lines have none.
    pub(crate) columns: Option<Columns>,
}

/// How rows are checked.
#[derive(Debug)]
pub(crate) struct Checker<'a> {
    pub(crate) kind: Kind,
    pub(crate) key: &'a SigningKey,
    pub(crate) origin: &'a Origin,
    pub(crate) now: Time,
}

impl Checker<'_> {
    /// Reads a whole file; `tick` hears of each row.
    ///
    /// # Errors
    /// A file that cannot be read, or whose header is wrong: nothing of it is used then.
    pub(crate) fn read(&self, path: &Path, tick: impl FnMut()) -> Result<Source, Failure> {
        let name = path.display();
        let file = File::open(path)
            .map_err(|error| Failure::new(Exit::Usage, format!("cannot read {name}: {error}")))?;
        let input = BufReader::with_capacity(READ_BYTES, file);
        match is_table(path) {
            true => self.table(&name.to_string(), input, tick),
            false => self.json_lines(&name.to_string(), input, tick),
        }
    }

    fn table(
        &self,
        name: &str,
        input: BufReader<impl Read>,
        mut tick: impl FnMut(),
    ) -> Result<Source, Failure> {
        let table = Table::open(input).map_err(|error| {
            Failure::on(Exit::Malformed, name, &error).next(format!(
                "`labelproof event new {} --csv` prints a table to fill in",
                self.kind
            ))
        })?;
        let columns = Columns::read(self.kind, table.header(), table.header_line())
            .map_err(|faults| wrong_header(name, &faults))?;
        let mut gathered = Gathered::default();
        for row in table {
            tick();
            match row {
                Ok(row) => {
                    let found = self.row(&columns, &row);
                    gathered.add(row.line(), found)?;
                }
                Err(error @ TableError::Io { .. }) => {
                    return Err(Failure::on(Exit::Internal, name, &error));
                }
                Err(error) => gathered.fail(vec![of_table(&error, &columns)]),
            }
        }
        Ok(gathered.source(Some(columns)))
    }

    fn json_lines(
        &self,
        name: &str,
        input: BufReader<impl Read>,
        mut tick: impl FnMut(),
    ) -> Result<Source, Failure> {
        let mut gathered = Gathered::default();
        for line in Lines::new(input, MAX_ROW_BYTES) {
            let line = line.map_err(|error| Failure::on(Exit::Internal, name, &error))?;
            let number = line.number;
            let Some(bytes) = line.bytes else {
                let what = format!("has more than {MAX_ROW_BYTES} bytes");
                gathered.fail(vec![Fault::new(number, "too-long", what)]);
                continue;
            };
            let bytes = match number {
                1 => bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes),
                _ => &bytes,
            };
            if bytes.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            tick();
            let found = match str::from_utf8(bytes) {
                Ok(text) => self.line(number, text),
                Err(_) => Err(vec![Fault::new(number, "not-utf-8", "is not UTF-8 text")]),
            };
            gathered.add(number, found)?;
        }
        Ok(gathered.source(None))
    }

    fn row(&self, columns: &Columns, row: &Row) -> Result<Item, Vec<Fault>> {
        let (value, places) = row::read(columns, row)?;
        let name = |column| columns.name(column).to_owned();
        let mut item = self.item(row.line(), value.to_string(), &places, &name)?;
        item.moved = places.moved(columns);
        Ok(item)
    }

    fn line(&self, line: u64, text: &str) -> Result<Item, Vec<Fault>> {
        self.item(line, text.trim().to_owned(), &Places::default(), &|_| {
            String::new()
        })
    }

    fn item(
        &self,
        line: u64,
        draft: String,
        places: &Places,
        name: &dyn Fn(usize) -> String,
    ) -> Result<Item, Vec<Fault>> {
        match self.check(&draft) {
            Ok(subject) => Ok(Item {
                line,
                subject,
                draft,
                moved: Places::default(),
            }),
            Err(first) => Err(self.everything_wrong(line, &draft, first, places, name)),
        }
    }

    /// Everything that the finished event would be refused for, whatever the log holds.
    fn check(&self, draft: &str) -> Result<Subject, Refusal> {
        let draft = Draft::from_json(self.kind, draft)?;
        let text = draft.text(self.origin, None);
        let line = self.key.sign_note(&text);
        let note = Note::new(text, vec![line]).expect("a text of three lines and one signature");
        let event = Event::parse(&note.to_bytes())?;
        admit(&event, self.now)?;
        Ok(event.subject().clone())
    }

    /// The first refusal, and what shows when the wrong member is replaced by a right one, and so on.
    fn everything_wrong(
        &self,
        line: u64,
        draft: &str,
        first: Refusal,
        places: &Places,
        name: &dyn Fn(usize) -> String,
    ) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut value: Value = serde_json::from_str(draft).unwrap_or_default();
        let template: Value =
            serde_json::from_str(template(self.kind)).expect("a template is JSON");
        let subject = value["subject"].as_str().map(str::to_owned);
        let mut repaired = HashSet::new();
        let mut next = Some(first);
        while let Some(refusal) = next.take() {
            let pointer = match (refusal.pointer(), &refusal) {
                (Some(pointer), _) => Some(pointer.as_str().to_owned()),
                (None, Refusal::DecidedInFuture) => Some("/decided_at".to_owned()),
                (None, _) => None,
            };
            // What is compared with a member that was replaced says nothing any more.
            let compared = COMPARED
                .iter()
                .any(|(one, with)| pointer.as_deref() == Some(*one) && repaired.contains(*with));
            if compared {
                break;
            }
            let found = pointer.as_deref().and_then(|pointer| places.find(pointer));
            let mut fault = Fault::new(line, refusal.code(), what(&refusal, found.map(|it| it.1)));
            fault.subject.clone_from(&subject);
            fault = match (found, &pointer) {
                (Some((column, _)), _) => fault.at(Some(column), name(column)),
                (None, Some(pointer)) if !pointer.is_empty() => fault.at(None, pointer.as_str()),
                _ => fault,
            };
            faults.push(fault);
            let place = match (found, pointer) {
                (Some((_, place)), _) => place.to_owned(),
                (None, Some(pointer)) => pointer,
                (None, None) => break,
            };
            if faults.len() >= MAX_FAULTS_A_ROW || !repair(&mut value, &place, &template) {
                break;
            }
            if !repaired.insert(place) {
                faults.pop();
                break;
            }
            next = self.check(&value.to_string()).err();
        }
        faults
    }
}

/// Members that are compared with others.
const COMPARED: [(&str, &str); 6] = [
    ("/body/native_id", "/subject"),
    ("/body/supersedes", "/subject"),
    ("/body/valid_until", "/body/valid_from"),
    ("/effective_until", "/effective_from"),
    ("/effective_until", "/decided_at"),
    ("/decided_at", "/decided_at"),
];

/// Puts what the template has in place of a wrong member, or nothing.
fn repair(value: &mut Value, pointer: &str, template: &Value) -> bool {
    let (above, name) = pointer.rsplit_once('/').unwrap_or_default();
    if name.is_empty() {
        return false;
    }
    // Every element of a list may be as the template's first.
    let plain: Vec<&str> = pointer
        .split('/')
        .map(|step| match step.parse::<usize>() {
            Ok(_) => "0",
            Err(_) => step,
        })
        .collect();
    let right = template.pointer(&plain.join("/"));
    match (value.pointer_mut(above), right) {
        (Some(Value::Object(members)), Some(right)) => {
            members.insert(name.to_owned(), right.clone());
            true
        }
        (Some(Value::Object(members)), None) => members.remove(name).is_some(),
        // One element less or another could be wrong in itself: the whole list.
        (Some(Value::Array(_)), _) => repair(value, above, template),
        _ => false,
    }
}

/// The refusal without the place, which is said otherwise; an element of a list in a cell is counted from 1.
fn what(refusal: &Refusal, place: Option<&str>) -> String {
    let said = refusal.to_string();
    let Some(pointer) = refusal.pointer() else {
        return said;
    };
    let why = said
        .strip_prefix(&format!("{pointer}: "))
        .unwrap_or(&said)
        .to_owned();
    let below = place.and_then(|place| pointer.as_str().strip_prefix(place));
    let element = below.and_then(|rest| rest.strip_prefix('/'));
    match element {
        None => why,
        Some(rest) => match rest.parse::<usize>() {
            Ok(number) => format!("element {} of the list: {why}", number + 1),
            Err(_) => format!("{rest}: {why}"),
        },
    }
}

fn of_table(error: &TableError, columns: &Columns) -> Fault {
    let code = match error {
        TableError::TooLong { .. } => "too-long",
        TableError::NotUtf8 { .. } => "not-utf-8",
        TableError::Unclosed { .. } | TableError::AfterQuote { .. } => "bad-quote",
        _ => "bad-row",
    };
    let said = error.to_string();
    // The place is said by the fault itself.
    let what = match error {
        TableError::TooLong { .. } | TableError::Cells { .. } => said
            .split_once(" has ")
            .map(|(_, rest)| format!("has {rest}")),
        _ => said.split_once(": ").map(|(_, rest)| rest.to_owned()),
    };
    let fault = Fault::new(error.line().unwrap_or_default(), code, what.unwrap_or(said));
    match error.column() {
        Some(column) => fault.at(Some(column - 1), columns.name(column - 1)),
        None => fault,
    }
}

fn wrong_header(name: &str, faults: &[Fault]) -> Failure {
    let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let listed: Vec<Value> = faults.iter().map(Fault::json).collect();
    Failure::new(
        Exit::Malformed,
        format!("{name}: the header is wrong\n  {}", said.join("\n  ")),
    )
    .next("mend the header and run again; nothing was signed or sent")
    .with(serde_json::json!({ "faults": listed }))
}

/// Rows as they come in.
#[derive(Debug, Default)]
struct Gathered {
    items: Vec<Item>,
    faults: Vec<Fault>,
    wrong_rows: usize,
    lines: BTreeMap<Subject, u64>,
}

impl Gathered {
    fn add(&mut self, line: u64, found: Result<Item, Vec<Fault>>) -> Result<(), Failure> {
        match found {
            Err(faults) => self.fail(faults),
            Ok(item) => match self.lines.get(&item.subject) {
                Some(before) => {
                    let what = format!(
                        "{} is in line {before} already; a file has one event for each label",
                        item.subject
                    );
                    let fault = Fault::new(line, "repeated", what).about(item.subject.to_string());
                    self.fail(vec![fault]);
                }
                None => {
                    self.lines.insert(item.subject.clone(), line);
                    self.items.push(item);
                }
            },
        }
        if self.items.len() > MAX_ROWS {
            let what = format!("more than {MAX_ROWS} events");
            return Err(Failure::new(Exit::Usage, what).next("cut the file into smaller ones"));
        }
        Ok(())
    }

    fn fail(&mut self, faults: Vec<Fault>) {
        self.wrong_rows += 1;
        if self.faults.len() < MAX_FAULTS {
            self.faults.extend(faults);
        }
    }

    fn source(self, columns: Option<Columns>) -> Source {
        Source {
            items: self.items,
            faults: self.faults,
            wrong_rows: self.wrong_rows,
            columns,
        }
    }
}

/// Whether a file holds many events, by its ending.
pub(crate) fn holds_many(path: &Path) -> bool {
    is_table(path) || ending(path).is_some_and(|ending| matches!(&*ending, "jsonl" | "ndjson"))
}

fn is_table(path: &Path) -> bool {
    ending(path).is_some_and(|ending| matches!(&*ending, "csv" | "tsv" | "txt"))
}

fn ending(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_ascii_lowercase())
}

/// More faults in one row are one: it is shifted, or of another table.
const MAX_FAULTS_A_ROW: usize = 16;
/// A list that nobody reads to its end; the rows behind it are counted only.
const MAX_FAULTS: usize = 100_000;
/// All labels of a large scheme; with 5 KiB each they fill a gigabyte of memory.
const MAX_ROWS: usize = 200_000;
const READ_BYTES: usize = 1 << 16;
