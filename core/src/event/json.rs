//! JSON of events: read strictly, written as RFC 8785 says, and how foreign types travel in it.
//!
//! ```text
//! {"a":1,"b":["x"]}     names ascending by UTF-16 code units, no spaces, integers only
//! ```
//! A typed value is read, written again and compared: that one comparison refuses nulls,
//! repeated names, another order, escapes that are not needed and other forms of a number.

use std::fmt::Write as _;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::checkpoint::Origin;
use crate::key::{KeyType, Vkey};
use crate::merkle::LeafIndex;
use crate::note::KeyId;
use crate::refusal::{Malformed, Pointer, Refusal};
use crate::text::Rest;
use crate::time::Time;

use super::form::{MAX_INTEGER, WrongForm, as_json_string};

/// Reads a typed value from text that says it as its own form does; `None` for every other text.
///
/// Whether that form is canonical is for [`super::scan`] to say: names that ascend, and no escapes.
pub(super) fn read_as_written<T: DeserializeOwned + Serialize>(json: &str) -> Option<T> {
    let value: T = serde_json::from_str(json).ok()?;
    let mut rest = Rest::of(json.as_bytes());
    serde_json::to_writer(&mut rest, &value).ok()?;
    rest.is_empty().then_some(value)
}

/// Reads a typed value; a member that is not of its form is named by its pointer.
pub(super) fn read<T: DeserializeOwned>(json: &str) -> Result<T, Refusal> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let pointer = pointer_of(error.path());
        let error = error.into_inner();
        if error.is_data() {
            Refusal::bad_member(pointer, without_position(&error.to_string()))
        } else {
            Refusal::Malformed(Malformed::Json)
        }
    })?;
    deserializer
        .end()
        .map_err(|_| Refusal::Malformed(Malformed::Json))?;
    Ok(value)
}

fn pointer_of(path: &serde_path_to_error::Path) -> Pointer {
    use serde_path_to_error::Segment;
    path.iter()
        .fold(Pointer::root(), |pointer, segment| match segment {
            Segment::Seq { index } => pointer.element(*index),
            Segment::Map { key } => pointer.member(key),
            Segment::Enum { variant } => pointer.member(variant),
            Segment::Unknown => pointer,
        })
}

/// The pointer says where; "at line 1 column 7" says it again, and wrongly for a draft.
fn without_position(text: &str) -> &str {
    text.rfind(" at line ").map_or(text, |end| &text[..end])
}

/// Writes a value in the canonical form of RFC 8785.
///
/// Numbers must be integers, as all numbers of an event are.
pub(crate) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_value(&mut text, value);
    text
}

fn write_value(text: &mut String, value: &Value) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(value) => write!(text, "{value}").expect("writing to a string"),
        Value::Number(number) => write!(text, "{number}").expect("writing to a string"),
        Value::String(string) => write_string(text, string),
        Value::Array(elements) => {
            text.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_value(text, element);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            // RFC 8785, section 3.2.3: by UTF-16 code units, which differ from UTF-8 above U+FFFF.
            sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            text.push('{');
            for (index, (name, member)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_string(text, name);
                text.push(':');
                write_value(text, member);
            }
            text.push('}');
        }
    }
}

/// RFC 8785, section 3.2.2.2: two-letter escapes where JSON has one, `\u00xx` for other controls.
fn write_string(text: &mut String, string: &str) {
    text.push('"');
    for char in string.chars() {
        match char {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\0'..='\u{1f}' => {
                write!(text, "\\u{:04x}", u32::from(char)).expect("writing to a string");
            }
            _ => text.push(char),
        }
    }
    text.push('"');
}

as_json_string!(Origin, Time, Vkey);

/// A key that signs events: a vkey of type 0x01 (c2sp.org/signed-note).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EventKey(Vkey);

impl EventKey {
    /// The vkey.
    #[must_use]
    pub fn vkey(&self) -> &Vkey {
        &self.0
    }
}

impl TryFrom<Vkey> for EventKey {
    type Error = WrongForm;

    fn try_from(vkey: Vkey) -> Result<EventKey, WrongForm> {
        match vkey.key_type() {
            KeyType::Note => Ok(EventKey(vkey)),
            KeyType::Cosignature => Err(WrongForm::new(
                "a key that signs events",
                "a vkey of type 0x01",
            )),
        }
    }
}

impl serde::Serialize for EventKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for EventKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<EventKey, D::Error> {
        EventKey::try_from(Vkey::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl serde::Serialize for KeyId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<KeyId, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0; 4];
        let form =
            || serde::de::Error::custom(WrongForm::new("a key id", "8 hex digits, lower case"));
        hex::decode_to_slice(&text, &mut bytes).map_err(|_| form())?;
        if hex::encode(bytes) == text {
            Ok(KeyId::from_bytes(bytes))
        } else {
            Err(form())
        }
    }
}

/// An index of the log as a JSON integer.
pub(super) mod index {
    use super::{LeafIndex, MAX_INTEGER};
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(in crate::event) fn serialize<S: Serializer>(
        index: &LeafIndex,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(index.get())
    }

    pub(in crate::event) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<LeafIndex, D::Error> {
        let index = u64::deserialize(deserializer)?;
        if index > MAX_INTEGER {
            return Err(D::Error::custom(format_args!("{index} is over 2^53 - 1")));
        }
        Ok(LeafIndex::new(index))
    }
}

/// An index of the log that may be absent.
pub(super) mod optional_index {
    use super::{LeafIndex, index};
    use serde::{Deserializer, Serializer};

    pub(in crate::event) fn serialize<S: Serializer>(
        index: &Option<LeafIndex>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match index {
            Some(index) => index::serialize(index, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::event) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<LeafIndex>, D::Error> {
        index::deserialize(deserializer).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_rfc_8785_shows() {
        // Section 3.2.3's example of sorting, and the string of 3.2.2.
        let value: Value = serde_json::from_str(
            r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#,
        )
        .unwrap();
        let text = canonical(&value);
        let places = [
            "\\r",
            "1",
            "\u{80}",
            "\u{f6}",
            "\u{20ac}",
            "\u{1f600}",
            "\u{fb33}",
        ]
        .map(|name| text.find(&format!("\"{name}\":")).unwrap());
        assert!(places.is_sorted(), "{text}");
        let string = Value::String("\u{20ac}$\u{f}\nA'B\"\\\\\"/".to_owned());
        assert_eq!(
            canonical(&string),
            "\"\u{20ac}$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\""
        );
    }

    #[test]
    fn says_where_a_member_is_wrong() {
        #[derive(Debug, Deserialize)]
        struct Outer {
            #[serde(rename = "a")]
            _a: Vec<Time>,
        }
        let refusal = read::<Outer>(r#"{"a":["2026-01-01T00:00:00Z","yesterday"]}"#).unwrap_err();
        assert_eq!(refusal.pointer().unwrap().as_str(), "/a/1");
        assert!(!refusal.to_string().contains("line"), "{refusal}");
    }

    #[test]
    fn text_after_the_value_is_no_json() {
        assert_eq!(read::<u64>("1 1"), Err(Refusal::Malformed(Malformed::Json)));
        assert_eq!(read::<u64>("1"), Ok(1));
    }
}
