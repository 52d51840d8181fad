//! Heads that a bundle may not stand under: old, foreign, unwitnessed, or lying.

use labelproof_core::bundle::{Answer, Answers, Bundle, BundleEntry};
use labelproof_core::checkpoint::{Checkpoint, SignedCheckpoint};
use labelproof_core::cosignature::{CosignatureTime, cosign};
use labelproof_core::merkle::{LeafHash, LeafIndex, NodeHash, WholeTree};
use labelproof_core::policy::QuorumError;
use labelproof_core::state::head::{StateHead, StateRoots};
use labelproof_core::state::key::{IdRule, MapName, canonical_id};
use labelproof_core::state::map::proof::MapProof;
use labelproof_core::state::record::{Record, Status};
use labelproof_core::status::{self, Failure, Opening, Trusted, Unverified};
use labelproof_core::time::Time;
use labelproof_core::tlog_proof::TlogProof;

use crate::ledger::{self, ISSUER, LABEL, WITNESSES, now, policy, sample, subject};
use crate::world;

#[test]
fn head_proof_is_fed_with_everything_wrong() {
    let mut ledger = sample();
    let bundle = ledger.bundle(LABEL);
    let proof = bundle.proof();
    let with = |index: LeafIndex, path: Vec<NodeHash>| {
        let proof = TlogProof::new(None, index, path, proof.note().clone()).unwrap();
        let origin = world::origin();
        let policy = policy();
        let trusted = Trusted {
            origin: &origin,
            genesis: ledger.state.genesis_hash(),
            policy: &policy,
        };
        status::ProvenState::open(&proof, bundle.head_entry().bytes(), &trusted, now()).map(|_| ())
    };
    assert_eq!(with(proof.index(), proof.path().to_vec()), Ok(()));
    for at in 0..proof.path().len() {
        let mut path = proof.path().to_vec();
        let mut bytes = *path[at].as_bytes();
        bytes[at % 32] ^= 1;
        path[at] = NodeHash::from_bytes(bytes);
        assert!(matches!(
            with(proof.index(), path),
            Err(Unverified::Inclusion(_))
        ));
    }
    let mut fewer = proof.path().to_vec();
    fewer.pop();
    let mut more = proof.path().to_vec();
    more.push(NodeHash::from_bytes([0; 32]));
    for path in [fewer, more] {
        assert!(matches!(
            with(proof.index(), path),
            Err(Unverified::Inclusion(_))
        ));
    }
    let lower = LeafIndex::new(proof.index().get() - 1);
    assert!(matches!(
        with(lower, proof.path().to_vec()),
        Err(Unverified::NotTheLastEntry { .. })
    ));
}

#[test]
fn older_head_under_a_newer_checkpoint_is_refused() {
    let mut ledger = sample();
    ledger.close();
    let (head, view) = ledger.heads.last().unwrap().clone();
    ledger.accept(&world::revoke(LABEL, None, ISSUER));
    ledger.close();
    let checkpoint = ledger.checkpoint(&WITNESSES);
    let path = ledger.tree().path(head.index()).unwrap();
    let proof = TlogProof::new(None, head.index(), path, checkpoint.note().clone()).unwrap();
    let opening = Opening::new(head.clone(), proof).unwrap();
    let bytes = status::build(&view, &ledger, &subject(LABEL), &opening).unwrap();
    let bundle = Bundle::parse(&bytes).unwrap();
    let error = ledger.verify(&bundle).unwrap_err();
    assert_eq!(
        (
            error.failure(),
            matches!(error, Unverified::NotTheLastEntry { .. })
        ),
        (Failure::Proof, true)
    );
    // A head and a view that are not of one moment do not even make a bundle.
    let (newer, _) = ledger.heads.last().unwrap();
    let proof = ledger.head_proof(&checkpoint);
    let opening = Opening::new(newer.clone(), proof).unwrap();
    let error = status::build(&view, &ledger, &subject(LABEL), &opening).unwrap_err();
    assert_eq!(error, status::BuildError::OtherHead);
}

/// A one-entry tree with this entry last, witnessed.
pub(crate) fn proof_of(entry: &[u8], before: &[Vec<u8>], witnesses: &[&str]) -> TlogProof {
    let leaves = before
        .iter()
        .map(Vec::as_slice)
        .chain([entry])
        .map(LeafHash::of_entry);
    let tree = WholeTree::new(leaves);
    let checkpoint = ledger::checkpoint(&Checkpoint::new(world::origin(), tree.head()), witnesses);
    let index = LeafIndex::new(before.len() as u64);
    TlogProof::new(
        None,
        index,
        tree.path(index).unwrap(),
        checkpoint.note().clone(),
    )
    .unwrap()
}

#[test]
fn heads_of_another_log_genesis_place_or_function_are_refused() {
    let ledger = sample();
    let index = ledger.state.next_index();
    let view = ledger.state.view();
    let roots = StateRoots {
        map_root: view.map().root(),
        list_root: view.list().root(),
        issues: 2,
    };
    let (origin, genesis, policy) = (world::origin(), ledger.state.genesis_hash(), policy());
    let trusted = Trusted {
        origin: &origin,
        genesis,
        policy: &policy,
    };
    let open = |entry: &[u8]| {
        let proof = proof_of(entry, &ledger.entries, &WITNESSES);
        status::ProvenState::open(&proof, entry, &trusted, now()).map(|_| ())
    };
    let head = |origin: &str, genesis, index| {
        StateHead::new(origin.parse().unwrap(), genesis, index, roots, 0).to_bytes()
    };
    assert_eq!(open(&head(world::ORIGIN, genesis, index)), Ok(()));
    assert!(matches!(
        open(&head("other.example", genesis, index)),
        Err(Unverified::OtherHead { .. })
    ));
    let elsewhere = LeafIndex::new(index.get() - 1);
    assert!(matches!(
        open(&head(world::ORIGIN, genesis, elsewhere)),
        Err(Unverified::OtherHead { .. })
    ));
    let other = LeafHash::from_bytes([3; 32]);
    let error = open(&head(world::ORIGIN, other, index)).unwrap_err();
    let (got, want) = (other, genesis);
    assert_eq!(error.failure(), Failure::Proof);
    assert_eq!(error, Unverified::OtherGenesis { got, want });
    assert!(matches!(
        open(ledger.entries.last().unwrap()),
        Err(Unverified::Head(_))
    ));
    let text = String::from_utf8(head(world::ORIGIN, genesis, index)).unwrap();
    let error = open(text.replace("state/0.2", "state/0.3").as_bytes()).unwrap_err();
    assert_eq!(
        (error.failure(), matches!(error, Unverified::Rules(_))),
        (Failure::Malformed, true)
    );
}

#[test]
fn quorum_and_log_key_decide_first() {
    let mut ledger = sample();
    ledger.close();
    let entry = ledger.entries.last().unwrap();
    let (origin, genesis, policy) = (world::origin(), ledger.state.genesis_hash(), policy());
    let trusted = Trusted {
        origin: &origin,
        genesis,
        policy: &policy,
    };
    let open = |signed: &SignedCheckpoint, now: Time| {
        status::ProvenState::open(&ledger.head_proof(signed), entry, &trusted, now)
    };
    let error = open(&ledger.checkpoint(&WITNESSES[..4]), now()).unwrap_err();
    assert!(matches!(
        error,
        Unverified::Quorum(QuorumError::NotMet { counted: 4, .. })
    ));
    assert_eq!(error.failure(), Failure::Signature);
    // One witness, as often as you like, is one.
    let mut signed = ledger.checkpoint(&WITNESSES[..4]);
    let key = world::witness_key("ca");
    let line = cosign(
        &key,
        signed.note().text(),
        CosignatureTime::new(now().unix() - 1).unwrap(),
    );
    signed = signed.with_cosignature(key.vkey(), line).unwrap();
    assert!(matches!(
        open(&signed, now()),
        Err(Unverified::Quorum(QuorumError::NotMet { .. }))
    ));
    // Timestamps over 300 s ahead of the reader's clock do not count.
    let five = ledger.checkpoint(&WITNESSES);
    assert!(open(&five, Time::from_unix(now().unix() - 300).unwrap()).is_ok());
    assert!(open(&five, Time::from_unix(now().unix() - 301).unwrap()).is_err());
    // Another log's key.
    let stranger = ledger::stranger(world::ORIGIN);
    let checkpoint = Checkpoint::new(world::origin(), ledger.tree().head());
    let error = open(&SignedCheckpoint::sign(&checkpoint, &stranger), now()).unwrap_err();
    assert!(matches!(error, Unverified::Checkpoint(_)), "{error}");
    assert_eq!(error.failure(), Failure::Signature);
}

#[test]
fn state_that_the_function_does_not_give_is_noticed() {
    // A log that writes "active" where the function gives "suspended", and signs it.
    let mut ledger = sample();
    ledger.close();
    let (head, view) = ledger.heads.last().unwrap().clone();
    let name = MapName::label("jp.jc-star", &canonical_id(IdRule::Upper, "EX-1").unwrap());
    let name = name.unwrap();
    let mut record = view.record(&name).unwrap();
    record.set_status(Status::Active, 0);
    let mut map = view.map().clone();
    map.insert(name.key(), &record.to_bytes());
    let roots = StateRoots {
        map_root: map.root(),
        list_root: head.list_root(),
        issues: head.issues(),
    };
    let lie = StateHead::new(
        world::origin(),
        head.genesis(),
        head.index(),
        roots,
        head.clock_ms(),
    );
    let entries = &ledger.entries[..ledger.entries.len() - 1];
    let proof = proof_of(&lie.to_bytes(), entries, &WITNESSES);
    let honest = ledger.bundle_now(LABEL);
    let mut entries: Vec<BundleEntry> = honest.entries().to_vec();
    *entries.last_mut().unwrap() =
        BundleEntry::new(lie.index(), lie.to_bytes(), Vec::new()).unwrap();
    let answers = honest
        .answers()
        .iter()
        .map(|(name, _)| match map.prove(&name.key()) {
            MapProof::Inclusion { record, siblings } => Answer::Present {
                record: Record::from_bytes(name.kind(), &record).unwrap(),
                name: name.clone(),
                siblings,
            },
            other => panic!("{other:?}"),
        });
    let bundle = Bundle::new(entries, Answers::Each(answers.collect()), Vec::new(), proof).unwrap();
    let error = ledger.verify_parsed(&bundle).unwrap_err();
    assert_eq!(error, Unverified::OtherRecord { name });
}
