//! The two spellings all C2SP text formats share: decimals without leading zeros and padded base64.
//!
//! Both readers accept exactly what the writers make, so that a value has one spelling. [`Rest`] asks that of a whole
//! text without writing it out.

use std::{fmt, io};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Reads an ASCII decimal: `0`, or digits that do not start with `0`.
pub(crate) fn parse_decimal(text: &str) -> Option<u64> {
    let value: u64 = text.parse().ok()?;
    (value.to_string() == text).then_some(value)
}

/// Writes standard base64 with padding (RFC 4648, section 4).
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The same, behind what is there already.
pub(crate) fn put_base64(out: &mut String, bytes: &[u8]) {
    STANDARD.encode_string(bytes, out);
}

/// Reads standard base64 with padding; stray bits and characters are refused.
pub(crate) fn parse_base64(text: &str) -> Option<Vec<u8>> {
    // The engine asks for canonical padding and no stray bits, so that no two texts give the same bytes.
    STANDARD.decode(text).ok()
}

/// Reads exactly `N` bytes of standard base64.
pub(crate) fn parse_base64_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    parse_base64(text)?.try_into().ok()
}

/// What is left of a text that has to be what is written into this: what is the same goes, else writing fails.
#[derive(Debug)]
pub(crate) struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// All of the text.
    pub(crate) fn of(text: &'a [u8]) -> Self {
        Self(text)
    }

    /// Whether nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Write for Rest<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.strip_prefix(text.as_bytes()).ok_or(fmt::Error)?;
        Ok(())
    }
}

impl io::Write for Rest<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let rest = self.0.strip_prefix(bytes);
        self.0 = rest.ok_or(io::ErrorKind::InvalidData)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_one_spelling() {
        assert_eq!(parse_decimal("0"), Some(0));
        assert_eq!(parse_decimal("18446744073709551615"), Some(u64::MAX));
        for wrong in [
            "",
            "00",
            "01",
            "+1",
            "-1",
            " 1",
            "1 ",
            "1_0",
            "18446744073709551616",
            "٣",
        ] {
            assert_eq!(parse_decimal(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn what_is_read_is_written_so() {
        // Every text of four characters out of those that could go wrong, and some that could not.
        let letters = b"AQgwx/+=-_ \n";
        for at in 0..letters.len().pow(4) {
            let place = |power: u32| letters[at / letters.len().pow(power) % letters.len()];
            let text = [3, 2, 1, 0].map(|power| char::from(place(power)));
            let text: String = text.iter().collect();
            if let Some(bytes) = parse_base64(&text) {
                assert_eq!(to_base64(&bytes), text);
            }
        }
    }

    #[test]
    fn base64_has_one_spelling() {
        assert_eq!(parse_base64("Zm8="), Some(b"fo".to_vec()));
        assert_eq!(parse_base64(""), Some(Vec::new()));
        for wrong in [
            "Zm8", "Zm9=", "Zm8=\n", "Zm\n8=", "Zm8==", "Z-8=", "Zm8= ", "====",
        ] {
            assert_eq!(parse_base64(wrong), None, "{wrong:?}");
        }
    }
}
