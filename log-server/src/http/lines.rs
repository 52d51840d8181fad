//! A body cut into its lines, as it comes in.
//!
//! ```text
//! a line ends at LF or at the end of the body; the last LF begins no line
//! ```
//! It holds one line at most, and no more of it than a line may have. What a line says is `batch`'s.

/// One line of a body.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Line {
    /// All of it, without its end.
    Whole(Vec<u8>),
    /// More than [`MAX_LINE_BYTES`]; what it was is not kept.
    TooLong,
    /// Its end never came.
    Cut,
}

/// The line that is under way.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pending: Vec<u8>,
    too_long: bool,
    begun: bool,
}

impl Lines {
    /// Takes the next bytes of the body; gives the lines that they end.
    pub(super) fn push(&mut self, bytes: &[u8], ended: &mut Vec<Line>) {
        let mut pieces = bytes.split(|byte| *byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            self.extend(piece);
            if pieces.peek().is_some() {
                ended.push(self.take());
            }
        }
    }

    /// Ends the body: a last line without LF is one, unless the body broke off.
    pub(super) fn finish(mut self, end: End) -> Option<Line> {
        match end {
            End::Whole => self.begun.then(|| self.take()),
            End::Broken => self.begun.then_some(Line::Cut),
        }
    }

    fn extend(&mut self, piece: &[u8]) {
        self.begun |= !piece.is_empty();
        if self.pending.len() + piece.len() > MAX_LINE_BYTES {
            self.too_long = true;
            self.pending = Vec::new();
        }
        if !self.too_long {
            self.pending.extend_from_slice(piece);
        }
    }

    fn take(&mut self) -> Line {
        let line = std::mem::take(self);
        if line.too_long {
            Line::TooLong
        } else {
            Line::Whole(line.pending)
        }
    }
}

/// How a body ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// As its sender meant it to.
    Whole,
    /// The connection broke, or nothing came for too long.
    Broken,
}

/// A note of 16 KiB as a JSON string of the longest form, six bytes for one.
pub(super) const MAX_LINE_BYTES: usize = 6 * 16 * 1024 + 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(body: &[u8], size: usize, end: End) -> Vec<Line> {
        let mut lines = Lines::default();
        let mut ended = Vec::new();
        for piece in body.chunks(size) {
            lines.push(piece, &mut ended);
        }
        ended.extend(lines.finish(end));
        ended
    }

    fn whole(text: &str) -> Line {
        Line::Whole(text.as_bytes().to_vec())
    }

    #[test]
    fn lines_are_the_same_however_the_body_is_cut() {
        let body = b"one\n\ntwo\r\nthree";
        let want = [whole("one"), whole(""), whole("two\r"), whole("three")];
        for size in 1..=body.len() {
            assert_eq!(cut(body, size, End::Whole), want, "{size}");
        }
    }

    #[test]
    fn the_last_end_of_line_begins_no_line() {
        assert_eq!(cut(b"one\n", 2, End::Whole), [whole("one")]);
        assert_eq!(cut(b"", 1, End::Whole), []);
        assert_eq!(cut(b"one\n", 2, End::Broken), [whole("one")]);
    }

    #[test]
    fn half_a_line_of_a_broken_body_is_no_line() {
        assert_eq!(cut(b"one\ntw", 3, End::Broken), [whole("one"), Line::Cut]);
    }

    #[test]
    fn a_line_over_the_limit_is_told_and_the_next_one_is_read() {
        let longest = "x".repeat(MAX_LINE_BYTES);
        let body = format!("{longest}\n{longest}x\nnext\n");
        let want = [whole(&longest), Line::TooLong, whole("next")];
        for size in [1, 1_000, body.len()] {
            assert_eq!(cut(body.as_bytes(), size, End::Whole), want, "{size}");
        }
    }
}
