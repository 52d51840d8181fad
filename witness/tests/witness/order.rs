//! Stored before signed: the journal of the disk, with a mark for each signature.

use std::sync::Arc;

use labelproof_core::cosignature::CosignatureTime;
use labelproof_core::evidence::{Decision, Evidence, Proven};
use labelproof_core::key::SigningKey;
use labelproof_core::note::SignatureLine;
use labelproof_host::fs::{Fs, Journal, Record, RecordingFs, SimulatedFs};
use labelproof_witness::decision::admit;
use labelproof_witness::witness::{Cosign, EVIDENCE_DIR, Parts, Witness};

use super::log::Log;
use super::{folder, set_up, witness_key};

/// Signs, and writes down that it did.
#[derive(Debug)]
struct MarkedKey {
    key: SigningKey,
    journal: Journal,
}

impl Cosign for MarkedKey {
    fn cosign(&self, checkpoint_text: &str, time: CosignatureTime) -> SignatureLine {
        self.journal.mark("sign");
        self.key.cosign(checkpoint_text, time)
    }
}

/// A journal holds the rule if every signature comes after a sync, with no write in between.
fn stored_before_signed(records: &[Record]) -> bool {
    let store = folder().join("state.redb");
    let mut dirty = false;
    let mut synced = false;
    for record in records {
        match record {
            Record::Write(path) | Record::SetLen(path) if *path == store => dirty = true,
            Record::SyncFile(path) if *path == store => (dirty, synced) = (false, true),
            Record::Mark(_) if dirty || !synced => return false,
            _ => {}
        }
    }
    true
}

#[test]
fn the_sync_of_the_commit_comes_before_the_signature() {
    let log = Log::new("labels.g7.example", 9, 9);
    let journal = Journal::default();
    let disk: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    let fs: Arc<dyn Fs> = Arc::new(RecordingFs::new(disk, journal.clone()));
    let parts = set_up(fs, &folder(), &[log.key().vkey().clone()]);
    let key = MarkedKey {
        key: witness_key(),
        journal: journal.clone(),
    };
    let mut witness = Witness::open(Parts {
        key: Arc::new(key),
        ..parts
    })
    .unwrap();
    for (old, new) in [(0, 3), (3, 7), (7, 7), (7, 9)] {
        journal.clear();
        let candidate = admit(&log.body(old, new), &witness.known()).unwrap();
        assert!(witness.answer(&[candidate])[0].is_ok());
        let records = journal.records();
        let signatures = records
            .iter()
            .filter(|record| **record == Record::Mark("sign".to_owned()));
        assert_eq!(signatures.count(), 1);
        assert!(stored_before_signed(&records), "{records:?}");

        // The check itself can fail: without the sync, or with the signature moved before it.
        let without: Vec<Record> = records
            .iter()
            .filter(|record| !matches!(record, Record::SyncFile(_)))
            .cloned()
            .collect();
        assert!(!stored_before_signed(&without));
        let mut moved = records;
        moved.insert(1, Record::Mark("sign".to_owned()));
        assert!(!stored_before_signed(&moved));
    }
}

#[test]
fn a_refusal_signs_nothing_and_writes_at_most_evidence() {
    let log = Log::new("labels.g7.example", 9, 9);
    let fork = Log::new("labels.g7.example", 9, 1);
    let journal = Journal::default();
    let disk: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    let fs: Arc<dyn Fs> = Arc::new(RecordingFs::new(disk, journal.clone()));
    let parts = set_up(Arc::clone(&fs), &folder(), &[log.key().vkey().clone()]);
    let mut witness = Witness::open(parts).unwrap();
    let known = witness.known();
    assert!(witness.answer(&[admit(&log.body(0, 5), &known).unwrap()])[0].is_ok());
    journal.clear();
    for body in [log.body(0, 5), log.body(3, 5), fork.body(5, 9)] {
        assert!(witness.answer(&[admit(&body, &known).unwrap()])[0].is_err());
    }
    assert_eq!(journal.records(), []);
    // Of a fork that proves itself the evidence is kept, and nothing else is touched.
    for _ in 0..2 {
        assert!(witness.answer(&[admit(&fork.body(5, 5), &known).unwrap()])[0].is_err());
    }
    let folder = folder().join(EVIDENCE_DIR);
    let elsewhere = |record: &Record| match record {
        Record::Write(path) | Record::SyncFile(path) => !path.starts_with(&folder),
        Record::Rename { to, .. } => !to.starts_with(&folder),
        Record::CreateDir(_) | Record::SyncDir(_) => false,
        Record::SetLen(_) | Record::Remove(_) | Record::Mark(_) => true,
    };
    assert!(
        !journal.records().iter().any(elsewhere),
        "{:?}",
        journal.records()
    );
    let name = format!("{}.evidence", log.signed(5).origin().hash());
    let evidence = Evidence::parse(&fs.read(&folder.join(name)).unwrap()).unwrap();
    let keys = std::slice::from_ref(log.key().vkey());
    let Ok(Decision::Proven(Proven::Fork(proven))) = evidence.verify(keys) else {
        panic!("the file proves a fork");
    };
    assert_eq!(proven.smaller().head(), log.head(5));
    assert_eq!(proven.larger().head(), fork.head(5));
}
