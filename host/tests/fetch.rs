//! What a client accepts as an answer, against servers that misbehave.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use labelproof_host::fetch::{Fetch, FetchCause};

/// Serves each connection the answers of its list, closing after the last.
fn server(connections: &'static [&'static [&'static str]]) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    let handle = std::thread::spawn(move || {
        let mut requests = Vec::new();
        for answers in connections {
            let (mut stream, _) = listener.accept().unwrap();
            for answer in *answers {
                requests.push(request(&mut stream));
                stream.write_all(answer.as_bytes()).unwrap();
            }
        }
        requests
    });
    (url, handle)
}

fn request(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
        text.push(byte[0]);
    }
    let head = String::from_utf8(text).unwrap();
    let length = head
        .to_lowercase()
        .split("content-length: ")
        .nth(1)
        .map(|rest| rest.split("\r\n").next().unwrap().parse::<usize>().unwrap());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).unwrap();
    head + &String::from_utf8(body).unwrap()
}

#[test]
fn body_and_headers_come_back() {
    let (url, server) = server(&[&[
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\nretry-after: 7\r\ncontent-length: 2\r\n\r\nhi",
    ]]);
    let response = Fetch::default().get(&url, 2).unwrap();
    assert_eq!(response.content_type(), Some("text/plain"));
    assert_eq!(response.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(response.ok().unwrap(), b"hi");
    assert!(server.join().unwrap()[0].starts_with("GET /x HTTP/1.1\r\n"));
}

#[test]
fn a_time_to_come_again_is_held_against_the_clock_of_the_server() {
    for (headers, want_s) in [
        (
            "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Sun, 06 Nov 1994 08:51:07 GMT\r\n",
            Some(90),
        ),
        (
            "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: Sun, 06 Nov 1994 08:49:36 GMT\r\n",
            Some(0),
        ),
        ("retry-after: Sun, 06 Nov 1994 08:51:07 GMT\r\n", None),
        (
            "date: Sun, 06 Nov 1994 08:49:37 GMT\r\nretry-after: soon\r\n",
            None,
        ),
        ("retry-after: -1\r\n", None),
    ] {
        let answer = format!("HTTP/1.1 503 Busy\r\n{headers}content-length: 0\r\n\r\n");
        let answers: &[&str] = Vec::leak(vec![&*answer.leak()]);
        let (url, _server) = server(Vec::leak(vec![answers]));
        let response = Fetch::default().get(&url, 9).unwrap();
        assert_eq!(
            response.retry_after(),
            want_s.map(Duration::from_secs),
            "{headers}"
        );
    }
}

#[test]
fn connection_that_broke_is_tried_once_more() {
    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let (url, server) = server(&[&[""], &[OK]]);
    Fetch::default()
        .post(&url, b"body", "text/plain", 0)
        .unwrap()
        .ok()
        .unwrap();
    let requests = server.join().unwrap();
    assert_eq!(requests.len(), 2);
    assert!(
        requests
            .iter()
            .all(|request| request.ends_with("\r\n\r\nbody"))
    );
}

#[test]
fn connection_that_breaks_twice_is_unreachable() {
    let (url, _server) = server(&[&[""], &[""]]);
    let error = Fetch::default().get(&url, 9).unwrap_err();
    assert!(
        matches!(error.cause(), FetchCause::Unreachable(_)),
        "{:?}",
        error.cause()
    );
}

#[test]
fn nobody_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let error = Fetch::default().get(&url, 9).unwrap_err();
    assert!(
        matches!(error.cause(), FetchCause::Unreachable(_)),
        "{:?}",
        error.cause()
    );
    assert_eq!(error.url(), url);
}

#[test]
fn longer_answer_than_allowed_is_refused() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ] {
        let answers: &[&str] = Vec::leak(vec![answer]);
        let (url, _server) = server(Vec::leak(vec![answers]));
        let error = Fetch::default().get(&url, 2).unwrap_err();
        assert!(matches!(
            error.cause(),
            FetchCause::TooLong {
                max_bytes: 2,
                status: 200
            }
        ));
    }
}

#[test]
fn body_that_is_cut_is_no_answer() {
    const CUT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc";
    let (url, _server) = server(&[&[CUT], &[CUT]]);
    assert!(Fetch::default().get(&url, 9).is_err());
}

#[test]
fn chunked_body_that_is_cut_is_no_answer() {
    const CUT: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n";
    let (url, _server) = server(&[&[CUT], &[CUT]]);
    assert!(Fetch::default().get(&url, 9).is_err());
}

#[test]
fn redirect_is_not_followed() {
    let (url, server) = server(&[&[
        "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
    ]]);
    let error = Fetch::default().get(&url, 9).unwrap().ok().unwrap_err();
    assert_eq!(error.response().status(), 302);
    assert_eq!(server.join().unwrap().len(), 1);
}

#[test]
fn silent_server_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let error = Fetch::new(Duration::from_millis(50))
        .get(&url, 9)
        .unwrap_err();
    assert!(
        matches!(error.cause(), FetchCause::TimedOut),
        "{:?}",
        error.cause()
    );
}

#[test]
fn other_schemes_are_refused() {
    for url in ["file:///etc/passwd", "ftp://a/", "x", ""] {
        let error = Fetch::default().get(url, 9).unwrap_err();
        assert!(matches!(error.cause(), FetchCause::BadUrl), "{url}");
    }
}
