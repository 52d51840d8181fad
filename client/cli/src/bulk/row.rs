//! One row of a table as an event: cells become members by the shapes of their columns.
//!
//! ```text
//! a;b;c                 a list of words, in a cell          [] {}   a cell with JSON
//! (empty)               the member is absent; a list that must be there is empty
//! '=x                   the text =x; without the apostrophe it is a formula, and refused
//! 4006381333931         a product number of 8, 12, 13 or 14 digits gets zeroes in front
//! ```
//! Spaces around a cell do not count. Whether a value is right is for `core` to say; [`Places`] then tells
//! which cell it was.

use std::collections::BTreeMap;

use labelproof_core::event::Gtin14;
use serde_json::{Map, Value};

use super::{
    cell,
    columns::{Columns, Step, written},
    fault::Fault,
};
use crate::{
    schema::{Node, Shape},
    table::{Row, is_formula},
};

/// Which column, counted from 0, a member came from, by its JSON pointer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places(Vec<(String, usize)>);

impl Places {
    /// The column of the member, or of the one it is part of, and that one's pointer.
    pub(crate) fn find(&self, pointer: &str) -> Option<(usize, &str)> {
        let holds = |at: &str| {
            pointer
                .strip_prefix(at)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let found = self.0.iter().find(|(at, _)| holds(at));
        found.map(|(at, column)| (*column, at.as_str()))
    }

    /// Those that are numbered otherwise than the header is: elements behind one whose cells are empty.
    pub(crate) fn moved(self, columns: &Columns) -> Self {
        let is_moved = |(pointer, column): &(String, usize)| {
            let mut steps = pointer.split('/');
            steps.any(|step| step.parse::<usize>().is_ok())
                && columns.of_pointer(pointer) != Some(*column)
        };
        Self(self.0.into_iter().filter(is_moved).collect())
    }
}

/// Reads a row as an event without `kind` and `prev`.
///
/// # Errors
/// Everything wrong that the cells show by themselves.
pub(crate) fn read(columns: &Columns, row: &Row) -> Result<(Value, Places), Vec<Fault>> {
    let mut faults = Vec::new();
    let mut tree = Tree::default();
    for (at, (column, cell)) in columns.iter().zip(row.cells()).enumerate() {
        let cell = cell.trim();
        if cell.is_empty() {
            continue;
        }
        let mut fail = |code, what: String| {
            faults.push(Fault::new(row.line(), code, what).at(Some(at), columns.name(at)));
        };
        let Some(column) = column else {
            fail("unknown-column", "a cell under no name".to_owned());
            continue;
        };
        match value_of(column.node, cell) {
            Err((code, what)) => fail(code, what),
            Ok(value) => {
                if let Err(other) = tree.insert(&column.path, at, value) {
                    let what = format!("says the same as column {} of this row", other + 1);
                    fail("bad-cell", what);
                }
            }
        }
    }
    let mut growing = Growing {
        places: Places::default(),
        missing: Vec::new(),
    };
    let value = growing.object(&tree.0, columns.root(), "", &mut Vec::new());
    for name in growing.missing {
        let column = columns.find(&name);
        // A cell that is filled, and wrong, was named already.
        let is_named = |fault: &Fault| fault.column == column.map(|column| column + 1);
        if column.is_none() || !faults.iter().any(is_named) {
            let what = format!("is empty, and {name} must be there");
            let fault = Fault::new(row.line(), "empty-cell", what);
            faults.push(match column {
                Some(at) => fault.at(column, columns.name(at)),
                None => fault.at(None, name),
            });
        }
    }
    match faults.is_empty() {
        true => Ok((value, growing.places)),
        false => Err(faults),
    }
}

/// What a cell says, by the shape of its column.
fn value_of(node: Node, cell: &str) -> Result<Value, (&'static str, String)> {
    if is_formula(cell) {
        let what = format!(
            "begins with {:?}, as a formula does; if the text does begin so, put an apostrophe before it",
            cell.chars().next().unwrap_or_default()
        );
        return Err(("formula", what));
    }
    // The apostrophe with which spreadsheets mark a text.
    let cell = match cell.strip_prefix('\'') {
        Some(text) if is_formula(text) => text,
        _ => cell,
    };
    let json = |open: char| match cell.starts_with(open) {
        true => Some(cell::read(cell).map_err(|error| {
            let what = match error.is_data() {
                true => format!("is JSON in which {error}"),
                false => format!("begins as JSON and is none: {error}"),
            };
            ("bad-cell", what)
        })),
        false => None,
    };
    match node.shape() {
        Shape::Text => Ok(Value::String(text_of(node, cell))),
        Shape::Integer => match cell.parse::<u64>() {
            Ok(number) => Ok(Value::from(number)),
            Err(_) => Err(("bad-cell", "is not a whole number".to_owned())),
        },
        Shape::Boolean => match cell.to_ascii_lowercase().as_str() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(("bad-cell", "is neither true nor false".to_owned())),
        },
        Shape::Choice => json('{').unwrap_or_else(|| Ok(Value::String(cell.to_owned()))),
        Shape::Object => json('{').unwrap_or_else(|| {
            let what =
                "must be JSON here; or give each member a column of its own, such as reason.code";
            Err(("bad-cell", what.to_owned()))
        }),
        Shape::List => json('[').unwrap_or_else(|| list_of(node, cell)),
    }
}

/// Words with `;` between them; one at the end does not count.
fn list_of(node: Node, cell: &str) -> Result<Value, (&'static str, String)> {
    let element = node.element().filter(|it| it.shape() == Shape::Text);
    let Some(element) = element else {
        let what = "must be JSON here; or give each element columns of its own, such as body.models.0.number";
        return Err(("bad-cell", what.to_owned()));
    };
    let words: Vec<&str> = cell
        .strip_suffix(';')
        .unwrap_or(cell)
        .split(';')
        .map(str::trim)
        .collect();
    if let Some(at) = words.iter().position(|word| word.is_empty()) {
        return Err((
            "bad-cell",
            format!("element {} of the list is empty", at + 1),
        ));
    }
    Ok(words
        .into_iter()
        .map(|word| Value::String(text_of(element, word)))
        .collect())
}

/// A text; a product number with the zeroes that a spreadsheet took from its beginning.
fn text_of(node: Node, text: &str) -> String {
    match Gtin14::from_digits(text) {
        Ok(gtin) if node.is_gtin() => gtin.to_string(),
        _ => text.to_owned(),
    }
}

/// Cells by the steps of their columns.
#[derive(Debug, Default)]
struct Tree(BTreeMap<Step, Branch>);

#[derive(Debug)]
enum Branch {
    Cell { column: usize, value: Value },
    Below(Tree),
}

impl Tree {
    /// Puts a cell in its place; the column of one that is there already is the error.
    fn insert(&mut self, path: &[Step], column: usize, value: Value) -> Result<(), usize> {
        let (first, rest) = path.split_first().expect("a column has a name");
        let taken = self.0.get(first).and_then(Branch::first_column);
        if rest.is_empty() {
            if let Some(column) = taken {
                return Err(column);
            }
            self.0.insert(first.clone(), Branch::Cell { column, value });
            return Ok(());
        }
        let below = self.0.entry(first.clone());
        match below.or_insert_with(|| Branch::Below(Self::default())) {
            Branch::Cell { column, .. } => Err(*column),
            Branch::Below(tree) => tree.insert(rest, column, value),
        }
    }
}

impl Branch {
    fn first_column(&self) -> Option<usize> {
        match self {
            Self::Cell { column, .. } => Some(*column),
            Self::Below(tree) => tree.0.values().find_map(Self::first_column),
        }
    }
}

/// Makes an event of a tree, and keeps where each cell went and what was missing.
struct Growing {
    places: Places,
    missing: Vec<String>,
}

impl Growing {
    fn value(&mut self, branch: &Branch, node: Node, at: &str, path: &mut Vec<Step>) -> Value {
        match branch {
            Branch::Cell { column, value } => {
                self.places.0.push((at.to_owned(), *column));
                value.clone()
            }
            Branch::Below(tree) if node.shape() == Shape::List => {
                let element = node.element().expect("a list has elements");
                let elements = tree.0.iter().enumerate().map(|(place, (step, branch))| {
                    path.push(step.clone());
                    let value = self.value(branch, element, &format!("{at}/{place}"), path);
                    path.pop();
                    value
                });
                elements.collect()
            }
            Branch::Below(tree) => self.object(&tree.0, node, at, path),
        }
    }

    fn object(
        &mut self,
        members: &BTreeMap<Step, Branch>,
        node: Node,
        at: &str,
        path: &mut Vec<Step>,
    ) -> Value {
        let mut object = Map::new();
        for (step, branch) in members {
            let Step::Member(name) = step else { continue };
            let member = node.member(name).expect("a column follows the schema");
            path.push(step.clone());
            let value = self.value(branch, member, &format!("{at}/{name}"), path);
            path.pop();
            object.insert(name.clone(), value);
        }
        // Of a choice only what was chosen is there.
        for (name, member) in node.required().filter(|_| node.shape() == Shape::Object) {
            if object.contains_key(name) {
                continue;
            }
            match member.default() {
                Some(value) => {
                    object.insert(name.to_owned(), value);
                }
                None => {
                    path.push(Step::Member(name.to_owned()));
                    self.miss(member, path);
                    path.pop();
                }
            }
        }
        Value::Object(object)
    }

    /// Names what must be filled in for a member that is not there.
    fn miss(&mut self, node: Node, path: &mut Vec<Step>) {
        let (node, pushed) = match (node.shape(), node.element()) {
            (Shape::List, Some(element)) if element.shape() == Shape::Object => {
                path.push(Step::Element(0));
                (element, true)
            }
            _ => (node, false),
        };
        if node.shape() == Shape::Object {
            for (name, member) in node.required() {
                if member.default().is_none() {
                    path.push(Step::Member(name.to_owned()));
                    self.miss(member, path);
                    path.pop();
                }
            }
        } else {
            self.missing.push(written(path));
        }
        if pushed {
            path.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use labelproof_core::event::Kind;
    use serde_json::json;

    use super::*;
    use crate::table::Table;

    fn rows(kind: Kind, text: &str) -> Vec<Result<Value, Vec<String>>> {
        let table = Table::open(text.as_bytes()).unwrap();
        let columns = Columns::read(kind, table.header(), 1).unwrap();
        table
            .map(|row| match read(&columns, &row.unwrap()) {
                Ok((value, _)) => Ok(value),
                Err(faults) => Err(faults.iter().map(ToString::to_string).collect()),
            })
            .collect()
    }

    #[test]
    fn cells_become_members_by_the_shape_of_their_columns() {
        let text = "subject,decided_at,body.gtins,body.models.0.number,body.models.0.hw,body.models.1.number\n\
                    a,b,9521234001010; 09521234001027;,M-1,A1;A2,\n\
                    a,b,,,,M-2\n\
                    a,b,\"[\"\"x\"\"]\",,,\n";
        let with = |gtins: Value, models: Value| {
            let body = json!({ "gtins": gtins, "models": models });
            Ok(json!({ "subject": "a", "decided_at": "b", "body": body }))
        };
        assert_eq!(
            rows(Kind::LabelBind, text),
            [
                with(
                    json!(["09521234001010", "09521234001027"]),
                    json!([{ "number": "M-1", "hw": ["A1", "A2"] }])
                ),
                // Places close up, and lists that must be there are empty.
                with(json!([]), json!([{ "number": "M-2", "hw": [] }])),
                with(json!(["x"]), json!([])),
            ]
        );
    }

    #[test]
    fn elements_behind_an_empty_one_keep_their_columns() {
        let text = "subject,decided_at,body.gtins,body.models.0.number,body.models.1.number\n\
                    a,b,,M-1,M-2\na,b,,,M-2\n";
        let table = Table::open(text.as_bytes()).unwrap();
        let columns = Columns::read(Kind::LabelBind, table.header(), 1).unwrap();
        let moved = |row| read(&columns, &row).unwrap().1.moved(&columns);
        let moved: Vec<Places> = table.map(|row| moved(row.unwrap())).collect();
        let found = |places: &Places, pointer: &str| places.find(pointer).map(|(at, _)| at);
        assert!(moved[0].0.is_empty(), "{moved:?}");
        assert_eq!(moved[1].0.len(), 1, "{moved:?}");
        assert_eq!(found(&moved[1], "/body/models/0/number"), Some(4));
        assert_eq!(found(&moved[1], "/subject"), None);
    }

    #[test]
    fn what_cells_show_by_themselves_is_named_with_their_columns() {
        let header =
            "subject,decided_at,reason.code,reason.text,body.validity_effect,body.until,evidence\n";
        let cases = [
            (
                "a,b,c,=1+1,d,,",
                "line 2, column 4 (reason.text): begins with '=', as a formula does; if the text does begin so, put an apostrophe before it",
            ),
            (
                "a,b,c,\"-x\",d,,",
                "line 2, column 4 (reason.text): begins with '-'",
            ),
            (
                "a,b,,x,d,,",
                "line 2, column 3 (reason.code): is empty, and reason.code must be there",
            ),
            (
                "a,,c,,d,,",
                "line 2, column 2 (decided_at): is empty, and decided_at must be there",
            ),
            (
                "a,b,c,,d,,x",
                "line 2, column 7 (evidence): must be JSON here",
            ),
            (
                "a,b,c,,d,,[{]",
                "line 2, column 7 (evidence): begins as JSON and is none",
            ),
            (
                "a,b,c,,d,,\"[{\"\"hash\"\":1,\"\"hash\"\":2}]\"",
                "line 2, column 7 (evidence): is JSON in which \"hash\" stands there twice at line 1",
            ),
        ];
        for (row, want) in cases {
            let found = rows(Kind::LabelSuspend, &format!("{header}{row}\n"));
            let faults = found[0].as_ref().unwrap_err();
            assert_eq!(faults.len(), 1, "{faults:?}");
            assert!(faults[0].starts_with(want), "{want}\n{faults:?}");
        }
        let all = rows(Kind::LabelSuspend, &format!("{header},@b,,,,,\n"));
        assert_eq!(all[0].as_ref().unwrap_err().len(), 4, "{all:?}");
    }

    #[test]
    fn an_apostrophe_marks_a_text() {
        let text = "subject,decided_at,reason.code,reason.text\na,b,c,'-20 degrees\na,b,c,'s\n";
        let rows = rows(Kind::LabelRevoke, text);
        assert_eq!(rows[0].as_ref().unwrap()["reason"]["text"], "-20 degrees");
        assert_eq!(rows[1].as_ref().unwrap()["reason"]["text"], "'s");
        assert_eq!(rows[0].as_ref().unwrap()["body"], json!({}));
    }

    #[test]
    fn a_row_chooses_between_columns_of_a_choice() {
        let node = Node::of(Kind::LabelIssue);
        let firmware = node.member("body").unwrap().member("firmware").unwrap();
        assert_eq!(value_of(firmware, "any").unwrap(), "any");
        assert_eq!(
            value_of(firmware, "{\"min\":\"2\"}").unwrap(),
            json!({ "min": "2" })
        );
        let path = |names: &[&str]| -> Vec<Step> {
            let steps = names.iter().map(|name| Step::Member((*name).to_owned()));
            steps.collect()
        };
        let mut tree = Tree::default();
        tree.insert(&path(&["firmware"]), 3, json!("any")).unwrap();
        let both = tree.insert(&path(&["firmware", "min"]), 4, json!("2"));
        assert_eq!(both, Err(3));
    }
}
