//! Columns of a table of events: dotted paths into an event of one kind.
//!
//! ```text
//! subject   decided_at   reason.code   body.level   body.gtins   body.models.0.number   body.models.1.number
//! ```
//! A number is a place in a list. Everything wrong with a header is found at once: unknown, repeated and
//! missing columns, and two that say the same. What stands in the cells is for `row`.

use std::collections::HashSet;

use labelproof_core::event::Kind;

use super::fault::Fault;
use crate::schema::{Node, Shape};

/// One step of a dotted path.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Step {
    Member(String),
    Element(usize),
}

/// What a column holds.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) path: Vec<Step>,
    pub(crate) node: Node,
}

/// The header of a table, understood.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    names: Vec<String>,
    /// `None` under an empty name, where every cell must be empty.
    columns: Vec<Option<Column>>,
    root: Node,
}

impl Columns {
    /// Understands a header at `line`.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub(crate) fn read(kind: Kind, header: &[String], line: u64) -> Result<Self, Vec<Fault>> {
        let root = Node::of(kind);
        let mut faults = Vec::new();
        let mut columns: Vec<Option<Column>> = Vec::new();
        for (at, name) in header.iter().enumerate() {
            let fault = |code, what| Fault::new(line, code, what).at(Some(at), name);
            let found = match name.as_str() {
                "" => {
                    columns.push(None);
                    continue;
                }
                "kind" => Err("is given by the command; leave the column out".to_owned()),
                "prev" => Err("is asked of the log; leave the column out".to_owned()),
                _ => resolve(root, name).ok_or_else(|| match nearest(kind, name) {
                    Some(nearest) => format!("no such column; did you mean {nearest}?"),
                    None => format!(
                        "no such column; `labelproof event new {kind} --csv` prints those there are"
                    ),
                }),
            };
            let column = match found {
                Ok(column) => Some(column),
                Err(what) => {
                    faults.push(fault("unknown-column", what));
                    None
                }
            };
            if let Some(column) = &column {
                for (before, other) in columns.iter().enumerate() {
                    if let Some(why) = other.as_ref().and_then(|other| clash(other, column)) {
                        faults.push(fault(
                            "repeated-column",
                            format!("{why} as column {} ({})", before + 1, header[before]),
                        ));
                    }
                }
            }
            columns.push(column);
        }
        let paths: Vec<&[Step]> = columns.iter().flatten().map(|it| &*it.path).collect();
        let mut missing = Vec::new();
        find_missing(root, &mut Vec::new(), &paths, &mut missing);
        faults.extend(missing.into_iter().map(|name| {
            let what = format!("there is no column {name}, and every {kind} needs it");
            Fault::new(line, "missing-column", what).at(None, name)
        }));
        match faults.is_empty() {
            true => Ok(Self {
                names: header.to_vec(),
                columns,
                root,
            }),
            false => Err(faults),
        }
    }

    /// What each column holds.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Option<&Column>> {
        self.columns.iter().map(Option::as_ref)
    }

    /// The shape of the whole event.
    pub(crate) fn root(&self) -> Node {
        self.root
    }

    /// The name of a column, counted from 0.
    pub(crate) fn name(&self, column: usize) -> &str {
        self.names.get(column).map_or("", String::as_str)
    }

    /// The column of this name, or the first one below it.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        let exact = self.names.iter().position(|other| other == name);
        let below = |other: &String| {
            other
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('.'))
        };
        exact.or_else(|| self.names.iter().position(below))
    }

    /// The column that a member of the event came from, if its rows are numbered as the header is.
    pub(crate) fn of_pointer(&self, pointer: &str) -> Option<usize> {
        let mut name = pointer.trim_start_matches('/').replace('/', ".");
        // Up from the member to the object or list that has a column.
        loop {
            if let Some(at) = self.names.iter().position(|other| *other == name) {
                return Some(at);
            }
            name.truncate(name.rfind('.')?);
        }
    }
}

/// Follows a dotted path.
fn resolve(root: Node, name: &str) -> Option<Column> {
    let mut node = root;
    let mut path = Vec::new();
    for step in name.split('.') {
        node = match node.shape() {
            Shape::List => {
                let is_number = step == "0" || !step.starts_with('0');
                let place: usize = step.parse().ok().filter(|place| *place < MAX_PLACES)?;
                path.push(Step::Element(place));
                node.element().filter(|_| is_number)?
            }
            _ => {
                path.push(Step::Member(step.to_owned()));
                node.member(step)?
            }
        };
    }
    // An empty object is said by no column at all.
    let holds_something = node.shape() != Shape::Object || node.members().next().is_some();
    holds_something.then_some(Column { path, node })
}

/// Why two columns cannot stand in one table.
fn clash(one: &Column, other: &Column) -> Option<&'static str> {
    if one.path == other.path {
        return Some("is the same");
    }
    let (short, long) = match one.path.len() < other.path.len() {
        true => (one, other),
        false => (other, one),
    };
    // A word or an object, such as `any` or a list of versions: each row has one of them.
    let inside = long.path.starts_with(&short.path) && short.node.shape() != Shape::Choice;
    inside.then_some("says a part of the same")
}

/// Collects the required members that no column can give.
fn find_missing(node: Node, path: &mut Vec<Step>, paths: &[&[Step]], missing: &mut Vec<String>) {
    for (name, member) in node.required() {
        path.push(Step::Member(name.to_owned()));
        find_missing_at(member, path, paths, missing);
        path.pop();
    }
    // An object that may be left out, but is begun, must be whole.
    for (name, member) in node.members() {
        path.push(Step::Member(name.to_owned()));
        let is_begun = paths
            .iter()
            .any(|other| other.len() > path.len() && other.starts_with(path));
        if is_begun && !node.required().any(|(other, _)| other == name) {
            find_missing_at(member, path, paths, missing);
        }
        path.pop();
    }
}

fn find_missing_at(node: Node, path: &mut Vec<Step>, paths: &[&[Step]], missing: &mut Vec<String>) {
    if paths.contains(&&**path) {
        return;
    }
    let below: Vec<&Step> = paths
        .iter()
        .filter(|other| other.len() > path.len() && other.starts_with(path))
        .map(|other| &other[path.len()])
        .collect();
    match node.shape() {
        Shape::Choice if !below.is_empty() => {}
        _ if below.is_empty() && node.default().is_some() => {}
        Shape::Object => find_missing(node, path, paths, missing),
        Shape::List => {
            let Some(element) = node.element() else {
                return;
            };
            if element.shape() != Shape::Object {
                if below.is_empty() {
                    missing.push(written(path));
                }
                return;
            }
            let first = Step::Element(0);
            let mut places: Vec<&Step> = if below.is_empty() {
                vec![&first]
            } else {
                below
            };
            places.sort();
            places.dedup();
            for place in places {
                path.push(place.clone());
                find_missing(element, path, paths, missing);
                path.pop();
            }
        }
        _ => missing.push(written(path)),
    }
}

/// A path with dots.
pub(crate) fn written(path: &[Step]) -> String {
    let steps: Vec<String> = path
        .iter()
        .map(|step| match step {
            Step::Member(name) => name.clone(),
            Step::Element(place) => place.to_string(),
        })
        .collect();
    steps.join(".")
}

/// The column whose name is most like this one, with the numbers of this one.
fn nearest(kind: Kind, name: &str) -> Option<String> {
    let numbers: Vec<&str> = name.split('.').filter(|step| is_place(step)).collect();
    let plain = with_numbers(&name.to_lowercase(), &mut std::iter::empty());
    let mut known = HashSet::new();
    collect(Node::of(kind), String::new(), &mut known);
    let (distance, nearest) = known
        .iter()
        .map(|other| (strsim::damerau_levenshtein(other, &plain), other))
        .min()?;
    // A name without its beginning is what people write most often.
    let at_end = |other: &&String| {
        other
            .strip_suffix(&plain)
            .is_some_and(|rest| rest.ends_with('.'))
    };
    let nearest = match known.iter().filter(at_end).min() {
        Some(whole) => whole,
        None if distance <= (plain.len() / 3).max(1) => nearest,
        None => return None,
    };
    Some(with_numbers(nearest, &mut numbers.into_iter()))
}

fn is_place(step: &str) -> bool {
    !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit())
}

/// The name with each number replaced by the next of `numbers`, else by 0.
fn with_numbers<'a>(name: &str, numbers: &mut impl Iterator<Item = &'a str>) -> String {
    let steps: Vec<&str> = name
        .split('.')
        .map(|step| match is_place(step) {
            true => numbers.next().unwrap_or("0"),
            false => step,
        })
        .collect();
    steps.join(".")
}

/// Every column of a kind, lists of objects with place 0.
fn collect(node: Node, name: String, known: &mut HashSet<String>) {
    let below = |step: &str| match name.is_empty() {
        true => step.to_owned(),
        false => format!("{name}.{step}"),
    };
    match node.shape() {
        Shape::Object | Shape::Choice => {
            for (member, node) in node
                .members()
                .filter(|(member, _)| !NOT_HERE.contains(member))
            {
                collect(node, below(member), known);
            }
        }
        Shape::List => {
            if let Some(element) = node.element().filter(|it| it.shape() == Shape::Object) {
                collect(element, below("0"), known);
            }
        }
        Shape::Text | Shape::Integer | Shape::Boolean => {}
    }
    if !name.is_empty() && node.shape() != Shape::Object {
        known.insert(name);
    }
}

/// Given by the command and by the log.
const NOT_HERE: [&str; 2] = ["kind", "prev"];
/// As many models as a label may have.
const MAX_PLACES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(kind: Kind, header: &str) -> Vec<String> {
        let header: Vec<String> = header.split(',').map(str::to_owned).collect();
        match Columns::read(kind, &header, 1) {
            Ok(_) => Vec::new(),
            Err(faults) => faults.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn a_header_that_says_enough_is_taken() {
        for (kind, header) in [
            (Kind::LabelRevoke, "subject,decided_at,reason.code"),
            (Kind::LabelRevoke, "reason,decided_at,subject,"),
            (Kind::LabelRenew, "subject,decided_at"),
            (Kind::LabelBind, "subject,decided_at,body.gtins"),
            (Kind::LabelBind, "subject,decided_at,body.models.3.number"),
            (Kind::LabelBind, "subject,decided_at,body"),
            (
                Kind::LabelSuspend,
                "subject,decided_at,reason.code,body.validity_effect,evidence.0.sha256,evidence.0.access",
            ),
        ] {
            assert_eq!(faults(kind, header), [""; 0], "{header}");
        }
    }

    #[test]
    fn everything_wrong_with_a_header_is_named() {
        for (header, want) in [
            (
                "subject,reason.code",
                "line 1, decided_at: there is no column decided_at, and every label.suspend needs it",
            ),
            (
                "subject,decided_at,reason.cod,reason.code,body.validity_effect",
                "line 1, column 3 (reason.cod): no such column; did you mean reason.code?",
            ),
            (
                "subject,decided_at,reason.code,validity_effect",
                "line 1, column 4 (validity_effect): no such column; did you mean body.validity_effect?",
            ),
            (
                "Subject,decided_at,reason.code,body.validity_effect",
                "line 1, column 1 (Subject): no such column; did you mean subject?",
            ),
            (
                "subject,decided_at,reason.code,body.validity_effect,price of tea in",
                "line 1, column 5 (price of tea in): no such column; `labelproof event new label.suspend --csv` prints those there are",
            ),
            (
                "subject,decided_at,reason.code,body.validity_effect,subject",
                "line 1, column 5 (subject): is the same as column 1 (subject)",
            ),
            (
                "subject,decided_at,reason,body.validity_effect,reason.code",
                "line 1, column 5 (reason.code): says a part of the same as column 3 (reason)",
            ),
            (
                "kind,subject,decided_at,reason.code,body.validity_effect",
                "line 1, column 1 (kind): is given by the command; leave the column out",
            ),
            (
                "subject,decided_at,reason.code,body.validity_effect,evidence.0.uri",
                "line 1, evidence.0.access: there is no column evidence.0.access",
            ),
            (
                "subject,decided_at,reason.code,body.validity_effect,evidence.01.uri",
                "line 1, column 5 (evidence.01.uri): no such column",
            ),
        ] {
            let found = faults(Kind::LabelSuspend, header);
            assert!(
                found.iter().any(|fault| fault.starts_with(want)),
                "{want}\n{found:#?}"
            );
        }
    }
}
