//! The format of events: what is read, what is refused, and as what.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use labelproof_core::checkpoint::Origin;
use labelproof_core::event::{Draft, Event, Kind, template};
use labelproof_core::key::{KeyType, SigningKey};
use labelproof_core::note::Note;
use labelproof_core::refusal::Refusal;

fn origin() -> Origin {
    "labels.g7.example".parse().unwrap()
}

fn signed(text: &str) -> Vec<u8> {
    let key = SigningKey::from_seed("label.jp.example".parse().unwrap(), KeyType::Note, [7; 32]);
    Note::new(text.to_owned(), vec![key.sign_note(text)])
        .unwrap()
        .to_bytes()
}

fn sample(kind: Kind) -> Vec<u8> {
    signed(
        &Draft::from_json(kind, template(kind))
            .unwrap()
            .text(&origin(), None),
    )
}

#[test]
fn every_template_becomes_an_event_that_reads_back() {
    for &kind in Kind::ALL {
        let bytes = sample(kind);
        let event =
            Event::parse(&bytes).unwrap_or_else(|refusal: Refusal| panic!("{kind}: {refusal}"));
        assert_eq!(event.kind(), kind);
        assert_eq!(event.bytes(), bytes);
        assert_eq!(event.origin(), &origin());
    }
}
