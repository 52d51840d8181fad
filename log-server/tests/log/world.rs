//! A small world to test in: one member, one scheme, one authority, three witnesses.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
};

use labelproof_core::{
    checkpoint::{Checkpoint, Origin, SignedCheckpoint},
    cosignature::{CosignatureTime, cosign},
    event::{Draft, EventId, Kind},
    key::{KeyType, SigningKey},
    merkle::{LeafHash, RootHash, TreeSize},
    note::{KeyName, Note, SignatureLine},
    policy::{Policy, WitnessedCheckpoint},
    state::key::{IdRule, MapKey, MapName, canonical_id},
    time::Time,
};
use labelproof_host::{clock::ManualClock, fs::Fs};
use labelproof_log::{
    engine::start,
    index::{MemoryIndex, catch_up},
    load::LoadError,
    log::{Log, Setting},
    publisher::publish,
    quota::Quotas,
    sequencer::{Parts, Sequencer, Sign},
    storage::InstanceId,
    store::Store,
};
use serde_json::{Value, json};

pub(crate) const ORIGIN: &str = "labels.g7.example";
pub(crate) const NOW_MS: u64 = 1_790_000_000_000;

pub(crate) fn key(name: &str, key_type: KeyType) -> SigningKey {
    let seed = *LeafHash::of_entry(name.as_bytes()).as_bytes();
    SigningKey::from_seed(KeyName::parse(name).unwrap(), key_type, seed)
}

pub(crate) fn log_key() -> SigningKey {
    key(ORIGIN, KeyType::Note)
}

pub(crate) fn root() -> SigningKey {
    key("root.jp.example", KeyType::Note)
}

pub(crate) fn issuer() -> SigningKey {
    key("label.jp.example", KeyType::Note)
}

pub(crate) fn witness(number: usize) -> SigningKey {
    key(&format!("witness.example/w{number}"), KeyType::Cosignature)
}

/// Two of three; with addresses nobody asks here.
pub(crate) fn policy() -> Arc<Policy> {
    let mut text = format!("log {}\n", log_key().vkey());
    for number in 0..3 {
        text.push_str(&format!(
            "witness w{number} {} http://127.0.0.1:9/w{number}\n",
            witness(number).vkey()
        ));
    }
    text.push_str("group all 2 w0 w1 w2\nquorum all\n");
    Arc::new(Policy::parse(text.as_bytes()).unwrap())
}

pub(crate) fn event(kind: Kind, draft: &Value, prev: Option<EventId>, key: &SigningKey) -> Vec<u8> {
    let origin: Origin = ORIGIN.parse().unwrap();
    let draft = Draft::from_json(kind, &draft.to_string()).unwrap();
    let text = draft.text(&origin, prev);
    let line = key.sign_note(&text);
    Note::new(text, vec![line]).unwrap().to_bytes()
}

pub(crate) fn id_of(entry: &[u8]) -> EventId {
    EventId::of_text(Note::parse(entry).unwrap().text())
}

pub(crate) fn genesis() -> Vec<u8> {
    let draft = json!({
        "subject": format!("log:{ORIGIN}"),
        "decided_at": "2026-01-01T00:00:00Z",
        "body": { "rules": "state/0.2", "members": [{
            "id": "jp", "name": "Japan", "roots": [root().vkey().to_string()], "threshold": 1,
            "territories": ["JP"], "domains": ["jp.example"], "associate": false,
        }] },
    });
    event(Kind::LogGenesis, &draft, None, &root())
}

pub(crate) fn scheme() -> Vec<u8> {
    let draft = json!({
        "subject": "scheme:jp.jc-star",
        "decided_at": "2026-01-10T00:00:00Z",
        "body": {
            "names": { "en": "Star label" }, "levels": [{ "code": "star1", "rank": 1, "names": { "en": "one star" } }],
            "hosts": ["jc-star.jp.example"], "versions": ["2025-03"], "id_rule": "upper",
            "validity_reference": "placing", "late_renewal": false,
        },
    });
    event(Kind::SchemeDefine, &draft, None, &root())
}

pub(crate) fn authority() -> Vec<u8> {
    let draft = json!({
        "subject": "authority:label.jp.example",
        "decided_at": "2026-01-12T00:00:00Z",
        "body": {
            "member": "jp", "name": "Example Label Office", "country": "JP", "keys": [issuer().vkey().to_string()],
            "grants": [{ "role": "issuer", "schemes": ["jp.jc-star"], "levels": ["star1"] }],
        },
    });
    event(Kind::AuthorityAccredit, &draft, None, &root())
}

pub(crate) fn issue(number: usize) -> Vec<u8> {
    let template: Value =
        serde_json::from_str(labelproof_core::event::template(Kind::LabelIssue)).unwrap();
    let text = template
        .to_string()
        .replace("EX-000123", &format!("EX-{number:06}"));
    event(
        Kind::LabelIssue,
        &serde_json::from_str(&text).unwrap(),
        None,
        &issuer(),
    )
}

pub(crate) fn revoke(number: usize, prev: Option<EventId>) -> Vec<u8> {
    let draft = json!({
        "subject": format!("jp.jc-star/EX-{number:06}"),
        "decided_at": "2026-03-01T00:00:00Z",
        "reason": { "code": "vulnerability" },
        "body": {},
    });
    event(Kind::LabelRevoke, &draft, prev, &issuer())
}

/// The key of the record of the label that [`issue`] makes.
pub(crate) fn label_key(number: usize) -> MapKey {
    let id = canonical_id(IdRule::Upper, &format!("EX-{number:06}")).unwrap();
    MapName::label("jp.jc-star", &id).unwrap().key()
}

/// Signs as the log does, and fails if ever two roots are signed for one size.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    roots: Arc<Mutex<BTreeMap<TreeSize, RootHash>>>,
}

impl Ledger {
    pub(crate) fn is_signed(&self, size: TreeSize) -> bool {
        self.roots.lock().unwrap().contains_key(&size)
    }
}

impl Sign for Ledger {
    fn sign(&self, checkpoint: &Checkpoint) -> SignedCheckpoint {
        let head = checkpoint.head();
        let first = *self
            .roots
            .lock()
            .unwrap()
            .entry(head.size())
            .or_insert(head.root());
        assert_eq!(
            first,
            head.root(),
            "two roots were signed for size {}",
            head.size()
        );
        log_key().sign(checkpoint)
    }
}

/// A log on any file system.
pub(crate) struct World {
    pub(crate) log: Arc<Log>,
    pub(crate) sequencer: Sequencer,
    pub(crate) clock: ManualClock,
}

pub(crate) fn store(fs: Arc<dyn Fs>) -> Store {
    Store::on(fs, Path::new("/log"))
}

/// Makes a store with genesis and first head.
pub(crate) fn found(fs: &Arc<dyn Fs>) {
    let store = store(fs.clone());
    let instance = InstanceId::from_bytes([1; 16]);
    store.make_directory().unwrap();
    store.create(&ORIGIN.parse().unwrap(), instance).unwrap();
    store
        .seal(log_key(), genesis(), &ManualClock::at(NOW_MS), instance)
        .unwrap();
}

pub(crate) fn parts(fs: &Arc<dyn Fs>, ledger: &Ledger) -> Parts {
    let parts = store(fs.clone()).parts(log_key(), InstanceId::from_bytes([2; 16]));
    Parts {
        signer: Arc::new(ledger.clone()),
        ..parts
    }
}

impl World {
    /// Loads the store that is there; the witnesses are taken to have answered.
    pub(crate) fn load(fs: &Arc<dyn Fs>, ledger: &Ledger) -> Result<Self, LoadError> {
        let world = Self::load_closed(fs, ledger)?;
        world.log.open();
        Ok(world)
    }

    /// A new log in which one label is issued, under a published head.
    pub(crate) fn of_one_label(fs: &Arc<dyn Fs>) -> Self {
        found(fs);
        let mut world = Self::load(fs, &Ledger::default()).unwrap();
        world.furnish();
        world.log.admit(&issue(1)).unwrap();
        assert!(world.step());
        world.witness();
        world
    }

    /// A new log in which so many labels are issued at once, under a published head.
    pub(crate) fn of_many_labels(fs: &Arc<dyn Fs>, count: usize) -> Self {
        found(fs);
        let mut world = Self::load(fs, &Ledger::default()).unwrap();
        world.furnish();
        for number in 0..count {
            world.log.admit(&issue(number)).unwrap();
        }
        assert!(world.step());
        world.witness();
        world
    }

    /// Loads the store that is there; no witness has answered yet.
    pub(crate) fn load_closed(fs: &Arc<dyn Fs>, ledger: &Ledger) -> Result<Self, LoadError> {
        let world = Self::load_unindexed(fs, ledger)?;
        catch_up(&world.log)?;
        Ok(world)
    }

    /// The same, under quotas; the witnesses are taken to have answered.
    pub(crate) fn load_under(
        fs: &Arc<dyn Fs>,
        ledger: &Ledger,
        quotas: Quotas,
    ) -> Result<Self, LoadError> {
        let world = Self::load_with(fs, ledger, quotas)?;
        catch_up(&world.log)?;
        world.log.open();
        Ok(world)
    }

    /// The same, and nothing can be looked up: the tip must do with what it replayed.
    pub(crate) fn load_unindexed(fs: &Arc<dyn Fs>, ledger: &Ledger) -> Result<Self, LoadError> {
        Self::load_with(fs, ledger, Quotas::default())
    }

    fn load_with(fs: &Arc<dyn Fs>, ledger: &Ledger, quotas: Quotas) -> Result<Self, LoadError> {
        let clock = ManualClock::at(NOW_MS);
        let setting = Setting {
            origin: ORIGIN.parse().unwrap(),
            vkey: log_key().vkey().clone(),
            policy: policy(),
            clock: Arc::new(clock.clone()),
            directory: store(fs.clone()).directory(),
            index: Arc::new(MemoryIndex::default()),
            metrics: Arc::default(),
        };
        let log = Arc::new(Log::new(setting).with_quotas(quotas));
        let sequencer = start(&log, parts(fs, ledger))?;
        Ok(Self {
            log,
            sequencer,
            clock,
        })
    }

    pub(crate) fn step(&mut self) -> bool {
        labelproof_log::engine::step(&self.log, &mut self.sequencer)
            .unwrap()
            .is_some()
    }

    /// Lets witnesses cosign the newest head, and publishes it.
    pub(crate) fn witness(&self) {
        let newest = self.log.newest().unwrap();
        publish(&self.log, &witnessed(newest.signed(), NOW_MS / 1_000))
            .unwrap()
            .unwrap();
    }

    /// Puts scheme and authority into the log.
    pub(crate) fn furnish(&mut self) {
        self.log.admit(&scheme()).unwrap();
        self.log.admit(&authority()).unwrap();
        assert!(self.step());
    }
}

pub(crate) fn line(number: usize, signed: &SignedCheckpoint, time: u64) -> SignatureLine {
    cosign(
        &witness(number),
        signed.note().text(),
        CosignatureTime::new(time).unwrap(),
    )
}

pub(crate) fn witnessed(signed: &SignedCheckpoint, time: u64) -> WitnessedCheckpoint {
    let mut cosigned = signed.clone();
    for number in 0..2 {
        cosigned = cosigned
            .with_cosignature(witness(number).vkey(), line(number, signed, time))
            .unwrap();
    }
    policy()
        .accept(cosigned, Time::from_unix(time).unwrap())
        .unwrap()
}
