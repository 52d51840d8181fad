//! A file of lines that only grows: appended and synced in one step, a tail that a crash tore cut away.
//!
//! ```text
//! append(lines)   write behind the last whole line · sync
//! open            whole lines are handed over · what follows the last newline is cut
//! ```
//! What a line means, and what to do with one that is damaged, the callers say.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use labelproof_host::fs::{Fs, FsError, folder_of};

/// A file of lines, open for appending.
#[derive(Debug)]
pub(crate) struct Records {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    len: u64,
}

impl Records {
    /// Opens the file, or makes it, and hands each whole line with its place to `each`; its newline is not part of it.
    ///
    /// A line over `max_line` bytes is handed over cut, as the damage that it is.
    ///
    /// # Errors
    /// [`FsError`].
    pub(crate) fn open(
        fs: Arc<dyn Fs>,
        path: &Path,
        max_line: usize,
        mut each: impl FnMut(u64, &[u8]),
    ) -> Result<Self, FsError> {
        if !fs.exists(path)? {
            fs.write(path, &[])?;
            fs.sync_file(path)?;
        }
        // Whoever made it may have died before this.
        fs.sync_dir(folder_of(path))?;
        let len = fs.len(path)?;
        let mut whole = 0;
        let mut reader = Reader::new(&*fs, path, 0, len, max_line);
        while let Some(line) = reader.next()? {
            each(line.at, &line.bytes);
            whole = line.end;
        }
        if whole < len {
            fs.set_len(path, whole)?;
        }
        // Whoever wrote the last lines may have died before this, and what was handed over stays.
        fs.sync_file(path)?;
        let path = path.to_owned();
        Ok(Self {
            fs,
            path,
            len: whole,
        })
    }

    /// Appends lines, each with its newline; they are durable on return.
    ///
    /// # Errors
    /// [`FsError`]. Then nothing counts as appended, and the same may be tried again.
    pub(crate) fn append(&mut self, lines: &[u8]) -> Result<(), FsError> {
        let done = self
            .fs
            .write_at(&self.path, self.len, lines)
            .and_then(|()| self.fs.sync_file(&self.path));
        if done.is_err() {
            // If this fails too, the next append writes over what is there, and a crash before it leaves a torn tail.
            let _ = self.fs.set_len(&self.path, self.len);
        }
        done?;
        self.len += lines.len() as u64;
        Ok(())
    }

    /// Where the next line goes.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }
}

/// A whole line, where it begins, and where the next one does.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) at: u64,
    pub(crate) end: u64,
    pub(crate) bytes: Vec<u8>,
}

/// Reads whole lines between two places of a file.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    fs: &'a dyn Fs,
    path: &'a Path,
    /// Where the next chunk is read.
    next: u64,
    end: u64,
    chunk: Vec<u8>,
    used: usize,
    max_line: usize,
}

impl<'a> Reader<'a> {
    /// Reads from `from`, the beginning of a line, up to `end`.
    pub(crate) fn new(
        fs: &'a dyn Fs,
        path: &'a Path,
        from: u64,
        end: u64,
        max_line: usize,
    ) -> Self {
        Self {
            fs,
            path,
            next: from,
            end,
            chunk: Vec::new(),
            used: 0,
            max_line,
        }
    }

    /// The next whole line; none when the rest has no newline.
    ///
    /// # Errors
    /// [`FsError`].
    pub(crate) fn next(&mut self) -> Result<Option<Line>, FsError> {
        let at = self.next - (self.chunk.len() - self.used) as u64;
        let mut bytes = Vec::new();
        // Each round takes up a chunk of a file whose length was measured.
        loop {
            let rest = &self.chunk[self.used..];
            let newline = rest.iter().position(|byte| *byte == b'\n');
            let part = &rest[..newline.unwrap_or(rest.len())];
            let room = self.max_line.saturating_sub(bytes.len());
            bytes.extend_from_slice(&part[..part.len().min(room)]);
            self.used += part.len();
            if newline.is_some() {
                self.used += 1;
                let end = self.next - (self.chunk.len() - self.used) as u64;
                return Ok(Some(Line { at, end, bytes }));
            }
            let len = self.end.saturating_sub(self.next).min(CHUNK_BYTES as u64);
            if len == 0 {
                return Ok(None);
            }
            let count = usize::try_from(len).unwrap_or(CHUNK_BYTES);
            self.chunk = self.fs.read_range(self.path, self.next, count)?;
            self.used = 0;
            self.next += len;
        }
    }
}

/// A few lines of either file at once.
const CHUNK_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use labelproof_host::fs::{Fault, SimulatedFs};

    use super::*;

    fn open(fs: &SimulatedFs) -> (Records, Vec<String>) {
        let mut lines = Vec::new();
        let records = Records::open(Arc::new(fs.clone()), Path::new("a"), 100, |_, line| {
            lines.push(String::from_utf8_lossy(line).into_owned());
        });
        (records.unwrap(), lines)
    }

    #[test]
    fn appended_lines_are_there_after_a_power_cut() {
        for seed in 0..20 {
            let fs = SimulatedFs::new(seed);
            let (mut records, lines) = open(&fs);
            assert!(lines.is_empty());
            records.append(b"one\ntwo\n").unwrap();
            records.append(b"three\n").unwrap();
            fs.cut_power();
            fs.restart();
            let (records, lines) = open(&fs);
            assert_eq!(lines, ["one", "two", "three"]);
            assert_eq!(records.len(), 14);
        }
    }

    #[test]
    fn lines_that_were_handed_over_are_there_after_a_power_cut() {
        let mut handed_over = 0;
        for seed in 0..20 {
            let fs = SimulatedFs::new(seed);
            let (mut records, _) = open(&fs);
            // The process dies before its sync, and the machine after the next start.
            fs.fail_call(fs.calls() + 2, Fault::PowerCut);
            records.append(b"one\n").unwrap_err();
            fs.restart_process();
            let (_, lines) = open(&fs);
            fs.cut_power();
            fs.restart();
            assert_eq!(open(&fs).1, lines, "seed {seed}");
            handed_over += lines.len();
        }
        assert!(handed_over > 0);
    }

    #[test]
    fn a_torn_tail_is_cut_and_written_over() {
        let fs = SimulatedFs::new(1);
        let (mut records, _) = open(&fs);
        records.append(b"one\n").unwrap();
        fs.write_at(Path::new("a"), 4, b"tw").unwrap();
        let (mut records, lines) = open(&fs);
        assert_eq!(lines, ["one"]);
        records.append(b"2\n").unwrap();
        assert_eq!(fs.read(Path::new("a")).unwrap(), b"one\n2\n");
    }

    #[test]
    fn an_append_that_failed_leaves_no_trace_and_may_be_tried_again() {
        let (write, sync) = (1, 2);
        for (fault, call) in [
            (Fault::Enospc, write),
            (Fault::ShortWrite, write),
            (Fault::Eio, write),
            (Fault::Eio, sync),
        ] {
            let fs = SimulatedFs::new(7);
            let (mut records, _) = open(&fs);
            records.append(b"one\n").unwrap();
            fs.fail_call(fs.calls() + call, fault);
            assert!(records.append(b"two, which is longer\n").is_err());
            assert_eq!(open(&fs).1, ["one"], "{fault:?}");
            records.append(b"2\n").unwrap();
            fs.cut_power();
            fs.restart();
            assert_eq!(open(&fs).1, ["one", "2"], "{fault:?}");
        }
    }

    #[test]
    fn long_lines_and_chunks_do_not_matter() {
        let fs = SimulatedFs::new(1);
        let (mut records, _) = open(&fs);
        let long = "x".repeat(CHUNK_BYTES + 10);
        records
            .append(format!("{long}\nshort\n").as_bytes())
            .unwrap();
        for number in 0..20_000 {
            if number % 1_000 == 0 {
                let block: String = (0..1_000)
                    .map(|add| format!("{}\n", number + add))
                    .collect();
                records.append(block.as_bytes()).unwrap();
            }
        }
        let (_, lines) = open(&fs);
        assert_eq!(lines[0].len(), 100);
        assert_eq!(lines[1], "short");
        assert_eq!(lines.len(), 20_002);
        assert_eq!(lines[20_001], "19999");
    }
}
