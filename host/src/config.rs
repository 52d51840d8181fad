//! TOML files of people: errors that point at the place.
//!
//! ```text
//! log.toml:3:1: unknown key `lissten`; did you mean `listen`?
//!   3 | lissten = "127.0.0.1:7380"
//!     | ^^^^^^^
//! ```
//! What the keys mean is left to the type that is read into.

mod nearest;
mod values;

pub use values::{Count, OutOfBounds, Span};

use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::fs::{Fs, FsError};

/// Reads a TOML file into `T`, which carries `#[serde(deny_unknown_fields)]` at every level.
///
/// # Errors
/// [`ConfigError::Unreadable`] or [`ConfigError::Wrong`].
pub fn load<T: DeserializeOwned>(fs: &dyn Fs, path: &Path) -> Result<T, ConfigError> {
    let len = fs.len(path).map_err(ConfigError::Unreadable)?;
    if len > MAX_CONFIG_BYTES {
        return Err(ConfigError::TooLarge {
            path: path.to_owned(),
            len,
        });
    }
    let bytes = fs.read(path).map_err(ConfigError::Unreadable)?;
    let Ok(text) = str::from_utf8(&bytes) else {
        return Err(ConfigError::NotUtf8 {
            path: path.to_owned(),
        });
    };
    parse(path, text)
}

/// Reads TOML text; `path` is only named in errors.
///
/// # Errors
/// [`ConfigError::Wrong`].
pub fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let place = error.span().map(|span| Place::of(text, span));
        let message = nearest::with_nearest(error.message());
        ConfigError::Wrong(Box::new(WrongConfig {
            path: path.to_owned(),
            place,
            message,
        }))
    })
}

/// Why a configuration could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error(transparent)]
    Unreadable(FsError),
    /// Nobody writes so much by hand.
    #[error("{} is {len} bytes long; a configuration is at most {MAX_CONFIG_BYTES}", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        len: u64,
    },
    /// TOML is UTF-8.
    #[error("{} is not UTF-8", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
    },
    /// Not TOML, an unknown key, or a value that is not what the key takes.
    #[error("{0}")]
    Wrong(Box<WrongConfig>),
}

/// A place in a configuration and what is wrong there.
#[derive(Debug)]
pub struct WrongConfig {
    path: PathBuf,
    place: Option<Place>,
    message: String,
}

impl WrongConfig {
    /// Line and column, both from 1, columns in characters; `None` when the whole file lacks something.
    #[must_use]
    pub fn position(&self) -> Option<(usize, usize)> {
        self.place.as_ref().map(|place| (place.line, place.column))
    }
}

impl fmt::Display for WrongConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        let Some(place) = &self.place else {
            return write!(f, "{path}: {}", self.message);
        };
        let Place {
            line,
            column,
            width,
            text,
        } = place;
        writeln!(f, "{path}:{line}:{column}: {}", self.message)?;
        writeln!(f, "{line:>4} | {text}")?;
        write!(f, "     | {}{}", " ".repeat(column - 1), "^".repeat(*width))
    }
}

#[derive(Debug)]
struct Place {
    line: usize,
    column: usize,
    width: usize,
    text: String,
}

impl Place {
    fn of(text: &str, span: std::ops::Range<usize>) -> Place {
        let before = text.get(..span.start).unwrap_or(text);
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let line_text = text[start..].lines().next().unwrap_or_default();
        let column = before[start..].chars().count() + 1;
        let marked = text
            .get(span)
            .unwrap_or_default()
            .lines()
            .next()
            .unwrap_or_default();
        Place {
            line: before.matches('\n').count() + 1,
            column,
            width: marked.chars().count().max(1),
            text: line_text.to_owned(),
        }
    }
}

/// Far above any file of ours (a trust file with a policy is about 2 KiB), far below trouble.
const MAX_CONFIG_BYTES: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        listen: String,
        #[allow(dead_code, reason = "only its type is of interest")]
        interval_ms: Option<u64>,
    }

    fn refused(text: &str) -> String {
        parse::<Sample>(Path::new("log.toml"), text)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn unknown_key_is_refused_at_its_place() {
        let error = refused("listen = \"a\"\n\nlissten = 1\n");
        let want = "log.toml:3:1: unknown key `lissten`; did you mean `listen`?";
        assert!(error.starts_with(want), "{error}");
        assert!(
            error.ends_with("   3 | lissten = 1\n     | ^^^^^^^"),
            "{error}"
        );
    }

    #[test]
    fn wrong_type_points_at_the_value() {
        let error = refused("listen = \"ü\"\ninterval_ms = \"soon\"\n");
        assert!(error.starts_with("log.toml:2:15: "), "{error}");
    }

    #[test]
    fn broken_toml_points_at_the_line() {
        let error = refused("listen = \"a\"\nx = = 2\n");
        assert!(error.starts_with("log.toml:2:"), "{error}");
    }

    #[test]
    fn missing_key_is_named() {
        assert!(refused("").contains("missing field `listen`"));
    }

    #[test]
    fn good_file_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.toml");
        std::fs::write(&path, "listen = \"a\"\n").unwrap();
        let sample: Sample = load(&crate::fs::RealFs::new(), &path).unwrap();
        assert_eq!(sample.listen, "a");
    }
}
