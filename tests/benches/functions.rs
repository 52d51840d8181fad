//! What single functions take, beside the limits they are made of: `cargo bench -p labelproof-tests`.
//!
//! ```text
//! limits     leaf hash of 700 B · node hash · strict Ed25519 verification · signature
//! events     parse · admission of a label into the state, per event
//! map        update · root · proof · rebuild, at 10^5 and 10^6 records
//! proofs     inclusion · a label's whole bundle
//! ```
//! Rows are read against the limits of the same run, never against those of another machine or day.

use std::hint::black_box;

use divan::{Bencher, counter::ItemsCount};
use labelproof_core::{
    bundle::Bundle,
    event::Event,
    key::{KeyType, SigningKey},
    merkle::{LeafHash, LeafIndex, NodeHash, WholeTree, verify_inclusion},
    policy::Policy,
    state::{SignatureMemo, State, key::MapKey, map::Map},
    status::{self, Trusted},
    time::Time,
};
use labelproof_tests::{labels::LabelMill, paper_log, paper_log::PaperLog, world};

fn main() {
    divan::main();
}

mod limits {
    use super::*;

    #[divan::bench]
    fn leaf_hash_700(bencher: Bencher) {
        let entry = [7; 700];
        bencher.bench(|| LeafHash::of_entry(black_box(&entry)));
    }

    #[divan::bench]
    fn node_hash(bencher: Bencher) {
        let (left, right) = (NodeHash::from_bytes([1; 32]), NodeHash::from_bytes([2; 32]));
        bencher.bench(|| NodeHash::of_children(black_box(&left), black_box(&right)));
    }

    #[divan::bench]
    fn verify_strict(bencher: Bencher) {
        let key = key();
        let text = "a text of some length that is signed\n".repeat(20);
        let line = key.sign_note(&text);
        bencher.bench(|| {
            key.vkey()
                .verify_line(black_box(&text), black_box(&line))
                .is_ok()
        });
    }

    #[divan::bench]
    fn sign(bencher: Bencher) {
        let key = key();
        let text = "a text of some length that is signed\n".repeat(20);
        bencher.bench(|| key.sign_note(black_box(&text)));
    }

    fn key() -> SigningKey {
        let name = "bench.example".parse().expect("a key name");
        SigningKey::from_seed(name, KeyType::Note, [3; 32])
    }
}

mod events {
    use super::*;

    #[divan::bench]
    fn parse(bencher: Bencher) {
        let entry = LabelMill::new().entry(1);
        bencher.bench(|| Event::parse(black_box(&entry)).is_ok());
    }

    /// Parse, verify and apply a thousand issues, and close them with a head.
    #[divan::bench(args = [1_000], sample_count = 10)]
    fn admit(bencher: Bencher, count: u64) {
        let mill = LabelMill::new();
        let entries: Vec<Vec<u8>> = (0..count).map(|number| mill.entry(number)).collect();
        bencher
            .counter(ItemsCount::new(count))
            .with_inputs(founded)
            .bench_values(|mut state| {
                for entry in &entries {
                    let event = Event::parse(entry).expect("an event of ours");
                    let memo = SignatureMemo::verify(&event, &state.candidate_keys(&event));
                    state.apply(&event, &memo).expect("a new label");
                }
                state.append_head(1);
                state
            });
    }

    /// The same with the signatures known: the state function alone.
    #[divan::bench(args = [1_000], sample_count = 10)]
    fn apply(bencher: Bencher, count: u64) {
        let (mill, state) = (LabelMill::new(), founded());
        let events: Vec<(Event, SignatureMemo)> = (0..count)
            .map(|number| {
                let event = Event::parse(&mill.entry(number)).expect("an event of ours");
                let memo = SignatureMemo::verify(&event, &state.candidate_keys(&event));
                (event, memo)
            })
            .collect();
        bencher
            .counter(ItemsCount::new(count))
            .with_inputs(founded)
            .bench_values(|mut state| {
                for (event, memo) in &events {
                    state.apply(event, memo).expect("a new label");
                }
                state.append_head(1);
                state
            });
    }

    fn founded() -> State {
        let mut state = State::genesis(&world::genesis()).expect("the sample genesis");
        for entry in world::foundation() {
            let event = Event::parse(&entry).expect("an event of the samples");
            state
                .apply(&event, &SignatureMemo::empty())
                .expect("the samples are accepted");
        }
        state
    }
}

mod map {
    use super::*;

    /// A thousand changes of records spread over the map, after a clone, and one root.
    #[divan::bench(args = [100_000, 1_000_000], sample_count = 20)]
    fn update_batch_of_1000(bencher: Bencher, size: u64) {
        let mut map = map_of(size);
        let mut at = 0;
        bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
            let before = map.clone();
            for _ in 0..BATCH {
                at += 1;
                map.insert(key(at * 7_919 % size), &record(at));
            }
            map.settle();
            black_box(before.len())
        });
    }

    /// The same with new records.
    #[divan::bench(args = [100_000, 1_000_000], sample_count = 20)]
    fn insert_batch_of_1000(bencher: Bencher, size: u64) {
        let mut map = map_of(size);
        let mut at = size;
        bencher.counter(ItemsCount::new(BATCH)).bench_local(|| {
            let before = map.clone();
            for _ in 0..BATCH {
                at += 1;
                map.insert(key(at), &record(at));
            }
            map.settle();
            black_box(before.len())
        });
    }

    #[divan::bench(args = [100_000, 1_000_000])]
    fn prove(bencher: Bencher, size: u64) {
        let map = map_of(size);
        let mut at = 0;
        bencher.bench_local(|| {
            at += 1;
            map.prove(&key(at * 7_919 % size))
        });
    }

    #[divan::bench(args = [100_000, 1_000_000], sample_count = 3, sample_size = 1)]
    fn rebuild_from_sorted(bencher: Bencher, size: u64) {
        let mut records: Vec<(MapKey, Vec<u8>)> = (0..size)
            .map(|number| (key(number), record(number)))
            .collect();
        records.sort_unstable();
        bencher
            .counter(ItemsCount::new(size))
            .with_inputs(|| records.clone())
            .bench_local_values(|records| Map::from_sorted(records).expect("sorted"));
    }

    fn map_of(size: u64) -> Map {
        let mut map = Map::new();
        for number in 0..size {
            map.insert(key(number), &record(number));
        }
        map.settle();
        map
    }

    fn key(number: u64) -> MapKey {
        MapKey::from_bytes(*LeafHash::of_entry(&number.to_be_bytes()).as_bytes())
    }

    fn record(number: u64) -> Vec<u8> {
        [&number.to_be_bytes()[..], &[0; 72]].concat()
    }

    const BATCH: u64 = 1_000;
}

mod proofs {
    use super::*;

    #[divan::bench(args = [1_000, 100_000])]
    fn inclusion(bencher: Bencher, size: u64) {
        let leaves: Vec<LeafHash> = (0..size)
            .map(|number| LeafHash::of_entry(&number.to_be_bytes()))
            .collect();
        let tree = WholeTree::new(leaves.iter().copied());
        let index = LeafIndex::new(size / 3);
        let leaf = LeafHash::of_entry(&(size / 3).to_be_bytes());
        let path = tree.path(index).expect("the leaf is there");
        bencher.bench(|| verify_inclusion(tree.head(), index, leaf, black_box(&path)).is_ok());
    }

    /// A label's bundle from bytes to its status, every signature verified.
    #[divan::bench]
    fn bundle(bencher: Bencher) {
        let time = Time::from_unix(NOW).expect("a time");
        let mut log = PaperLog::founded(time);
        log.append(&[LabelMill::new().entry(1)]);
        let bytes = log.bundle(&LabelMill::subject(1));
        let policy = paper_log::policy("http://127.0.0.1:1");
        let policy = Policy::parse(policy.as_bytes()).expect("the policy of the samples");
        let genesis = LeafHash::of_entry(&world::genesis());
        let origin = world::origin();
        let trusted = Trusted {
            origin: &origin,
            genesis,
            policy: &policy,
        };
        bencher.bench(|| {
            let bundle = Bundle::parse(black_box(&bytes)).expect("a bundle of ours");
            status::verify(&bundle, &trusted, time).expect("a true bundle")
        });
    }

    const NOW: u64 = 1_790_000_000;
}
