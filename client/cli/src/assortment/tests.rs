//! Lists as shops write them, right and wrong.

use super::*;

const A: &str = "09521234001010";
const B: &str = "09521234002017";

fn open(text: &[u8], name: &str, column: Option<&str>) -> Result<Vec<Row>, AssortmentError> {
    let column = column.map(|text| text.parse::<Column>().unwrap());
    Rows::open(text, Path::new(name), column.as_ref())?.collect()
}

fn rows_of(text: &str) -> Vec<Row> {
    open(text.as_bytes(), "a.csv", None).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

fn gtins(rows: &[Row]) -> Vec<(u64, &str)> {
    rows.iter()
        .map(|row| (row.line, row.gtin.as_ref().unwrap().as_str()))
        .collect()
}

fn refusal(text: &[u8], name: &str, column: Option<&str>) -> String {
    open(text, name, column).unwrap_err().to_string()
}

#[test]
fn every_usual_shape_of_a_list_is_read() {
    let two = [(2, A), (3, B)];
    for text in [
        "gtin\n09521234001010\n9521234002017\n",
        "\u{feff}gtin\r\n09521234001010\r\n9521234002017\r\n",
        "name,GTIN-14,shelf\nx,09521234001010,1\n\"y, z\",9521234002017,2",
        "name;EAN;shelf\nx, y;9521234001010;1\nz;9521234002017;2\n",
        "Bar code\tname\n9521234001010\tx\n9521234002017\ty\n",
        "\"UPC\"\n\"9521234001010\"\n\"9 521234 002017\"\n",
        "ean\nhttps://a.example/01/09521234001010\n(01)09521234002017\n",
    ] {
        assert_eq!(gtins(&rows_of(text)), two, "{text:?}");
    }
    assert_eq!(
        gtins(&rows_of("9521234001010\n9521234002017")),
        [(1, A), (2, B)]
    );
    assert_eq!(gtins(&rows_of("gtin\n\n\n9521234001010\n")), [(4, A)]);
    assert_eq!(
        gtins(&rows_of(
            "n,gtin\n\"two\nlines\",9521234001010\nx,9521234002017"
        )),
        [(2, A), (4, B)]
    );
}

#[test]
fn json_lines_are_read_too() {
    let text = "{\"gtin\":\"09521234001010\",\"x\":1}\n\n\"9521234002017\"\n9521234001010\n";
    for name in ["a.jsonl", "a.txt"] {
        let rows = open(text.as_bytes(), name, None).unwrap();
        assert_eq!(gtins(&rows), [(1, A), (3, B), (4, A)]);
    }
    let rows = open(b"{\"code\":\"9521234001010\"}", "-", Some("code")).unwrap();
    assert_eq!(gtins(&rows), [(1, A)]);
    for (line, says) in [
        ("{\"gtin\":}", "line 2, column 9: expected value"),
        ("{\"gtin\":\"1\"", "line 2, column 11: EOF while parsing"),
        ("{\"x\":1}", "no member is called gtin"),
        ("{\"gtin\":1,\"ean\":2}", "several members"),
        ("{\"gtin\":null}", "neither a string nor a number"),
        ("[1]", "neither a string nor a number"),
        (
            "{\"ean\":\"9521234001011\"}",
            "line 2, column ean: the check digit is 1",
        ),
        ("9.5e12", "a spreadsheet"),
    ] {
        let text = format!("{{\"gtin\":\"{A}\"}}\n{line}\n\"{B}\"\n");
        let rows = open(text.as_bytes(), "a.jsonl", None).unwrap();
        assert_eq!(rows.len(), 3, "{line}");
        let error = rows[1].gtin.as_ref().unwrap_err().to_string();
        assert!(error.contains(says), "{line}: {error}");
        assert_eq!(rows[2].gtin.as_ref().unwrap().as_str(), B);
    }
}

#[test]
fn a_wrong_row_is_named_by_line_and_column_and_the_next_is_read() {
    for (row, says) in [
        (
            "x,9521234001011",
            "line 3, column 2 (ean): the check digit is 1 and should be 0",
        ),
        ("x,", "line 3, column 2 (ean): there is no GTIN"),
        (
            "x,9783161484100",
            "line 3, column 2 (ean): prefix 978 is that of books",
        ),
        ("x,2012345678903", "column 2 (ean): prefix 201"),
        ("x,9.52123E+12", "a spreadsheet"),
        ("x,=HYPERLINK(1)", "'=' in column 1 is no digit"),
        ("x", "line 3 has 1 cells, the header 2"),
        ("x,9521234001010,y", "line 3 has 3 cells, the header 2"),
    ] {
        let rows = rows_of(&format!("name,ean\na,{A}\n{row}\nb,{B}\n"));
        assert_eq!(rows.len(), 3, "{row}");
        let error = rows[1].gtin.as_ref().unwrap_err().to_string();
        assert!(error.contains(says), "{row}: {error}");
        assert_eq!(
            (rows[2].line, rows[2].gtin.as_ref().unwrap().as_str()),
            (4, B)
        );
    }
    let rows = rows_of("ean,x\n9521234001010,\"y\n9521234002017,z\n");
    assert_eq!(rows.len(), 2);
    let error = rows[0].gtin.as_ref().unwrap_err().to_string();
    assert!(error.starts_with("line 2, column 2: the quote"), "{error}");
    assert_eq!(rows[1].gtin.as_ref().unwrap().as_str(), B);
    let rows = open(b"ean\n95\xff\n9521234001010\n", "a.csv", None).unwrap();
    let error = rows[0].gtin.as_ref().unwrap_err().to_string();
    assert_eq!(
        error,
        "line 2, column 1: not UTF-8; save the file as \"CSV UTF-8\""
    );
    assert_eq!(rows[1].gtin.as_ref().unwrap().as_str(), A);
}

#[test]
fn what_spoils_the_whole_file_is_said() {
    for (text, column, says) in [
        (&b""[..], None, "there is no row"),
        (b"\xef\xbb\xbf\r\n", None, "there is no row"),
        (
            b"article,shelf\n1,2\n",
            None,
            "no column is called gtin, ean, upc, jan or barcode; there are article, shelf",
        ),
        (b"article\n9521234001010\n", None, "no column is called"),
        (b"gtin,ean\n1,2\n", None, "columns gtin and ean could each"),
        (
            b"gtin,ean\n1,2\n",
            Some("upc"),
            "there is no column upc; there are gtin, ean",
        ),
        (b"gtin,ean\n1,2\n", Some("3"), "there is no column 3"),
        (b"\xff\xfeg\0t\0", None, "UTF-16"),
        (b"PK\x03\x04abc", None, "a workbook"),
        (b"gtin\n\0\n", None, "zero byte"),
        (b"[\"9521234001010\"]", None, "a JSON array"),
        (b"gtin\r9521234001010\r", None, "a carriage return alone"),
        (b"gtin\r9521234001010\r", None, "a carriage return alone"),
        (b"\n\na,b\n", None, "line 3: no column is called"),
        (b"{\"a\":1}", Some("1"), "no column numbers"),
    ] {
        let error = refusal(text, "a.csv", column);
        assert!(error.contains(says), "{text:?}: {error}");
    }
}

#[test]
fn a_column_is_chosen_by_name_or_place() {
    let text = format!("gtin;ean\n{A};{B}\n");
    let chosen = |column| gtins(&open(text.as_bytes(), "a.csv", Some(column)).unwrap())[0].1 == B;
    assert!(chosen("EAN") && chosen("2") && !chosen("gtin"));
    let bare = format!("x;{A}\ny;{B}\n");
    let rows = open(bare.as_bytes(), "a.csv", Some("2")).unwrap();
    assert_eq!(gtins(&rows), [(1, A), (2, B)]);
}

#[test]
fn a_row_without_an_end_is_refused_by_its_line_and_not_kept() {
    for (start, name) in [
        ("gtin\n9521234001010\n", "a.csv"),
        ("{\"gtin\":\"9521234001010\"}\n\n", "a.jsonl"),
    ] {
        let endless = std::io::repeat(b'7').take(100 << 20);
        let end = if name == "a.csv" {
            format!("\n{B}\n")
        } else {
            format!("\n\"{B}\"\n")
        };
        let read = start.as_bytes().chain(endless).chain(end.as_bytes());
        let rows: Result<Vec<_>, _> = Rows::open(read, Path::new(name), None).unwrap().collect();
        let rows = rows.unwrap();
        assert_eq!(rows.len(), 3);
        assert_eq!((rows[1].line, rows[1].given.as_str()), (3, ""));
        let error = rows[1].gtin.as_ref().unwrap_err().to_string();
        assert_eq!(error, "line 3 has more than 262144 bytes");
        assert_eq!(rows[2].gtin.as_ref().unwrap().as_str(), B);
    }
}
