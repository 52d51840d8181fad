//! What a command touches outside itself: files, clock, standard error.

use std::{
    error::Error,
    fs::File,
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use labelproof::log_server::{LogServer, MAX_PACK_BYTES};
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
        Self::read_up_to(path, MAX_FILE_BYTES)
    }

    /// Reads a pack, which may be larger than any other file of ours.
    ///
    /// # Errors
    /// As [`World::read`].
    pub(crate) fn read_pack(&self, path: &Path) -> Result<Vec<u8>, Failure> {
        Self::read_up_to(path, MAX_PACK_BYTES as u64)
    }

    fn read_up_to(path: &Path, max_bytes: u64) -> Result<Vec<u8>, Failure> {
        let name = path.display();
        let failed = |error: io::Error| {
            let what = match error.kind() {
                io::ErrorKind::NotFound => format!("there is no file {name}"),
                _ => format!("cannot read {name}: {error}"),
            };
            Failure::new(Exit::Usage, what)
        };
        // Up to the limit, whatever the length is said to be: a pipe or a device has none.
        let mut file = File::open(path).map_err(failed)?.take(max_bytes + 1);
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        if file.limit() == 0 {
            let what = format!("{name}: more than {max_bytes} bytes, no file of ours has so many");
            return Err(Failure::new(Exit::Malformed, what));
        }
        Ok(bytes)
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
    /// Exit 2 where no file can be, else 1; with the file and why.
    pub(crate) fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), Failure> {
        if path.is_dir() {
            let what = format!("cannot write {}: it is a folder", path.display());
            return Err(Failure::new(Exit::Usage, what).next("name a file"));
        }
        write_atomic(&*self.fs, path, bytes).map_err(|error| not_written(&error))
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

/// A name under which nothing can be written is the person's to change; a full disk is nobody's mistake.
pub(crate) fn not_written(error: &(dyn Error + 'static)) -> Failure {
    let mut cause = Some(error);
    let mut kind = None;
    while let Some(error) = cause {
        kind = error.downcast_ref().map(io::Error::kind);
        cause = error.source();
    }
    match kind {
        Some(
            io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem,
        ) => Failure::of(Exit::Usage, error).next("name a file in a folder that you can write to"),
        _ => Failure::of(Exit::Internal, error),
    }
}

/// A bundle has at most 65,536 lines, the longest an entry of 16 KiB in base64; real ones have kilobytes.
const MAX_FILE_BYTES: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_end_is_refused_and_not_kept() {
        let read = World::real(0).read(Path::new("/dev/zero")).unwrap_err();
        assert_eq!(read.exit(), Exit::Malformed);
    }

    #[test]
    fn a_name_that_cannot_be_written_is_no_fault_of_ours() {
        let dir = tempfile::tempdir().unwrap();
        let world = World::real(0);
        for path in [dir.path().to_owned(), dir.path().join("none/file")] {
            let failure = world.write(&path, b"x").unwrap_err();
            assert_eq!(failure.exit(), Exit::Usage, "{}", path.display());
        }
        assert_eq!(dir.path().read_dir().unwrap().count(), 0);
    }
}
