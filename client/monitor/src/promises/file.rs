//! Promises as files, one each, so that none is forgotten over a restart.
//!
//! ```text
//! DIR/promises/<64 hex>.json
//! {"format":"labelproof-promise/v1","kind":"head","note":"<a checkpoint>"}
//! {"format":"labelproof-promise/v1","kind":"receipt","receipt":"<a receipt>","leaf":"<leaf hash, base64>"}
//! {"format":"labelproof-promise/v1","kind":"adverse","entry":"<the signed note>","since":"2026-11-25T07:00:00Z"}
//! ```
//! What is read back is opened with the log's key again: a file is no proof.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use labelproof_core::{
    checkpoint::{Checkpoint, Origin, SignedCheckpoint},
    event::Event,
    key::Vkey,
    merkle::LeafHash,
    note::Note,
    receipt::Receipt,
    time::Time,
    tlog_proof::TlogProof,
};
use labelproof_host::fs::{Fs, FsError, TEMP_SUFFIX, write_atomic};
use serde::{Deserialize, Serialize};

use super::{Key, Promise};

/// The folder of the promises.
#[derive(Debug)]
pub(super) struct Files {
    fs: Arc<dyn Fs>,
    dir: PathBuf,
}

impl Files {
    /// Opens the folder, or makes it.
    pub(super) fn open(fs: Arc<dyn Fs>, dir: PathBuf) -> Result<Self, FsError> {
        fs.create_dir_all(&dir)?;
        Ok(Self { fs, dir })
    }

    /// Every promise that can be read; `keys` are those of each log. Others are named in the log and left alone.
    pub(super) fn read(&self, keys: &BTreeMap<Origin, Vec<Vkey>>) -> Result<Vec<Promise>, FsError> {
        let mut found = Vec::new();
        for name in self.fs.list(&self.dir)? {
            if name.ends_with(TEMP_SUFFIX) {
                continue;
            }
            let bytes = self.fs.read(&self.dir.join(&name))?;
            match serde_json::from_slice::<Line>(&bytes)
                .ok()
                .and_then(|line| line.read(keys))
            {
                Some(promise) => found.push(promise),
                None => tracing::warn!(name, "a promise cannot be read; it is not watched"),
            }
        }
        Ok(found)
    }

    pub(super) fn keep(&self, key: Key, promise: &Promise) -> Result<(), FsError> {
        let bytes = serde_json::to_vec(&Line::of(promise)).expect("texts only");
        write_atomic(&*self.fs, &self.path(key), &bytes)
    }

    /// Forgets a promise; one that comes back after a crash is decided again.
    pub(super) fn forget(&self, key: Key) {
        let gone = self.fs.remove(&self.path(key));
        if let Err(error) = gone.and_then(|()| self.fs.sync_dir(&self.dir))
            && !error.is_not_found()
        {
            tracing::warn!(%error, "a promise that is decided cannot be removed");
        }
    }

    fn path(&self, key: Key) -> PathBuf {
        self.dir
            .join(Path::new(&key.to_hex()).with_extension("json"))
    }
}

#[derive(Deserialize, Serialize)]
struct Line {
    format: Format,
    #[serde(flatten)]
    what: What,
}

#[derive(Deserialize, Serialize)]
enum Format {
    #[serde(rename = "labelproof-promise/v1")]
    V1,
}

#[derive(Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum What {
    Head { note: String },
    Receipt { receipt: String, leaf: String },
    Adverse { entry: String, since: String },
}

impl Line {
    fn of(promise: &Promise) -> Self {
        let what = match promise {
            Promise::Head(seen) => What::Head {
                note: seen.note().to_string(),
            },
            Promise::Receipt { receipt, leaf, .. } => What::Receipt {
                receipt: receipt.to_string(),
                leaf: leaf.to_string(),
            },
            Promise::Adverse { event, since } => What::Adverse {
                entry: event.note().to_string(),
                since: since.to_string(),
            },
        };
        let format = Format::V1;
        Self { format, what }
    }

    fn read(self, keys: &BTreeMap<Origin, Vec<Vkey>>) -> Option<Promise> {
        match self.what {
            What::Head { note } => {
                let note = Note::parse(note.as_bytes()).ok()?;
                let origin = Checkpoint::parse(note.text()).ok()?.origin().clone();
                let seen = SignedCheckpoint::open_as(note, &origin, keys.get(&origin)?).ok()?;
                Some(Promise::Head(seen))
            }
            What::Receipt { receipt, leaf } => {
                let receipt = TlogProof::parse(receipt.as_bytes()).ok()?;
                let origin = Checkpoint::parse(receipt.note().text())
                    .ok()?
                    .origin()
                    .clone();
                of_receipt(receipt, leaf.parse().ok()?, &origin, keys.get(&origin)?).ok()
            }
            What::Adverse { entry, since } => {
                let event = Box::new(Event::parse(entry.as_bytes()).ok()?);
                keys.get(event.origin())?;
                let since = since.parse().ok()?;
                Some(Promise::Adverse { event, since })
            }
        }
    }
}

/// Opens a receipt with the keys of its log.
pub(super) fn of_receipt(
    receipt: TlogProof,
    leaf: LeafHash,
    origin: &Origin,
    keys: &[Vkey],
) -> Result<Promise, labelproof_core::receipt::ReceiptError> {
    let opened = Receipt::open_as(&receipt, leaf, origin, keys)?;
    // Rounded up: nobody is late before the last millisecond.
    let deadline = opened.deadline_ms().div_ceil(1_000);
    Ok(Promise::Receipt {
        seen: opened.checkpoint().clone(),
        deadline: Time::from_unix(deadline).unwrap_or(Time::MAX),
        receipt,
        leaf,
    })
}
