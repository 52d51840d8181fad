//! Every parser under ten thousand seeded mutations of real input: no panic, no hang, one form a value.
//!
//! A target is a plain function from bytes to the bytes of what was read, or nothing if it was refused. What is read
//! must be written as it was. Fuzzers that are guided by coverage can call the same functions.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod mutate;
mod samples;

use labelproof_core::add_checkpoint::AddCheckpoint;
use labelproof_core::bundle::Bundle;
use labelproof_core::checkpoint::{Checkpoint, Origin};
use labelproof_core::entry_bundle::EntryBundle;
use labelproof_core::event::{Event, EventId, Subject};
use labelproof_core::evidence::{Decision, Evidence, Proven};
use labelproof_core::key::{SigningKey, Vkey};
use labelproof_core::merkle::{LeafIndex, RootHash};
use labelproof_core::note::{KeyName, Note, SignatureLine};
use labelproof_core::policy::Policy;
use labelproof_core::state::head::{Rules, StateHead};
use labelproof_core::state::key::{MapName, MapType};
use labelproof_core::state::map::proof::{OtherLeaf, Sibling};
use labelproof_core::state::record::{IndexRecord, StateRecord};
use labelproof_core::tile::{Tile, TilePath, Width};
use labelproof_core::time::Time;
use labelproof_core::tlog_proof::TlogProof;

use mutate::Mutator;

const MUTATIONS: usize = 10_000;

/// Reads; answers what it would write.
type Target = fn(&[u8]) -> Option<Vec<u8>>;

fn torture(target: Target, samples: &[Vec<u8>], refused_at_least: usize) {
    for sample in samples {
        let again = target(sample);
        assert_eq!(again.as_deref(), Some(&sample[..]), "a sample is read");
    }
    let mut mutator = Mutator::new(samples);
    let mut refused = 0;
    for round in 0..MUTATIONS {
        let input = mutator.next_input();
        match target(&input) {
            Some(written) => assert!(
                written == input,
                "round {round}: another form was read:\n{}",
                String::from_utf8_lossy(&input)
            ),
            None => refused += 1,
        }
    }
    assert!(refused >= refused_at_least, "only {refused} refused");
}

fn text(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok()
}

/// A target for a type with `FromStr` and `Display`.
macro_rules! text_target {
    ($type:ty) => {
        |bytes| {
            let value: $type = text(bytes)?.parse().ok()?;
            Some(value.to_string().into_bytes())
        }
    };
}

fn texts(samples: &[&str]) -> Vec<Vec<u8>> {
    samples
        .iter()
        .map(|sample| sample.as_bytes().to_vec())
        .collect()
}

#[test]
fn notes_have_one_form() {
    let target: Target = |bytes| Some(Note::parse(bytes).ok()?.to_bytes());
    torture(target, &[samples::note(), samples::cosigned()], 1000);
}

#[test]
fn signature_lines_have_one_form() {
    let target: Target = |bytes| {
        let line = SignatureLine::parse(text(bytes)?).ok()?;
        Some(line.to_string().into_bytes())
    };
    let note = String::from_utf8(samples::note()).unwrap();
    torture(
        target,
        &texts(&[note.trim_end().rsplit('\n').next().unwrap()]),
        1000,
    );
}

#[test]
fn keys_have_one_form() {
    let vkey = samples::log_key().vkey().to_string();
    torture(text_target!(Vkey), &texts(&[&vkey]), 5000);
    let secret: Target = |bytes| {
        let key: SigningKey = text(bytes)?.parse().ok()?;
        Some(key.to_text().as_bytes().to_vec())
    };
    torture(secret, &texts(&[&samples::log_key().to_text()]), 5000);
    torture(text_target!(KeyName), &texts(&["labels.g7.example"]), 10);
}

#[test]
fn small_texts_have_one_form() {
    torture(text_target!(Time), &texts(&["2026-02-28T23:59:59Z"]), 5000);
    torture(
        text_target!(Origin),
        &texts(&["labels.g7.example/2026"]),
        10,
    );
    torture(
        text_target!(LeafIndex),
        &texts(&["0", "18446744073709551615"]),
        1000,
    );
    torture(
        text_target!(Rules),
        &texts(&["state/0.1", "state/12"]),
        3000,
    );
    let hash = RootHash::EMPTY.to_string();
    torture(text_target!(RootHash), &texts(&[&hash]), 2000);
    torture(text_target!(EventId), &texts(&[&"0a".repeat(32)]), 2000);
    let subjects = ["jp.jc-star/EX-1", "authority:a.jp.example", "member:jp"];
    torture(text_target!(Subject), &texts(&subjects), 1000);
    let paths = [
        "tile/0/x001/067.p/12",
        "tile/entries/000",
        "tile/2/x001/x234/067",
    ];
    torture(text_target!(TilePath), &texts(&paths), 5000);
}

#[test]
fn checkpoints_have_one_form() {
    let target: Target = |bytes| Some(Checkpoint::parse(text(bytes)?).ok()?.text().into_bytes());
    torture(
        target,
        &[samples::checkpoint_text(), samples::extended_text()],
        1000,
    );
}

#[test]
fn policies_are_kept_as_they_were_read() {
    let target: Target = |bytes| Some(Policy::parse(bytes).ok()?.to_bytes().to_vec());
    torture(target, &[samples::policy()], 3000);
}

#[test]
fn requests_and_proofs_have_one_form() {
    let add: Target = |bytes| Some(AddCheckpoint::parse(bytes).ok()?.to_bytes());
    torture(add, &[samples::add_checkpoint()], 1000);
    let proof: Target = |bytes| Some(TlogProof::parse(bytes).ok()?.to_bytes());
    torture(proof, &[samples::tlog_proof(), samples::receipt()], 1000);
}

#[test]
fn evidence_has_one_form() {
    let target: Target = |bytes| Some(Evidence::parse(bytes).ok()?.to_bytes());
    torture(target, &samples::evidence(), 9000);
    // Sealed again after each change, so that more than the digest is asked.
    let resealed: Target = |bytes| {
        let sealed = samples::seal(bytes)?;
        let evidence = Evidence::parse(&sealed).ok()?;
        assert_eq!(evidence.to_bytes(), sealed);
        // Of the samples only the first proves its claim, and a judge who has read nothing decides nothing.
        match evidence.verify(&[samples::log_key().vkey().clone()]) {
            Ok(Decision::Proven(proven)) => assert!(matches!(proven, Proven::Fork(_))),
            Ok(Decision::NeedsEntries(judge)) => assert!(judge.decide().is_err()),
            Err(_) => {}
        }
        Some(bytes.to_vec())
    };
    torture(resealed, &samples::unsealed_evidence(), 1000);
}

#[test]
fn tiles_and_entry_bundles_have_one_form() {
    let tile: Target = |bytes| Some(Tile::parse(bytes, Width::new(3)?).ok()?.to_bytes());
    torture(tile, &[samples::tile()], 1000);
    let bundle: Target = |bytes| Some(EntryBundle::parse(bytes, Width::new(3)?).ok()?.to_bytes());
    torture(bundle, &[samples::entry_bundle()], 1000);
}

#[test]
fn events_have_one_form() {
    let target: Target = |bytes| {
        let event = Event::parse(bytes).ok()?;
        assert_eq!(event.note().to_bytes(), bytes);
        let json: serde_json::Value = serde_json::from_str(event.json()).unwrap();
        assert_eq!(json.to_string(), event.json());
        Some(event.bytes().to_vec())
    };
    torture(target, &samples::events(), 3000);
}

#[test]
fn state_heads_have_one_form() {
    let target: Target = |bytes| Some(StateHead::parse(bytes).ok()?.to_bytes());
    torture(target, &[samples::head()], 1000);
}

#[test]
fn records_and_map_proofs_have_one_form() {
    let state: Target = |bytes| Some(StateRecord::from_bytes(bytes).ok()?.to_bytes().to_vec());
    torture(state, &samples::state_records(), 1000);
    let index: Target = |bytes| Some(IndexRecord::from_bytes(bytes).ok()?.to_bytes().to_vec());
    torture(index, &[samples::index_record()], 1000);
    let sibling: Target = |bytes| Some(Sibling::from_bytes(bytes).ok()?.to_bytes());
    torture(sibling, &samples::siblings(), 1000);
    let other: Target = |bytes| Some(OtherLeaf::from_bytes(bytes).ok()?.to_bytes());
    torture(other, &[samples::other_leaf()], 1000);
}

#[test]
fn map_names_have_one_form() {
    let target: Target = |bytes| {
        let mut words = text(bytes)?.split(' ');
        let kind: MapType = words.next()?.parse().ok()?;
        let name = MapName::new(kind, words.map(Into::into).collect()).ok()?;
        Some(name.to_string().into_bytes())
    };
    let names = [
        "label jp.jc-star EX-1",
        "product gtin 09521234001010",
        "feed jp.jc-star adverse",
        "territory *",
    ];
    torture(target, &texts(&names), 2000);
}

#[test]
fn bundles_have_one_form() {
    let target: Target = |bytes| Some(Bundle::parse(bytes).ok()?.to_bytes());
    torture(target, &samples::bundles(), 2000);
}
