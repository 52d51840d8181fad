//! Names, keys and canonical ids in their one form.

use super::*;

#[test]
fn canonical_ids_follow_the_rule() {
    let fold = |rule, id| canonical_id(rule, id).map(|id| id.to_string());
    assert_eq!(fold(IdRule::Upper, "ex-00 01a"), Ok("EX-0001A".into()));
    assert_eq!(fold(IdRule::Lower, "EX-00 01a"), Ok("ex-0001a".into()));
    assert_eq!(fold(IdRule::Exact, "Ex/1:é"), Ok("Ex:2F1:3A:C3:A9".into()));
    assert_eq!(fold(IdRule::Lower, "/"), Ok(":2F".into()));
    assert_eq!(
        fold(IdRule::Upper, "a\u{a0}b\t"),
        Ok("A:C2:A0B:09".into()),
        "only the ASCII space goes"
    );
    assert_eq!(fold(IdRule::Exact, "  "), Err(KeyError::BadId { bytes: 2 }));
    assert!(canonical_id(IdRule::Exact, &"x".repeat(128)).is_ok());
    assert!(canonical_id(IdRule::Exact, &"x".repeat(129)).is_err());
}

#[test]
fn canonical_id_is_a_fixed_point_but_for_escapes() {
    let once = canonical_id(IdRule::Lower, "EX 1-a_.z").expect("an id");
    assert_eq!(canonical_id(IdRule::Lower, once.as_str()), Ok(once));
    let other = canonical_id(IdRule::Exact, ":2F").expect("an id");
    assert_ne!(Ok(other), canonical_id(IdRule::Exact, "/"));
}

#[test]
fn names_fix_their_fields() {
    let name = |kind, fields: &[&str]| {
        MapName::new(kind, fields.iter().map(ToString::to_string).collect())
    };
    assert!(name(MapType::Label, &["jp.jc-star", "EX-1"]).is_ok());
    assert_eq!(
        name(MapType::Label, &["jp.jc-star"]),
        Err(KeyError::WrongFields { got: 1, want: 2 })
    );
    assert!(name(MapType::Product, &["gtin", "09521234001010"]).is_ok());
    assert!(name(MapType::Product, &["gtin", "9521234001010"]).is_err());
    assert!(name(MapType::Product, &["upc", "09521234001010"]).is_err());
    assert!(name(MapType::About, &["person", "x"]).is_err());
    assert!(name(MapType::Feed, &["jp.jc-star", "adverse"]).is_ok());
    assert!(name(MapType::Feed, &["jp.jc-star", "other"]).is_err());
    assert!(name(MapType::Territory, &["*"]).is_ok());
    for bad in ["", "a b", "é", "a\n", &"x".repeat(MAX_FIELD_BYTES + 1)] {
        assert_eq!(
            name(MapType::Member, &[bad]),
            Err(KeyError::BadField { number: 0 })
        );
    }
    for kind in MapType::ALL {
        assert_eq!(kind.word().parse(), Ok(kind));
    }
    assert_eq!("person".parse::<MapType>(), Err(KeyError::UnknownType));
}

#[test]
fn lengths_keep_fields_apart() {
    let id = |text| canonical_id(IdRule::Exact, text).expect("an id");
    let one = MapName::label("jp.ab", &id("c")).expect("a name");
    let two = MapName::label("jp.a", &id("bc")).expect("a name");
    assert_ne!(one.key(), two.key());
    let alias = MapName::alias("jp.ab", &id("c")).expect("a name");
    assert_ne!(one.key(), alias.key());
}

#[test]
fn a_key_made_without_its_name_is_the_key_of_the_name() {
    let scheme: SchemeId = "jp.ab".parse().expect("a scheme");
    let id = canonical_id(IdRule::Lower, "EX 1-a/").expect("an id");
    let label = MapName::label(scheme.as_str(), &id).expect("a name");
    assert_eq!(MapKey::label(&scheme, &id), label.key());
    let alias = MapName::alias(scheme.as_str(), &id).expect("a name");
    assert_eq!(MapKey::alias(&scheme, &id), alias.key());
    let gtin: Gtin14 = "09521234001010".parse().expect("a GTIN");
    assert_eq!(MapKey::product(&gtin), MapName::product(&gtin).key());
}

#[test]
fn bits_count_from_the_most_significant() {
    let mut bytes = [0; 32];
    bytes[0] = 0x80;
    bytes[31] = 0x01;
    let key = MapKey::from_bytes(bytes);
    assert!(key.bit(0) && !key.bit(1) && key.bit(255));
    let zero = MapKey::from_bytes([0; 32]);
    assert_eq!(key.first_difference(&zero), Some(0));
    bytes[0] = 0;
    assert_eq!(MapKey::from_bytes(bytes).first_difference(&zero), Some(255));
    assert_eq!(zero.first_difference(&zero), None);
}
