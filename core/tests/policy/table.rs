//! The rules of c2sp.org/tlog-policy, one row each, and our own: one member, one vote.

use labelproof_core::key::{KeyError, KeyType};
use labelproof_core::policy::{Policy, PolicyFault};

use super::{key, log_key, witness_key};

/// `{L}` is a log's key, `{A}` to `{D}` are witnesses' keys, `{A2}` a second key of A's name, `{a}` A's
/// key bytes under another name.
fn fill(text: &str) -> String {
    let keys = [
        ("{L}", log_key()),
        ("{M}", key("other.example", KeyType::Note, 2)),
        ("{l}", key("renamed.example", KeyType::Note, 1)),
        ("{A}", witness_key("a", 1)),
        ("{B}", witness_key("b", 2)),
        ("{C}", witness_key("c", 3)),
        ("{D}", witness_key("d", 4)),
        ("{A2}", witness_key("a", 5)),
        ("{a}", witness_key("renamed", 1)),
        ("{LA}", key("log.example", KeyType::Note, 101)),
    ];
    let mut text = text.to_owned();
    for (mark, key) in keys {
        text = text.replace(mark, &key.vkey().to_string());
    }
    text
}

const ABC: &str = "witness a {A}\nwitness b {B}\nwitness c {C}\n";

#[test]
fn accepted() {
    let table = [
        ("no witness at all", "quorum none\n"),
        ("a log alone", "log {L}\nquorum none\n"),
        ("one witness", "witness a {A}\nquorum a\n"),
        (
            "urls",
            "log {L} https://log.example/\nwitness a {A} https://a.example/x\nquorum a\n",
        ),
        (
            "comments and empty lines",
            "\n# log {L}\n \t # x\n\t\nquorum none\n",
        ),
        (
            "spaces and tabs around and between",
            " \tquorum \t none\t \n",
        ),
        ("threshold any", "{ABC}group g any a b c\nquorum g\n"),
        ("threshold all", "{ABC}group g all a b c\nquorum g\n"),
        ("threshold k", "{ABC}group g 2 a b c\nquorum g\n"),
        ("k = n = 1", "{ABC}group g 1 a\nquorum g\n"),
        (
            "groups of groups",
            "{ABC}group g any a b\ngroup h all g c\nquorum h\n",
        ),
        (
            "a group outside the quorum",
            "{ABC}group g all a b\nquorum c\n",
        ),
        (
            "a quorum inside a group",
            "{ABC}group g all a b\nquorum a\n",
        ),
        (
            "quorum before other lines",
            "witness a {A}\nquorum a\nlog {L}\nwitness b {B}\n",
        ),
        (
            "names beyond ASCII",
            "witness K\u{212a}\u{e9} {A}\nwitness K {B}\ngroup g\u{a0}h all K\u{212a}\u{e9} K\nquorum g\u{a0}h\n",
        ),
        (
            "names that are words",
            "witness log {A}\nwitness any {B}\ngroup quorum any log any\nquorum quorum\n",
        ),
        (
            "a name that is a number",
            "witness 1 {A}\nwitness 2 {B}\ngroup 3 2 1 2\nquorum 3\n",
        ),
        (
            "one key for a log and a witness",
            "log {LA}\nwitness a {A}\nquorum a\n",
        ),
        ("two logs", "log {L}\nlog {M}\nquorum none\n"),
        (
            "two keys of a member in an any group",
            "witness a {A}\nwitness a2 {A2}\nwitness b {B}\ngroup ga any a a2\ngroup g all ga b\nquorum g\n",
        ),
        (
            "two keys of a member, one of no weight",
            "witness a {A}\nwitness a2 {A2}\nwitness b {B}\ngroup g all a b\nquorum g\n",
        ),
        (
            "two keys of a member meet in an any group",
            "{ABC}witness a2 {A2}\ngroup g 2 a b\ngroup h 2 a2 c\ngroup i any g h\nquorum i\n",
        ),
    ];
    for (what, text) in table {
        let text = fill(&text.replace("{ABC}", ABC));
        let policy = Policy::parse(text.as_bytes());
        let policy = policy.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(policy.to_bytes(), text.as_bytes());
    }
}

#[test]
fn refused() {
    let threshold = |members| PolicyFault::Threshold { members };
    let name = |name: &str| name.to_owned();
    let table = [
        ("empty", "", 1, PolicyFault::NoQuorum),
        ("no quorum", "log {L}\n", 1, PolicyFault::NoQuorum),
        (
            "two quorum lines",
            "quorum none\nquorum none\n",
            2,
            PolicyFault::SecondQuorum,
        ),
        (
            "no newline at the end",
            "quorum none",
            1,
            PolicyFault::NoNewline,
        ),
        (
            "CR",
            "quorum none\r\n",
            1,
            PolicyFault::Octet { byte: b'\r' },
        ),
        (
            "CR in a comment",
            "# x\r\nquorum none\n",
            1,
            PolicyFault::Octet { byte: b'\r' },
        ),
        (
            "NUL",
            "quorum none\n#\0\n",
            2,
            PolicyFault::Octet { byte: 0 },
        ),
        (
            "DEL",
            "quorum \u{7f}\n",
            1,
            PolicyFault::Octet { byte: 0x7f },
        ),
        (
            "vertical tab",
            "quorum\u{b}none\n",
            1,
            PolicyFault::Octet { byte: 0xb },
        ),
        (
            "another word",
            "quorums none\n",
            1,
            PolicyFault::UnknownWord,
        ),
        ("upper case", "Quorum none\n", 1, PolicyFault::UnknownWord),
        (
            "a no-break space is no space",
            "quorum\u{a0}none\n",
            1,
            PolicyFault::UnknownWord,
        ),
        ("quorum without name", "quorum\n", 1, PolicyFault::ItemCount),
        (
            "quorum of two",
            "{ABC}quorum a b\n",
            4,
            PolicyFault::ItemCount,
        ),
        (
            "log without key",
            "log\nquorum none\n",
            1,
            PolicyFault::ItemCount,
        ),
        (
            "log with too much",
            "log {L} u v\nquorum none\n",
            1,
            PolicyFault::ItemCount,
        ),
        (
            "witness without key",
            "witness a\nquorum a\n",
            1,
            PolicyFault::ItemCount,
        ),
        (
            "witness with too much",
            "witness a {A} u v\nquorum a\n",
            1,
            PolicyFault::ItemCount,
        ),
        (
            "no comment after items",
            "quorum none # x\n",
            1,
            PolicyFault::ItemCount,
        ),
        (
            "malformed key",
            "log x\nquorum none\n",
            1,
            PolicyFault::Vkey(KeyError::Malformed),
        ),
        (
            "a witness's key for a log",
            "log {A}\nquorum none\n",
            1,
            PolicyFault::KeyType {
                want: KeyType::Note,
            },
        ),
        (
            "a log's key for a witness",
            "witness a {L}\nquorum a\n",
            1,
            PolicyFault::KeyType {
                want: KeyType::Cosignature,
            },
        ),
        (
            "a log twice",
            "log {L}\nlog {L}\nquorum none\n",
            2,
            PolicyFault::DuplicateKey,
        ),
        (
            "a log's key under another name",
            "log {L}\nlog {l}\nquorum none\n",
            2,
            PolicyFault::DuplicateKey,
        ),
        (
            "a witness's key twice",
            "witness a {A}\nwitness b {A}\nquorum a\n",
            2,
            PolicyFault::DuplicateKey,
        ),
        (
            "a witness's key under another name",
            "witness a {A}\nwitness b {a}\nquorum a\n",
            2,
            PolicyFault::DuplicateKey,
        ),
        (
            "a name twice",
            "witness a {A}\nwitness a {B}\nquorum a\n",
            2,
            PolicyFault::DefinedTwice { name: name("a") },
        ),
        (
            "a group named like a witness",
            "{ABC}group a any b\nquorum a\n",
            4,
            PolicyFault::DefinedTwice { name: name("a") },
        ),
        (
            "quorum of an unknown name",
            "quorum a\nwitness a {A}\n",
            1,
            PolicyFault::UnknownName { name: name("a") },
        ),
        (
            "forward reference",
            "{ABC}group g all a h\ngroup h all b c\nquorum g\n",
            4,
            PolicyFault::UnknownName { name: name("h") },
        ),
        (
            "a group in itself",
            "{ABC}group g any a g\nquorum g\n",
            4,
            PolicyFault::UnknownName { name: name("g") },
        ),
        (
            "a member twice in a group",
            "{ABC}group g 2 a a\nquorum g\n",
            4,
            PolicyFault::UsedTwice { name: name("a") },
        ),
        (
            "a member of two groups",
            "{ABC}group g all a b\ngroup h all a c\nquorum g\n",
            5,
            PolicyFault::UsedTwice { name: name("a") },
        ),
        (
            "a group of two groups",
            "{ABC}group g any a\ngroup h any g\ngroup i any g\nquorum h\n",
            6,
            PolicyFault::UsedTwice { name: name("g") },
        ),
        (
            "`none` in a group",
            "{ABC}group g any a none\nquorum g\n",
            4,
            PolicyFault::NoneAsName,
        ),
        (
            "a witness called none",
            "witness none {A}\nquorum none\n",
            1,
            PolicyFault::NoneAsName,
        ),
        (
            "a group called none",
            "{ABC}group none any a\nquorum none\n",
            4,
            PolicyFault::NoneAsName,
        ),
        (
            "group without members",
            "{ABC}group g any\nquorum g\n",
            4,
            PolicyFault::ItemCount,
        ),
        (
            "group without threshold",
            "group g\nquorum g\n",
            1,
            PolicyFault::ItemCount,
        ),
        ("k = 0", "{ABC}group g 0 a b\nquorum g\n", 4, threshold(2)),
        ("k > n", "{ABC}group g 3 a b\nquorum g\n", 4, threshold(2)),
        (
            "k beyond all numbers",
            "{ABC}group g 99999999999999999999 a b\nquorum g\n",
            4,
            threshold(2),
        ),
        (
            "k with a sign",
            "{ABC}group g +1 a b\nquorum g\n",
            4,
            threshold(2),
        ),
        (
            "k with a leading zero",
            "{ABC}group g 01 a b\nquorum g\n",
            4,
            threshold(2),
        ),
        (
            "k below zero",
            "{ABC}group g -1 a b\nquorum g\n",
            4,
            threshold(2),
        ),
        (
            "k in hexadecimal",
            "{ABC}group g 0x1 a b\nquorum g\n",
            4,
            threshold(2),
        ),
        (
            "k in a word",
            "{ABC}group g ALL a b\nquorum g\n",
            4,
            threshold(2),
        ),
        (
            "k in other digits",
            "{ABC}group g \u{661} a b\nquorum g\n",
            4,
            threshold(2),
        ),
    ];
    for (what, text, line, fault) in table {
        let text = fill(&text.replace("{ABC}", ABC));
        let error = Policy::parse(text.as_bytes()).expect_err(what);
        assert_eq!((error.line(), error.fault()), (line, &fault), "{what}");
    }
}

#[test]
fn two_votes_of_one_member_are_refused() {
    let head = "witness a {A}\nwitness a2 {A2}\nwitness b {B}\nwitness c {C}\n";
    for rest in [
        "group g all a a2\nquorum g\n",
        "group g 2 a a2 b\nquorum g\n",
        "group x any a b\ngroup y any a2 c\ngroup g 2 x y\nquorum g\n",
        "group x any a b\ngroup g 2 x a2 c\nquorum g\n",
        "group x 2 a a2\ngroup g any x b\nquorum g\n",
    ] {
        let text = fill(&format!("{head}{rest}"));
        let error = Policy::parse(text.as_bytes()).expect_err(rest);
        assert!(
            matches!(error.fault(), PolicyFault::TwoVotes { .. }),
            "{rest}: {error}"
        );
    }
}

#[test]
fn octets_beyond_ascii_need_not_be_utf8() {
    let mut text = b"witness \xff\xfe ".to_vec();
    text.extend_from_slice(witness_key("a", 1).vkey().to_string().as_bytes());
    text.extend_from_slice(b" http://\xc3\n# \x80\nquorum \xff\xfe\n");
    let policy = Policy::parse(&text).unwrap();
    assert_eq!(policy.witnesses()[0].name_bytes(), b"\xff\xfe");
    // Another name, though both look alike when shown.
    let other = [text.as_slice(), b""].concat();
    let other = String::from_utf8_lossy(&other).replace("quorum", "#");
    assert!(Policy::parse(format!("{other}quorum \u{fffd}\n").as_bytes()).is_err());
}

#[test]
fn holds_at_least_what_the_specification_recommends() {
    let mut text = String::new();
    for number in 0..64_u8 {
        let log = key(&format!("log{number}.example"), KeyType::Note, number);
        let witness = witness_key(&format!("w{number}"), number);
        text += &format!("log {}\nwitness w{number} {}\n", log.vkey(), witness.vkey());
        text += &format!("group g{number} any w{number}\n");
    }
    let names: Vec<String> = (0..64).map(|number| format!("g{number}")).collect();
    text += &format!("group all all {}\nquorum all\n", names.join(" "));
    let policy = Policy::parse(text.as_bytes()).unwrap();
    assert_eq!((policy.logs().len(), policy.witnesses().len()), (64, 64));
    assert_eq!(policy.smallest_overlap(), 64);
}
