//! Requests that no honest client sends: each ends in a 4xx or a close, or is what it says it is.

use std::io::Write;

use labelproof_tests::{http, world};
use serde_json::json;

use super::{Limited, read_to_close};

/// A connection on which nothing more comes is soon closed, which ends a case.
const IMPATIENT: &str = "[limits]\nhead_timeout = \"300ms\"\nbody_window = \"300ms\"\n";

/// The statuses of all answers on a connection on which this was sent.
fn statuses(log: &Limited, sent: &[u8]) -> Vec<u16> {
    let mut stream = log.connect();
    // The server may have closed before it has all.
    let _ = stream.write_all(sent);
    let answer = read_to_close(&mut stream);
    assert!(!answer.contains("PRIVATE+KEY"), "{answer}");
    let starts = answer.split("HTTP/1.").skip(1);
    starts
        .filter_map(|rest| rest.get(2..5)?.parse().ok())
        .collect()
}

/// What may be answered.
#[derive(Clone, Copy, Debug)]
enum May {
    /// Nothing, or one refusal.
    Refuse,
    /// One answer of these.
    Be(&'static [u16]),
    /// So many of 200.
    Pass(usize),
}

#[test]
fn odd_requests_are_refused_or_closed() {
    use May::{Be, Pass, Refuse};
    let log = Limited::start(IMPATIENT);
    let hidden = "GET /livez HTTP/1.1\r\nhost: x\r\n\r\n";
    let long = "x".repeat(70_000);
    let many: String = (0..300)
        .map(|number| format!("x-{number}: y\r\n"))
        .collect();
    let post = |headers: &str, body: &str| {
        format!("POST /v1/events HTTP/1.1\r\nhost: x\r\n{headers}\r\n{body}")
    };
    let get = |headers: &str| format!("GET /livez HTTP/1.1\r\n{headers}\r\n");
    let table: Vec<(&str, String, May)> = vec![
        (
            "both lengths",
            post(
                "content-length: 5\r\ntransfer-encoding: chunked\r\n",
                &format!("0\r\n\r\n{hidden}"),
            ),
            Refuse,
        ),
        (
            "both lengths, the other way",
            post(
                "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
                &format!("0\r\n\r\n{hidden}"),
            ),
            Refuse,
        ),
        (
            "two lengths",
            post(
                "content-length: 5\r\ncontent-length: 6\r\n",
                &format!("hello{hidden}"),
            ),
            Refuse,
        ),
        (
            "a list of lengths",
            post("content-length: 5, 6\r\n", &format!("hello{hidden}")),
            Refuse,
        ),
        (
            "a signed length",
            post("content-length: +5\r\n", &format!("hello{hidden}")),
            Refuse,
        ),
        (
            "a negative length",
            post("content-length: -1\r\n", "hello"),
            Refuse,
        ),
        (
            "a hexadecimal length",
            post("content-length: 0x5\r\n", "hello"),
            Refuse,
        ),
        (
            "a length past all",
            post("content-length: 99999999999999999999999\r\n", "hello"),
            Refuse,
        ),
        (
            "an unknown coding",
            post(
                "transfer-encoding: xchunked\r\n",
                &format!("0\r\n\r\n{hidden}"),
            ),
            Refuse,
        ),
        (
            "chunked not last",
            post(
                "transfer-encoding: chunked, identity\r\n",
                &format!("0\r\n\r\n{hidden}"),
            ),
            Refuse,
        ),
        (
            "chunked twice",
            post(
                "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
                &format!("0\r\n\r\n{hidden}"),
            ),
            Refuse,
        ),
        (
            "a chunk of no number",
            post("transfer-encoding: chunked\r\n", "zz\r\nhello\r\n0\r\n\r\n"),
            Refuse,
        ),
        (
            "a negative chunk",
            post("transfer-encoding: chunked\r\n", "-5\r\nhello\r\n0\r\n\r\n"),
            Refuse,
        ),
        (
            "a chunk past all",
            post(
                "transfer-encoding: chunked\r\n",
                "ffffffffffffffffff\r\nhello\r\n",
            ),
            Refuse,
        ),
        (
            "a chunk that is shorter than it says",
            post("transfer-encoding: chunked\r\n", "9\r\nhello\r\n0\r\n\r\n"),
            Refuse,
        ),
        (
            "a chunk without its end",
            post(
                "transfer-encoding: chunked\r\n",
                &format!("5\r\nhelloXX0\r\n\r\n{hidden}"),
            ),
            Refuse,
        ),
        (
            "a chunk's long extension",
            post(
                "transfer-encoding: chunked\r\n",
                &format!("5;{long}\r\nhello\r\n0\r\n\r\n"),
            ),
            Refuse,
        ),
        (
            "what follows a chunked body",
            post(
                "transfer-encoding: chunked\r\n",
                &format!("0\r\n\r\n{hidden}"),
            ),
            Be(&[400]),
        ),
        (
            "a body of GET",
            get(&format!("host: x\r\ncontent-length: {}\r\n", hidden.len())) + hidden,
            Be(&[200]),
        ),
        (
            "half a body",
            post("content-length: 500\r\n", "hello"),
            Refuse,
        ),
        (
            "the absolute form",
            "GET http://other.example/livez HTTP/1.1\r\nhost: x\r\n\r\n".into(),
            Be(&[200]),
        ),
        (
            "the authority form",
            "CONNECT other.example:443 HTTP/1.1\r\nhost: x\r\n\r\n".into(),
            Refuse,
        ),
        (
            "the asterisk form",
            "OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n".into(),
            Refuse,
        ),
        (
            "TRACE",
            "TRACE /livez HTTP/1.1\r\nhost: x\r\n\r\n".into(),
            Refuse,
        ),
        (
            "a method in lower case",
            "get /livez HTTP/1.1\r\nhost: x\r\n\r\n".into(),
            Refuse,
        ),
        (
            "a long method",
            format!("{long} /livez HTTP/1.1\r\nhost: x\r\n\r\n"),
            Refuse,
        ),
        ("HTTP/1.0", "GET /livez HTTP/1.0\r\n\r\n".into(), Be(&[200])),
        ("HTTP/0.9", "GET /livez\r\n".into(), Refuse),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(), Refuse),
        (
            "a version that is none",
            "GET /livez HTTP/9.9\r\nhost: x\r\n\r\n".into(),
            Refuse,
        ),
        ("no host", get(""), Be(&[400])),
        ("two hosts", get("host: x\r\nhost: y\r\n"), Be(&[400])),
        ("a space before a colon", get("host : x\r\n"), Refuse),
        ("a folded line", get("host: x\r\n y\r\n"), Refuse),
        ("a NUL", get("host: x\r\nx-a: \0\r\n"), Refuse),
        ("a header without a name", get("host: x\r\n: y\r\n"), Refuse),
        (
            "a long header",
            get(&format!("host: x\r\nx-a: {long}\r\n")),
            Refuse,
        ),
        ("many headers", get(&format!("host: x\r\n{many}")), Refuse),
        (
            "a long address",
            format!("GET /{long} HTTP/1.1\r\nhost: x\r\n\r\n"),
            Refuse,
        ),
        (
            "spaces in an address",
            "GET /livez /livez HTTP/1.1\r\nhost: x\r\n\r\n".into(),
            Refuse,
        ),
        (
            "an upgrade",
            get(
                "host: x\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n",
            ),
            Be(&[200]),
        ),
        (
            "bytes of TLS",
            "\x16\x03\x01\x02\x00\x01\x00\x01".into(),
            Refuse,
        ),
        ("nothing", String::new(), Refuse),
        (
            "a hundred at once",
            get("host: x\r\n").repeat(100),
            Pass(100),
        ),
        (
            "one and half of another",
            get("host: x\r\n") + "GET /li",
            Pass(1),
        ),
    ];
    for (what, sent, may) in table {
        let got = statuses(&log, sent.as_bytes());
        let holds = match may {
            Refuse => got.len() <= 1 && got.iter().all(|status| (400..500).contains(status)),
            Be(statuses) => got.len() == 1 && statuses.contains(&got[0]),
            // The half of another may be told that it is one.
            Pass(count) => {
                got.iter().take_while(|status| **status == 200).count() == count
                    && got.len() <= count + 1
            }
        };
        assert!(holds, "{what}: {got:?} and not {may:?}");
    }
    log.probe();
}

#[test]
fn paths_lead_nowhere_but_to_what_the_log_shows() {
    let log = Limited::start(IMPATIENT);
    let tricks = [
        "..",
        "../key",
        "../../key",
        "%2e%2e/key",
        "..%2fkey",
        "..%5ckey",
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "....//key",
        "./000",
        "//000",
        "/etc/passwd",
        "%00",
        "000%00",
        "000.p/1%00",
        "000%0a",
        "%ff%fe",
        "x001/../000",
        "000/../../key",
        "..;/key",
        "%252e%252e%252fkey",
        "000.p/../../../key",
        "\\..\\key",
        "~/key",
    ];
    let mut count = 0;
    for folder in ["/tile/", "/tile/0/", "/tile/entries/"] {
        for trick in tricks {
            let sent =
                format!("GET {folder}{trick} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
            let got = statuses(&log, sent.as_bytes());
            assert!(
                matches!(got.as_slice(), [400 | 404] | []),
                "{folder}{trick}: {got:?}"
            );
            count += 1;
        }
    }
    assert!(count >= 60);
}

#[test]
fn bombs_are_refused_for_what_they_are() {
    let log = Limited::start(IMPATIENT);
    let url = format!("{}/v1/events", log.network.log_url());
    let event = |json: &str| {
        let text = format!("labelproof-event/v1\n{}\n{json}\n", world::ORIGIN);
        world::sign(&text, &[&world::key("label.jp.example")])
    };
    let nested = |open: &str, close: &str| format!("{}{}", open.repeat(2_000), close.repeat(2_000));
    let bombs: Vec<(&str, Vec<u8>)> = vec![
        ("deep lists", event(&nested("[", "]"))),
        (
            "deep objects",
            event(&format!("{{\"body\":{}}}", nested("{\"a\":", "}"))),
        ),
        (
            "a huge number",
            event("{\"body\":1e999999999,\"kind\":\"label.issue\"}"),
        ),
        (
            "many digits",
            event(&format!(
                "{{\"body\":{},\"kind\":\"label.issue\"}}",
                "9".repeat(10_000)
            )),
        ),
        (
            "a member ten thousand times",
            event(&format!(
                "{{{}\"kind\":\"label.issue\"}}",
                "\"a\":1,".repeat(2_000)
            )),
        ),
        (
            "a long entry",
            event(&format!("{{\"kind\":\"{}\"}}", "x".repeat(20_000))),
        ),
        ("zeros", vec![0; 100_000]),
        ("line ends", vec![b'\n'; 100_000]),
    ];
    for (what, bomb) in &bombs {
        let answer = http::post(&url, &[], bomb).unwrap();
        assert!(
            (400..=422).contains(&answer.status),
            "{what}: {}",
            answer.text()
        );
        let line = json!(String::from_utf8_lossy(bomb));
        let batch =
            http::post(&format!("{url}:batch"), &[], format!("{line}\n").as_bytes()).unwrap();
        let status = batch.json()["status"].as_u64().unwrap();
        assert!((400..=422).contains(&status), "{what}: {}", batch.text());
    }
    // What claims to be compressed is not looked at, however small it is.
    let gzip = [("Content-Encoding", "gzip")];
    for url in [&url, &format!("{url}:batch")] {
        let answer = http::post(url, &gzip, &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]).unwrap();
        assert_eq!(answer.status, 415, "{}", answer.text());
    }
    log.probe();
}
