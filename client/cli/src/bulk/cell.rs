//! JSON in a cell, read so that nothing in it is lost: a member that stands twice is an error that names it.
//!
//! Of two members with one name a plain reader keeps the last without a word.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// Reads a cell.
///
/// # Errors
/// What is wrong, and at which column of the text.
pub(super) fn read(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str::<Once>(text).map(|once| once.0)
}

/// A value in which each member stands once.
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Any).map(Self)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Once(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = object.next_key::<Cow<'de, str>>()? {
            if members.contains_key(&*name) {
                return Err(A::Error::custom(format_args!(
                    "{name:?} stands there twice"
                )));
            }
            let Once(value) = object.next_value()?;
            members.insert(name.into_owned(), value);
        }
        Ok(members.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_a_plain_reader_does() {
        let long = format!("{}1{}", "[".repeat(100), "]".repeat(100));
        for text in [
            r#"{"a":[1,-2,0.5,1e3,true,null,"x\n\u00e9"],"b":{"a":{}},"":[]}"#,
            "18446744073709551615",
            &long,
        ] {
            let plain: Value = serde_json::from_str(text).unwrap();
            assert_eq!(read(text).unwrap(), plain);
        }
        for none in ["{", "[1,]", "{\"a\" 1}", "{} {}", "{1:2}"] {
            assert!(serde_json::from_str::<Value>(none).is_err());
            assert!(read(none).is_err(), "{none}");
        }
    }

    #[test]
    fn a_member_that_stands_twice_is_named() {
        for text in [
            r#"{"hash":1,"hash":1}"#,
            r#"[{"x":{"hash":1,"\u0068ash":2}}]"#,
        ] {
            let said = read(text).unwrap_err().to_string();
            assert!(
                said.starts_with("\"hash\" stands there twice at line 1 column"),
                "{said}"
            );
        }
    }
}
