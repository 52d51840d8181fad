//! What a log that lies can sign, and what a bundle can leave out: each has its own name.

use labelproof_core::bundle::{Answer, Answers, Bundle, BundleChunk, BundleEntry, Pack};
use labelproof_core::event::Kind;
use labelproof_core::key::SigningKey;
use labelproof_core::merkle::{LeafHash, LeafIndex};
use labelproof_core::state::head::{StateHead, StateRoots};
use labelproof_core::state::key::{IdRule, MapName, MapType, canonical_id};
use labelproof_core::state::list::{Code, StatusList};
use labelproof_core::state::map::Map;
use labelproof_core::state::map::proof::MapProof;
use labelproof_core::state::record::{IndexRecord, Record};
use labelproof_core::status::{Failure, Finding, Unverified};
use serde_json::json;

use crate::heads::proof_of;
use crate::ledger::{ISSUER, LABEL, Ledger, WITNESSES, sample, subject};
use crate::world::{self, further_key, key, root};

/// A log that may claim any state: its entries before the head, and what the head commits to.
struct Claim {
    before: Vec<Vec<u8>>,
    head: StateHead,
    map: Map,
    list: StatusList,
}

impl Claim {
    /// The truth; the ledger's newest entry is its head.
    fn of(ledger: &Ledger) -> Self {
        let (head, view) = ledger.heads.last().unwrap();
        let (_, before) = ledger.entries.split_last().unwrap();
        let mut list = view.list().clone();
        list.extend_to(head.index().get());
        Self {
            before: before.to_vec(),
            head: head.clone(),
            map: view.map().clone(),
            list,
        }
    }

    /// The entries and names of an honest bundle under what is claimed, signed and witnessed.
    fn bundle(&self, entries: &[BundleEntry], names: &[MapName], chunks: &[u64]) -> Bundle {
        let answers = names.iter().map(|name| answer(&self.map, name)).collect();
        self.signed(entries, Answers::Each(answers), chunks)
    }

    /// The same as a pack.
    fn pack(&self, entries: &[BundleEntry], names: &[MapName]) -> Bundle {
        let pack = Pack::of_map(&self.map, names).unwrap();
        self.signed(entries, Answers::Pack(pack), &[])
    }

    fn signed(&self, entries: &[BundleEntry], answers: Answers, chunks: &[u64]) -> Bundle {
        let roots = StateRoots {
            map_root: self.map.root(),
            list_root: self.list.root(),
            issues: self.head.issues(),
        };
        let head = StateHead::new(
            world::origin(),
            self.head.genesis(),
            self.head.index(),
            roots,
            self.head.clock_ms(),
        );
        let proof = proof_of(&head.to_bytes(), &self.before, &WITNESSES);
        let mut entries = entries.to_vec();
        entries.push(BundleEntry::new(head.index(), head.to_bytes(), Vec::new()).unwrap());
        let chunks = chunks.iter().map(|number| BundleChunk {
            number: *number,
            chunk: self.list.chunk(*number).unwrap().clone(),
            path: self.list.path(*number).unwrap(),
        });
        Bundle::new(entries, answers, chunks.collect(), proof).unwrap()
    }
}

fn answer(map: &Map, name: &MapName) -> Answer {
    let name = name.clone();
    match map.prove(&name.key()) {
        MapProof::Inclusion { record, siblings } => Answer::Present {
            record: Record::from_bytes(name.kind(), &record).unwrap(),
            name,
            siblings,
        },
        MapProof::Absence { other, siblings } => Answer::Absent {
            name,
            other,
            siblings,
        },
        other => panic!("{other:?}"),
    }
}

/// The entries of a bundle but its head, and the names in it.
fn parts(bundle: &Bundle) -> (Vec<BundleEntry>, Vec<MapName>) {
    let (_, entries) = bundle.entries().split_last().unwrap();
    let names = bundle.answers().iter().map(|(name, _)| name.clone());
    (entries.to_vec(), names.collect())
}

fn member(code: &str) -> MapName {
    MapName::member(code).unwrap()
}

fn proof_failure(ledger: &Ledger, bundle: &Bundle, want: &Unverified) {
    let error = ledger.verify(bundle).unwrap_err();
    assert_eq!((error.failure(), &error), (Failure::Proof, want));
}

/// Other roots for Japan; the old ones no longer count.
fn rotate(ledger: &Ledger) -> Vec<u8> {
    let draft = json!({
        "subject": "member:jp",
        "decided_at": "2026-02-01T00:00:00Z",
        "body": {
            "roots": [further_key("root.jp.example", 2).vkey().to_string()],
            "threshold": 1,
        },
    });
    let by: SigningKey = root("jp");
    let newest = ledger.newest("member:jp");
    world::entry(Kind::MemberRoot, &draft, Some(newest), &[&by])
}

#[test]
fn record_of_the_member_cannot_be_left_out() {
    let mut ledger = sample();
    for of in [LABEL, "scheme:jp.jc-star", "authority:label.jp.example"] {
        let (entries, mut names) = parts(&ledger.bundle(of));
        let claim = Claim::of(&ledger);
        assert!(ledger.verify(&claim.bundle(&entries, &names, &[])).is_ok());
        // Another member vouches for entry 0 just as well, and may come along.
        names.push(member("de"));
        assert!(ledger.verify(&claim.bundle(&entries, &names, &[])).is_ok());
        names.retain(|name| *name != member("jp"));
        let bundle = claim.bundle(&entries, &names, &[]);
        let name = member("jp");
        proof_failure(&ledger, &bundle, &Unverified::MissingRecord { name });
    }
}

#[test]
fn label_by_a_root_that_was_rotated_away_is_refused() {
    const SECOND: &str = "second.jp.example";
    const STOLEN: &str = "jp.jc-star/EX-7";
    // What readers are to believe: no rotation ever came, something else stands in its place.
    let mut shown = Ledger::founded();
    let (at, _) = shown.accept(&world::issue("jp.jc-star/EX-2", ISSUER));
    shown.accept(&world::accredit(SECOND, &["issuer"], &["jp.jc-star"]));
    shown.accept(&world::issue(STOLEN, SECOND));
    let (entries, names) = parts(&shown.bundle(STOLEN));
    // What the log holds: the rotation, and after it an authority by the old root.
    let mut rotated = Ledger::founded();
    let rotation = rotate(&rotated);
    assert_eq!(rotated.accept(&rotation).0, at);
    let mut claim = Claim::of(&shown);
    claim.before[usize::try_from(at.get()).unwrap()] = rotation.clone();
    let record = rotated.record("member:jp").unwrap().to_bytes();
    claim.map.insert(member("jp").key(), &record);

    let mut without: Vec<MapName> = names.clone();
    without.retain(|name| *name != member("jp"));
    without.push(member("de"));
    let name = member("jp");
    let bundle = claim.bundle(&entries, &without, &[]);
    proof_failure(&shown, &bundle, &Unverified::MissingRecord { name });
    // With the record the rotation is missing, and with the rotation nobody signed.
    let name = member("jp");
    let bundle = claim.bundle(&entries, &names, &[]);
    proof_failure(&shown, &bundle, &Unverified::OtherRecord { name });
    let mut all = entries;
    all.push(BundleEntry::new(at, rotation, Vec::new()).unwrap());
    all.sort_by_key(BundleEntry::index);
    let error = shown.verify(&claim.bundle(&all, &names, &[])).unwrap_err();
    assert!(matches!(error, Unverified::Entry { index, .. } if index > at));
    assert_eq!(error.failure(), Failure::Signature);
}

#[test]
fn cut_of_a_scheme_is_never_later_than_the_cuts_here() {
    let mut ledger = sample();
    let newest = ledger.newest(&format!("authority:{ISSUER}"));
    let id = key(ISSUER).vkey().id().to_string();
    let issue = ledger.record(LABEL).unwrap().first_index();
    let body = json!({ "revoke": { "key": id, "compromised_from": issue.get() } });
    ledger.accept(&world::change_key(ISSUER, &body, newest, &root("jp")));
    let (entries, names) = parts(&ledger.bundle(LABEL));
    let scheme = MapName::scheme("jp.jc-star").unwrap();
    let record = ledger.record("scheme:jp.jc-star").unwrap();
    assert_eq!(record.successor_index(), Some(issue));
    let claimed = |cut: Option<LeafIndex>| {
        let mut claim = Claim::of(&ledger);
        let mut record = record;
        record.set_successor_index(cut);
        claim.map.insert(scheme.key(), &record.to_bytes());
        claim.bundle(&entries, &names, &[])
    };
    // Another authority of the scheme, not in the bundle, may have lowered it: no less is looked at for that.
    let of = |bundle| match ledger.verify(&bundle).unwrap().find(&subject(LABEL)) {
        Ok(Finding::Label(label)) => format!("{:?}", label.cut_off()),
        other => panic!("{other:?}"),
    };
    let truth = of(claimed(Some(issue)));
    assert!(truth.starts_with("LeftOut"), "{truth}");
    assert_eq!(of(claimed(Some(LeafIndex::new(issue.get() - 1)))), truth);
    // Later, or none at all, would pass what the thief of the key issued.
    let past = ledger.record(LABEL).unwrap().last_index().get() + 1;
    for lie in [Some(issue.get() + 1), Some(past), None] {
        let name = scheme.clone();
        let bundle = claimed(lie.map(LeafIndex::new));
        proof_failure(&ledger, &bundle, &Unverified::OtherRecord { name });
    }
}

#[test]
fn list_and_map_must_agree() {
    let mut ledger = sample();
    let (entries, names) = parts(&ledger.bundle(LABEL));
    let index = ledger.record(LABEL).unwrap().first_index();
    for (code, is_true) in [
        (Code::Active, false),
        (Code::Ended, false),
        (Code::Suspended, true),
        (Code::Superseded, false),
    ] {
        let mut claim = Claim::of(&ledger);
        claim.list.set(index, code);
        let bundle = claim.bundle(&entries, &names, &[0]);
        if is_true {
            assert!(ledger.verify(&bundle).is_ok());
        } else {
            proof_failure(&ledger, &bundle, &Unverified::OtherCode { index });
        }
    }
    // A chunk that is proved, but of nobody here.
    let (entries, names) = parts(&ledger.bundle("scheme:jp.jc-star"));
    let bundle = Claim::of(&ledger).bundle(&entries, &names, &[0]);
    proof_failure(&ledger, &bundle, &Unverified::UnusedChunk { number: 0 });
}

#[test]
fn records_hang_on_the_genesis_that_is_trusted() {
    let mut ledger = sample();
    let (entries, names) = parts(&ledger.bundle(LABEL));
    let claim = Claim::of(&ledger);
    let none = claim.bundle(&[], &names, &[]);
    let without = claim.bundle(&entries[1..], &names, &[]);
    // The same text, so the same members, with one signature less: another leaf.
    let text = entries[0].bytes().to_vec();
    let cut = text[..text.len() - 1]
        .iter()
        .rposition(|byte| *byte == b'\n');
    let short = text[..=cut.unwrap()].to_vec();
    assert_ne!(LeafHash::of_entry(&short), entries[0].leaf());
    let mut other = entries.clone();
    other[0] = BundleEntry::new(LeafIndex::new(0), short, Vec::new()).unwrap();
    let other = claim.bundle(&other, &names, &[]);
    // The genesis, but at another place.
    let mut moved = entries.clone();
    moved[0] = BundleEntry::new(LeafIndex::new(1), text, Vec::new()).unwrap();
    let moved = claim.bundle(&moved, &names, &[]);
    for bundle in [none, without, other, moved] {
        proof_failure(&ledger, &bundle, &Unverified::NoGenesis);
    }
}

#[test]
fn names_that_this_state_does_not_keep_are_refused() {
    let mut ledger = sample();
    let (entries, names) = parts(&ledger.bundle(LABEL));
    let name = MapName::new(MapType::Recognitions, vec!["JP".to_owned()]).unwrap();
    let index = IndexRecord::of_events(&[(LeafIndex::new(0), entries[0].leaf())]).unwrap();
    for is_there in [false, true] {
        let mut claim = Claim::of(&ledger);
        if is_there {
            claim.map.insert(name.key(), &index.to_bytes());
        }
        let asked: Vec<MapName> = names.iter().chain([&name]).cloned().collect();
        let error = ledger
            .verify(&claim.bundle(&entries, &asked, &[]))
            .unwrap_err();
        let want = Unverified::UnknownType { name: name.clone() };
        assert_eq!((error.failure(), error), (Failure::Malformed, want));
    }
}

#[test]
fn bundle_of_absences_has_no_entry_but_the_head() {
    let mut ledger = sample();
    let (entries, names) = parts(&ledger.bundle("de.unknown/EX-1"));
    assert!(entries.is_empty());
    let genesis = BundleEntry::new(LeafIndex::new(0), ledger.entries[0].clone(), Vec::new());
    let bundle = Claim::of(&ledger).bundle(&[genesis.unwrap()], &names, &[]);
    let index = LeafIndex::new(0);
    proof_failure(&ledger, &bundle, &Unverified::UnusedEntry { index });
}

#[test]
fn path_beside_a_record_that_vouches_is_refused() {
    let mut ledger = sample();
    let (entries, names) = parts(&ledger.bundle(LABEL));
    let (claim, tree) = (Claim::of(&ledger), ledger.tree());
    for at in 0..entries.len() {
        let (mut changed, index) = (entries.clone(), entries[at].index());
        let (bytes, path) = (entries[at].bytes().to_vec(), tree.path(index).unwrap());
        changed[at] = BundleEntry::new(index, bytes, path).unwrap();
        let bundle = claim.bundle(&changed, &names, &[]);
        proof_failure(&ledger, &bundle, &Unverified::UnusedEntry { index });
    }
}

#[test]
fn label_that_an_issue_in_the_pack_supersedes_is_no_active_excerpt() {
    let mut ledger = Ledger::founded();
    ledger.accept(&world::issue(LABEL, ISSUER));
    let before = ledger.record(LABEL).unwrap();
    let mut draft = world::issue_draft("jp.jc-star/EX-2");
    draft["body"]["supersedes"] = json!(LABEL);
    let successor = world::entry(Kind::LabelIssue, &draft, None, &[&key(ISSUER)]);
    ledger.accept(&successor);
    let honest = ledger.pack(&["gtin 09521234001010"]);
    assert!(ledger.verify_text(&honest).is_ok());
    let (entries, names) = parts(&Bundle::parse(honest.as_bytes()).unwrap());
    let superseded = MapName::label("jp.jc-star", &canonical_id(IdRule::Exact, "EX-1").unwrap());
    let name = superseded.unwrap();
    assert!(names.contains(&name));
    let mut claim = Claim::of(&ledger);
    claim.map.insert(name.key(), &before.to_bytes());
    let lie = claim.pack(&entries, &names);
    proof_failure(&ledger, &lie, &Unverified::OtherRecord { name });
}
