//! One note, one spelling.

use labelproof_core::note::{KeyName, MAX_SIGNATURE_LINES, Note, NoteError, SignatureLine};

use super::signed;

const LINE: &str = "— a.example AAAAAAA=";

fn parse(text: &str) -> Result<Note, NoteError> {
    Note::parse(text.as_bytes())
}

#[test]
fn a_note_reads_back() {
    let note = signed().note().clone();
    assert_eq!(Note::parse(&note.to_bytes()), Ok(note.clone()));
    for line in note.signatures() {
        assert_eq!(SignatureLine::parse(&line.to_string()), Ok(line.clone()));
    }
}

#[test]
fn a_note_that_was_put_together_is_the_one_that_is_read() {
    let note = parse("a\n\nb\n\n— x AAAAAAE=\n— y AAAAAAI=\n").unwrap();
    let [x, y] = note.signatures() else {
        panic!("{note:?}")
    };
    let made = Note::new(note.text().to_owned(), vec![x.clone()]).unwrap();
    let made = made.with_signature(y.clone()).unwrap();
    assert_eq!(made, note);
    assert_eq!(made.text(), "a\n\nb\n");
    assert_eq!(Note::read(made.to_bytes()), Ok(note));
}

#[test]
fn refuses_other_forms() {
    let table = [
        ("", NoteError::NoSignatures),
        ("text\n", NoteError::NoSignatures),
        ("text\n\n", NoteError::NoSignatures),
        ("text\n\n— a.example AAAAAAA=", NoteError::NoSignatures),
        ("text\n— a.example AAAAAAA=\n", NoteError::NoSignatures),
        ("text\n\n— a.example AAAAAAA=\n\n", NoteError::NoSignatures),
        (
            "text\r\n\n— a.example AAAAAAA=\n",
            NoteError::ControlCharacter { byte: b'\r' },
        ),
        (
            "te\txt\n\n— a.example AAAAAAA=\n",
            NoteError::ControlCharacter { byte: b'\t' },
        ),
        (
            "te\0xt\n\n— a.example AAAAAAA=\n",
            NoteError::ControlCharacter { byte: 0 },
        ),
        ("text\n\n- a.example AAAAAAA=\n", NoteError::SignatureLine),
        ("text\n\n—  a.example AAAAAAA=\n", NoteError::SignatureLine),
        ("text\n\n— a.example\n", NoteError::SignatureLine),
        ("text\n\n— a.example  AAAAAAA=\n", NoteError::SignatureLine),
        ("text\n\n— a.example AAAAAAA= \n", NoteError::SignatureLine),
        ("text\n\n— a.example AAAAAA==\n", NoteError::SignatureLine),
        ("text\n\n— a.example AAAAAAB=\n", NoteError::SignatureLine),
        ("text\n\n— a.example AAAAAAA\n", NoteError::SignatureLine),
        ("text\n\n— a+example AAAAAAA=\n", NoteError::KeyName),
        ("text\n\n— a\u{a0}example AAAAAAA=\n", NoteError::KeyName),
        ("text\n\n— a\u{2003}example AAAAAAA=\n", NoteError::KeyName),
        ("text\n\n—  AAAAAAA=\n", NoteError::KeyName),
    ];
    for (text, want) in table {
        assert_eq!(parse(text), Err(want), "{text:?}");
    }
    let not_utf8 = [b"text\xff\n\n".as_slice(), LINE.as_bytes(), b"\n"].concat();
    assert_eq!(Note::parse(&not_utf8), Err(NoteError::NotUtf8));
}

#[test]
fn accepts_the_rarer_forms() {
    for text in [
        "\n",
        "\n\n",
        "a\n\nb\n",
        "del \u{7f}\n",
        "— a.example AAAAAAA=\n",
    ] {
        let bytes = format!("{text}\n{LINE}\n");
        let note = parse(&bytes).unwrap();
        assert_eq!((note.text(), note.to_string()), (text, bytes));
    }
}

#[test]
fn counts_signature_lines() {
    let note = |lines: usize| parse(&format!("text\n\n{}", format!("{LINE}\n").repeat(lines)));
    let full = note(MAX_SIGNATURE_LINES).unwrap();
    assert_eq!(full.signatures().len(), 64);
    assert_eq!(
        note(MAX_SIGNATURE_LINES + 1),
        Err(NoteError::TooManySignatures)
    );
    let line = SignatureLine::parse(LINE).unwrap();
    assert_eq!(full.with_signature(line), Err(NoteError::TooManySignatures));
}

#[test]
fn names_are_short_and_hold_no_spaces_of_any_kind() {
    assert!(KeyName::parse(&"a".repeat(255)).is_ok());
    assert_eq!(KeyName::parse(&"a".repeat(256)), Err(NoteError::KeyName));
    assert_eq!(KeyName::parse(""), Err(NoteError::KeyName));
    // The list in the code is spelled out; it is that of this toolchain's Unicode, too.
    for c in '\0'..=char::MAX {
        let forbidden = c == '+' || c < ' ' || c.is_whitespace();
        assert_eq!(
            KeyName::parse(&format!("a{c}b")).is_err(),
            forbidden,
            "{c:?}"
        );
    }
}
