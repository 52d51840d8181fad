//! Alerts as JSON lines, for a pipe or the system's journal.
//!
//! ```text
//! {"format":"labelproof-alert/v1","number":17,…}⏎
//! ```

use std::{
    fmt,
    io::{self, Write},
    sync::Mutex,
};

use crate::alert::Numbered;

/// Writes each alert as a line, and flushes it.
pub struct Stdout {
    out: Mutex<Box<dyn Write + Send>>,
}

impl Stdout {
    /// The process's standard output.
    #[must_use]
    pub fn new() -> Self {
        Self::to(Box::new(io::stdout()))
    }

    /// Anything that takes lines.
    #[must_use]
    pub fn to(out: Box<dyn Write + Send>) -> Self {
        Self {
            out: Mutex::new(out),
        }
    }

    pub(crate) fn send(&self, alert: &Numbered) -> io::Result<()> {
        // After a panic of another writer the next line is as good as the first.
        let mut out = self
            .out
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        // In one piece, so that no other line of the process stands in the middle.
        out.write_all(format!("{}\n", alert.to_json()).as_bytes())?;
        out.flush()
    }
}

impl Default for Stdout {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Stdout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stdout")
    }
}
