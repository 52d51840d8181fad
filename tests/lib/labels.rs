//! Many labels, fast: signed issues that differ in number and GTIN alone.
//!
//! ```text
//! number 17   jp.jc-star/HM-000000017   GTIN 0952 000000017 and its check digit   signed by label.jp.example
//! ```
//! For load and benchmarks: one draft goes through the real builder, the others are that text with its digits
//! replaced, so that signing is all an entry costs.

use labelproof_core::event::Kind;
use labelproof_core::key::SigningKey;
use labelproof_core::note::Note;
use serde_json::json;

use crate::world;

/// Makes the entries of numbered labels.
#[derive(Debug)]
pub struct LabelMill {
    key: SigningKey,
    /// The text between the places where number and GTIN stand.
    pieces: Vec<(String, Place)>,
    end: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    Native,
    Gtin,
}

impl LabelMill {
    /// A mill for the issuer of `jp.jc-star` in [`world::foundation`].
    ///
    /// # Panics
    /// If the samples make no event.
    #[must_use]
    pub fn new() -> Self {
        let mut draft = world::issue_draft(&Self::subject(0));
        draft["body"]["gtins"] = json!([gtin(0)]);
        let key = world::key(ISSUER);
        let entry = world::entry(Kind::LabelIssue, &draft, None, &[&key]);
        let text = Note::parse(&entry)
            .expect("the entry is a note")
            .text()
            .to_owned();
        let (native, gtin) = (native(0), gtin(0));
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        loop {
            let found = [(&native, Place::Native), (&gtin, Place::Gtin)]
                .into_iter()
                .filter_map(|(what, place)| Some((rest.find(what.as_str())?, what.len(), place)))
                .min_by_key(|(at, ..)| *at);
            let Some((at, length, place)) = found else {
                break;
            };
            pieces.push((rest[..at].to_owned(), place));
            rest = &rest[at + length..];
        }
        let end = rest.to_owned();
        Self { key, pieces, end }
    }

    /// The entry that issues the label with this number, below 10^9.
    ///
    /// # Panics
    /// If the text is none of a note.
    #[must_use]
    pub fn entry(&self, number: u64) -> Vec<u8> {
        let (native, gtin) = (native(number), gtin(number));
        let mut text = String::with_capacity(2_048);
        for (piece, place) in &self.pieces {
            text.push_str(piece);
            text.push_str(match place {
                Place::Native => &native,
                Place::Gtin => &gtin,
            });
        }
        text.push_str(&self.end);
        let line = self.key.sign_note(&text);
        Note::new(text, vec![line])
            .expect("the text is one of a note")
            .to_bytes()
    }

    /// The label with this number.
    #[must_use]
    pub fn subject(number: u64) -> String {
        format!("{SCHEME}/{}", native(number))
    }
}

impl Default for LabelMill {
    fn default() -> Self {
        Self::new()
    }
}

fn native(number: u64) -> String {
    format!("HM-{number:09}")
}

/// Fourteen digits: the prefix for samples, the number, the check digit.
#[must_use]
pub fn gtin(number: u64) -> String {
    let digits = format!("0952{number:09}");
    let sum: u32 = digits
        .bytes()
        .enumerate()
        .map(|(at, digit)| u32::from(digit - b'0') * if at % 2 == 0 { 3 } else { 1 })
        .sum();
    format!("{digits}{}", (10 - sum % 10) % 10)
}

const SCHEME: &str = "jp.jc-star";
const ISSUER: &str = "label.jp.example";

#[cfg(test)]
mod tests {
    use labelproof_core::event::Event;

    use super::*;

    #[test]
    fn every_number_is_an_event_of_its_own() {
        let mill = LabelMill::new();
        let events: Vec<Event> = [0, 1, 17, 999_999_999]
            .map(|number| Event::parse(&mill.entry(number)).unwrap())
            .into();
        for (at, event) in events.iter().enumerate() {
            assert!(events[..at].iter().all(|other| other.id() != event.id()));
            assert!(event.json().contains(&event.subject().to_string()));
        }
        assert!(events[2].json().contains("HM-000000017"));
        assert!(events[2].json().contains(&gtin(17)));
    }
}
