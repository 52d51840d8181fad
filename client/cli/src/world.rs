//! What a command touches outside itself: files, clock, standard error.

use std::{path::Path, sync::Arc};

use labelproof::log_server::LogServer;
use labelproof_core::time::Time;
use labelproof_host::{
    clock::{Clock, SystemClock},
    exit::Exit,
    fetch::Fetch,
    fs::{Fs, RealFs, write_atomic},
};

use crate::report::Failure;

/// The machine as commands see it.
#[derive(Debug)]
pub(crate) struct World {
    fs: Arc<dyn Fs>,
    clock: Arc<dyn Clock>,
    verbose: u8,
}

impl World {
    /// This machine.
    pub(crate) fn real(verbose: u8) -> Self {
        Self {
            fs: Arc::new(RealFs::default()),
            clock: Arc::new(SystemClock),
            verbose,
        }
    }

    /// Its files.
    pub(crate) fn fs(&self) -> Arc<dyn Fs> {
        self.fs.clone()
    }

    /// The time now.
    pub(crate) fn now(&self) -> Time {
        self.clock.now()
    }

    /// The log at an address.
    ///
    /// # Errors
    /// Exit 2 for what is no address.
    pub(crate) fn server(&self, url: &str) -> Result<LogServer, Failure> {
        LogServer::at(url, Fetch::default()).map_err(|error| Failure::of(Exit::Usage, &error))
    }

    /// Says what is being done, on standard error, if asked with `-v`.
    pub(crate) fn note(&self, text: impl std::fmt::Display) {
        if self.verbose > 0 {
            eprintln!("{text}");
        }
    }

    /// Says each request, on standard error, if asked with `-vv`.
    pub(crate) fn trace(&self, text: impl std::fmt::Display) {
        if self.verbose > 1 {
            eprintln!("{text}");
        }
    }

    /// Says what the person must know whatever the output, on standard error.
    pub(crate) fn warn(&self, text: impl std::fmt::Display) {
        eprintln!("note: {text}");
    }

    /// Reads a whole file.
    ///
    /// # Errors
    /// Exit 2 if it is not there or cannot be read, 10 if it is larger than any of ours.
    pub(crate) fn read(&self, path: &Path) -> Result<Vec<u8>, Failure> {
        let length = self
            .fs
            .len(path)
            .map_err(|error| match error.is_not_found() {
                true => Failure::new(Exit::Usage, format!("there is no file {}", path.display())),
                false => Failure::of(Exit::Usage, &error),
            })?;
        if length > MAX_FILE_BYTES {
            let what = format!(
                "{}: {length} bytes are more than any file of ours has",
                path.display()
            );
            return Err(Failure::new(Exit::Malformed, what));
        }
        self.fs
            .read(path)
            .map_err(|error| Failure::of(Exit::Usage, &error))
    }

    /// Reads a file that must be UTF-8 text.
    ///
    /// # Errors
    /// As [`World::read`], and exit 10 for other bytes.
    pub(crate) fn read_text(&self, path: &Path) -> Result<String, Failure> {
        String::from_utf8(self.read(path)?).map_err(|_| {
            Failure::new(
                Exit::Malformed,
                format!("{}: not UTF-8 text", path.display()),
            )
        })
    }

    /// Replaces or makes a file in one durable step.
    ///
    /// # Errors
    /// Exit 1, with the file and why.
    pub(crate) fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Failure> {
        write_atomic(&*self.fs, path, bytes).map_err(|error| Failure::of(Exit::Internal, &error))
    }

    /// Whether anything has the name.
    ///
    /// # Errors
    /// Exit 2 when the machine cannot say.
    pub(crate) fn exists(&self, path: &Path) -> Result<bool, Failure> {
        self.fs
            .exists(path)
            .map_err(|error| Failure::of(Exit::Usage, &error))
    }

    /// Refuses to go on where a file is already.
    ///
    /// # Errors
    /// Exit 2 if anything has the name.
    pub(crate) fn must_be_new(&self, path: &Path) -> Result<(), Failure> {
        match self.fs.exists(path) {
            Ok(false) => Ok(()),
            Ok(true) => Err(Failure::new(
                Exit::Usage,
                format!("{} exists already", path.display()),
            )
            .next("name another file, or move this one away")),
            Err(error) => Err(Failure::of(Exit::Usage, &error)),
        }
    }
}

/// A bundle has at most 65,536 lines, the longest an entry of 16 KiB in base64; real ones have kilobytes.
const MAX_FILE_BYTES: u64 = 64 << 20;
