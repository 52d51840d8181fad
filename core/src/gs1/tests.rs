//! Codes as they are typed and scanned, right and wrong.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::*;

const GTIN: &str = "09521234001010";

fn read(text: &str) -> Result<Scanned, GtinError> {
    Gtin14::from_scan(text)
}

fn with_check_digit(digits: &str) -> String {
    format!("{digits}{}", char::from(gs1_check_digit(digits.as_bytes())))
}

#[test]
fn one_product_is_read_from_everything_that_carries_it() {
    let cases = [
        ("09521234001010", Dropped::Nothing),
        ("9521234001010", Dropped::Nothing),
        (" 9521234001010\r\n", Dropped::Nothing),
        ("9 521234 001010", Dropped::Nothing),
        ("952-1234-00101-0", Dropped::Nothing),
        ("https://id.gs1.example/01/09521234001010", Dropped::Nothing),
        ("HTTPS://SHOP.EXAMPLE/01/09521234001010/", Dropped::Nothing),
        ("http://shop.example/01/9521234001010", Dropped::Nothing),
        (
            "https://shop.example:8443/a/b/01/09521234001010?17=271231",
            Dropped::Data,
        ),
        (
            "https://shop.example/01/09521234001010/10/AB-1",
            Dropped::Data,
        ),
        (
            "https://shop.example/01/09521234001010/22/2A/10/AB-1/21/7?a=b",
            Dropped::Serial,
        ),
        (
            "https://shop.example/01/09521234001010/21/7#2718",
            Dropped::Serial,
        ),
        (
            "https://shop.example/01/09521234001010?21=7",
            Dropped::Serial,
        ),
        ("(01)09521234001010", Dropped::Nothing),
        ("(01)09521234001010(17)271231", Dropped::Data),
        ("(01)09521234001010(10)A(B)1(21)7", Dropped::Serial),
        ("(21)7(01)09521234001010", Dropped::Serial),
        ("(01)09521234001010(250)7", Dropped::Serial),
        ("(01)09521234001010(235)7(10)AB", Dropped::Serial),
        ("https://a.example/01/09521234001010?250=7", Dropped::Serial),
        ("https://a.example/01/09521234001010?2500=7", Dropped::Data),
        ("0109521234001010", Dropped::Nothing),
        ("]d20109521234001010", Dropped::Nothing),
        ("]Q3010952123400101010AB-1\u{1d}217", Dropped::Serial),
    ];
    for (text, dropped) in cases {
        let scanned = read(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        assert_eq!(scanned.gtin().as_str(), GTIN, "{text:?}");
        assert_eq!(scanned.dropped(), dropped, "{text:?}");
    }
}

#[test]
fn what_is_no_product_is_called_what_it_is() {
    let cases = [
        ("9521234001011", "the check digit is 1 and should be 0"),
        (
            "9521234001",
            "not 10; a spreadsheet may have dropped zeroes",
        ),
        ("123456789012345", "8, 12, 13 or 14 digits, not 15"),
        ("", "there is no GTIN"),
        (" \t", "there is no GTIN"),
        ("9.52123E+12", "a spreadsheet made"),
        ("9,52123E+12", "a spreadsheet made"),
        ("9521234001010.0", "a spreadsheet made"),
        ("95212340010lO", "'l' in column 12"),
        ("9521234001010-", "'-' in column 14"),
        ("9  521234 001010", "' ' in column 3"),
        ("-9521234001010", "a spreadsheet made"),
        ("９521234001010", "'９' in column 1"),
        ("2012345678903", "prefix 201 is for numbers that a shop"),
        ("0212345678909", "prefix 021 is for"),
        ("212345678909", "prefix 021 is for"),
        ("412345678903", "prefix 041 is for"),
        ("512345678900", "prefix 051 is that of coupons"),
        ("9812345678902", "prefix 981 is that of coupons"),
        ("9912345678909", "prefix 991 is that of coupons"),
        ("9802345678903", "refund receipts"),
        ("9771234567003", "newspapers and magazines (ISSN)"),
        ("9783161484100", "prefix 978 is that of books (ISBN)"),
        ("9791234567896", "prefix 979 is that of books (ISBN)"),
        ("9790260000438", "printed music (ISMN)"),
        ("01234565", "8 digits that begin with 0"),
        ("20123451", "8 digits that begin with 2"),
        ("00000000000000", "8 digits that begin with 0"),
        ("https://shop.example/", "not a GS1 link"),
        ("https://shop.example/01/", "not a GS1 link"),
        ("https://shop.example/01/x", "not a GS1 link"),
        (
            "https://shop.example/01/09521234001010/21",
            "not a GS1 link",
        ),
        (
            "https://shop.example/01/09521234001010/21/7/10/A",
            "not a GS1 link",
        ),
        (
            "https://shop.example/01/09521234001010/99/7",
            "not a GS1 link",
        ),
        ("https://shop.example/01/09521234001011", "should be 0"),
        ("https://shop.example/?01=09521234001010", "not a GS1 link"),
        (
            "https://shop.example/01/0952 1234001010",
            "a link holds no ' ' (column 29)",
        ),
        ("(01)9521234001010", "not an element string"),
        ("(01)", "not an element string"),
        (
            "(01)09521234001010(01)09521234001010",
            "not an element string",
        ),
        ("(01)09521234001011", "should be 0"),
        ("(00)395212340000000017", "has no (01)"),
        ("]C100395212340000000017", "has no (01)"),
        ("]E09521234001010", "a code of another kind"),
        ("]d201095212", "not an element string"),
        ("MT:Y.K9042C00KA0648G00", "set-up code"),
    ];
    for (text, says) in cases {
        let error = read(text).expect_err(text).to_string();
        assert!(error.contains(says), "{text:?}: {error}");
    }
    assert_eq!(
        read(&"1".repeat(7_090)),
        Err(GtinError::TooLong { bytes: 7_090 })
    );
}

#[test]
fn every_form_of_a_number_reads_as_the_same_product() {
    let mut random = ChaCha8Rng::seed_from_u64(4);
    for _ in 0..2_000 {
        let payload = format!("952{:09}", random.next_u64() % 1_000_000_000);
        let gtin = format!("0{}", with_check_digit(&payload));
        let serial = random.next_u32();
        let forms = [
            gtin.clone(),
            gtin[1..].to_owned(),
            format!("{} {}-{}", &gtin[1..4], &gtin[4..9], &gtin[9..]),
            format!("https://a.example/x/01/{gtin}/21/{serial}"),
            format!("(01){gtin}(21){serial}"),
            format!("]d201{gtin}21{serial}"),
        ];
        for form in forms {
            assert_eq!(read(&form).unwrap().gtin().as_str(), gtin, "{form:?}");
        }
    }
}

#[test]
fn every_wrong_digit_is_noticed_and_the_right_last_one_named() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    for _ in 0..500 {
        let right = with_check_digit(&format!("952{:09}", random.next_u64() % 1_000_000_000));
        let at = (random.next_u32() as usize) % right.len();
        let step = u8::try_from(random.next_u32() % 9).unwrap() + 1;
        let mut wrong = right.clone().into_bytes();
        wrong[at] = b'0' + (wrong[at] - b'0' + step) % 10;
        let wrong = String::from_utf8(wrong).unwrap();
        let Err(GtinError::CheckDigit { got, want }) = read(&wrong) else {
            panic!("{wrong} for {right}");
        };
        assert_ne!(got, want);
        let mended = format!("{}{want}", &wrong[..12]);
        let again = read(&mended);
        assert!(
            !matches!(again, Err(GtinError::CheckDigit { .. })),
            "{mended}"
        );
    }
}

#[test]
fn no_text_whatever_makes_it_fall() {
    let alphabet: Vec<char> = "0123456789()[]/:-. ]dQCeMT#?&=E+é\u{1d}\u{0}"
        .chars()
        .collect();
    let starts = [
        "",
        "(01)",
        "]d2",
        "https://a/01/",
        "01",
        "MT:",
        "09521234001010",
    ];
    let mut random = ChaCha8Rng::seed_from_u64(6);
    for _ in 0..20_000 {
        let mut text = starts[(random.next_u32() as usize) % starts.len()].to_owned();
        for _ in 0..random.next_u32() % 24 {
            text.push(alphabet[(random.next_u32() as usize) % alphabet.len()]);
        }
        if let Ok(scanned) = read(&text) {
            assert_eq!(
                read(scanned.gtin().as_str()).unwrap().gtin(),
                scanned.gtin()
            );
        }
    }
}
