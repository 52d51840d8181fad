//! A disk in memory that forgets what was not synced, by seed.
//!
//! ```text
//! file     durable bytes + writes since the last sync_file
//! folder   durable names + makes, renames and removes since the last sync_dir
//! crash    each list of unsynced changes is dropped, kept, or torn: 512-byte sectors in or
//!          out, length old or new, names in any prefix or subset; a rename is whole or not
//! ```
//! A folder's loss takes everything in it. Calls are counted, and a [`Fault`] may wait at any
//! number. The same seed, calls and faults give the same disk: see `disk` for the model.

mod disk;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use self::disk::Disk;
use super::{Call, Fs, FsError};

/// What a call meets instead of success.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The disk errs. A file's sync that errs loses its pages, as Linux does: they stay readable
    /// until the crash and no later sync brings them back. Names still wait for the next sync:
    /// a journal that cannot be written stops the whole file system and loses nothing quietly.
    Eio,
    /// The disk is full; only calls that need room see it.
    Enospc,
    /// A write stops after a part of its bytes and errs as a full disk does.
    ShortWrite,
    /// A read gives one bit wrong and says nothing; the number wraps at the end of what is read.
    FlippedBit(u64),
    /// The power goes during the call; every later call errs until [`SimulatedFs::restart`].
    PowerCut,
}

/// [`Fs`] in memory; clones share one disk.
#[derive(Clone, Debug)]
pub struct SimulatedFs(Arc<Mutex<Machine>>);

#[derive(Debug)]
struct Machine {
    disk: Disk,
    random: ChaCha8Rng,
    ignored: Vec<Call>,
    calls: u64,
    faults: BTreeMap<u64, Fault>,
    lasting: Option<(u64, Fault)>,
    met: u64,
    down: bool,
}

impl SimulatedFs {
    /// An empty disk whose crashes follow `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Machine {
            disk: Disk::new(),
            random: ChaCha8Rng::seed_from_u64(seed),
            ignored: Vec::new(),
            calls: 0,
            faults: BTreeMap::new(),
            lasting: None,
            met: 0,
            down: false,
        })))
    }

    /// From now on answers every such sync and does none: what a test must be able to find.
    ///
    /// # Panics
    /// For a call that is no sync: a disk that ignores writes shows it to every reader.
    pub fn ignore(&self, sync: Call) {
        assert!(
            matches!(sync, Call::SyncFile | Call::SyncDir),
            "{sync:?} is no sync"
        );
        self.machine().ignored.push(sync);
    }

    /// How many calls were made; the next one has this number plus one.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.machine().calls
    }

    /// Lets the call of that number meet `fault`.
    pub fn fail_call(&self, number: u64, fault: Fault) {
        self.machine().faults.insert(number, fault);
    }

    /// Lets every call from that number on meet `fault`, until [`SimulatedFs::heal`].
    pub fn fail_from(&self, number: u64, fault: Fault) {
        self.machine().lasting = Some((number, fault));
    }

    /// Forgets all faults that wait.
    pub fn heal(&self) {
        let mut machine = self.machine();
        machine.faults.clear();
        machine.lasting = None;
    }

    /// How many calls met a fault.
    #[must_use]
    pub fn faults_met(&self) -> u64 {
        self.machine().met
    }

    /// Whether the power is off.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.machine().down
    }

    /// Turns the power off between two calls.
    pub fn cut_power(&self) {
        self.machine().down = true;
    }

    /// Turns the power off and on: what was not synced is dropped, kept or torn.
    pub fn restart(&self) {
        let machine = &mut *self.machine();
        machine.disk.crash(&mut machine.random);
        machine.down = false;
    }

    /// Ends the process and not the machine: nothing that was written is lost.
    pub fn restart_process(&self) {
        self.machine().down = false;
    }

    /// A second disk with the same content, all of it durable: a backup, taken while it runs.
    #[must_use]
    pub fn backup(&self, seed: u64) -> SimulatedFs {
        let machine = self.machine();
        let copy = Self::new(seed);
        copy.machine().disk = machine.disk.durable_copy();
        drop(machine);
        copy
    }

    /// Flips one bit of a file, in what is durable and what is not: a fault of the medium.
    ///
    /// # Errors
    /// [`FsError`] when the file does not exist or has not so many bits.
    pub fn flip_bit(&self, path: &Path, bit: u64) -> Result<(), FsError> {
        let done = self.machine().disk.flip_bit(path, bit);
        done.map_err(|source| FsError::new(Call::Write, path, source))
    }

    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run<T>(
        &self,
        call: Call,
        path: &Path,
        work: impl FnOnce(&mut Machine, Option<Fault>) -> io::Result<T>,
    ) -> Result<T, FsError> {
        let machine = &mut *self.machine();
        let done = machine.begin().and_then(|fault| {
            let outcome = work(machine, fault);
            if fault == Some(Fault::PowerCut) {
                machine.down = true;
                return Err(power_is_off());
            }
            outcome
        });
        done.map_err(|source| FsError::new(call, path, source))
    }
}

impl Machine {
    fn begin(&mut self) -> io::Result<Option<Fault>> {
        if self.down {
            return Err(power_is_off());
        }
        self.calls += 1;
        let lasting = self.lasting.filter(|(from, _)| self.calls >= *from);
        let waiting = self.faults.remove(&self.calls);
        let fault = waiting.or(lasting.map(|(_, fault)| fault));
        self.met += u64::from(fault.is_some());
        Ok(fault)
    }

    /// Whether a call that the power left in the middle took effect.
    fn reached_cache(&mut self, fault: Option<Fault>) -> bool {
        fault != Some(Fault::PowerCut) || self.random.next_u32() & 1 == 0
    }
}

/// A fault that a call which only reads, or needs no room, can meet.
fn medium(fault: Option<Fault>) -> io::Result<()> {
    match fault {
        Some(Fault::Eio) => Err(io::Error::other("input/output error")),
        Some(Fault::Enospc | Fault::ShortWrite | Fault::FlippedBit(_) | Fault::PowerCut) | None => {
            Ok(())
        }
    }
}

/// A fault that a call which needs room can meet.
fn room(fault: Option<Fault>) -> io::Result<()> {
    match fault {
        Some(Fault::Enospc) => Err(io::ErrorKind::StorageFull.into()),
        Some(Fault::Eio | Fault::ShortWrite | Fault::FlippedBit(_) | Fault::PowerCut) | None => {
            medium(fault)
        }
    }
}

fn with_flipped_bit(mut bytes: Vec<u8>, fault: Option<Fault>) -> Vec<u8> {
    let bits = bytes.len() as u64 * 8;
    if let Some(Fault::FlippedBit(bit)) = fault
        && let Some(bit) = bit.checked_rem(bits)
        && let Ok(at) = usize::try_from(bit / 8)
    {
        bytes[at] ^= 1 << (bit % 8);
    }
    bytes
}

fn power_is_off() -> io::Error {
    io::Error::other("power is off")
}

impl SimulatedFs {
    fn write_bytes(
        &self,
        path: &Path,
        bytes: &[u8],
        write: impl FnOnce(&mut Disk, &[u8]) -> io::Result<()>,
    ) -> Result<(), FsError> {
        self.run(Call::Write, path, |machine, fault| {
            room(fault)?;
            if fault == Some(Fault::ShortWrite) && !bytes.is_empty() {
                let part = disk::below(&mut machine.random, bytes.len());
                write(&mut machine.disk, &bytes[..part])?;
                return Err(io::ErrorKind::StorageFull.into());
            }
            if machine.reached_cache(fault) {
                write(&mut machine.disk, bytes)?;
            }
            Ok(())
        })
    }
}

impl Fs for SimulatedFs {
    fn read(&self, path: &Path) -> Result<Vec<u8>, FsError> {
        self.run(Call::Read, path, |machine, fault| {
            medium(fault)?;
            let content = machine.disk.content(path).map(<[u8]>::to_vec);
            content.map(|bytes| with_flipped_bit(bytes, fault))
        })
    }

    fn read_range(&self, path: &Path, offset: u64, len: usize) -> Result<Vec<u8>, FsError> {
        self.run(Call::Read, path, |machine, fault| {
            medium(fault)?;
            let content = machine.disk.content(path)?;
            let start = disk::position(offset)?;
            let end = start.checked_add(len).ok_or(io::ErrorKind::InvalidInput)?;
            let range = content
                .get(start..end)
                .ok_or(io::ErrorKind::UnexpectedEof)?;
            Ok(with_flipped_bit(range.to_vec(), fault))
        })
    }

    fn read_at_hand(&self, path: &Path, offset: u64, len: usize) -> Option<Vec<u8>> {
        self.read_range(path, offset, len).ok()
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), FsError> {
        self.write_bytes(path, bytes, |disk, bytes| {
            disk.create(path)?;
            disk.set_len(path, 0)?;
            disk.write_at(path, 0, bytes)
        })
    }

    fn write_at(&self, path: &Path, offset: u64, bytes: &[u8]) -> Result<(), FsError> {
        self.write_bytes(path, bytes, |disk, bytes| {
            disk.create(path)?;
            disk.write_at(path, offset, bytes)
        })
    }

    fn set_len(&self, path: &Path, len: u64) -> Result<(), FsError> {
        self.run(Call::SetLen, path, |machine, fault| {
            room(fault)?;
            if machine.reached_cache(fault) {
                machine.disk.set_len(path, len)
            } else {
                Ok(())
            }
        })
    }

    fn sync_file(&self, path: &Path) -> Result<(), FsError> {
        self.run(Call::SyncFile, path, |machine, fault| {
            machine.disk.content(path)?;
            if let Err(error) = medium(fault) {
                machine.disk.lose_file(path)?;
                return Err(error);
            }
            if !machine.ignored.contains(&Call::SyncFile) && machine.reached_cache(fault) {
                machine.disk.sync_file(path)?;
            }
            Ok(())
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), FsError> {
        self.run(Call::Rename, from, |machine, fault| {
            room(fault)?;
            if machine.reached_cache(fault) {
                machine.disk.rename(from, to)
            } else {
                Ok(())
            }
        })
    }

    fn sync_dir(&self, dir: &Path) -> Result<(), FsError> {
        self.run(Call::SyncDir, dir, |machine, fault| {
            machine.disk.names(dir)?;
            medium(fault)?;
            if !machine.ignored.contains(&Call::SyncDir) && machine.reached_cache(fault) {
                machine.disk.sync_dir(dir)?;
            }
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> Result<(), FsError> {
        self.run(Call::Remove, path, |machine, fault| {
            medium(fault)?;
            if machine.reached_cache(fault) {
                machine.disk.remove(path)
            } else {
                Ok(())
            }
        })
    }

    fn list(&self, dir: &Path) -> Result<Vec<String>, FsError> {
        self.run(Call::List, dir, |machine, fault| {
            medium(fault)?;
            machine.disk.names(dir)
        })
    }

    fn create_dir(&self, dir: &Path) -> Result<(), FsError> {
        self.run(Call::CreateDir, dir, |machine, fault| {
            room(fault)?;
            if machine.reached_cache(fault) {
                machine.disk.create_dir(dir)
            } else {
                Ok(())
            }
        })
    }

    fn len(&self, path: &Path) -> Result<u64, FsError> {
        self.run(Call::Len, path, |machine, fault| {
            medium(fault)?;
            let len = machine.disk.content(path)?.len();
            u64::try_from(len).map_err(io::Error::other)
        })
    }

    fn exists(&self, path: &Path) -> Result<bool, FsError> {
        self.run(Call::Exists, path, |machine, fault| {
            medium(fault)?;
            machine.disk.exists(path)
        })
    }
}
