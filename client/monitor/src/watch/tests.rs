//! What lists say, what they refuse, and what is told of which event.

use labelproof_core::event::Kind;
use labelproof_host::fs::{Fault as Broken, SimulatedFs};

use super::*;
use crate::samples;

const FILE: &str = "recalls.txt";

fn write(fs: &SimulatedFs, bytes: &[u8]) {
    fs.write(Path::new(FILE), bytes).unwrap();
}

fn open(text: &str) -> WatchList {
    let fs = SimulatedFs::new(1);
    write(&fs, text.as_bytes());
    WatchList::open(&fs, "recalls".parse().unwrap(), Path::new(FILE)).unwrap()
}

fn refused(bytes: &[u8]) -> String {
    let fs = SimulatedFs::new(1);
    write(&fs, bytes);
    let refused = WatchList::open(&fs, "recalls".parse().unwrap(), Path::new(FILE));
    refused.unwrap_err().to_string()
}

fn bind(kind: Kind, gtin: &str) -> Event {
    let reason = if kind == Kind::LabelUnbind {
        r#""reason":{"code":"clerical-error"},"#
    } else {
        ""
    };
    let json = format!(
        r#"{{"subject":"jp.jc-star/EX-000123","decided_at":"2026-09-01T08:00:00Z",{reason}
            "body":{{"gtins":["{gtin}"],"models":[]}}}}"#
    );
    samples::event(kind, &json, Some(samples::issue(123).id()))
}

#[test]
fn a_revocation_is_found_by_everything_its_label_is_known_by() {
    let background = Background::of(&[samples::issue(123)]);
    let revoke = samples::revoke(123);
    for line in [
        "scheme jp.jc-star",
        "issuer label.jp.example",
        "holder gln:9521234000006",
        "gtin 09521234001010",
        "gtin 9521234001010",
        "label jp.jc-star/EX-000123",
        "label jp.jc-star/ex-000123",
        "reason vulnerability",
        "kind label.revoke",
        "  kind\tlabel.revoke   reason vulnerability # both",
        "\r\n# nothing\n\ngtin 09521234001010\r\n",
        "\u{feff}kind label.revoke",
    ] {
        let list = open(line);
        assert!(list.find(&revoke, &background).is_some(), "{line:?}");
    }
    for line in [
        "",
        "# kind label.revoke",
        "scheme jp.other",
        "issuer other.jp.example",
        "holder gln:9521234000013",
        "gtin 09521234001027",
        "label jp.jc-star/EX-000124",
        "reason misuse",
        "kind label.suspend",
        "kind label.revoke reason misuse",
        "gtin 09521234001010 kind label.suspend",
    ] {
        let list = open(line);
        assert_eq!(list.find(&revoke, &background), None, "{line:?}");
    }
}

#[test]
fn what_came_before_decides_what_a_label_covers() {
    let (first, second) = ("09521234001010", "09521234001027");
    let line = |gtin: &str| open(&format!("gtin {gtin}"));
    let revoke = samples::revoke(123);
    let mut events = vec![samples::issue(123)];
    let finds =
        |events: &[Event], gtin: &str| line(gtin).find(&revoke, &Background::of(events)).is_some();
    assert!(finds(&events, first) && !finds(&events, second));
    events.push(bind(Kind::LabelBind, second));
    assert!(finds(&events, first) && finds(&events, second));
    events.push(bind(Kind::LabelUnbind, first));
    assert!(!finds(&events, first) && finds(&events, second));
    // The event that takes a product away is told to those who watch it.
    let unbind = events.last().unwrap();
    assert!(
        line(first)
            .find(unbind, &Background::of(&events[..2]))
            .is_some()
    );
    assert!(line(first).needs_background(&revoke));
    assert!(!line(first).needs_background(&samples::issue(123)));
    assert!(!open("kind label.revoke").needs_background(&revoke));
}

#[test]
fn the_line_that_was_met_is_told() {
    let list = open("kind label.suspend\n# mine\nreason vulnerability   kind label.revoke # now\n");
    let met = list.find(&samples::revoke(123), &Background::default());
    assert_eq!(
        met.as_deref(),
        Some("reason vulnerability kind label.revoke")
    );
}

#[test]
fn a_mistake_is_named_with_its_line_and_column() {
    for (text, want) in [
        (
            "kind label.revoke\n gtim 1",
            ":2:2: unknown word `gtim`; known are scheme, ",
        ),
        ("gtin", ":1:1: `gtin` needs a value behind it"),
        (
            "gtin 1234",
            ":1:6: `1234` is not a GTIN: 8, 12, 13 or 14 digits",
        ),
        (
            "gtin 09521234001011",
            ":1:6: `09521234001011` is not a GTIN-14",
        ),
        ("kind  revoke", ":1:7: `revoke` is not a kind of event"),
        ("label x", ":1:7: `x` is not a label"),
        ("reason bad", ":1:8: `bad` is not a reason"),
        ("holder LEI", ":1:8: `LEI` is not an id of an organisation"),
        (
            "gtin 09521234001010 gtin 09521234001027",
            ":1:21: `gtin` stands twice",
        ),
    ] {
        let error = refused(text.as_bytes());
        let want = format!("the watch list recalls.txt{want}");
        assert!(error.starts_with(&want), "{error}");
    }
}

#[test]
fn latin_1_is_refused_with_a_sentence_that_says_what_to_do() {
    let error = refused(b"# B\xc3\xa4r\n# M\xfcnchen\n");
    assert_eq!(
        error,
        "the watch list recalls.txt:2:4: byte 0xFC is not UTF-8; the file looks like Latin-1, save it as UTF-8"
    );
}

#[test]
fn a_changed_file_is_read_again_and_a_bad_one_is_said_once_while_the_old_list_holds() {
    let fs = SimulatedFs::new(1);
    write(&fs, b"kind label.suspend");
    let mut list = WatchList::open(&fs, "recalls".parse().unwrap(), Path::new(FILE)).unwrap();
    let revoke = samples::revoke(123);
    let finds = |list: &WatchList| list.find(&revoke, &Background::default()).is_some();
    assert!(!finds(&list));
    write(&fs, b"kind label.revoke");
    list.refresh(&fs).unwrap();
    assert!(finds(&list));
    for bad in [&b"kind label.rewoke"[..], b"\xff"] {
        write(&fs, bad);
        assert!(list.refresh(&fs).is_err());
        assert!(list.refresh(&fs).is_ok(), "said once");
        assert!(finds(&list), "the list before it holds on");
    }
    fs.remove(Path::new(FILE)).unwrap();
    let error = list.refresh(&fs).unwrap_err().to_string();
    assert!(
        error.starts_with("the watch list recalls.txt cannot be read: "),
        "{error}"
    );
    assert!(list.refresh(&fs).is_ok() && finds(&list));
    write(&fs, b"kind label.suspend");
    list.refresh(&fs).unwrap();
    assert!(!finds(&list));
    fs.fail_call(fs.calls() + 1, Broken::Eio);
    assert!(list.refresh(&fs).is_err());
    // The same bytes as before the failure are read again without a word.
    list.refresh(&fs).unwrap();
}

#[test]
fn too_long_a_list_is_refused() {
    let text = "kind label.revoke\n".repeat(100_001);
    let error = refused(text.as_bytes());
    assert!(
        error.contains(":100001:1: a list has at most 100000 lines"),
        "{error}"
    );
    let error = refused(&vec![b'#'; 8 * 1024 * 1024 + 1]);
    assert!(error.contains("has 8388609 bytes"), "{error}");
}

#[test]
fn a_large_assortment_costs_an_event_no_more_than_its_facts() {
    let mut text = String::new();
    for number in 0..50_000 {
        text.push_str(&format!(
            "label jp.jc-star/EX-{number:06} kind label.revoke\n"
        ));
    }
    let list = open(&text);
    let revoke = samples::revoke(123);
    let begun = std::time::Instant::now();
    for _ in 0..1_000 {
        assert!(list.find(&revoke, &Background::default()).is_some());
    }
    // A walk through all lines takes minutes here.
    assert!(begun.elapsed().as_secs() < 10);
}
