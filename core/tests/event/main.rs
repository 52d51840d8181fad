//! The format of events: what is read, what is refused, and as what.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use labelproof_core::checkpoint::Origin;
use labelproof_core::event::admission::admit;
use labelproof_core::event::{Draft, Event, EventId, Kind, template};
use labelproof_core::key::{KeyType, SigningKey};
use labelproof_core::merkle::LeafHash;
use labelproof_core::note::Note;
use labelproof_core::refusal::Refusal;
use labelproof_core::time::Time;

mod admission;
mod forms;
mod mutations;

const ORIGIN: &str = "labels.g7.example";

fn origin() -> Origin {
    ORIGIN.parse().unwrap()
}

fn key() -> SigningKey {
    SigningKey::from_seed("label.jp.example".parse().unwrap(), KeyType::Note, [7; 32])
}

fn signed(text: &str) -> Vec<u8> {
    Note::new(text.to_owned(), vec![key().sign_note(text)])
        .unwrap()
        .to_bytes()
}

fn text(kind: Kind) -> String {
    Draft::from_json(kind, template(kind))
        .unwrap()
        .text(&origin(), None)
}

/// The code that `text` is refused with, or `ok`.
fn code(text: &str) -> &'static str {
    match Event::parse(&signed(text)) {
        Ok(_) => "ok",
        Err(refusal) => refusal.code(),
    }
}

/// The sample of `kind` with `from` replaced by `to`, which must change it.
fn changed(kind: Kind, from: &str, to: &str) -> String {
    let text = text(kind);
    assert!(text.contains(from), "{kind} holds no {from}");
    text.replacen(from, to, 1)
}

#[test]
fn every_template_becomes_an_event_that_reads_back() {
    let now: Time = "2027-01-01T00:00:00Z".parse().unwrap();
    for &kind in Kind::ALL {
        let bytes = signed(&text(kind));
        let event = Event::parse(&bytes).unwrap_or_else(|refusal| panic!("{kind}: {refusal}"));
        assert_eq!(event.kind(), kind);
        assert_eq!(event.bytes(), bytes);
        assert_eq!(event.origin(), &origin());
        assert_eq!(event.id(), EventId::of_text(&text(kind)));
        assert_eq!(admit(&event, now), Ok(()), "{kind}");
    }
}

#[test]
fn the_sample_of_the_documents_is_a_draft() {
    let sample = include_str!("../../../docs/samples/label.json");
    assert!(Draft::from_json(Kind::LabelIssue, sample).is_ok());
}

/// The first block of the specification, made again from the templates and a seed of sevens.
#[test]
fn the_specification_begins_with_this_event() {
    let specification = include_str!("../../../docs/spec/event.md");
    let issued = EventId::of_text(&text(Kind::LabelIssue));
    let draft = Draft::from_json(Kind::LabelRevoke, template(Kind::LabelRevoke)).unwrap();
    let entry = signed(&draft.text(&origin(), Some(issued)));
    let event = Event::parse(&entry).unwrap();
    let shown = std::str::from_utf8(&entry).unwrap();
    assert!(
        specification.contains(shown),
        "the block should be\n{shown}"
    );
    for fact in [
        key().vkey().to_string(),
        event.id().to_string(),
        LeafHash::of_entry(&entry).to_string(),
        issued.to_string(),
    ] {
        assert!(specification.contains(&fact), "{fact} is missing");
    }
}

#[test]
fn the_id_does_not_depend_on_signatures() {
    let text = text(Kind::LabelRevoke);
    let other = SigningKey::from_seed("label.jp.example".parse().unwrap(), KeyType::Note, [8; 32]);
    let twice = Note::new(
        text.clone(),
        vec![key().sign_note(&text), other.sign_note(&text)],
    )
    .unwrap();
    assert_eq!(
        Event::parse(&twice.to_bytes()).unwrap().id(),
        Event::parse(&signed(&text)).unwrap().id()
    );
}

#[test]
fn prev_stands_where_the_canonical_order_wants_it() {
    let prev = EventId::from_bytes([0xab; 32]);
    let draft = Draft::from_json(Kind::LabelRevoke, template(Kind::LabelRevoke)).unwrap();
    let event = Event::parse(&signed(&draft.text(&origin(), Some(prev)))).unwrap();
    assert_eq!(event.prev(), Some(prev));
}

#[test]
fn other_lines_than_three_are_no_event() {
    let text = text(Kind::LabelRevoke);
    let json = text.lines().nth(2).unwrap();
    for (name, wrong) in [
        ("another tag", text.replace("event/v1", "event/v2")),
        ("no origin", format!("labelproof-event/v1\n\n{json}\n")),
        ("a line more", format!("{text}\n")),
        ("a line less", format!("labelproof-event/v1\n{json}\n")),
        ("no JSON", format!("labelproof-event/v1\n{ORIGIN}\nhello\n")),
        ("a list", format!("labelproof-event/v1\n{ORIGIN}\n[]\n")),
        ("a mark of byte order", format!("\u{feff}{text}")),
    ] {
        assert_eq!(code(&wrong), "malformed", "{name}");
    }
    assert_eq!(
        Event::parse(text.as_bytes()).unwrap_err().code(),
        "malformed",
        "no signature"
    );
    assert_eq!(
        code(&text.replace("label.revoke", "label.lapse")),
        "unknown-kind"
    );
}

#[test]
fn an_entry_has_at_most_sixteen_kibibytes() {
    let text = text(Kind::LabelRevoke);
    let line = key().sign_note(&text);
    let mut note = Note::new(text, vec![line.clone()]).unwrap();
    let limit = 16 * 1024;
    while note.to_bytes().len() <= limit {
        let wide = labelproof_core::note::SignatureLine::new(
            "filler.example".parse().unwrap(),
            line.id(),
            vec![1; 512],
        )
        .unwrap();
        note = note.with_signature(wide).unwrap();
    }
    let refusal = Event::parse(&note.to_bytes()).unwrap_err();
    assert_eq!(
        refusal,
        Refusal::TooLarge {
            got: note.to_bytes().len() as u64,
            limit: limit as u64
        }
    );
}

#[test]
fn a_draft_holds_neither_kind_nor_prev() {
    let template = template(Kind::LabelRevoke);
    for (member, value) in [
        ("kind", "\"label.revoke\"".to_owned()),
        ("prev", format!("\"{}\"", "0".repeat(64))),
    ] {
        let json = template.replacen('{', &format!("{{\"{member}\":{value},"), 1);
        let refusal = Draft::from_json(Kind::LabelRevoke, &json).unwrap_err();
        assert_eq!(refusal.pointer().unwrap().as_str(), format!("/{member}"));
    }
}
