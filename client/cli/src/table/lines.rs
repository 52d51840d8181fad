//! Lines of a file, one at a time, with a limit: a longer one is passed over and never held.
//!
//! ```text
//! bytes ─▶ (line number from 1, bytes without "\n" or "\r\n" | too long)
//! ```

use std::io::{self, BufRead};

/// A line and where it stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Line {
    /// Its number, from 1.
    pub(crate) number: u64,
    /// Its bytes without the end of line; `None` if there are more than the limit.
    pub(crate) bytes: Option<Vec<u8>>,
}

/// Reads lines of at most a number of bytes.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    input: R,
    limit: usize,
    read: u64,
    failed: bool,
}

impl<R: BufRead> Lines<R> {
    /// Reads `input` from its first line.
    pub(crate) fn new(input: R, limit: usize) -> Self {
        Self {
            input,
            limit,
            read: 0,
            failed: false,
        }
    }

    fn line(&mut self) -> io::Result<Option<Line>> {
        let mut bytes = Vec::new();
        let (mut any, mut too_long) = (false, false);
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                break;
            }
            any = true;
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let piece = &chunk[..end.unwrap_or(chunk.len())];
            // Two bytes more: "\r" is cut off later, and one decides that the line is too long.
            too_long |= bytes.len() + piece.len() > self.limit + 1;
            if too_long {
                bytes = Vec::new();
            } else {
                bytes.extend_from_slice(piece);
            }
            let taken = piece.len() + usize::from(end.is_some());
            self.input.consume(taken);
            if end.is_some() {
                break;
            }
        }
        if !any {
            return Ok(None);
        }
        self.read += 1;
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        let fits = !too_long && bytes.len() <= self.limit;
        Ok(Some(Line {
            number: self.read,
            bytes: fits.then_some(bytes),
        }))
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<Line>;

    /// The next line; nothing follows a fault of the machine.
    fn next(&mut self) -> Option<io::Result<Line>> {
        if self.failed {
            return None;
        }
        let line = self.line();
        self.failed = line.is_err();
        line.transpose()
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn lines(text: &str, limit: usize) -> Vec<(u64, Option<String>)> {
        // Three bytes a read, so that ends of lines fall on every side of a chunk.
        let input = BufReader::with_capacity(3, text.as_bytes());
        Lines::new(input, limit)
            .map(|line| line.unwrap())
            .map(|line| {
                let text = line.bytes.map(|bytes| String::from_utf8(bytes).unwrap());
                (line.number, text)
            })
            .collect()
    }

    #[test]
    fn both_ends_of_lines_are_cut_off() {
        let want = |texts: &[&str]| -> Vec<_> {
            let numbered = texts.iter().zip(1..);
            numbered
                .map(|(text, number)| (number, Some((*text).to_owned())))
                .collect()
        };
        assert_eq!(
            lines("a\nbb\r\n\nccccc", 5),
            want(&["a", "bb", "", "ccccc"])
        );
        assert_eq!(lines("ccccc\r\n", 5), want(&["ccccc"]));
        assert_eq!(lines("", 5), want(&[]));
        assert_eq!(lines("\n", 5), want(&[""]));
    }

    #[test]
    fn a_line_over_the_limit_is_passed_over_and_counted() {
        let long = "x".repeat(1 << 20);
        for (text, fits) in [("12345", true), ("123456", false), (&*long, false)] {
            let read = lines(&format!("a\n{text}\nb"), 5);
            assert_eq!(read.len(), 3);
            assert_eq!(read[1].1.is_some(), fits, "{}", text.len());
            assert_eq!(read[2], (3, Some("b".to_owned())));
        }
    }
}
