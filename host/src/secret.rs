//! Files whose text only their owner can read: keys, passwords, signing secrets.
//!
//! These files are secrets and not state: they do not pass through [`crate::fs`], which knows no modes.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

/// Reads at most `max_bytes` of a file on which group and others have no right; wiped when dropped.
///
/// A line end at the end of the file is not part of the secret.
///
/// # Errors
/// [`SecretError`].
pub fn read(path: &Path, max_bytes: usize) -> Result<Zeroizing<String>, SecretError> {
    let failed = |source| SecretError::Io {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    // Asked of the open file, so that nobody swaps it in between.
    let mode = file.metadata().map_err(failed)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(SecretError::TooOpen {
            path: path.to_owned(),
            mode,
        });
    }
    let limit = u64::try_from(max_bytes).unwrap_or(u64::MAX);
    // With room for all of it from the start: a buffer that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(max_bytes.saturating_add(2)));
    file.take(limit.saturating_add(1))
        .read_to_string(&mut text)
        .map_err(failed)?;
    if text.ends_with('\n') {
        text.pop();
    }
    if text.len() > max_bytes {
        return Err(SecretError::TooLong {
            path: path.to_owned(),
            max_bytes,
        });
    }
    Ok(text)
}

/// Why a secret could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// Others can read it or write it.
    #[error("{} has mode {mode:04o}; only its owner may have rights on it: chmod 600 {}", path.display(), path.display())]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// No secret is so long.
    #[error("{} holds more than {max_bytes} bytes, more than any such secret; is it the right file?", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// What is allowed.
        max_bytes: usize,
    },
    /// The file cannot be read, or is not text.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    #[test]
    fn a_secret_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        fs::write(&path, "abc\n").unwrap();
        for mode in [0o640, 0o604, 0o620, 0o666] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = read(&path, 9).unwrap_err();
            assert!(matches!(error, SecretError::TooOpen { .. }), "{error}");
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read(&path, 3).unwrap().as_str(), "abc");
        assert!(matches!(
            read(&path, 2),
            Err(SecretError::TooLong { max_bytes: 2, .. })
        ));
        fs::write(&path, [0xff]).unwrap();
        assert!(matches!(read(&path, 9), Err(SecretError::Io { .. })));
    }
}
