//! Characters that a text of the log may hold (Unicode 16, UAX #9, #15 and #31 in spirit).

use thiserror::Error;
use unicode_normalization::is_nfc;

/// What is wrong with the characters of a text.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub(super) enum BadCharacters {
    /// One that must not stand in any text.
    #[error("holds the character U+{0:04X}, which is not allowed in the log")]
    Forbidden(u32),
    /// The same text has another, composed form.
    #[error("is not in Unicode's composed form NFC")]
    NotNfc,
    /// It starts or ends with a space.
    #[error("starts or ends with a space")]
    OuterSpace,
}

/// The first thing wrong with `text`.
pub(super) fn fault(text: &str) -> Option<BadCharacters> {
    // Most texts; ASCII is in composed form.
    let is_printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_printable && !text.starts_with(' ') && !text.ends_with(' ') {
        return None;
    }
    if let Some(char) = text.chars().find(|char| is_forbidden(*char)) {
        return Some(BadCharacters::Forbidden(char.into()));
    }
    if text.trim() != text {
        return Some(BadCharacters::OuterSpace);
    }
    (!is_nfc(text)).then_some(BadCharacters::NotNfc)
}

/// Controls, bidirectional marks, invisible characters, private use and non-characters.
///
/// U+200C and U+200D stay: Persian and Hindi need them.
fn is_forbidden(char: char) -> bool {
    let code = u32::from(char);
    char.is_control()
        || matches!(
            code,
            0x00AD                    // soft hyphen
            | 0x061C | 0x200E | 0x200F | 0x202A..=0x202E | 0x2066..=0x2069 // bidirectional marks
            | 0x115F | 0x1160 | 0x3164 | 0xFFA0 // Hangul fillers
            | 0x200B | 0x2028 | 0x2029 | 0x2060..=0x2065 | 0x206A..=0x206F | 0xFEFF // invisible
            | 0xE000..=0xF8FF | 0xFDD0..=0xFDEF | 0xFFF0..=0xFFFD // private use, non-characters, specials
            | 0xE0000..=0xE0FFF       // tags and variation selectors of plane 14
            | 0xF0000..=0x10FFFF // private planes
        )
        || code & 0xFFFE == 0xFFFE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_many_scripts_pass() {
        for text in [
            "Kawabe Home Router 5",
            "つながる製品の星ラベル",
            "Überwachung",
            "Étiquette ★1",
            "می‌خواهم",
            "क्‍ष",
            "😀",
        ] {
            assert_eq!(fault(text), None, "{text}");
        }
    }

    #[test]
    fn what_hides_or_reorders_is_refused() {
        for char in [
            '\u{0}',
            '\n',
            '\u{7f}',
            '\u{85}',
            '\u{ad}',
            '\u{202e}',
            '\u{2066}',
            '\u{200b}',
            '\u{2028}',
            '\u{feff}',
            '\u{e000}',
            '\u{fffd}',
            '\u{ffff}',
            '\u{1fffe}',
            '\u{e0041}',
            '\u{10ffff}',
        ] {
            assert_eq!(
                fault(&format!("a{char}b")),
                Some(BadCharacters::Forbidden(char.into())),
                "{char:?}"
            );
        }
    }

    #[test]
    fn only_the_composed_form_passes() {
        assert_eq!(fault("e\u{301}"), Some(BadCharacters::NotNfc));
        assert_eq!(fault("\u{e9}"), None);
        assert_eq!(
            fault("\u{212b}"),
            Some(BadCharacters::NotNfc),
            "the Angstrom sign is not Å"
        );
        assert_eq!(
            fault("\u{304b}\u{3099}"),
            Some(BadCharacters::NotNfc),
            "か with a mark is not が"
        );
    }

    #[test]
    fn spaces_stand_inside_only() {
        for text in [" a", "a ", "\u{3000}a"] {
            assert_eq!(fault(text), Some(BadCharacters::OuterSpace));
        }
    }
}
