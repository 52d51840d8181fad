//! A witness as the simulation runs it, and what it must never do: go back, or sign two roots (I5).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use labelproof_core::checkpoint::Checkpoint;
use labelproof_core::key::{KeyType, SigningKey, Vkey};
use labelproof_core::merkle::{RootHash, TreeHead};
use labelproof_core::note::{KeyName, Note};
use labelproof_host::clock::ManualClock;
use labelproof_host::fs::{Fs, SimulatedFs};
use labelproof_log::feeder::Answer;
use labelproof_witness::decision::{Refusal, admit};
use labelproof_witness::known_logs::{KnownLogs, ListedLog};
use labelproof_witness::store::Store;
use labelproof_witness::witness::{OpenError, Parts, Witness, create};

use crate::checker::Wrong;
use crate::ledger::{Ledger, origin};

const DIR: &str = "/witness";

/// A witness's machine.
pub(crate) struct WitnessNode {
    pub(crate) fs: SimulatedFs,
    pub(crate) process: Option<Witness>,
    /// Counts the starts; a request to an earlier process is lost.
    pub(crate) life: u64,
    key: Arc<SigningKey>,
    clock: ManualClock,
    answered: BTreeMap<u64, RootHash>,
}

impl WitnessNode {
    pub(crate) fn create(number: usize, fs: SimulatedFs, log: &Vkey, clock: ManualClock) -> Self {
        let name = KeyName::parse(&format!("witness.example/w{number}")).unwrap();
        let seed = [u8::try_from(number).unwrap() + 10; 32];
        let key = Arc::new(SigningKey::from_seed(name, KeyType::Cosignature, seed));
        let shared: Arc<dyn Fs> = Arc::new(fs.clone());
        let dir = Path::new(DIR);
        shared.create_dir_all(dir).unwrap();
        create(&shared, dir).unwrap();
        let known = KnownLogs::load(shared.as_ref(), dir).unwrap();
        let mut store = Store::open(&shared, dir, &known).unwrap();
        store.begin(&[origin()], &known).unwrap();
        drop(store);
        let known = known.with([ListedLog::of_key(log.clone()).unwrap()]);
        known.save(shared.as_ref(), dir).unwrap();
        Self {
            fs,
            process: None,
            life: 0,
            key,
            clock,
            answered: BTreeMap::new(),
        }
    }

    pub(crate) fn vkey(&self) -> &Vkey {
        self.key.vkey()
    }

    /// Starts it; what it shows must be no less than what it ever answered.
    pub(crate) fn start(&mut self) -> Result<Result<(), OpenError>, Wrong> {
        let parts = Parts {
            fs: Arc::new(self.fs.clone()),
            dir: DIR.into(),
            key: self.key.clone(),
            clock: Arc::new(self.clock.clone()),
        };
        let witness = match Witness::open(parts) {
            Ok(witness) => witness,
            Err(error) => return Ok(Err(error)),
        };
        let shown = witness.shelf().get(&origin().hash());
        let shown = shown.map(|text| head_of(&text));
        if let Some((size, root)) = self.answered.last_key_value() {
            let shown = shown.ok_or("I5: a witness forgot all it cosigned")?;
            let kept = shown.size().get() > *size
                || (shown.size().get() == *size && shown.root() == *root);
            if !kept {
                return Err(format!(
                    "I5: a witness cosigned size {size} and came back with {shown:?}"
                ));
            }
        }
        self.life += 1;
        self.process = Some(witness);
        Ok(Ok(()))
    }

    /// Answers one request as its routes would.
    pub(crate) fn answer(&mut self, body: &[u8], ledger: &Ledger) -> Result<Answer, Wrong> {
        let Some(witness) = &mut self.process else {
            return Ok(Answer::Failed("no connection".to_owned()));
        };
        let candidate = match admit(body, &witness.known()) {
            Ok(candidate) => candidate,
            Err(refusal) => return Err(format!("a witness refuses an honest log: {refusal}")),
        };
        let head = candidate.checkpoint().head();
        let outcome = witness
            .answer(&[candidate])
            .pop()
            .expect("an answer for each request");
        if self.fs.is_down() {
            self.process = None;
            return Ok(Answer::Failed("connection broke".to_owned()));
        }
        match outcome {
            Ok(line) => {
                self.cosigned(head, ledger)?;
                Ok(Answer::Cosigned(format!("{line}\n").into_bytes()))
            }
            Err(Refusal::OldIsNotLatest { latest }) if latest > head.size() => {
                let shown = witness.shelf().get(&origin().hash());
                let shown = shown.ok_or("a witness does not show what it holds")?;
                Ok(Answer::Ahead(shown.into_bytes()))
            }
            Err(Refusal::OldIsNotLatest { latest }) => Ok(Answer::Conflict(latest)),
            Err(Refusal::Storage) => Ok(Answer::Failed("it answered 503".to_owned())),
            Err(refusal) => Err(format!("a witness refuses an honest log: {refusal}")),
        }
    }

    /// Its answer left: the head joins those it stands for.
    fn cosigned(&mut self, head: TreeHead, ledger: &Ledger) -> Result<(), Wrong> {
        let size = head.size().get();
        if self
            .answered
            .last_key_value()
            .is_some_and(|(last, _)| *last > size)
        {
            return Err(format!("I5: a witness went back to size {size}"));
        }
        if ledger.roots().get(&size) != Some(&head.root()) {
            return Err(format!(
                "I5: a witness cosigned what was never signed, size {size}"
            ));
        }
        let first = *self.answered.entry(size).or_insert(head.root());
        if first != head.root() {
            return Err(format!("I5: a witness cosigned two roots for size {size}"));
        }
        Ok(())
    }
}

fn head_of(note: &str) -> TreeHead {
    let note = Note::parse(note.as_bytes()).unwrap();
    Checkpoint::parse(note.text()).unwrap().head()
}
