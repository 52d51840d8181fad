//! The mark: what tells this journal from the journals of all other monitors, over restarts and moves.
//!
//! ```text
//! DIR/alerts.mark    32 hex digits, made when it is asked for first
//! ```
//! A journal without it, or with one that is damaged, is marked anew: readers of feeds then see old alerts as new.

use std::path::Path;

use labelproof_host::fs::{Fs, FsError, write_atomic};

use crate::chance::random;

/// The mark of the journal in this folder.
pub(super) fn mark(fs: &dyn Fs, dir: &Path) -> Result<String, FsError> {
    let path = dir.join(FILE);
    match fs.read(&path) {
        Ok(bytes) => {
            if let Some(mark) = read(&bytes) {
                return Ok(mark);
            }
        }
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(error),
    }
    let mark = format!("{:016x}{:016x}", random(), random());
    write_atomic(fs, &path, format!("{mark}\n").as_bytes())?;
    Ok(mark)
}

fn read(bytes: &[u8]) -> Option<String> {
    let mark = str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    (mark.len() == DIGITS && mark.bytes().all(is_hex)).then(|| mark.to_owned())
}

const FILE: &str = "alerts.mark";
/// 128 bits: nobody has two monitors with one.
const DIGITS: usize = 32;

#[cfg(test)]
mod tests {
    use labelproof_host::fs::SimulatedFs;

    use super::*;

    #[test]
    fn a_journal_keeps_its_mark_and_has_it_alone() {
        let (fs, dir) = (SimulatedFs::new(1), Path::new("."));
        let first = mark(&fs, dir).unwrap();
        fs.cut_power();
        fs.restart();
        assert_eq!(mark(&fs, dir).unwrap(), first);
        assert_ne!(mark(&SimulatedFs::new(2), dir).unwrap(), first);
        for damaged in ["", "\n", &first[1..], &first.to_uppercase()] {
            fs.write(&dir.join(FILE), damaged.as_bytes()).unwrap();
            let anew = mark(&fs, dir).unwrap();
            assert_eq!((anew.len(), mark(&fs, dir).unwrap()), (DIGITS, anew));
        }
    }
}
