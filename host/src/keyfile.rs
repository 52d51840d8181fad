//! Files that hold one signing key.
//!
//! ```text
//! PRIVATE+KEY+labels.g7.example+7b0d3f2a+AQ…=      one line, mode 0600
//! ```
//! The line is that of Go's note package; its grammar belongs to `core::key`. These files are
//! secrets and not state: they do not pass through [`crate::fs`], which knows no modes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use labelproof_core::key::{KeyError, KeyType, SigningKey};
use labelproof_core::note::KeyName;
use zeroize::Zeroizing;

use crate::fs::folder_of;
use crate::secret::{self, SecretError};

/// Reads a key that only its owner can read.
///
/// # Errors
/// [`KeyFileError::Unreadable`] also when group or others have any right on the file.
pub fn read(path: &Path) -> Result<SigningKey, KeyFileError> {
    let line = secret::read(path, MAX_KEY_BYTES)?;
    line.parse().map_err(|source| KeyFileError::Malformed {
        path: path.to_owned(),
        source,
    })
}

/// Makes a key from a seed of the operating system.
///
/// # Errors
/// [`NoSeed`] when the system has none to give; there is no second source.
pub fn generate(name: KeyName, key_type: KeyType) -> Result<SigningKey, NoSeed> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(NoSeed)?;
    Ok(SigningKey::from_seed(name, key_type, *seed))
}

/// The operating system gave no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random bytes")]
pub struct NoSeed(#[source] getrandom::Error);

/// Writes a key to a file that does not exist yet, whole and durable or not at all.
///
/// # Errors
/// [`KeyFileError::Exists`]: a key is never written over.
pub fn create(path: &Path, key: &SigningKey) -> Result<(), KeyFileError> {
    let mut line = key.to_text();
    line.push('\n');
    let temp = temp_of(path);
    let done = write_new(&temp, path, line.as_bytes());
    // Left behind only if the process dies; its name carries the process id.
    let _ = fs::remove_file(&temp);
    match done {
        Ok(()) => Ok(()),
        Err(source) if source.kind() == io::ErrorKind::AlreadyExists => Err(KeyFileError::Exists {
            path: path.to_owned(),
        }),
        Err(source) => Err(KeyFileError::Io {
            path: path.to_owned(),
            source,
        }),
    }
}

fn write_new(temp: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(temp)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    // Unlike a rename, a link refuses a name that is taken.
    fs::hard_link(temp, path)?;
    fs::remove_file(temp)?;
    File::open(folder_of(path))?.sync_all()
}

fn temp_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    PathBuf::from(name)
}

/// Why a key file could not be read or made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file cannot be read, or others could read it too.
    #[error(transparent)]
    Unreadable(#[from] SecretError),
    /// The name is taken.
    #[error("{} exists; a key is never written over", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// Not a key.
    #[error("{} does not hold one line PRIVATE+KEY+name+id+base64", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What its line lacks.
        source: KeyError,
    },
    /// The file cannot be written.
    #[error("cannot write key file {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A name of 255 bytes and a seed are below 400; the rest of a strange file is not read.
const MAX_KEY_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use labelproof_core::key::KeyType;
    use labelproof_core::note::KeyName;

    use super::*;

    fn key(seed: u8) -> SigningKey {
        let name = KeyName::parse("labels.g7.example").unwrap();
        SigningKey::from_seed(name, KeyType::Note, [seed; 32])
    }

    #[test]
    fn makes_another_key_each_time() {
        let name: KeyName = "label.jp.example".parse().unwrap();
        let one = generate(name.clone(), KeyType::Note).unwrap();
        let two = generate(name, KeyType::Note).unwrap();
        assert_ne!(one.vkey(), two.vkey());
        assert_eq!(one.vkey().key_type(), KeyType::Note);
    }

    #[test]
    fn key_comes_back_and_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.key");
        create(&path, &key(1)).unwrap();
        assert_eq!(
            read(&path).unwrap().vkey().to_string(),
            key(1).vkey().to_string()
        );
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn key_is_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.key");
        create(&path, &key(1)).unwrap();
        let before = fs::read(&path).unwrap();
        assert!(matches!(
            create(&path, &key(2)),
            Err(KeyFileError::Exists { .. })
        ));
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn key_others_can_read_is_refused_with_the_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.key");
        create(&path, &key(1)).unwrap();
        for mode in [0o640, 0o604, 0o610, 0o602, 0o666] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = read(&path).unwrap_err();
            assert!(
                matches!(error, KeyFileError::Unreadable(SecretError::TooOpen { .. })),
                "{error}"
            );
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
    }

    #[test]
    fn other_content_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.key");
        create(&path, &key(1)).unwrap();
        let good = fs::read_to_string(&path).unwrap();
        for text in [
            "",
            "PRIVATE+KEY+x",
            &format!("{good}\n"),
            &format!(" {good}"),
            &good[1..],
        ] {
            fs::write(&path, text).unwrap();
            assert!(
                matches!(read(&path), Err(KeyFileError::Malformed { .. })),
                "{text:?}"
            );
        }
    }
}
