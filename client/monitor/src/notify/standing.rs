//! The file of a channel: its queue, and who the receiver was.
//!
//! ```text
//! DIR/notify/hook.pager.json
//! {"format":"labelproof-notify/v1","target":"<SHA-256 of what the channel is, hex>","queue":{"next":18,…}}
//! ```
//! Replaced atomically. No folder: nobody was ever told anything, so a channel begins with the first alert. No file in a
//! folder that is there: a new channel, which begins with the next alert. A file that cannot be read is put aside as
//! `….corrupt`, and the channel begins with the first alert again: the receiver knows them by their ids.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use labelproof_host::fs::{Fs, FsError, write_atomic};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::queue::Queue;

/// How a channel stands, for metrics and status pages.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Standing {
    pub(super) channel: String,
    pub(super) queue: Queue,
    pub(super) end: u64,
    pub(super) delivered: u64,
}

impl Standing {
    /// Which channel.
    #[must_use]
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// How many alerts it was not brought yet.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        let fresh = self.end.saturating_sub(self.queue.next());
        fresh + u64::try_from(self.queue.aside()).unwrap_or(u64::MAX)
    }

    /// How many alerts it took since the program started.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.delivered
    }

    /// How often it failed in a row.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.queue.failures()
    }

    /// How many alerts were tried for days in vain.
    #[must_use]
    pub fn given_up(&self) -> u64 {
        self.queue.given_up()
    }

    /// Whether the receiver wants no more.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.queue.is_gone()
    }
}

/// The file of one channel.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    target: String,
}

/// What a channel goes on from.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) queue: Queue,
    /// Why the file was put aside, if it was.
    pub(super) corrupt: Option<String>,
}

impl Kept {
    /// The file of channel `label` in `dir`, for a receiver that `target` tells from others.
    pub(super) fn new(dir: &Path, label: &str, target: &str) -> Self {
        Self {
            path: dir.join(format!("{label}.json")),
            target: hex::encode(Sha256::digest(target)),
        }
    }

    /// Reads the file; where there is none, the channel begins at `fresh`.
    pub(super) fn open(&self, fs: &dyn Fs, fresh: u64) -> Result<Opened, FsError> {
        let bytes = match fs.read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.is_not_found() => {
                return Ok(Opened {
                    queue: Queue::from(fresh),
                    corrupt: None,
                });
            }
            Err(error) => return Err(error),
        };
        match read(&bytes) {
            Ok(file) => Ok(Opened {
                queue: match file.target == self.target {
                    true => file.queue,
                    false => file.queue.for_another(),
                },
                corrupt: None,
            }),
            Err(why) => {
                let mut aside = OsString::from(&self.path);
                aside.push(".corrupt");
                // Kept for whoever wants to know; that it cannot be kept stops nothing.
                let _ = fs.rename(&self.path, Path::new(&aside));
                Ok(Opened {
                    queue: Queue::from(FIRST),
                    corrupt: Some(why.to_string()),
                })
            }
        }
    }

    pub(super) fn save(&self, fs: &dyn Fs, queue: &Queue) -> Result<(), FsError> {
        let file = File {
            format: FORMAT.to_owned(),
            target: self.target.clone(),
            queue: queue.clone(),
        };
        let bytes = serde_json::to_vec(&file).expect("numbers and texts only");
        write_atomic(fs, &self.path, &bytes)
    }
}

fn read(bytes: &[u8]) -> Result<File, serde_json::Error> {
    let file: File = serde_json::from_slice(bytes)?;
    if file.format == FORMAT {
        Ok(file)
    } else {
        Err(serde::de::Error::custom(format!(
            "its format is {:?}",
            file.format
        )))
    }
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    target: String,
    queue: Queue,
}

/// The first alert of a journal has this number.
pub(super) const FIRST: u64 = 1;

const FORMAT: &str = "labelproof-notify/v1";
