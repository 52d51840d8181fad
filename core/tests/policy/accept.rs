//! From a signed checkpoint to a witnessed one.

use labelproof_core::checkpoint::SignedCheckpoint;
use labelproof_core::cosignature::{CosignatureTime, cosign};
use labelproof_core::key::{BadSignature, KeyType, SigningKey};
use labelproof_core::note::{Note, SignatureLine};
use labelproof_core::policy::{Policy, QuorumError};
use labelproof_core::time::Time;

use super::{checkpoint, key, log_key, witness_key};

const NOW: u64 = 1_775_000_000;

fn now() -> Time {
    Time::from_unix(NOW).unwrap()
}

fn witnesses() -> Vec<SigningKey> {
    let names = ["ca", "de", "fr", "gb", "it", "jp", "us"];
    names
        .iter()
        .zip(1..)
        .map(|(name, seed)| witness_key(name, seed))
        .collect()
}

/// Five of seven, as in production.
fn policy() -> Policy {
    let mut text = format!("log {}\n", log_key().vkey());
    for (name, key) in ["ca", "de", "fr", "gb", "it", "jp", "us"]
        .iter()
        .zip(witnesses())
    {
        text += &format!("witness {name} {}\n", key.vkey());
    }
    text += "group members 5 ca de fr gb it jp us\nquorum members\n";
    Policy::parse(text.as_bytes()).unwrap()
}

/// The checkpoint with cosignatures of the first witnesses, at these times.
fn cosigned(times: &[u64]) -> SignedCheckpoint {
    witnesses()
        .iter()
        .zip(times)
        .fold(checkpoint(), |signed, (key, time)| {
            let text = signed.note().text().to_owned();
            let line = cosign(key, &text, CosignatureTime::new(*time).unwrap());
            signed.with_cosignature(key.vkey(), line).unwrap()
        })
}

/// The checkpoint with one more line that need not be right.
fn with_line(signed: &SignedCheckpoint, line: SignatureLine) -> SignedCheckpoint {
    let note = signed.note().clone().with_signature(line).unwrap();
    SignedCheckpoint::open(note, log_key().vkey()).unwrap()
}

/// A line with a right signature over a time that never counts.
fn line_at(key: &SigningKey, text: &str, timestamp: u64) -> SignatureLine {
    // The message is signed as a note's text by a key of the same seed.
    let seed_twin = SigningKey::from_seed(key.vkey().name().clone(), KeyType::Note, {
        let text = key.to_text();
        let base64 = text.rsplit_once('+').unwrap().1.to_owned();
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, base64);
        bytes.unwrap()[1..].try_into().unwrap()
    });
    let message = format!("cosignature/v1\ntime {timestamp}\n{text}");
    let signature = seed_twin.sign_note(&message);
    let bytes = [&timestamp.to_be_bytes(), signature.signature()].concat();
    SignatureLine::new(key.vkey().name().clone(), key.vkey().id(), bytes).unwrap()
}

#[test]
fn five_of_seven_count_and_four_do_not() {
    let witnessed = policy().accept(cosigned(&[NOW; 5]), now()).unwrap();
    assert_eq!((witnessed.as_of(), witnessed.cosigners().len()), (now(), 5));
    assert_eq!(witnessed.head(), checkpoint().head());
    let error = policy().accept(cosigned(&[NOW; 4]), now()).unwrap_err();
    assert_eq!(
        error,
        QuorumError::NotMet {
            counted: 4,
            witnesses: 7
        }
    );
    let error = policy().accept(checkpoint(), now()).unwrap_err();
    assert_eq!(
        error,
        QuorumError::NotMet {
            counted: 0,
            witnesses: 7
        }
    );
}

#[test]
fn as_of_is_the_time_at_which_the_quorum_last_held() {
    let times = [
        NOW - 60,
        NOW - 50,
        NOW - 40,
        NOW - 30,
        NOW - 20,
        NOW - 10,
        NOW,
    ];
    let as_of = |times: &[u64]| {
        let witnessed = policy().accept(cosigned(times), now()).unwrap();
        NOW - witnessed.as_of().unix()
    };
    assert_eq!(as_of(&times), 40);
    assert_eq!(as_of(&times[..6]), 50);
    assert_eq!(as_of(&times[..5]), 60);
    assert_eq!(as_of(&times[2..]), 40);
}

#[test]
fn times_ahead_count_for_300_seconds_only() {
    let witnessed = policy().accept(cosigned(&[NOW + 300; 5]), now()).unwrap();
    assert_eq!(witnessed.as_of().unix(), NOW + 300);
    let mut times = [NOW; 5];
    times[4] = NOW + 301;
    let error = policy().accept(cosigned(&times), now()).unwrap_err();
    assert_eq!(
        error,
        QuorumError::NotMet {
            counted: 4,
            witnesses: 7
        }
    );
    let late = [NOW, NOW, NOW, NOW, NOW, NOW + 301, 1 << 40];
    let witnessed = policy().accept(cosigned(&late), now()).unwrap();
    assert_eq!((witnessed.as_of(), witnessed.cosigners().len()), (now(), 5));
}

#[test]
fn an_old_quorum_is_old_and_still_a_quorum() {
    let witnessed = policy().accept(cosigned(&[1; 7]), now()).unwrap();
    assert_eq!(witnessed.as_of().unix(), 1);
}

#[test]
fn times_that_never_count_neither_help_nor_harm() {
    let key = &witnesses()[6];
    for timestamp in [0, 1 << 63, u64::MAX] {
        let line = line_at(key, checkpoint().note().text(), timestamp);
        let signed = with_line(&cosigned(&[NOW; 4]), line.clone());
        let told = &policy();
        let told = told.cosignatures(&signed).pop().unwrap().1;
        assert_eq!(told, Some(Err(BadSignature::Timestamp { timestamp })));
        let error = policy().accept(signed, now()).unwrap_err();
        assert_eq!(
            error,
            QuorumError::NotMet {
                counted: 4,
                witnesses: 7
            }
        );
        assert!(
            policy()
                .accept(with_line(&cosigned(&[NOW; 5]), line), now())
                .is_ok()
        );
    }
}

#[test]
fn a_wrong_line_by_a_known_key_spoils_a_full_quorum() {
    let key = &witnesses()[6];
    let good = cosign(key, "another text\n", CosignatureTime::new(NOW).unwrap());
    let signed = with_line(&cosigned(&[NOW; 6]), good);
    let error = policy().accept(signed, now()).unwrap_err();
    assert!(matches!(error, QuorumError::Signature { .. }), "{error}");
}

#[test]
fn lines_of_strangers_do_not_matter() {
    let stranger = key("witness.example/stranger", KeyType::Cosignature, 77);
    let namesake = key("witness.example/ca", KeyType::Cosignature, 78);
    let mut signed = cosigned(&[NOW; 4]);
    for key in [stranger, namesake] {
        let line = cosign(
            &key,
            checkpoint().note().text(),
            CosignatureTime::new(NOW).unwrap(),
        );
        signed = with_line(&signed, line);
    }
    let junk = SignatureLine::parse("— labels.g7.example AAAAAAA=").unwrap();
    let signed = with_line(&signed, junk);
    let error = policy().accept(signed, now()).unwrap_err();
    assert_eq!(
        error,
        QuorumError::NotMet {
            counted: 4,
            witnesses: 7
        }
    );
}

#[test]
fn no_name_and_id_may_stand_twice() {
    let signed = cosigned(&[NOW; 5]);
    for line in signed.note().signatures() {
        let error = policy()
            .accept(with_line(&signed, line.clone()), now())
            .unwrap_err();
        assert!(
            matches!(error, QuorumError::DuplicateLine { .. }),
            "{error}"
        );
    }
    let junk = SignatureLine::parse("— junk.example AAAAAAA=").unwrap();
    let twice = with_line(&with_line(&signed, junk.clone()), junk);
    assert!(matches!(
        policy().accept(twice, now()),
        Err(QuorumError::DuplicateLine { .. })
    ));
}

#[test]
fn extension_lines_are_refused() {
    let text = format!("{}extension\n", checkpoint().note().text());
    let mut lines = vec![log_key().sign_note(&text)];
    let time = CosignatureTime::new(NOW).unwrap();
    lines.extend(witnesses().iter().map(|key| cosign(key, &text, time)));
    let note = Note::new(text, lines).unwrap();
    let signed = SignedCheckpoint::open(note, log_key().vkey()).unwrap();
    assert_eq!(
        policy().accept(signed, now()).unwrap_err(),
        QuorumError::Extensions
    );
}

#[test]
fn only_listed_logs_count_if_any_is_listed() {
    let namesake = key("labels.g7.example", KeyType::Note, 9);
    let signed = SignedCheckpoint::sign(checkpoint().checkpoint(), &namesake);
    let error = policy().accept(signed.clone(), now()).unwrap_err();
    assert!(matches!(error, QuorumError::UnknownLog { .. }), "{error}");

    let anyone = format!("witness ca {}\nquorum ca\n", witnesses()[0].vkey());
    let anyone = Policy::parse(anyone.as_bytes()).unwrap();
    let text = signed.note().text().to_owned();
    let line = cosign(&witnesses()[0], &text, CosignatureTime::new(NOW).unwrap());
    let signed = signed
        .with_cosignature(witnesses()[0].vkey(), line)
        .unwrap();
    assert!(anyone.accept(signed, now()).is_ok());
}

#[test]
fn nothing_is_witnessed_under_quorum_none() {
    let text = format!(
        "log {}\nwitness ca {}\nquorum none\n",
        log_key().vkey(),
        witnesses()[0].vkey()
    );
    let none = Policy::parse(text.as_bytes()).unwrap();
    for times in [[].as_slice(), &[NOW]] {
        assert_eq!(
            none.accept(cosigned(times), now()).unwrap_err(),
            QuorumError::NoneAsked
        );
    }
    assert_eq!(none.smallest_overlap(), 0);
}

#[test]
fn one_member_with_two_keys_votes_once() {
    let (ca, ca2, de) = (
        witness_key("ca", 1),
        witness_key("ca", 50),
        witness_key("de", 2),
    );
    let text = format!(
        "witness ca {}\nwitness ca2 {}\nwitness de {}\ngroup ca-any any ca ca2\n\
         group g 2 ca-any de\nquorum g\n",
        ca.vkey(),
        ca2.vkey(),
        de.vkey()
    );
    let policy = Policy::parse(text.as_bytes()).unwrap();
    let with = |keys: &[&SigningKey]| {
        keys.iter().fold(checkpoint(), |signed, key| {
            let text = signed.note().text().to_owned();
            let line = cosign(key, &text, CosignatureTime::new(NOW).unwrap());
            signed.with_cosignature(key.vkey(), line).unwrap()
        })
    };
    assert!(policy.accept(with(&[&ca, &ca2]), now()).is_err());
    assert!(policy.accept(with(&[&ca, &de]), now()).is_ok());
    assert!(policy.accept(with(&[&ca2, &de]), now()).is_ok());
    assert!(policy.accept(with(&[&ca, &ca2, &de]), now()).is_ok());
}

#[test]
fn the_smallest_overlap_is_that_of_the_worst_pair() {
    assert_eq!(policy().smallest_overlap(), 3);
}
