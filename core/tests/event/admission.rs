//! Admission: what is kept out although the format allows it.

use labelproof_core::event::{Event, Kind, admission};
use labelproof_core::refusal::Refusal;
use labelproof_core::time::Time;

use super::{changed, signed, text};

#[test]
fn admission_keeps_out_what_the_format_allows() {
    let now: Time = "2027-01-01T00:00:00Z".parse().unwrap();
    let table = [
        (
            Kind::LabelIssue,
            "Kawabe Home\"",
            "Kawabe\u{202e} Home\"",
            "bad-member",
            "/body/product/line",
        ),
        (
            Kind::LabelIssue,
            "Kawabe Home\"",
            "Cafe\u{301}\"",
            "bad-member",
            "/body/product/line",
        ),
        (
            Kind::LabelIssue,
            "\"country\":\"JP\"",
            "\"country\":\"UK\"",
            "bad-member",
            "/body/holder/country",
        ),
        (
            Kind::LabelIssue,
            "\"territory\":[\"JP\"]",
            "\"territory\":[\"JP\",\"XX\"]",
            "bad-member",
            "/body/territory/1",
        ),
        (
            Kind::LabelIssue,
            "gln:9521234000006",
            "gln:9521234000007",
            "bad-member",
            "/body/holder/ids/0",
        ),
        (
            Kind::LabelIssue,
            "gln:9521234000006",
            "lei:529900EXAMPLE0000017",
            "bad-member",
            "/body/holder/ids/0",
        ),
        (
            Kind::LabelIssue,
            "09521234001010",
            "02000000000008",
            "bad-member",
            "/body/gtins/0",
        ),
        (
            Kind::LabelBind,
            "09521234001027",
            "09781234567897",
            "bad-member",
            "/body/gtins/0",
        ),
        (
            Kind::LabelIssue,
            "\"variant\":\"white\"",
            "\"variant\":\"00:1b:44:11:3a:b7\"",
            "private-data",
            "/body/models/0/variant",
        ),
        (
            Kind::LabelSuspend,
            "Fixed firmware is announced for June.",
            "ask hana@kawabe.example",
            "private-data",
            "/reason/text",
        ),
    ];
    for (kind, from, to, want, pointer) in table {
        let event = Event::parse(&signed(&changed(kind, from, to))).unwrap();
        let refusal = admission::admit(&event, now).unwrap_err();
        assert_eq!(
            (refusal.code(), refusal.pointer().unwrap().as_str()),
            (want, pointer),
            "{to}: {refusal}"
        );
    }
}

#[test]
fn admission_lets_clocks_differ_by_five_minutes() {
    let event = Event::parse(&signed(&text(Kind::LabelRevoke))).unwrap();
    let at = |time: &str| admission::admit(&event, time.parse().unwrap());
    assert_eq!(at("2026-09-01T07:55:00Z"), Ok(()));
    assert_eq!(at("2026-09-01T07:54:59Z"), Err(Refusal::DecidedInFuture));
}
