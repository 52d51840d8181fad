//! Reading the few text lines that open our own files, strictly: no line without its newline, no
//! number with a leading zero. What follows the lines is handed on as it is.

use labelproof_core::merkle::{RootHash, TreeSize};

/// A reader of lines that end with a newline.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    rest: &'a [u8],
}

impl<'a> Lines<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next line without its newline; `None` at the end or if it is not UTF-8.
    pub(crate) fn next(&mut self) -> Option<&'a str> {
        let end = self.rest.iter().position(|byte| *byte == b'\n')?;
        let (line, rest) = self.rest.split_at(end);
        self.rest = &rest[1..];
        std::str::from_utf8(line).ok()
    }

    /// Takes a line that must be exactly this one.
    pub(crate) fn expect(&mut self, line: &str) -> Option<()> {
        (self.next()? == line).then_some(())
    }

    /// A decimal number without leading zeros.
    pub(crate) fn number(&mut self) -> Option<u64> {
        let line = self.next()?;
        let number: u64 = line.parse().ok()?;
        (number.to_string() == line).then_some(number)
    }

    /// A tree size.
    pub(crate) fn size(&mut self) -> Option<TreeSize> {
        self.number().map(TreeSize::new)
    }

    /// A root hash in base64.
    pub(crate) fn root(&mut self) -> Option<RootHash> {
        self.next()?.parse().ok()
    }

    /// What follows the lines taken so far.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}
