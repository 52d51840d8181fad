//! Private data: what looks like the address, the code or the number of one unit or one person.
//!
//! ```text
//! 00:1b:44:11:3a:b7   00-1B-44-11-3A-B7   001b.4411.3ab7     hardware address (EUI-48, EUI-64)
//! MT:Y.K9042C00KA0648G00   3497-011-2332                     Matter set-up code
//! someone@maker.example                                      e-mail address
//! S/N 12345   serial no. 12345   製造番号 12345   …/21/12345  serial number
//! 490154203237518                                            IMEI (with its check digit)
//! ```
//! A filter, not a proof: it stops mistakes of honest people before they are public for ever.

use crate::refusal::PrivateData;

/// The first private data in `text`.
pub(super) fn find(text: &str) -> Option<PrivateData> {
    if text.is_ascii() && !has_a_sign(text.as_bytes()) {
        return None;
    }
    look_closely(text)
}

fn look_closely(text: &str) -> Option<PrivateData> {
    if has_email_address(text) {
        return Some(PrivateData::EmailAddress);
    }
    if text.split(is_boundary).any(is_hardware_address) {
        return Some(PrivateData::HardwareAddress);
    }
    if text.split(is_boundary).any(is_matter_code) {
        return Some(PrivateData::MatterCode);
    }
    if has_serial_number(text) {
        return Some(PrivateData::SerialNumber);
    }
    if text
        .split(|char: char| !char.is_ascii_alphanumeric())
        .any(is_imei)
    {
        return Some(PrivateData::Imei);
    }
    None
}

/// Whether ASCII text has one of the marks without which it holds nothing of the kinds below: a quick look.
fn has_a_sign(text: &[u8]) -> bool {
    let count = |mark| text.iter().filter(|byte| **byte == mark).count();
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    let says = |sign: &[u8]| {
        let ends = |at: usize| text.get(at..at + sign.len());
        let same = |at| ends(at).is_some_and(|part| part.eq_ignore_ascii_case(sign));
        let mut begins = text.iter().enumerate();
        begins.any(|(at, byte)| byte.eq_ignore_ascii_case(&sign[0]) && same(at))
    };
    // Three digits or dots between hyphens are in each Matter code in digits; four hex digits on both sides of a dot
    // in an address with dots.
    let is_matter = |part: &[u8]| {
        let is_inner = |at: usize| part[at].is_ascii_digit() || part[at] == b'.';
        [part[0], part[4]] == [b'-'; 2] && (1..4).all(is_inner)
    };
    let is_dotted =
        |part: &[u8]| part[4] == b'.' && (0..9).all(|at| at == 4 || part[at].is_ascii_hexdigit());
    text.contains(&b'@')
        || count(b':') >= 5
        || count(b'-') >= 5
        || text.windows(5).any(is_matter)
        || text.windows(9).any(is_dotted)
        || digits >= IMEI_DIGITS
        || says(b"mt:")
        || (digits > 0 && SERIAL_SIGNS.iter().any(|sign| says(sign)))
}

/// Ends a word; the marks inside an address or a code do not.
fn is_boundary(char: char) -> bool {
    !(char.is_ascii_alphanumeric() || matches!(char, ':' | '-' | '.' | '@' | '_' | '+'))
}

/// A name of a mailbox, `@`, and a host with a dot.
fn has_email_address(text: &str) -> bool {
    text.split(is_boundary).any(|word| {
        word.split_once('@').is_some_and(|(mailbox, host)| {
            let host = host.trim_end_matches('.');
            let (first, last) = host.rsplit_once('.').unwrap_or_default();
            !mailbox.is_empty()
                && !first.is_empty()
                && last.len() >= 2
                && last.bytes().all(|b| b.is_ascii_alphabetic())
        })
    })
}

/// Six or eight groups of two hex digits, or three or four groups of four with dots.
fn is_hardware_address(word: &str) -> bool {
    let word = word.trim_matches(|char| matches!(char, ':' | '-' | '.'));
    // "MAC:00:1b:…" names what follows.
    let word = word
        .strip_prefix("MAC:")
        .or(word.strip_prefix("mac:"))
        .unwrap_or(word);
    [(':', 2, [6, 8]), ('-', 2, [6, 8]), ('.', 4, [3, 4])].iter().any(|(mark, digits, counts)| {
        let groups: Vec<_> = word.split(*mark).collect();
        counts.contains(&groups.len())
            && groups.iter().all(|group| group.len() == *digits && group.bytes().all(|b| b.is_ascii_hexdigit()))
            // A date or version of that shape has no letter and starts with two zero-free digits;
            // an address of a maker nearly always has a letter or starts with 00.
            && (word.bytes().any(|b| b.is_ascii_alphabetic()) || word.starts_with("00"))
    })
}

/// `MT:` and base 38, or eleven or twenty-one digits in the groups that are printed.
fn is_matter_code(word: &str) -> bool {
    if let Some(payload) = word.strip_prefix("MT:") {
        return payload.len() >= MIN_MATTER_PAYLOAD
            && payload
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-' || b == b'.');
    }
    let groups: Vec<_> = word
        .trim_end_matches('.')
        .split('-')
        .map(str::len)
        .collect();
    let digits = word
        .bytes()
        .all(|b| b.is_ascii_digit() || b == b'-' || b == b'.');
    digits && matches!(groups[..], [4, 3, 4] | [4, 3, 4, 5, 5] | [4, 3, 4, 4, 3, 3])
}

/// A word for "serial number" with a number after it, or GS1's key 21 in a link.
fn has_serial_number(text: &str) -> bool {
    let lower = text.to_lowercase();
    let said = SERIAL_WORDS.iter().any(|word| {
        lower.match_indices(word).any(|(start, _)| {
            let before = lower[..start].chars().next_back();
            let starts_word = !word.is_ascii() || before.is_none_or(|char| !char.is_alphanumeric());
            let after = lower[start + word.len()..]
                .trim_start_matches(|char: char| !char.is_alphanumeric());
            starts_word
                && after
                    .chars()
                    .take_while(|char| char.is_ascii_alphanumeric() || *char == '-')
                    .any(|char| char.is_ascii_digit())
        })
    });
    // GS1 Digital Link: /01/<gtin> … /21/<serial>.
    said || text
        .split_once("/01/")
        .is_some_and(|(_, rest)| rest.contains("/21/"))
}

/// Fifteen digits whose last is the Luhn digit (3GPP TS 23.003, annex B).
fn is_imei(word: &str) -> bool {
    if word.len() != IMEI_DIGITS || !word.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let sum: u32 = word
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            if place % 2 == 0 {
                digit
            } else {
                digit * 2 / 10 + digit * 2 % 10
            }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// The shortest payload of the Matter core specification, section 5.1.3, has 19; shorter is prose.
const MIN_MATTER_PAYLOAD: usize = 10;

/// SPEC 3GPP TS 23.003, 6.2.1.
const IMEI_DIGITS: usize = 15;

/// One of these is in each of [`SERIAL_WORDS`] that is ASCII, and the last in a link with a serial number.
const SERIAL_SIGNS: [&[u8]; 5] = [b"s/n", b"sn:", b"sn#", b"seri", b"/21/"];

/// Words for "serial number", lower case, in the languages of the members.
const SERIAL_WORDS: [&str; 14] = [
    "s/n",
    "sn:",
    "sn#",
    "serial number",
    "serial no",
    "serial:",
    "serial#",
    "seriennummer",
    "serien-nr",
    "numéro de série",
    "numero di serie",
    "n° de série",
    "製造番号",
    "シリアル番号",
];

#[cfg(test)]
mod tests {
    use super::*;

    const PRIVATE: [(&str, PrivateData); 17] = {
        use PrivateData::{EmailAddress, HardwareAddress, Imei, MatterCode, SerialNumber};
        [
            ("00:1b:44:11:3a:b7", HardwareAddress),
            ("unit at 00-1B-44-11-3A-B7, hall 3", HardwareAddress),
            ("(001b.4411.3ab7)", HardwareAddress),
            ("00:1b:44:ff:fe:11:3a:b7", HardwareAddress),
            ("MAC:AA:BB:CC:DD:EE:FF", HardwareAddress),
            ("MT:Y.K9042C00KA0648G00", MatterCode),
            ("set up with 3497-011-2332.", MatterCode),
            ("3497-011-2332-12345-12345", MatterCode),
            ("write to hana.mori@kawabe.example", EmailAddress),
            ("a+b@c.example.", EmailAddress),
            ("S/N 12345", SerialNumber),
            ("the unit with serial number: KX-99", SerialNumber),
            ("Seriennummer 4711", SerialNumber),
            ("numéro de série 12", SerialNumber),
            ("製造番号：A123", SerialNumber),
            ("https://id.example/01/09521234001010/21/4711", SerialNumber),
            ("phone 490154203237518", Imei),
        ]
    };

    #[test]
    fn finds_what_must_never_be_public() {
        for (text, what) in PRIVATE {
            assert_eq!(find(text), Some(what), "{text}");
        }
    }

    #[test]
    fn the_quick_look_passes_over_nothing() {
        for (text, _) in PRIVATE.iter().filter(|(text, _)| text.is_ascii()) {
            for at in 0..text.len() {
                for put in [
                    "", "0", "a", "F", "S", "z", ":", "-", ".", "/", "#", "@", " ",
                ] {
                    let other = [&text[..at], put, &text[at + 1..]].concat();
                    assert_eq!(find(&other), look_closely(&other), "{other}");
                }
            }
        }
    }

    #[test]
    fn each_word_for_a_serial_number_has_its_sign() {
        for word in SERIAL_WORDS {
            let text = format!("{word} 1");
            assert!(!word.is_ascii() || has_a_sign(text.as_bytes()), "{word}");
        }
    }

    #[test]
    fn lets_pass_what_only_looks_like_it() {
        for text in [
            "Kawabe Home Router 5",
            "KH-5",
            "2.1.0",
            "2026-02-03",
            "12-34-56-78-90-12",
            "47 CFR 8.213",
            "ETSI EN 303 645",
            "serial port RS-232",
            "serial killer movies",
            "the serial numbers of all units",
            "parts@factory",
            "@home",
            "MT:100",
            "490154203237519",
            "09521234001010",
            "https://kawabe.example/21/",
            "1234-567",
            "FE80:1",
            "10.0.0.1",
            "3.5.1.2",
        ] {
            assert_eq!(find(text), None, "{text}");
        }
    }
}
