//! Bundles over a small real log, and every line of them moved, dropped, doubled and changed.

use super::*;
use crate::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::key::{KeyType, SigningKey};
use crate::merkle::{RootHash, WholeTree};
use crate::note::KeyName;
use crate::state::head::{StateHead, StateRoots};
use crate::state::key::{IdRule, canonical_id};
use crate::state::list::{Code, StatusList};
use crate::state::map::Map;
use crate::state::record::StateRecord;

const ORIGIN: &str = "labels.g7.example";

struct World {
    map: Map,
    list: StatusList,
    tree: WholeTree,
    entries: Vec<Vec<u8>>,
    proof: TlogProof,
}

/// Five entries and their head; three labels, a scheme and a member.
fn world() -> World {
    let mut entries: Vec<Vec<u8>> = (0..5).map(|at| format!("entry {at}\n").into()).collect();
    let mut map = Map::new();
    let mut list = StatusList::new();
    for (at, name) in [
        (0, member()),
        (1, scheme()),
        (2, label("EX-1")),
        (3, label("EX-2")),
    ] {
        let index = LeafIndex::new(at);
        let leaf = LeafHash::of_entry(format!("entry {at}\n").as_bytes());
        map.insert(name.key(), &StateRecord::begin(index, &leaf).to_bytes());
    }
    list.extend_to(5);
    list.set(LeafIndex::new(3), Code::Suspended);
    let roots = StateRoots {
        map_root: map.root(),
        list_root: list.root(),
        issues: 2,
    };
    let genesis = LeafHash::of_entry(&entries[0]);
    let head = StateHead::new(
        ORIGIN.parse().unwrap(),
        genesis,
        LeafIndex::new(5),
        roots,
        1_775_033_400_123,
    );
    entries.push(head.to_bytes());
    let tree = WholeTree::new(entries.iter().map(|entry| LeafHash::of_entry(entry)));
    let name = KeyName::parse(ORIGIN).unwrap();
    let key = SigningKey::from_seed(name, KeyType::Note, [7; 32]);
    let checkpoint = Checkpoint::new(ORIGIN.parse().unwrap(), tree.head());
    let note = SignedCheckpoint::sign(&checkpoint, &key).note().clone();
    let at = LeafIndex::new(5);
    let proof = TlogProof::new(None, at, tree.path(at).unwrap(), note).unwrap();
    World {
        map,
        list,
        tree,
        entries,
        proof,
    }
}

fn member() -> MapName {
    MapName::member("jp").unwrap()
}

fn scheme() -> MapName {
    MapName::scheme("jp.jc-star").unwrap()
}

fn label(id: &str) -> MapName {
    MapName::label("jp.jc-star", &canonical_id(IdRule::Upper, id).unwrap()).unwrap()
}

impl World {
    fn entry(&self, at: u64, path: bool) -> BundleEntry {
        let index = LeafIndex::new(at);
        let bytes = self.entries[usize::try_from(at).unwrap()].clone();
        let path = if path {
            self.tree.path(index).unwrap()
        } else {
            Vec::new()
        };
        BundleEntry::new(index, bytes, path).unwrap()
    }

    fn present(&self, name: MapName) -> Answer {
        let proof = self.map.prove(&name.key());
        let record = self.map.get(&name.key()).unwrap();
        Answer::Present {
            record: Record::from_bytes(name.kind(), record).unwrap(),
            name,
            siblings: proof.siblings().to_vec(),
        }
    }

    fn absent(&self, name: MapName) -> Answer {
        use crate::state::map::proof::MapProof;
        let MapProof::Absence { other, siblings } = self.map.prove(&name.key()) else {
            panic!("{name} is in the map");
        };
        Answer::Absent {
            name,
            other,
            siblings,
        }
    }

    fn each(&self) -> Answers {
        Answers::Each(vec![
            self.present(label("EX-2")),
            self.present(member()),
            self.absent(label("EX-9")),
        ])
    }

    fn pack(&self) -> Answers {
        let names = [
            label("EX-2"),
            member(),
            label("EX-9"),
            label("EX-1"),
            label("EX-8"),
        ];
        Answers::Pack(Pack::of_map(&self.map, &names).unwrap())
    }

    fn bundle(&self, answers: Answers) -> Bundle {
        let entries = vec![
            self.entry(0, false),
            self.entry(3, true),
            self.entry(5, false),
        ];
        let chunk = BundleChunk {
            number: 0,
            chunk: self.list.chunk(0).unwrap().clone(),
            path: Vec::new(),
        };
        Bundle::new(entries, answers, vec![chunk], self.proof.clone()).unwrap()
    }
}

#[test]
fn bundle_is_read_as_it_was_written() {
    let world = world();
    for answers in [world.each(), world.pack()] {
        assert_eq!(answers.verify(&world.map.root()), Ok(()));
        let wrong = RootHash::EMPTY;
        assert!(
            answers
                .verify(&MapRoot::from_bytes(*wrong.as_bytes()))
                .is_err()
        );
        let bundle = world.bundle(answers);
        let bytes = bundle.to_bytes();
        assert_eq!(Bundle::parse(&bytes), Ok(bundle));
    }
}

#[test]
fn each_line_has_its_words() {
    let world = world();
    let text = world.bundle(world.each()).to_string();
    let words: Vec<&str> = text
        .lines()
        .take_while(|line| !line.is_empty())
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    assert_eq!(&words[..3], ["labelproof-bundle/v1", "entry", "entry"]);
    assert!(text.contains("\nrecord member jp AQEB"));
    assert!(text.contains("\nrecord label jp.jc-star EX-2 AQEB"));
    assert!(text.contains("\nabsent label jp.jc-star EX-9 I"));
    assert!(text.contains("\nchunk 0 gAAAA"));
    let pack = world.bundle(world.pack()).to_string();
    assert!(pack.contains("\nnode "));
    assert!(pack.contains("\nabsent label jp.jc-star EX-9\n"));
    assert!(!pack.contains("\nsib "));
}

#[test]
fn no_line_is_dropped_doubled_or_moved_unseen() {
    let world = world();
    for answers in [world.each(), world.pack()] {
        let bundle = world.bundle(answers);
        let text = bundle.to_string();
        let lines: Vec<&str> = text.split('\n').collect();
        for at in 0..lines.len() {
            let mut less = lines.clone();
            less.remove(at);
            refused_or_unproved(&world, &less.join("\n"));
            let mut twice = lines.clone();
            twice.insert(at, lines[at]);
            refused_or_unproved(&world, &twice.join("\n"));
            for other in 0..at {
                if lines[at] != lines[other] {
                    let mut swapped = lines.clone();
                    swapped.swap(at, other);
                    refused_or_unproved(&world, &swapped.join("\n"));
                }
            }
        }
    }
}

/// What parses after a change of whole lines must be another bundle in its one form, and where the
/// map answers still hold they are of the same map.
fn refused_or_unproved(world: &World, text: &str) {
    let Ok(bundle) = Bundle::parse(text.as_bytes()) else {
        return;
    };
    assert_eq!(bundle.to_string(), text);
    if bundle.answers().verify(&world.map.root()).is_ok() {
        for (name, record) in bundle.answers().iter() {
            let held = world.map.get(&name.key()).map(<[u8]>::to_vec);
            assert_eq!(record.map(Record::to_bytes), held);
        }
    }
}

#[test]
fn other_spellings_are_refused() {
    let world = world();
    let text = world.bundle(world.each()).to_string();
    let refused = |wrong: String| {
        assert_ne!(wrong, text, "the change applies");
        let parsed = Bundle::parse(wrong.as_bytes());
        parsed.expect_err("another spelling")
    };
    refused(text.replace("/v1\nentry", "/v2\nentry"));
    refused(text.replace("\nentry 0 ", "\nentry 00 "));
    refused(text.replace("\nentry 0 ", "\nentry 0  "));
    refused(text.replace("\nentry 0 ", "\nentry\t0 "));
    refused(text.replace("\nentry 3 ", "\r\nentry 3 "));
    refused(text.replace("\nrecord member jp ", "\nrecord member jp x "));
    refused(text.replace("\nrecord member jp ", "\nrecord people jp "));
    refused(text.replace("\nrecord member jp ", "\nrecord territory jp "));
    refused(text.replace("\nchunk 0 gAAAA", "\nchunk 0 =gAAA"));
    refused(text.replace("\nchunk 0 ", "\nchunk 00 "));
    refused(text.replace("\nchunk 0 ", "\nhunk 0 "));
    refused(text.replace("\nchunk 0 ", "\n\nchunk 0 "));
    refused(text.replace("\n\nc2sp.org", "\nc2sp.org"));
    refused(text.replace("\nindex 5\n", "\nindex 4\n"));
    refused(text.replace("\nindex 5\n", "\nextra AAAA\nindex 5\n"));
    refused(format!("{text}\n"));
    refused(format!("\n{text}"));
    let zeros = base64_zeros();
    let dash = text.replacen("\nchunk 0 ", "\nchunk 1 -\nchunk 2 ", 1);
    assert!(
        Bundle::parse(dash.as_bytes()).is_ok(),
        "a chunk of zeros is a dash"
    );
    refused(dash.replace("\nchunk 1 -", &format!("\nchunk 1 {zeros}")));
    assert!(matches!(
        refused("\n".repeat(MAX_BUNDLE_LINES + 1) + &text),
        BundleError::TooManyLines { .. }
    ));
    assert_eq!(Bundle::parse(&[0xff]), Err(BundleError::NotUtf8));
    assert_eq!(Bundle::parse(b""), Err(BundleError::NoGap));
}

fn base64_zeros() -> String {
    to_base64(Chunk::zeros().as_bytes())
}

#[test]
fn parts_that_contradict_each_other_make_no_bundle() {
    let world = world();
    let make = |entries: Vec<BundleEntry>, answers, chunks| {
        Bundle::new(entries, answers, chunks, world.proof.clone())
    };
    let none = || Answers::Each(Vec::new());
    assert!(make(vec![world.entry(5, false)], none(), Vec::new()).is_ok());
    let index = LeafIndex::new(3);
    assert_eq!(
        make(
            vec![
                world.entry(3, true),
                world.entry(3, true),
                world.entry(5, false)
            ],
            none(),
            Vec::new()
        ),
        Err(BundleError::EntryOrder { index })
    );
    assert_eq!(
        make(Vec::new(), none(), Vec::new()),
        Err(BundleError::NoHead)
    );
    assert_eq!(
        make(vec![world.entry(3, true)], none(), Vec::new()),
        Err(BundleError::NoHead)
    );
    assert_eq!(
        make(vec![world.entry(5, true)], none(), Vec::new()),
        Err(BundleError::NoHead)
    );
    let twice = Answers::Each(vec![world.present(member()), world.present(member())]);
    assert_eq!(
        make(vec![world.entry(5, false)], twice, Vec::new()),
        Err(BundleError::TwiceAsked { name: member() })
    );
    let Answer::Present {
        record, siblings, ..
    } = world.present(member())
    else {
        panic!("the member has a record");
    };
    let name = MapName::new(crate::state::key::MapType::Territory, vec!["GB".into()]).unwrap();
    let other = Answers::Each(vec![Answer::Present {
        name: name.clone(),
        record,
        siblings,
    }]);
    assert_eq!(
        make(vec![world.entry(5, false)], other, Vec::new()),
        Err(BundleError::OtherRecord { name })
    );
    let chunk = |number| BundleChunk {
        number,
        chunk: Chunk::zeros(),
        path: Vec::new(),
    };
    assert_eq!(
        make(
            vec![world.entry(5, false)],
            none(),
            vec![chunk(2), chunk(1)]
        ),
        Err(BundleError::ChunkOrder { number: 1 })
    );
    let long = vec![0; MAX_ENTRY_BYTES + 1];
    assert_eq!(
        BundleEntry::new(index, long, Vec::new()),
        Err(BundleError::LongEntry {
            got: MAX_ENTRY_BYTES + 1
        })
    );
}
