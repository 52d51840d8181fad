//! What the accept loop refuses to strangers, and what it keeps for honest ones.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Barrier};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use labelproof_host::metrics::Held;
use labelproof_host::serve::{Limits, serve};
use tokio::sync::oneshot;

struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    open: Held,
}

impl Server {
    fn start(limits: Limits, router: Router) -> Server {
        let (tell, address) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let open = Held::default();
        let counted = open.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                serve(listener, router, limits, &counted, async {
                    stopped.await.unwrap();
                })
                .await;
            });
        });
        Server {
            address: address.recv().unwrap(),
            stop: Some(stop),
            thread: Some(thread),
            open,
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        // A test that would hang fails instead.
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream
    }

    fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.thread.take().unwrap().join().unwrap();
    }
}

fn routes() -> Router {
    Router::new()
        .route("/", get(async || "hello"))
        .route("/len", post(async |body: Bytes| body.len().to_string()))
        .route(
            "/batch",
            post(async |body: Bytes| body.len().to_string()).layer(DefaultBodyLimit::max(1000)),
        )
}

/// Everything until the server closes; a reset counts as a close.
fn read_to_close(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => bytes.extend_from_slice(&chunk[..n]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{error}"),
        }
    }
    String::from_utf8(bytes).unwrap()
}

fn ask(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).unwrap();
    read_to_close(stream)
}

const HELLO: &str = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

#[test]
fn connections_are_counted_while_they_are_open() {
    let router = Router::new().route("/", get(async || "here"));
    let server = Server::start(Limits::default(), router);
    let open = server.open.clone();
    let mut streams = [(); 2].map(|()| server.connect());
    for stream in &mut streams {
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .unwrap();
        assert!(stream.read(&mut [0; 512]).unwrap() > 0);
    }
    assert_eq!(open.get(), 2);
    server.stop();
    assert_eq!(open.get(), 0);
}

#[test]
fn answers_and_closes_when_asked() {
    let server = Server::start(Limits::default(), routes());
    let answer = ask(&mut server.connect(), HELLO);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("hello"), "{answer}");
    server.stop();
}

#[test]
fn slow_head_is_closed() {
    let limits = Limits {
        head_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let server = Server::start(limits, routes());
    let mut stream = server.connect();
    let answer = ask(&mut stream, "GET / HTTP/1.1\r\nhost: x\r\nx-slow: ");
    assert!(!answer.contains("200 OK"), "{answer}");
    server.stop();
}

#[test]
fn idle_connection_is_closed() {
    let limits = Limits {
        head_timeout: Duration::from_millis(200),
        ..Limits::default()
    };
    let server = Server::start(limits, routes());
    let mut fresh = server.connect();
    assert_eq!(read_to_close(&mut fresh), "");
    let mut used = server.connect();
    let answer = ask(&mut used, "GET / HTTP/1.1\r\nhost: x\r\n\r\n");
    assert!(answer.ends_with("hello"), "{answer}");
    server.stop();
}

/// Reads an answer with a known end and keeps the connection.
fn hello(stream: &mut TcpStream) {
    let request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"hello") {
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "closed");
        answer.push(byte[0]);
    }
}

#[test]
fn beyond_the_cap_the_connection_that_was_idle_longest_gives_way() {
    let limits = Limits {
        connections: 3,
        ..Limits::default()
    };
    let server = Server::start(limits, routes());
    let [mut first, mut second, mut third] = [(); 3].map(|()| server.connect());
    // One that never asked, one that asked, and one that stopped within its head.
    second
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\nx-slow: ")
        .unwrap();
    hello(&mut third);
    let mut fourth = server.connect();
    hello(&mut fourth);
    assert_eq!(read_to_close(&mut first), "");
    let mut fifth = server.connect();
    hello(&mut fifth);
    assert_eq!(read_to_close(&mut second), "");
    // The others are served on the connections that they have.
    hello(&mut fifth);
    hello(&mut fourth);
    hello(&mut third);
    server.stop();
}

#[test]
fn where_all_connections_are_busy_a_further_one_is_closed_and_a_place_becomes_free_again() {
    let limits = Limits {
        connections: 2,
        ..Limits::default()
    };
    let server = Server::start(limits, routes());
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = server.connect();
        let head =
            b"POST /len HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n";
        stream.write_all(head).unwrap();
        // The body is asked for, so the request is under way.
        let mut answer = [0; 25];
        stream.read_exact(&mut answer).unwrap();
        held.push(stream);
    }
    assert_eq!(ask(&mut server.connect(), HELLO), "");
    let mut ended = held.pop().unwrap();
    ended.write_all(b"12345").unwrap();
    let mut answer = [0; 15];
    ended.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    // Its end takes a moment to be seen by the loop that accepts.
    let until = Instant::now() + Duration::from_secs(20);
    while !ask(&mut server.connect(), HELLO).ends_with("hello") {
        assert!(Instant::now() < until, "the place never became free");
    }
    drop(held);
    server.stop();
}

#[test]
fn body_beyond_the_route_limit_is_413() {
    let limits = Limits {
        body_bytes: 100,
        ..Limits::default()
    };
    let server = Server::start(limits, routes());
    for (path, length, want) in [
        ("/len", 100, "200"),
        ("/len", 101, "413"),
        ("/batch", 1000, "200"),
        ("/batch", 1001, "413"),
    ] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n"
        );
        let answer = ask(&mut server.connect(), &(head + &"x".repeat(length)));
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {want} ")),
            "{path} {length}: {answer}"
        );
    }
    let chunked = "POST /len HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                   transfer-encoding: chunked\r\n\r\n65\r\n";
    let answer = ask(
        &mut server.connect(),
        &format!("{chunked}{}\r\n0\r\n\r\n", "x".repeat(101)),
    );
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    server.stop();
}

#[test]
fn slow_body_is_cut_off() {
    let limits = Limits {
        body_window: Duration::from_millis(200),
        body_window_bytes: 10,
        ..Limits::default()
    };
    let server = Server::start(limits, routes());
    let mut stream = server.connect();
    let answer = ask(
        &mut stream,
        "POST /len HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 50\r\n\r\nslow",
    );
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    server.stop();
}

#[test]
fn reader_that_takes_nothing_is_closed() {
    let limits = Limits {
        write_stall: Duration::from_millis(200),
        connections: 1,
        ..Limits::default()
    };
    let big = get(async || vec![0_u8; 64 * 1024 * 1024]);
    let server = Server::start(limits, routes().route("/big", big));
    let mut stalled = server.connect();
    stalled
        .write_all(b"GET /big HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    // The only place becomes free although the reader keeps its end open.
    let until = Instant::now() + Duration::from_secs(20);
    while !ask(&mut server.connect(), HELLO).ends_with("hello") {
        assert!(Instant::now() < until, "the stalled reader keeps its place");
    }
    drop(stalled);
    server.stop();
}

#[test]
fn stop_lets_a_running_request_end_and_takes_no_new_ones() {
    let entered = Arc::new(Barrier::new(2));
    let release = Arc::new(Barrier::new(2));
    let route = {
        let (entered, release) = (Arc::clone(&entered), Arc::clone(&release));
        get(async move || {
            tokio::task::spawn_blocking(move || {
                entered.wait();
                release.wait();
            })
            .await
            .unwrap();
            "done"
        })
    };
    let server = Server::start(Limits::default(), Router::new().route("/wait", route));
    let mut stream = server.connect();
    let mut idle = server.connect();
    stream
        .write_all(b"GET /wait HTTP/1.1\r\nhost: x\r\n\r\n")
        .unwrap();
    entered.wait();
    let address = server.address;
    let stopping = std::thread::spawn(move || server.stop());
    assert_eq!(read_to_close(&mut idle), "");
    release.wait();
    assert!(read_to_close(&mut stream).ends_with("done"));
    stopping.join().unwrap();
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn http_2_preface_is_refused() {
    let server = Server::start(Limits::default(), routes());
    let answer = ask(&mut server.connect(), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert!(!answer.contains(" 200 "), "{answer}");
    server.stop();
}
