//! Webhooks against a receiver on loopback that does whatever a receiver may do, over restarts and days.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Instant,
};

use labelproof_host::{clock::ManualClock, fs::RealFs};

use super::*;
use crate::{
    alert::Alert,
    notify::{
        Alerts, Channel,
        courier::{Courier, Ground, Turn},
        tests::{Kept, alert},
    },
    samples,
};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What the receiver does with a request.
#[derive(Clone, Copy, Debug)]
enum Reply {
    /// Answers these bytes.
    Says(&'static str),
    /// Closes without an answer.
    Closes,
    /// Answers nothing and stays.
    Hangs,
}

const OK: Reply = Reply::Says("HTTP/1.1 204 No Content\r\n\r\n");

/// A receiver that answers the same until it is told otherwise.
#[derive(Clone)]
struct Receiver {
    url: String,
    reply: Arc<Mutex<Reply>>,
    got: Arc<Mutex<Vec<Request>>>,
}

struct Request {
    head: String,
    body: String,
}

impl Request {
    fn header(&self, name: &str) -> &str {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.unwrap_or_else(|| panic!("{name} in {}", self.head)).1
    }
}

impl Receiver {
    fn new(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let receiver = Self {
            url: format!("http://{}/alerts", listener.local_addr().unwrap()),
            reply: Arc::new(Mutex::new(reply)),
            got: Arc::default(),
        };
        let own = receiver.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let own = own.clone();
                thread::spawn(move || while own.serve(stream.as_ref().unwrap()) {});
            }
        });
        receiver
    }

    /// Answers one request; whether the connection stays.
    fn serve(&self, mut stream: &TcpStream) -> bool {
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read(&mut byte).unwrap_or_default() == 0 {
                return false;
            }
            head.push(byte[0]);
        }
        let head = String::from_utf8(head).unwrap();
        let mut request = Request {
            head,
            body: String::new(),
        };
        let mut body = vec![0; request.header("content-length").parse().unwrap()];
        stream.read_exact(&mut body).unwrap();
        request.body = String::from_utf8(body).unwrap();
        let reply = *self.reply.lock().unwrap();
        self.got.lock().unwrap().push(request);
        match reply {
            Reply::Says(answer) => stream.write_all(answer.as_bytes()).is_ok(),
            Reply::Closes => {
                stream.shutdown(std::net::Shutdown::Both).unwrap();
                false
            }
            Reply::Hangs => stream.read(&mut byte).unwrap_or_default() > 0,
        }
    }

    fn says(&self, reply: Reply) {
        *self.reply.lock().unwrap() = reply;
    }

    fn got(&self) -> Vec<Request> {
        std::mem::take(&mut self.got.lock().unwrap())
    }

    /// The numbers of the alerts that came.
    fn numbers(&self) -> Vec<u64> {
        let number = |request: Request| {
            let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
            body["data"]["number"].as_u64().unwrap()
        };
        self.got().into_iter().map(number).collect()
    }
}

fn secrets() -> Secrets {
    use std::os::unix::fs::OpenOptionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    let file = std::fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(&path);
    file.unwrap().write_all(SECRET.as_bytes()).unwrap();
    Secrets::read(&path).unwrap()
}

fn webhook(url: &str, clock: &ManualClock) -> Webhook {
    let webhook = Webhook::new(
        url.to_owned(),
        secrets(),
        Vec::new(),
        Arc::new(clock.clone()),
    );
    webhook.impatient(Duration::from_secs(20))
}

/// A journal, a folder and a clock that outlive restarts.
struct World {
    dir: tempfile::TempDir,
    alerts: Arc<Kept>,
    clock: ManualClock,
    receiver: Receiver,
}

impl World {
    fn new(alerts: u64, reply: Reply) -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            alerts: Arc::new(Kept::of(alerts)),
            clock: ManualClock::at(1_800_000_000_000),
            receiver: Receiver::new(reply),
        }
    }

    fn courier_to(&self, url: &str) -> Courier {
        let ground = Ground {
            alerts: Arc::clone(&self.alerts) as Arc<dyn Alerts>,
            fs: Arc::new(RealFs::new()),
            clock: Arc::new(self.clock.clone()),
        };
        let channel = Channel::Webhook("desk".parse().unwrap(), webhook(url, &self.clock));
        Courier::open(channel, self.dir.path(), 1, ground).unwrap()
    }

    /// Starts anew and does what is due at once; how long it then wants to wait.
    fn restart(&self) -> Turn {
        settle(&mut self.courier_to(&self.receiver.url))
    }
}

fn settle(courier: &mut Courier) -> Turn {
    for _ in 0..1_000 {
        let turn = courier.turn();
        if turn != Turn::Again {
            return turn;
        }
    }
    panic!("it never rests");
}

fn seconds(turn: Turn) -> u64 {
    match turn {
        Turn::Wait(time) => time.as_secs(),
        other => panic!("{other:?} while an alert waits"),
    }
}

#[test]
fn the_authors_of_the_specification_verify_what_is_sent() {
    // Their library asks the machine's clock, and allows five minutes.
    let clock = ManualClock::at(labelproof_host::clock::SystemClock.unix_ms());
    let receiver = Receiver::new(OK);
    webhook(&receiver.url, &clock).send(&alert(7)).unwrap();
    let request = receiver.got().remove(0);
    assert!(request.head.starts_with("POST /alerts HTTP/1.1\r\n"));
    assert_eq!(request.header("content-type"), "application/json");
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers = names.map(|name| (name.parse().unwrap(), request.header(name).parse().unwrap()));
    let headers = headers.into_iter().collect();
    let judge = standardwebhooks::Webhook::new(SECRET).unwrap();
    let body = request.body.as_bytes();
    judge.verify(body, &headers).unwrap();
    assert!(judge.verify(&body[1..], &headers).is_err());
    assert_eq!(
        request.header("webhook-id"),
        alert(7).alert().id().to_string()
    );
    // The line is in it as it is, and reads back to the alert.
    let line = alert(7).to_json();
    let want = format!(
        r#"{{"type":"alert.watch","timestamp":"{}","data":{line}}}"#,
        samples::at(0)
    );
    assert_eq!(request.body, want);
}

#[test]
fn types_are_what_the_specification_recommends() {
    let origin = samples::origin();
    for (rule, want) in [
        (
            Alert::evidence(&samples::fork(), samples::at(0)),
            "alert.fork",
        ),
        (
            Alert::sees_again(&origin, samples::at(0), samples::at(1)),
            "alert.sees_again",
        ),
        (alert(1).alert().clone(), "alert.watch"),
    ] {
        assert_eq!(kind(rule.rule()), want);
    }
}

#[test]
fn each_answer_has_its_own_outcome() {
    let down = |after: Option<u64>| Outcome::Down {
        after: after.map(Duration::from_secs),
    };
    let clock = ManualClock::at(1_800_000_000_000);
    for (reply, want) in [
        (
            Reply::Says("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n"),
            Outcome::Gone,
        ),
        (
            Reply::Says("HTTP/1.1 422 No\r\ncontent-length: 0\r\n\r\n"),
            Outcome::Refused,
        ),
        (
            Reply::Says("HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n"),
            down(None),
        ),
        (
            Reply::Says("HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n"),
            down(None),
        ),
        (
            Reply::Says("HTTP/1.1 503 Busy\r\nretry-after: 90\r\ncontent-length: 0\r\n\r\n"),
            down(Some(90)),
        ),
        (
            Reply::Says("HTTP/1.1 429 Slow\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n"),
            down(Some(7)),
        ),
        (Reply::Says("SMTP ready\r\n\r\n"), down(None)),
        (Reply::Closes, down(None)),
    ] {
        let receiver = Receiver::new(reply);
        let error = webhook(&receiver.url, &clock).send(&alert(1)).unwrap_err();
        assert_eq!(error.outcome(), want, "{reply:?}: {error}");
        // One that broke may be tried at once, and once more only.
        assert!(receiver.got().len() <= 2);
    }
}

#[test]
fn a_long_answer_to_a_taken_alert_is_no_failure() {
    const LONG: &str = "HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\nThanks";
    let receiver = Receiver::new(Reply::Says(LONG));
    let clock = ManualClock::at(0);
    webhook(&receiver.url, &clock).send(&alert(1)).unwrap();
}

#[test]
fn a_redirect_is_a_failure_and_is_not_followed() {
    let elsewhere = Receiver::new(OK);
    let answer = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
        elsewhere.url
    );
    let receiver = Receiver::new(Reply::Says(answer.leak()));
    let error = webhook(&receiver.url, &ManualClock::at(0))
        .send(&alert(1))
        .unwrap_err();
    assert_eq!(error.outcome(), Outcome::Down { after: None });
    assert!(error.to_string().contains("write the new URL"), "{error}");
    assert!(elsewhere.got().is_empty());
}

#[test]
fn a_receiver_that_hangs_is_given_up() {
    let receiver = Receiver::new(Reply::Hangs);
    let start = Instant::now();
    let webhook = webhook(&receiver.url, &ManualClock::at(0)).impatient(Duration::from_millis(200));
    let error = webhook.send(&alert(1)).unwrap_err();
    assert!(
        matches!(error, WebhookError::NoAnswer(FetchCause::TimedOut)),
        "{error:?}"
    );
    assert!(start.elapsed() < Duration::from_secs(15));
}

#[test]
fn an_address_inside_is_refused_unless_it_was_allowed() {
    let receiver = Receiver::new(OK);
    let send = |allowed: Vec<IpNet>| {
        let clock = Arc::new(ManualClock::at(0));
        Webhook::new(receiver.url.clone(), secrets(), allowed, clock).send(&alert(1))
    };
    for allowed in [vec![], vec!["127.0.0.2/32".parse().unwrap()]] {
        let error = send(allowed).unwrap_err();
        assert!(error.to_string().ends_with("see allow_private"), "{error}");
        assert_eq!(error.outcome(), Outcome::Down { after: None });
    }
    assert!(receiver.got().is_empty());
    send(vec!["127.0.0.1/32".parse().unwrap()]).unwrap();
    assert_eq!(receiver.numbers(), [1]);
}

/// A day of 500s, with a restart before every try: nothing is lost, the same ids come, and not too often.
#[test]
fn a_receiver_that_is_down_for_a_day_gets_everything_in_order() {
    let world = World::new(
        3,
        Reply::Says("HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n"),
    );
    let day_ms = 24 * 3_600_000;
    let start = world.clock.now();
    while world.clock.now().seconds_since(start) < day_ms / 1_000 {
        let wait = seconds(world.restart());
        assert!((3..=4_500).contains(&wait), "waits {wait} s");
        world.clock.advance((wait + 1) * 1_000);
    }
    let tries = world.receiver.got();
    assert!((20..=80).contains(&tries.len()), "{} tries", tries.len());
    let times: Vec<&str> = tries
        .iter()
        .map(|request| request.header("webhook-timestamp"))
        .collect();
    assert!(
        times.windows(2).all(|pair| pair[0] <= pair[1]),
        "of each try, not of the alert"
    );
    world.receiver.says(OK);
    let mut taken = Vec::new();
    while let Turn::Wait(time) = world.restart() {
        taken.extend(world.receiver.numbers());
        world
            .clock
            .advance(u64::try_from(time.as_millis()).unwrap() + 1);
    }
    taken.extend(world.receiver.numbers());
    taken.sort_unstable();
    assert_eq!(taken, [1, 2, 3]);
    assert_eq!(world.restart(), Turn::Rest);
    assert!(world.receiver.got().is_empty(), "nothing comes twice");
}

#[test]
fn the_time_a_receiver_asks_for_is_kept_over_restarts() {
    const BUSY: &str = "HTTP/1.1 503 Busy\r\nretry-after: 1800\r\ncontent-length: 0\r\n\r\n";
    let world = World::new(1, Reply::Says(BUSY));
    assert_eq!(seconds(world.restart()), 1_800);
    assert_eq!(world.receiver.numbers(), [1]);
    world.receiver.says(OK);
    world.clock.advance(1_799_000);
    assert_eq!(seconds(world.restart()), 1);
    assert!(world.receiver.got().is_empty(), "it said when");
    world.clock.advance(1_000);
    assert_eq!(world.restart(), Turn::Rest);
    assert_eq!(world.receiver.numbers(), [1]);
}

#[test]
fn who_says_gone_is_not_asked_again_until_the_url_changes() {
    let world = World::new(
        2,
        Reply::Says("HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n"),
    );
    assert_eq!(world.restart(), Turn::Over);
    assert_eq!(world.receiver.numbers(), [1]);
    world.receiver.says(OK);
    world.clock.advance(30 * 24 * 3_600_000);
    assert_eq!(world.restart(), Turn::Over);
    assert!(world.receiver.got().is_empty());
    let elsewhere = Receiver::new(OK);
    assert_eq!(settle(&mut world.courier_to(&elsewhere.url)), Turn::Rest);
    assert_eq!(elsewhere.numbers(), [1, 2]);
}

#[test]
fn what_is_refused_lets_the_others_pass_and_is_given_up_after_days() {
    let world = World::new(
        1,
        Reply::Says("HTTP/1.1 413 Big\r\ncontent-length: 0\r\n\r\n"),
    );
    let mut tries = 0;
    while let Turn::Wait(time) = world.restart() {
        tries += 1;
        assert!(tries < 1_000);
        world
            .clock
            .advance(u64::try_from(time.as_millis()).unwrap() + 1);
        if tries == 3 {
            world.receiver.got();
            world.alerts.0.lock().unwrap().push(alert(2));
            world.receiver.says(OK);
            let mut courier = world.courier_to(&world.receiver.url);
            courier.turn();
            assert_eq!(world.receiver.numbers(), [2]);
            world
                .receiver
                .says(Reply::Says("HTTP/1.1 413 Big\r\ncontent-length: 0\r\n\r\n"));
            settle(&mut courier);
        }
    }
    let courier = world.courier_to(&world.receiver.url);
    let standing = courier.standing();
    let standing = standing.lock().unwrap();
    assert_eq!((standing.given_up(), standing.waiting()), (1, 0));
}
