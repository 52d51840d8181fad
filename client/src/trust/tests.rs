//! What a trust file may say, and what is refused.

use labelproof_core::key::{KeyType, SigningKey};

use super::*;

fn vkey(name: &str, key_type: KeyType) -> String {
    let key = SigningKey::from_seed(name.parse().unwrap(), key_type, [7; 32]);
    key.vkey().to_string()
}

fn policy(origin: &str) -> String {
    format!(
        "log {} https://{origin}\nwitness jp {}\nquorum jp\n",
        vkey(origin, KeyType::Note),
        vkey("witness.jp.example", KeyType::Cosignature)
    )
}

fn log(origin: &str, schemes: &str) -> String {
    let genesis = LeafHash::of_entry(b"genesis");
    let policy = policy(origin);
    format!(
        "[[log]]\norigin = \"{origin}\"\ngenesis = \"{genesis}\"\nschemes = [{schemes}]\npolicy = \"\"\"\n{policy}\"\"\"\n"
    )
}

fn parse(text: &str) -> Result<TrustFile, TrustError> {
    TrustFile::parse(text.as_bytes())
}

fn label(text: &str) -> Subject {
    text.parse().unwrap()
}

#[test]
fn first_file_is_read_as_it_was_written() {
    let origin: Origin = "labels.g7.example".parse().unwrap();
    let text = TrustFile::first(
        &origin,
        LeafHash::of_entry(b"genesis"),
        &policy("labels.g7.example"),
    )
    .unwrap();
    let trust = parse(&text).unwrap();
    assert_eq!((trust.version(), trust.previous()), (1, None));
    assert_eq!(trust.hash(), FileHash::of(text.as_bytes()));
    let log = trust.home_of(&label("jp.jc-star/EX-1")).unwrap();
    assert_eq!(log.origin(), &origin);
    assert_eq!(log.policy_text(), policy("labels.g7.example"));
    assert_eq!(log.schemes(), &Schemes::Every);
}

#[test]
fn each_scheme_has_one_home() {
    let two = format!(
        "version = 1\n{}{}",
        log("a.example", "\"jp.jc-star\""),
        log("b.example", "\"de.mark\", \"us.mark\"")
    );
    let trust = parse(&two).unwrap();
    assert_eq!(
        trust
            .home_of(&label("us.mark/1"))
            .unwrap()
            .origin()
            .as_str(),
        "b.example"
    );
    assert!(
        trust.home_of(&label("fr.mark/1")).is_err(),
        "nobody's scheme"
    );
    assert!(
        trust.home_of(&label("member:jp")).is_err(),
        "no way to tell which log"
    );
    for (one, other) in [
        ("\"*\"", "\"de.mark\""),
        ("\"*\"", "\"*\""),
        ("\"de.mark\"", "\"us.mark\", \"de.mark\""),
    ] {
        let text = format!(
            "version = 1\n{}{}",
            log("a.example", one),
            log("b.example", other)
        );
        assert!(
            matches!(parse(&text), Err(TrustError::TwoHomes { .. })),
            "{one} {other}"
        );
    }
    let twice = format!(
        "version = 1\n{}",
        log("a.example", "\"de.mark\", \"de.mark\"")
    );
    assert!(matches!(parse(&twice), Err(TrustError::TwoHomes { .. })));
}

#[test]
fn refuses_what_is_not_in_the_format() {
    let good = format!("version = 1\n{}", log("a.example", "\"*\""));
    assert!(parse(&good).is_ok());
    type Expected = fn(&TrustError) -> bool;
    let cases: [(&str, &str, Expected); 9] = [
        ("version = 1", "version = 0", |e| {
            matches!(e, TrustError::VersionZero)
        }),
        ("version = 1", "version = 2", |e| {
            matches!(e, TrustError::NoPrevious { version: 2 })
        }),
        ("version = 1", "version = 1\nprevious = \"00\"", |e| {
            matches!(e, TrustError::PreviousOfFirst)
        }),
        ("version = 1", "version = 2\nprevious = \"00\"", |e| {
            matches!(e, TrustError::BadPrevious)
        }),
        ("version = 1", "version = 1\ncolour = \"red\"", |e| {
            matches!(e, TrustError::Toml(_))
        }),
        ("genesis = \"", "genesis = \"A", |e| {
            matches!(e, TrustError::BadGenesis { .. })
        }),
        ("[\"*\"]", "[]", |e| {
            matches!(e, TrustError::NoScheme { .. })
        }),
        ("[\"*\"]", "[\"*\", \"de.mark\"]", |e| {
            matches!(e, TrustError::BadScheme { .. })
        }),
        ("quorum jp", "quorum none of these", |e| {
            matches!(e, TrustError::BadPolicy { .. })
        }),
    ];
    for (old, new, expected) in cases {
        let error = parse(&good.replacen(old, new, 1)).expect_err(new);
        assert!(expected(&error), "{new}: {error}");
    }
    let no_key: String = good
        .lines()
        .filter(|line| !line.starts_with("log "))
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(matches!(parse(&no_key), Err(TrustError::NoLogKey { .. })));
    assert!(matches!(parse("version = 1\n"), Err(TrustError::NoLog)));
    assert!(matches!(
        TrustFile::parse(&[0xff]),
        Err(TrustError::NotText)
    ));
    assert!(matches!(
        TrustFile::parse(&vec![b'#'; MAX_TRUST_BYTES + 1]),
        Err(TrustError::TooLarge { .. })
    ));
}

#[test]
fn hash_is_of_the_bytes() {
    let update = format!(
        "version = 2\nprevious = \"{}\"\n{}",
        FileHash::of(b"x"),
        log("a.example", "\"*\"")
    );
    let trust = parse(&update).unwrap();
    assert_eq!(trust.previous(), Some(FileHash::of(b"x")));
    assert_ne!(trust.hash(), parse(&format!("{update}\n")).unwrap().hash());
}
