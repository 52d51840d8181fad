//! A table to fill in: the template of a kind as a header and one row.
//!
//! ```text
//! subject,decided_at,body.gtins,body.models.0.hw,body.models.0.number,…
//! jp.jc-star/EX-000123,2026-04-14T03:00:00Z,09521234001027,A1,KH-5,…
//! ```

use labelproof_core::event::{Kind, template};
use serde_json::Value;

use crate::table::push_row;

/// The template of a kind of label event as CSV.
pub(crate) fn table(kind: Kind) -> String {
    let value: Value = serde_json::from_str(template(kind)).expect("a template is JSON");
    let mut columns = Vec::new();
    flatten(&value, String::new(), &mut columns);
    // What a row is about comes first, then when.
    columns.sort_by_key(|(name, _)| match name.as_str() {
        "subject" => 0,
        "decided_at" => 1,
        name if name.starts_with("reason.") => 2,
        _ => 3,
    });
    let mut text = String::new();
    push_row(&mut text, columns.iter().map(|(name, _)| name.as_str()));
    push_row(&mut text, columns.iter().map(|(_, cell)| cell.as_str()));
    // For a terminal, where a carriage return is no end of line.
    text.replace("\r\n", "\n")
}

fn flatten(value: &Value, name: String, columns: &mut Vec<(String, String)>) {
    let below = |step: &str| match name.is_empty() {
        true => step.to_owned(),
        false => format!("{name}.{step}"),
    };
    match value {
        Value::Object(members) => {
            for (member, value) in members {
                flatten(value, below(member), columns);
            }
        }
        Value::Array(elements) if elements.iter().any(Value::is_object) => {
            for (place, element) in elements.iter().enumerate() {
                flatten(element, below(&place.to_string()), columns);
            }
        }
        Value::Array(elements) => {
            let words: Vec<&str> = elements.iter().filter_map(Value::as_str).collect();
            columns.push((name, words.join(";")));
        }
        Value::String(text) => columns.push((name, text.clone())),
        other => columns.push((name, other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use labelproof_core::event::Draft;

    use super::*;
    use crate::{
        bulk::{columns::Columns, row},
        table::Table,
    };

    #[test]
    fn the_table_of_each_kind_says_what_its_template_says() {
        let kinds = Kind::ALL
            .iter()
            .filter(|kind| kind.as_str().starts_with("label."));
        for kind in kinds {
            let text = table(*kind);
            let mut table = Table::open(text.as_bytes()).unwrap();
            let columns = Columns::read(*kind, table.header(), 1)
                .unwrap_or_else(|faults| panic!("{kind}: {faults:?}"));
            let row = table.next().unwrap().unwrap();
            let (value, _) = row::read(&columns, &row).unwrap();
            let from_table = Draft::from_json(*kind, &value.to_string()).unwrap();
            let from_json = Draft::from_json(*kind, template(*kind)).unwrap();
            assert_eq!(from_table, from_json, "{kind}");
        }
    }
}
