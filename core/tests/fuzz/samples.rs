//! Real input of each format, small and made the same way in every run.

use labelproof_core::add_checkpoint::AddCheckpoint;
use labelproof_core::bundle::{Answer, Answers, Bundle, BundleChunk, BundleEntry, Pack};
use labelproof_core::checkpoint::{Checkpoint, SignedCheckpoint};
use labelproof_core::cosignature::{CosignatureTime, cosign};
use labelproof_core::entry_bundle::EntryBundle;
use labelproof_core::event::{Draft, Kind, template};
use labelproof_core::evidence::Evidence;
use labelproof_core::key::{KeyType, SigningKey};
use labelproof_core::merkle::{
    LeafHash, LeafIndex, NodeHash, RootHash, TreeHead, TreeSize, WholeTree,
};
use labelproof_core::note::Note;
use labelproof_core::state::head::{StateHead, StateRoots};
use labelproof_core::state::key::{IdRule, MapName, canonical_id};
use labelproof_core::state::list::StatusList;
use labelproof_core::state::map::proof::{MapProof, OtherLeaf, Sibling};
use labelproof_core::state::map::{Map, MapHash};
use labelproof_core::state::record::{Flag, IndexRecord, Record, StateRecord, Status};
use labelproof_core::tile::Tile;
use labelproof_core::time::Time;
use labelproof_core::tlog_proof::TlogProof;
use sha2::{Digest, Sha256};

const ORIGIN: &str = "labels.g7.example";

pub(crate) fn log_key() -> SigningKey {
    SigningKey::from_seed(ORIGIN.parse().unwrap(), KeyType::Note, [7; 32])
}

fn entries() -> Vec<Vec<u8>> {
    let mut entries: Vec<Vec<u8>> = (0..5).map(|at| format!("entry {at}\n").into()).collect();
    entries.push(head());
    entries
}

fn tree() -> WholeTree {
    WholeTree::new(entries().iter().map(|entry| LeafHash::of_entry(entry)))
}

fn signed(head: TreeHead) -> SignedCheckpoint {
    let checkpoint = Checkpoint::new(ORIGIN.parse().unwrap(), head);
    SignedCheckpoint::sign(&checkpoint, &log_key())
}

pub(crate) fn note() -> Vec<u8> {
    signed(tree().head()).note().to_bytes()
}

pub(crate) fn cosigned() -> Vec<u8> {
    let note = signed(tree().head()).note().clone();
    let witness =
        SigningKey::from_seed("w.example".parse().unwrap(), KeyType::Cosignature, [8; 32]);
    let time = CosignatureTime::new(1_775_033_400).unwrap();
    let line = cosign(&witness, note.text(), time);
    note.with_signature(line).unwrap().to_bytes()
}

pub(crate) fn checkpoint_text() -> Vec<u8> {
    Checkpoint::new(ORIGIN.parse().unwrap(), tree().head())
        .text()
        .into_bytes()
}

pub(crate) fn extended_text() -> Vec<u8> {
    [checkpoint_text(), b"extension line\n".to_vec()].concat()
}

pub(crate) fn policy() -> Vec<u8> {
    let witness = |name: &str, seed: u8| {
        let key = SigningKey::from_seed(name.parse().unwrap(), KeyType::Cosignature, [seed; 32]);
        key.vkey().to_string()
    };
    format!(
        "# a policy\nlog {} https://{ORIGIN}\nwitness jp {} https://w.jp.example\nwitness de {}\nwitness us {}\n\ngroup two 2 jp de us\nquorum two\n",
        log_key().vkey(),
        witness("w.jp.example", 1),
        witness("w.de.example", 2),
        witness("w.us.example", 3),
    )
    .into_bytes()
}

pub(crate) fn add_checkpoint() -> Vec<u8> {
    let proof = vec![NodeHash::from_bytes([1; 32]), NodeHash::from_bytes([2; 32])];
    let note = signed(tree().head()).note().clone();
    AddCheckpoint::new(TreeSize::new(3), proof, note)
        .unwrap()
        .to_bytes()
}

fn proof_of(at: u64, extra: Option<Vec<u8>>) -> TlogProof {
    let index = LeafIndex::new(at);
    let note = signed(tree().head()).note().clone();
    TlogProof::new(extra, index, tree().path(index).unwrap(), note).unwrap()
}

pub(crate) fn tlog_proof() -> Vec<u8> {
    proof_of(2, None).to_bytes()
}

pub(crate) fn receipt() -> Vec<u8> {
    proof_of(2, Some(head())).to_bytes()
}

pub(crate) fn evidence() -> Vec<Vec<u8>> {
    let other = TreeHead::new(tree().size(), RootHash::from_bytes([9; 32]));
    let (one, two) = (signed(tree().head()), signed(other));
    let fork = Evidence::fork_at_one_size(&one, &two).unwrap().to_bytes();
    let entries = unsealed_evidence()[1..]
        .iter()
        .map(|text| seal(text).unwrap())
        .collect::<Vec<_>>();
    [vec![fork], entries].concat()
}

pub(crate) fn unsealed_evidence() -> Vec<Vec<u8>> {
    use base64::Engine;
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let start = |claim: &str| format!("labelproof-evidence/v1\nclaim {claim}\norigin {ORIGIN}\n");
    let other = signed(TreeHead::new(tree().size(), RootHash::from_bytes([9; 32])));
    let (one, two) = (base64(&note()), base64(&other.note().to_bytes()));
    let fork = format!("{}note {one}\nnote {two}\n", start("fork"));
    let proof = |at: usize| base64(&proof_of(at as u64, Some(entries()[at].clone())).to_bytes());
    let wrong = format!("{}proof {}\n", start("wrong-head"), proof(5));
    let back = format!(
        "{}proof {}\nproof {}\n",
        start("back-dated"),
        proof(4),
        proof(5)
    );
    let bad = format!("{}proof {}\n", start("bad-entry"), proof(2));
    let hash = RootHash::EMPTY;
    let between = format!("{fork}root {hash}\npath {hash}\n");
    let texts = [fork, wrong, back, bad, between];
    texts.map(String::into_bytes).to_vec()
}

/// Adds the digest line; nothing if the text does not end a line.
pub(crate) fn seal(text: &[u8]) -> Option<Vec<u8>> {
    let digest = hex::encode(Sha256::digest(text));
    (text.last() == Some(&b'\n')).then(|| [text, format!("sha256 {digest}\n").as_bytes()].concat())
}

pub(crate) fn tile() -> Vec<u8> {
    let hashes = (0..3)
        .map(|byte| NodeHash::from_bytes([byte; 32]))
        .collect();
    Tile::new(hashes).unwrap().to_bytes()
}

pub(crate) fn entry_bundle() -> Vec<u8> {
    EntryBundle::new(entries()[..3].to_vec())
        .unwrap()
        .to_bytes()
}

pub(crate) fn events() -> Vec<Vec<u8>> {
    let event = |kind: &Kind| {
        let draft = Draft::from_json(*kind, template(*kind)).unwrap();
        let text = draft.text(&ORIGIN.parse().unwrap(), None);
        let line = log_key().sign_note(&text);
        Note::new(text, vec![line]).unwrap().to_bytes()
    };
    Kind::ALL.iter().map(event).collect()
}

fn map() -> Map {
    let mut map = Map::new();
    for (at, name) in names().into_iter().enumerate() {
        let index = LeafIndex::new(at as u64);
        let leaf = LeafHash::of_entry(format!("entry {at}\n").as_bytes());
        map.insert(name.key(), &StateRecord::begin(index, &leaf).to_bytes());
    }
    map
}

fn label(id: &str) -> MapName {
    let id = canonical_id(IdRule::Exact, id).unwrap();
    MapName::label("jp.jc-star", &id).unwrap()
}

fn names() -> [MapName; 4] {
    [
        MapName::member("jp").unwrap(),
        MapName::scheme("jp.jc-star").unwrap(),
        label("EX-1"),
        label("EX-2"),
    ]
}

pub(crate) fn head() -> Vec<u8> {
    let mut list = StatusList::new();
    list.extend_to(5);
    let roots = StateRoots {
        map_root: map().root(),
        list_root: list.root(),
        issues: 2,
    };
    let genesis = LeafHash::of_entry(b"entry 0\n");
    let origin = ORIGIN.parse().unwrap();
    StateHead::new(origin, genesis, LeafIndex::new(5), roots, 1_775_033_400_123).to_bytes()
}

pub(crate) fn state_records() -> Vec<Vec<u8>> {
    let leaf = LeafHash::from_bytes([1; 32]);
    let fresh = StateRecord::begin(LeafIndex::new(7), &leaf);
    let mut revoked = fresh;
    revoked.record_event(LeafIndex::new(300), &leaf);
    revoked.set_status(Status::Revoked, 3);
    revoked.set_prior(Some(Status::Suspended));
    revoked.raise(Flag::SupervisorSuspension);
    revoked.set_not_after(Time::from_unix(1_900_000_000));
    revoked.set_successor_index(Some(LeafIndex::new(400)));
    vec![fresh.to_bytes().to_vec(), revoked.to_bytes().to_vec()]
}

pub(crate) fn index_record() -> Vec<u8> {
    let leaf = LeafHash::from_bytes([1; 32]);
    let events = [(LeafIndex::new(7), leaf), (LeafIndex::new(9), leaf)];
    IndexRecord::of_events(&events).unwrap().to_bytes().to_vec()
}

pub(crate) fn siblings() -> Vec<Vec<u8>> {
    let sibling = |bit| Sibling::new(bit, MapHash::from_bytes([bit; 32])).to_bytes();
    vec![sibling(3), sibling(200)]
}

pub(crate) fn other_leaf() -> Vec<u8> {
    let record = state_records().remove(0);
    OtherLeaf::new(names()[0].key(), record).to_bytes()
}

pub(crate) fn bundles() -> Vec<Vec<u8>> {
    let map = map();
    let present = |name: MapName| {
        let record = map.get(&name.key()).unwrap();
        Answer::Present {
            record: Record::from_bytes(name.kind(), record).unwrap(),
            siblings: map.prove(&name.key()).siblings().to_vec(),
            name,
        }
    };
    let absent = |name: MapName| match map.prove(&name.key()) {
        MapProof::Absence { other, siblings } => Answer::Absent {
            name,
            other,
            siblings,
        },
        _ => panic!("{name} is there"),
    };
    let each = Answers::Each(vec![
        present(label("EX-1")),
        absent(label("EX-9")),
        present(names()[0].clone()),
    ]);
    let asked = [
        label("EX-1"),
        label("EX-9"),
        label("EX-8"),
        names()[1].clone(),
    ];
    let pack = Answers::Pack(Pack::of_map(&map, &asked).unwrap());
    [each, pack]
        .map(|answers| bundle(answers).to_bytes())
        .to_vec()
}

fn bundle(answers: Answers) -> Bundle {
    let entry = |at: u64, path: Vec<NodeHash>| {
        let bytes = entries()[usize::try_from(at).unwrap()].clone();
        BundleEntry::new(LeafIndex::new(at), bytes, path).unwrap()
    };
    let path = tree().path(LeafIndex::new(3)).unwrap();
    let entries = vec![entry(0, Vec::new()), entry(3, path), entry(5, Vec::new())];
    let mut list = StatusList::new();
    list.extend_to(5);
    let chunk = BundleChunk {
        number: 0,
        chunk: list.chunk(0).unwrap().clone(),
        path: vec![NodeHash::from_bytes([4; 32])],
    };
    Bundle::new(entries, answers, vec![chunk], proof_of(5, None)).unwrap()
}
