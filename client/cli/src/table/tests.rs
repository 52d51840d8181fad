//! Tables as programs write them, and every way in which a row can be wrong.

use super::*;

/// Line and cells of a row, or the sentence of its error.
type Read = Result<(u64, Vec<String>), String>;

fn read(bytes: &[u8]) -> Result<Vec<Read>, String> {
    let table = Table::open(bytes).map_err(|error| error.to_string())?;
    Ok(table
        .map(|row| {
            row.map(|row| (row.line(), row.cells().to_vec()))
                .map_err(|error| error.to_string())
        })
        .collect())
}

fn row(line: u64, cells: &[&str]) -> Read {
    Ok((line, cells.iter().map(|cell| (*cell).to_owned()).collect()))
}

#[test]
fn separators_byte_order_mark_and_ends_of_lines_simply_work() {
    let want = vec![row(2, &["1", "2;x,y"]), row(4, &["3", ""])];
    for separator in [",", ";", "\t"] {
        for end in ["\n", "\r\n"] {
            for mark in ["", "\u{feff}"] {
                let text = format!(
                    "{mark}a{separator} b {end}1{separator}\"2;x,y\"{end}{end}3{separator}{end}"
                );
                assert_eq!(read(text.as_bytes()).unwrap(), want, "{text:?}");
                assert_eq!(
                    Table::open(text.as_bytes()).unwrap().header(),
                    ["a", "b"],
                    "{text:?}"
                );
            }
        }
    }
    let named = "\u{feff}sep=;\na,x;b\n1;2\n";
    let table = Table::open(named.as_bytes()).unwrap();
    assert_eq!(table.header(), ["a,x", "b"]);
    assert_eq!(table.separator, Separator::Semicolon);
    assert_eq!(
        read(b"one\n1\n2").unwrap(),
        [row(2, &["1"]), row(3, &["2"])]
    );
}

#[test]
fn quotes_hold_separators_breaks_and_quotes() {
    let text = b"a,b\n\"x \"\"y\"\", z\",\"two\nlines\"\nlast,5\" pipe\n";
    assert_eq!(
        read(text).unwrap(),
        [
            row(2, &["x \"y\", z", "two\nlines"]),
            row(4, &["last", "5\" pipe"])
        ]
    );
}

#[test]
fn a_bad_row_is_named_and_the_next_one_read() {
    let long = format!("{},x", "y".repeat(MAX_ROW_BYTES));
    let cases: [(&[u8], &str); 6] = [
        (b"1", "line 3 has 1 cells, the header 2"),
        (b"1,2,3", "line 3 has 3 cells, the header 2"),
        (b"1,\"two", "line 3, column 2: the quote at the start"),
        (
            b"\"1\"x,2",
            "line 3, column 1: text after the closing quote",
        ),
        (b"1,\xff", "line 3, column 2: not UTF-8"),
        (long.as_bytes(), "line 3 has more than 262144 bytes"),
    ];
    for (bad, what) in cases {
        let text = [b"a,b\n1,2\n", bad, b"\n3,4\n5,\"6\"\n"].concat();
        let rows = read(&text).unwrap();
        assert_eq!(rows.len(), 4, "{what}");
        assert!(rows[1].as_ref().unwrap_err().starts_with(what), "{rows:?}");
        assert_eq!(rows[2], row(4, &["3", "4"]));
        assert_eq!(rows[3], row(5, &["5", "6"]));
    }
}

#[test]
fn a_stray_quote_swallows_no_other_row() {
    // The quote of line 2 would close in line 4; the row that comes of it has too few cells.
    let text = b"a,b,c\n1,\"x,3\n4,5,6\n7,\"y\",9\n10,11,12\n";
    let rows = read(text).unwrap();
    assert!(rows[0].as_ref().unwrap_err().contains("line 2, column 2"));
    assert_eq!(
        rows[1..],
        [
            row(3, &["4", "5", "6"]),
            row(4, &["7", "y", "9"]),
            row(5, &["10", "11", "12"])
        ]
    );
}

#[test]
fn a_file_without_a_header_is_no_table() {
    for (bytes, what) in [
        (&b""[..], "no header"),
        (b"\n \n", "no header"),
        (b"\xff\xfea\0", "the file is UTF-16"),
        (b"a,\"b\n1,2\n", "line 1, column 2: the quote"),
    ] {
        assert!(read(bytes).unwrap_err().starts_with(what), "{what}");
    }
}

#[test]
fn what_is_written_is_read_again_and_runs_nowhere() {
    let mut text = String::new();
    push_row(&mut text, ["a", "b"]);
    push_row(&mut text, ["x \"y\", z", "=1+1"]);
    push_row(&mut text, ["@a,b", "plain"]);
    assert_eq!(
        read(text.as_bytes()).unwrap(),
        [
            row(2, &["x \"y\", z", "'=1+1"]),
            row(3, &["'@a,b", "plain"])
        ]
    );
}
