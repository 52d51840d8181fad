//! The logs a witness knows, in the list format of the public witness network.
//!
//! ```text
//! logs/v0
//!
//! vkey labels.g7.example+…       a key of type 0x01
//! origin other-line              only if the origin is not the key's name
//! qpd 86400                      requests the log may make a day, 1 to 2^31 − 1
//! contact operator@log.example   any text
//! ```
//! Empty lines and lines that start with `#` are skipped, spaces around a line dropped; the order of the
//! four is fixed. What was cosigned for a log is in `store`.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;
use std::path::Path;

use labelproof_core::checkpoint::Origin;
use labelproof_core::key::{KeyError, KeyType, Vkey};
use labelproof_host::fs::{Fs, FsError, write_atomic};
use thiserror::Error;

/// One log of a list: a key, its origin, and what its operator wishes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListedLog {
    vkey: Vkey,
    origin: Origin,
    requests_per_day: u32,
    contact: String,
}

impl ListedLog {
    /// A log known by its key alone.
    ///
    /// # Errors
    /// [`ListFault::KeyType`] for a cosigner's key.
    pub fn of_key(vkey: Vkey) -> Result<Self, ListFault> {
        check_type(&vkey)?;
        Ok(Self {
            origin: Origin::from(vkey.name()),
            vkey,
            requests_per_day: DEFAULT_REQUESTS_PER_DAY,
            contact: "none".to_owned(),
        })
    }

    /// The log's key.
    #[must_use]
    pub fn vkey(&self) -> &Vkey {
        &self.vkey
    }

    /// The first line of its checkpoints.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// How often its operator says to ask a day.
    #[must_use]
    pub fn requests_per_day(&self) -> u32 {
        self.requests_per_day
    }

    /// Where a person reaches its operator.
    #[must_use]
    pub fn contact(&self) -> &str {
        &self.contact
    }
}

/// Reads a list.
///
/// # Errors
/// [`ListError`] with the first line that breaks a rule.
pub fn parse_list(text: &str) -> Result<Vec<ListedLog>, ListError> {
    let mut lines = Lines::new(text);
    match lines.rest.next() {
        Some((_, HEADER)) => {}
        other => {
            let line = other.map_or(lines.end, |(line, _)| line);
            return Err(ListFault::Header.at(line));
        }
    }
    let mut logs = Vec::new();
    while lines.rest.peek().is_some() {
        let (line, vkey) = lines.want("vkey")?;
        let vkey = Vkey::parse(vkey).map_err(|error| ListFault::from(error).at(line))?;
        check_type(&vkey).map_err(|fault| fault.at(line))?;
        let origin = match lines.take("origin") {
            Some((line, origin)) => origin.parse().map_err(|_| ListFault::Origin.at(line))?,
            None => Origin::from(vkey.name()),
        };
        let (line, qpd) = lines.want("qpd")?;
        let requests_per_day = read_qpd(qpd).ok_or(ListFault::Qpd.at(line))?;
        let (_, contact) = lines.want("contact")?;
        logs.push(ListedLog {
            vkey,
            origin,
            requests_per_day,
            contact: contact.to_owned(),
        });
    }
    Ok(logs)
}

/// Writes a list.
#[must_use]
pub fn write_list(logs: &[ListedLog]) -> String {
    let mut text = format!("{HEADER}\n");
    for log in logs {
        let mut line = |word: &str, value: &dyn std::fmt::Display| {
            writeln!(text, "{word} {value}").expect("a string takes any text");
        };
        line("\nvkey", &log.vkey);
        if log.origin != Origin::from(log.vkey.name()) {
            line("origin", &log.origin);
        }
        line("qpd", &log.requests_per_day);
        line("contact", &log.contact);
    }
    text
}

/// All logs a witness knows or knew.
#[derive(Clone, Debug, Default)]
pub struct KnownLogs {
    active: Logs,
    retired: Logs,
}

/// The logs of one list, in its order.
///
/// Tens of thousands are held: each once, and where they stand by origin.
#[derive(Clone, Debug, Default)]
struct Logs {
    listed: Box<[ListedLog]>,
    by_origin: Box<[usize]>,
}

impl KnownLogs {
    /// Reads both lists of a witness's folder.
    ///
    /// # Errors
    /// [`KnownLogsError`]; a missing list is one too, `init` makes both.
    pub fn load(fs: &dyn Fs, dir: &Path) -> Result<Self, KnownLogsError> {
        let active = read(fs, &dir.join(ACTIVE))?;
        let retired = read(fs, &dir.join(RETIRED))?;
        Ok(Self::new(active, retired))
    }

    /// Writes both lists; after a crash between the two a log may stand in both, and then is retired.
    ///
    /// # Errors
    /// [`KnownLogsError::Io`].
    pub fn save(&self, fs: &dyn Fs, dir: &Path) -> Result<(), KnownLogsError> {
        for (name, logs) in [(RETIRED, &self.retired), (ACTIVE, &self.active)] {
            write_atomic(fs, &dir.join(name), write_list(&logs.listed).as_bytes())?;
        }
        Ok(())
    }

    fn new(mut active: Vec<ListedLog>, retired: Vec<ListedLog>) -> Self {
        let retired = Logs::new(retired);
        active.retain(|log| retired.of(&log.origin).next().is_none());
        Self {
            active: Logs::new(active),
            retired,
        }
    }

    /// Adds logs, or further keys to some; a retired log becomes active again with all its keys.
    #[must_use]
    pub fn with(self, logs: impl IntoIterator<Item = ListedLog>) -> Self {
        let logs: Vec<ListedLog> = logs.into_iter().collect();
        let named: BTreeSet<&Origin> = logs.iter().map(ListedLog::origin).collect();
        let (back, retired): (Vec<_>, Vec<_>) =
            (self.retired.listed.into_iter()).partition(|log| named.contains(&log.origin));
        let mut active = self.active.listed.into_vec();
        let pair = |log: &ListedLog| (log.origin.clone(), log.vkey.clone());
        let mut pairs: HashSet<_> = active.iter().chain(&back).map(pair).collect();
        active.extend(logs.into_iter().filter(|log| pairs.insert(pair(log))));
        active.extend(back);
        Self::new(active, retired)
    }

    /// Retires a log: its requests are refused as unknown, its state is kept.
    ///
    /// # Errors
    /// [`KnownLogsError::Unknown`] if it is not active.
    pub fn without(self, origin: &Origin) -> Result<Self, KnownLogsError> {
        let mut retired = self.retired.listed.into_vec();
        let before = retired.len();
        let mut active = self.active.listed.into_vec();
        retired.extend(active.extract_if(.., |log| log.origin == *origin));
        if retired.len() == before {
            return Err(KnownLogsError::Unknown {
                origin: origin.clone(),
            });
        }
        Ok(Self::new(active, retired))
    }

    /// The keys to trust for an origin; `None` for an unknown or retired log.
    #[must_use]
    pub fn keys(&self, origin: &Origin) -> Option<Vec<Vkey>> {
        self.active.keys(origin)
    }

    /// The keys of an origin, also of a retired one: for reading what was stored.
    #[must_use]
    pub fn keys_ever(&self, origin: &Origin) -> Option<Vec<Vkey>> {
        self.keys(origin).or_else(|| self.retired.keys(origin))
    }

    /// The logs whose requests are answered.
    #[must_use]
    pub fn active(&self) -> &[ListedLog] {
        &self.active.listed
    }

    /// The logs whose requests are refused and whose state is kept.
    #[must_use]
    pub fn retired(&self) -> &[ListedLog] {
        &self.retired.listed
    }
}

impl Logs {
    fn new(listed: Vec<ListedLog>) -> Self {
        let mut by_origin: Box<[usize]> = (0..listed.len()).collect();
        // Keys of one origin stay in the order of the list.
        by_origin.sort_by_key(|place| &listed[*place].origin);
        Self {
            listed: listed.into(),
            by_origin,
        }
    }

    /// What is listed for an origin, one a key.
    fn of(&self, origin: &Origin) -> impl Iterator<Item = &ListedLog> {
        let before = |place: &usize| self.listed[*place].origin < *origin;
        let first = self.by_origin.partition_point(before);
        let from = self.by_origin[first..].iter();
        from.map(|place| &self.listed[*place])
            .take_while(move |log| log.origin == *origin)
    }

    fn keys(&self, origin: &Origin) -> Option<Vec<Vkey>> {
        let keys: Vec<Vkey> = self.of(origin).map(|log| log.vkey.clone()).collect();
        (!keys.is_empty()).then_some(keys)
    }
}

fn read(fs: &dyn Fs, path: &Path) -> Result<Vec<ListedLog>, KnownLogsError> {
    let name = path.display().to_string();
    let bytes = fs.read(path)?;
    let text =
        str::from_utf8(&bytes).map_err(|_| KnownLogsError::NotUtf8 { path: name.clone() })?;
    parse_list(text).map_err(|source| KnownLogsError::List { path: name, source })
}

fn check_type(vkey: &Vkey) -> Result<(), ListFault> {
    match vkey.key_type() {
        KeyType::Note => Ok(()),
        KeyType::Cosignature => Err(ListFault::KeyType),
    }
}

fn read_qpd(text: &str) -> Option<u32> {
    let qpd: u32 = text.parse().ok()?;
    let fits = (1..1 << 31).contains(&qpd) && qpd.to_string() == text;
    fits.then_some(qpd)
}

/// The lines that say something, with their numbers.
struct Lines<'a> {
    rest: std::iter::Peekable<std::vec::IntoIter<(usize, &'a str)>>,
    end: usize,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        let lines = text.lines().map(str::trim).enumerate();
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let lines: Vec<_> = lines.map(|(index, line)| (index + 1, line)).collect();
        Self {
            rest: lines.into_iter().peekable(),
            end: text.lines().count(),
        }
    }

    /// Takes the next line if `word` is its first.
    fn take(&mut self, word: &str) -> Option<(usize, &'a str)> {
        let (line, text) = *self.rest.peek()?;
        let (first, value) = text.split_once([' ', '\t'])?;
        if first != word {
            return None;
        }
        self.rest.next();
        Some((line, value.trim_start()))
    }

    fn want(&mut self, word: &'static str) -> Result<(usize, &'a str), ListError> {
        let line = self.rest.peek().map_or(self.end, |(line, _)| *line);
        self.take(word).ok_or(ListFault::Missing { word }.at(line))
    }
}

/// Where a list breaks a rule.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("line {line}: {fault}")]
pub struct ListError {
    line: usize,
    fault: ListFault,
}

/// Which rule a list breaks.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum ListFault {
    /// The first line is not `logs/v0`.
    #[error("list does not start with {HEADER}")]
    Header,
    /// Another line stands where one of a log's is due.
    #[error("a {word} line is due")]
    Missing {
        /// Which one.
        word: &'static str,
    },
    /// The verifier key is malformed.
    #[error(transparent)]
    Vkey(#[from] KeyError),
    /// The key is a cosigner's.
    #[error("not a log's key, which is of type 0x01")]
    KeyType,
    /// The origin is malformed.
    #[error("malformed origin")]
    Origin,
    /// The number of requests a day is malformed.
    #[error("qpd is not a number from 1 to 2147483647")]
    Qpd,
}

impl ListFault {
    fn at(self, line: usize) -> ListError {
        ListError { line, fault: self }
    }
}

/// Why the lists could not be read, changed or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KnownLogsError {
    /// A file cannot be read or written.
    #[error(transparent)]
    Io(#[from] FsError),
    /// A list is not UTF-8.
    #[error("{path} is not UTF-8")]
    NotUtf8 {
        /// The file.
        path: String,
    },
    /// A list breaks a rule.
    #[error("{path}: {source}")]
    List {
        /// The file.
        path: String,
        /// Where and how.
        source: ListError,
    },
    /// No active log has the origin.
    #[error("no active log {origin}")]
    Unknown {
        /// The origin asked for.
        origin: Origin,
    },
}

/// The list of logs whose requests are answered.
pub const ACTIVE: &str = "logs";

/// The list of logs whose requests are refused and whose state is kept.
pub const RETIRED: &str = "retired";

const HEADER: &str = "logs/v0";

/// One a second, what a log of ours asks for; the lists of the public network say the same for busy logs.
const DEFAULT_REQUESTS_PER_DAY: u32 = 86_400;
