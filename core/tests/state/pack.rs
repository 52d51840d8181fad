//! Packs: many products under one tree, the labels mostly without their history, and what no change can prove.

use labelproof_core::bundle::Bundle;
use labelproof_core::event::Kind;
use labelproof_core::hands::Hands;
use labelproof_core::merkle::LeafIndex;
use labelproof_core::state::record::Status;
use labelproof_core::status::{
    self, Finding, Grade, NotProved, Since, Trusted, Unverified, VerifiedBundle,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use crate::cutoff::revoke_key;
use crate::ledger::{self, ISSUER, LABEL, Ledger, now, subject};
use crate::product::{GTIN, OTHER, bind, gtin, renew, shelf};
use crate::world;

/// Everything that a pack says, in one comparable piece.
fn verdict(verified: &VerifiedBundle, of: &[&str]) -> Vec<String> {
    of.iter()
        .map(|of| match verified.product(&gtin(of)) {
            Ok(product) => format!("{:?}", product.labels()),
            Err(NotProved) => "not proved".to_owned(),
        })
        .collect()
}

#[test]
fn pack_says_of_each_product_what_its_bundle_says() {
    let mut ledger = shelf();
    bind(
        &mut ledger,
        Kind::LabelBind,
        "de.it-sik/EX-1",
        OTHER,
        "label.de.example",
    );
    let pack = ledger.pack(&[
        "gtin 09521234001010",
        "gtin 09521234001027",
        "gtin 09521234001034",
        "label jp.jc-star/EX-1",
        "label jp.jc-star/EX-9",
        "label xx.none/EX-9",
    ]);
    let verified = ledger.verify_text(&pack).unwrap();
    for of in [GTIN, OTHER, "09521234001034"] {
        let own = ledger.product(of);
        let (own, packed) = (
            own.product(&gtin(of)).unwrap(),
            verified.product(&gtin(of)).unwrap(),
        );
        assert_eq!(own.labels().len(), packed.labels().len());
        assert_eq!(
            own.decisive(now())
                .map(|(grade, one)| (grade, one.label().label().clone())),
            packed
                .decisive(now())
                .map(|(grade, one)| (grade, one.label().label().clone()))
        );
        for (one, other) in own.labels().iter().zip(packed.labels()) {
            assert_eq!(one.binding(), other.binding());
            assert_eq!(one.label().record(), other.label().record());
            assert_eq!(one.label().issuer(), other.label().issuer());
        }
    }
    assert!(matches!(
        verified.find(&subject(LABEL)),
        Ok(Finding::Label(_))
    ));
    assert!(matches!(
        verified.find(&subject("jp.jc-star/EX-9")),
        Ok(Finding::Absent)
    ));
    assert!(matches!(
        verified.find(&subject("xx.none/EX-9")),
        Ok(Finding::Absent)
    ));
    // The history of an active label is left out; what else it went through is behind it at its last event.
    let active = verified.find(&subject("de.it-sik/EX-1")).unwrap();
    let Finding::Summary(label) = active else {
        panic!("{active:?}");
    };
    assert_eq!(label.status(), Status::Active);
    assert_eq!(
        label.since(),
        Since::AtTheLatest(label.record().last_index())
    );
    assert_eq!(label.issue().product.line.as_str(), "Kawabe Home");
    // Of the suspended one it is there, and says since when.
    let suspended = verified.find(&subject("sg.cls/EX-1")).unwrap();
    let Finding::Label(label) = suspended else {
        panic!("{suspended:?}");
    };
    assert_eq!(label.status(), Status::Suspended);
    assert_eq!(label.since(), label.record().last_index());
}

/// Threads that each do a part of this many things: by one thing, the parts are as many as they can be.
struct Threads(usize);

impl Hands for Threads {
    fn in_parts<T: Sync, R: Send>(&self, all: &[T], work: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
        let parts: Vec<&[T]> = all.chunks(self.0).collect();
        if parts.is_empty() {
            return vec![work(all)];
        }
        std::thread::scope(|scope| {
            let threads: Vec<_> = parts
                .into_iter()
                .map(|part| scope.spawn(|| work(part)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        })
    }
}

#[test]
fn many_hands_find_what_one_finds_and_refuse_a_flipped_bit_in_any_line_as_one_does() {
    let mut ledger = shelf();
    // A label, one that takes its place, and one that takes the place of that.
    let chain = ["jp.jc-star/EX-21", "jp.jc-star/EX-22", "jp.jc-star/EX-23"];
    for (at, label) in chain.iter().enumerate() {
        let mut draft = world::issue_draft(label);
        if let Some(before) = at.checked_sub(1) {
            draft["body"]["supersedes"] = serde_json::json!(chain[before]);
        }
        let signed = world::entry(Kind::LabelIssue, &draft, None, &[&world::key(ISSUER)]);
        ledger.accept(&signed);
    }
    let of = [GTIN, OTHER, "09521234001034"];
    let pack = ledger.pack(&[
        "gtin 09521234001010",
        "gtin 09521234001027",
        "gtin 09521234001034",
        "label jp.jc-star/EX-1",
        "label jp.jc-star/EX-9",
    ]);
    let (origin, policy) = (world::origin(), ledger::policy());
    let trusted = Trusted {
        origin: &origin,
        genesis: ledger.state.genesis_hash(),
        policy: &policy,
    };
    let found = |text: &str, hands: &Threads| {
        let bundle = Bundle::parse_with(text.as_bytes(), hands);
        let bundle = bundle.map_err(|error| format!("{error:?}"))?;
        let verified = status::verify_with(&bundle, &trusted, now(), hands);
        let verified = verified.map_err(|error| format!("{error:?}"))?;
        let all: Vec<String> = verified.findings().map(|one| format!("{one:?}")).collect();
        Ok::<_, String>((verdict(&verified, &of), all))
    };
    let one = found(&pack, &Threads(usize::MAX));
    assert!(one.is_ok());
    assert_eq!(found(&pack, &Threads(1)), one);
    assert_eq!(found(&pack, &Threads(3)), one);
    let notes = pack.find("c2sp.org/tlog-proof").unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(6);
    let mut from = 0;
    for line in pack.split_inclusive('\n') {
        for _ in 0..4 {
            let at = from + usize::try_from(random.next_u32()).unwrap() % line.len();
            let mut changed = pack.clone().into_bytes();
            changed[at] ^= 1 << (random.next_u32() % 7);
            // Of the bits of a byte the highest would leave UTF-8, and then nothing was read.
            let Ok(changed) = String::from_utf8(changed) else {
                continue;
            };
            let one = found(&changed, &Threads(usize::MAX));
            // A cosigner of another name is one that does not count.
            assert!(one.is_err() || at > notes, "byte {at}: {line}");
            assert_eq!(found(&changed, &Threads(1)), one, "byte {at}: {line}");
            assert_eq!(found(&changed, &Threads(3)), one, "byte {at}: {line}");
        }
        from += line.len();
    }
    // With more than one thing wrong they name the same.
    for round in 0..200 {
        let mut changed = pack.clone().into_bytes();
        for _ in 0..3 {
            let at = usize::try_from(random.next_u32()).unwrap() % notes;
            changed[at] ^= 1 << (random.next_u32() % 7);
        }
        if let Ok(changed) = String::from_utf8(changed) {
            let one = found(&changed, &Threads(usize::MAX));
            assert_eq!(found(&changed, &Threads(1)), one, "round {round}");
        }
    }
}

#[test]
fn label_that_a_cut_reaches_needs_its_history_in_a_pack() {
    let mut ledger = Ledger::founded();
    ledger.accept(&world::issue(LABEL, ISSUER));
    let stolen = renew(&mut ledger, LABEL, "EX-1-R", ISSUER);
    let before = ledger.pack(&["gtin 09521234001010"]);
    assert!(ledger.verify_text(&before).is_ok());
    revoke_key(&mut ledger, ISSUER, Some(LeafIndex::new(stolen)));
    let pack = ledger.pack(&["gtin 09521234001010"]);
    let verified = ledger.verify_text(&pack).unwrap();
    let product = verified.product(&gtin(GTIN)).unwrap();
    assert_eq!(product.decisive(now()).unwrap().0, Grade::InDoubt);
    let without: String = pack
        .split_inclusive('\n')
        .filter(|line| !line.starts_with(&format!("entry {stolen} ")))
        .collect();
    assert!(matches!(
        ledger.verify_text(&without).unwrap_err(),
        Unverified::MissingHistory { .. }
    ));
}

#[test]
fn label_bound_later_brings_its_issue() {
    let mut ledger = shelf();
    bind(
        &mut ledger,
        Kind::LabelBind,
        "de.it-sik/EX-1",
        OTHER,
        "label.de.example",
    );
    let pack = ledger.pack(&["gtin 09521234001027"]);
    let verified = ledger.verify_text(&pack).unwrap();
    let product = verified.product(&gtin(OTHER)).unwrap();
    assert_eq!(
        product.labels()[0].label().issuer().as_str(),
        "label.de.example"
    );
    assert_eq!(verified.labels().count(), 1);
}

#[test]
fn superseded_label_and_its_successor_share_a_pack() {
    let mut ledger = Ledger::founded();
    ledger.accept(&world::issue(LABEL, ISSUER));
    let mut draft = world::issue_draft("jp.jc-star/EX-2");
    draft["body"]["supersedes"] = serde_json::json!(LABEL);
    ledger.accept(&world::entry(
        Kind::LabelIssue,
        &draft,
        None,
        &[&world::key(ISSUER)],
    ));
    ledger.accept(&world::suspend(
        "jp.jc-star/EX-2",
        "2026-05-11T08:00:00Z",
        None,
        ISSUER,
    ));
    let pack = ledger.pack(&["gtin 09521234001010"]);
    let verified = ledger.verify_text(&pack).unwrap();
    let product = verified.product(&gtin(GTIN)).unwrap();
    assert_eq!(product.counting().count(), 1);
    assert_eq!(product.decisive(now()).unwrap().0, Grade::Suspended);
}

#[test]
fn no_changed_byte_turns_one_pack_into_another() {
    let mut ledger = shelf();
    bind(
        &mut ledger,
        Kind::LabelBind,
        "de.it-sik/EX-1",
        OTHER,
        "label.de.example",
    );
    let of = [GTIN, OTHER, "09521234001034"];
    let pack = ledger
        .pack(&[
            "gtin 09521234001010",
            "gtin 09521234001027",
            "gtin 09521234001034",
        ])
        .into_bytes();
    let want = verdict(&ledger.verify_bytes(&pack).unwrap(), &of);
    for at in (0..pack.len()).step_by(29) {
        let mut changed = pack.clone();
        changed[at] ^= 1 << (at % 7);
        if let Some(got) = ledger.verify_bytes(&changed) {
            for (got, want) in verdict(&got, &of).iter().zip(&want) {
                assert!(got == want || got == "not proved", "byte {at}: {got}");
            }
        }
    }
}

#[test]
fn no_missing_doubled_or_swapped_line_turns_one_pack_into_another() {
    let mut ledger = shelf();
    bind(
        &mut ledger,
        Kind::LabelBind,
        "de.it-sik/EX-1",
        OTHER,
        "label.de.example",
    );
    bind(
        &mut ledger,
        Kind::LabelUnbind,
        "de.it-sik/EX-1",
        OTHER,
        "label.de.example",
    );
    let of = [GTIN, OTHER, "09521234001034"];
    let pack = ledger.pack(&[
        "gtin 09521234001010",
        "gtin 09521234001027",
        "gtin 09521234001034",
    ]);
    let want = verdict(&ledger.verify_text(&pack).unwrap(), &of);
    let lines: Vec<&str> = pack.split_inclusive('\n').collect();
    for at in 0..lines.len() {
        let (mut without, mut twice, mut swapped) = (lines.clone(), lines.clone(), lines.clone());
        without.remove(at);
        twice.insert(at, lines[at]);
        swapped.swap(at, (at + 1) % lines.len());
        for changed in [without, twice, swapped] {
            if let Some(got) = ledger.verify_bytes(changed.concat().as_bytes()) {
                for (got, want) in verdict(&got, &of).iter().zip(&want) {
                    assert!(got == want || got == "not proved", "line {at}: {got}");
                }
            }
        }
    }
}
