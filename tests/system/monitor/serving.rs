//! The monitor over HTTP, as a process: what it tells, what it is handed, and what two of them find out together.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use labelproof_tests::http::{get, post};
use labelproof_tests::paper_log::PaperLog;
use labelproof_tests::world;
use serde_json::Value;

use super::running::Running;
use super::{Watched, issue, label, revoke};

const FAST: &str = "[follow]\npoll = \"100ms\"\npatience = \"100ms\"\n";
const LIST: &str = "[[watch]]\nname = \"recalls\"\nfile = \"recalls.txt\"\n";

/// Starts a monitor that answers, and tells where, once it has verified the log.
fn serve(watched: &Watched, more: &str) -> (Running, String) {
    watched
        .desk
        .write("monitor.toml", format!("{FAST}{LIST}{more}").as_bytes());
    let running = Running::start(watched);
    let url = wait(|| Running::url(watched));
    wait(|| get(&format!("{url}/readyz")).filter(|answer| answer.status == 200));
    (running, url)
}

fn wait<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "it does not come");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Another log under the same key, with another history from some entry on.
fn forked() -> PaperLog {
    let mut log = PaperLog::founded(crate::client::now());
    log.append(&[issue(2_000)]);
    log
}

#[test]
fn people_and_programs_ask_a_monitor_and_strangers_hand_in() {
    let mut watched = Watched::begin();
    watched.once(0);
    let (running, url) = serve(&watched, "");
    watched.publish(&[revoke(1)]);
    let told = running.next();
    let page = get(&format!("{url}/v1/alerts")).unwrap().json();
    assert_eq!(page["alerts"], Value::from(vec![told.clone()]));
    let feed = get(&format!("{url}/feeds/recalls.atom")).unwrap().text();
    assert!(feed.contains(told["id"].as_str().unwrap()), "{feed}");
    let metrics = get(&format!("{url}/metrics")).unwrap().text();
    let size = watched.log.size();
    let line =
        format!("\nlabelproof_monitor_verified_entries{{log=\"labels.g7.example\"}} {size}\n");
    assert!(metrics.contains(&line), "{metrics}");

    // An event that the log would have to take is watched; one that it took, or that nobody may sign, is not.
    let adverse = |entry: &[u8]| post(&format!("{url}/v1/adverse"), &[], entry).unwrap();
    let answer = adverse(&revoke(5));
    assert_eq!(
        (answer.status, &answer.json()["verdict"]),
        (202, &"watched".into()),
        "{}",
        answer.text()
    );
    for (entry, code) in [
        (revoke(1), "wrong-previous"),
        (
            world::revoke(&label(6), Some(world::id_of(&issue(6))), "label.fr.example"),
            "unknown-authority",
        ),
        (issue(1), "not-adverse"),
    ] {
        let answer = adverse(&entry);
        assert_eq!(
            (answer.status, &answer.json()["title"]),
            (422, &code.into()),
            "{}",
            answer.text()
        );
    }
    let promises = || {
        let metrics = get(&format!("{url}/metrics"))?.text();
        let line = metrics
            .lines()
            .find_map(|line| line.strip_prefix("labelproof_monitor_promises "));
        line?.parse::<u64>().ok()
    };
    assert_eq!(promises(), Some(1));
    watched.publish(&[revoke(5)]);
    assert_eq!(running.next()["event"]["subject"], label(5));
    wait(|| promises().filter(|open| *open == 0));

    // A receipt of what is in the log was kept.
    let index = watched.log.index_of(&revoke(5)).unwrap();
    let receipt = serde_json::json!({
        "entry": String::from_utf8(revoke(5)).unwrap(), "receipt": watched.log.receipt(index).to_string(),
    });
    let answer = post(
        &format!("{url}/v1/receipts"),
        &[],
        receipt.to_string().as_bytes(),
    )
    .unwrap();
    assert_eq!(
        (answer.status, &answer.json()["verdict"]),
        (200, &"kept".into()),
        "{}",
        answer.text()
    );

    // Heads: the log's own accuse nobody; another history under its key convicts it, and is told.
    let head = |log: &PaperLog| {
        let note = log.checkpoint(&[]).note().to_bytes();
        post(&format!("{url}/v1/heads"), &[], &note).unwrap().json()
    };
    assert_eq!(head(&watched.log)["verdict"], "consistent");
    let judged = head(&forked());
    assert_eq!(judged["verdict"], "forked", "{judged}");
    assert_eq!(running.next()["rule"], "fork");
    watched.desk.write(
        "fork.evidence",
        judged["evidence"].as_str().unwrap().as_bytes(),
    );
    let checked = watched
        .desk
        .run(&["verify", "fork.evidence", "--trust", "trust.toml"]);
    assert_eq!(checked.code, 20, "{checked:?}");
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_split_view_between_two_monitors_is_found_in_one_round() {
    let mut ours = Watched::begin();
    ours.once(0);
    let mut theirs = Watched::begin();
    theirs.once(0);
    // From here on the log shows each of them another history.
    ours.publish(&[issue(1_000), issue(1_001), issue(1_002)]);
    theirs.publish(&[issue(2_000)]);
    let (their_monitor, url) = serve(&theirs, "");
    let (our_monitor, _) = serve(
        &ours,
        &format!("[[peer]]\nname = \"other\"\nurl = \"{url}\"\n"),
    );
    let told = our_monitor.next();
    assert_eq!(told["rule"], "fork", "{told}");
    let evidence = told["proof"]["evidence"].as_str().unwrap();
    ours.desk.write("fork.evidence", evidence.as_bytes());
    let checked = ours
        .desk
        .run(&["verify", "fork.evidence", "--trust", "trust.toml"]);
    assert_eq!(checked.code, 20, "{checked:?}");
    assert_eq!(our_monitor.stop(), 0);
    assert_eq!(their_monitor.stop(), 0);
}

/// A receiver of webhooks that takes everything, and what it was sent.
fn receiver() -> (String, mpsc::Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (send, bodies) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            if let Some(body) = take(&mut stream) {
                let _ = send.send(serde_json::from_slice::<Value>(&body).unwrap());
                let taken = b"HTTP/1.1 204 Taken\r\nconnection: close\r\n\r\n";
                let _ = stream.get_mut().write_all(taken);
            }
        }
    });
    (url, bodies)
}

/// The body of a request; none of one that was cut.
fn take(stream: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let (mut length, mut line) = (None, String::new());
    while stream.read_line(&mut line).ok()? > 2 {
        if let Some(value) = line.to_lowercase().strip_prefix("content-length: ") {
            length = value.trim().parse().ok();
        }
        line.clear();
    }
    let mut body = vec![0; length?];
    stream.read_exact(&mut body).ok()?;
    Some(body)
}

/// The section of a webhook to this receiver, and its secret, which others cannot read.
fn webhook(watched: &Watched, url: &str) -> String {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n";
    watched.desk.write("desk.secret", secret.as_bytes());
    open_to(watched, 0o600);
    format!(
        "[[webhook]]\nname = \"desk\"\nurl = \"{url}\"\nsecret_file = \"desk.secret\"\n\
         allow_private = [\"127.0.0.1/32\"]\n"
    )
}

fn open_to(watched: &Watched, mode: u32) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(watched.desk.path("desk.secret"), mode).unwrap();
}

#[test]
fn a_webhook_of_the_configuration_gets_each_alert() {
    let mut watched = Watched::begin();
    watched.once(0);
    let (url, bodies) = receiver();
    let section = webhook(&watched, &url);
    let (running, _) = serve(&watched, &section);
    watched.publish(&[revoke(1)]);
    let told = running.next();
    let body = bodies.recv_timeout(Duration::from_secs(60)).unwrap();
    assert_eq!(
        (&body["type"], &body["data"]),
        (&"alert.watch".into(), &told)
    );
    assert_eq!(running.stop(), 0);
    // Others can read the secret: the monitor does not start.
    open_to(&watched, 0o644);
    let ended = watched.once_with(&[]);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(ended.stderr.contains("chmod 600"), "{ended:?}");
}

#[test]
fn killed_at_any_moment_the_receiver_gets_every_alert_and_knows_those_that_come_twice() {
    let mut watched = Watched::begin();
    watched.once(0);
    let (url, bodies) = receiver();
    let section = webhook(&watched, &url);
    let config = format!("{FAST}{LIST}{section}");
    watched.desk.write("monitor.toml", config.as_bytes());
    for round in 0..20 {
        let running = Running::start(&watched);
        watched.publish(&[revoke(round * 2), revoke(round * 2 + 1)]);
        let ms = (round * 53) % 400;
        std::thread::sleep(Duration::from_millis(u64::from(ms)));
        running.kill();
    }
    let running = Running::start(&watched);
    let mut got = BTreeMap::new();
    while got.len() < 40 {
        let body = bodies.recv_timeout(Duration::from_secs(60)).unwrap();
        let subject = body["data"]["event"]["subject"]
            .as_str()
            .unwrap()
            .to_owned();
        let id = body["data"]["id"].clone();
        let before = got.insert(subject, id.clone());
        assert!(
            before.is_none_or(|before| before == id),
            "the same id each time"
        );
    }
    // All may have come before the last start, which then has not got so far as to be asked to stop.
    running.kill();
}

#[test]
fn alert_rules_and_dashboard_name_metrics_that_exist() {
    let network = crate::demo_network("metric-names");
    let watched = Watched::begin();
    let (running, monitor) = serve(&watched, "");
    let page = |url: &str| get(&format!("{url}/metrics")).unwrap().text();
    let pages = [
        page(&network.log_url()),
        page(network.witness("jp").url()),
        page(&monitor),
    ];
    running.stop();
    let mut known = std::collections::BTreeSet::new();
    for line in pages.iter().flat_map(|page| page.lines()) {
        let Some((name, sort)) = line
            .strip_prefix("# TYPE ")
            .and_then(|rest| rest.split_once(' '))
        else {
            continue;
        };
        known.insert(name.to_owned());
        if sort == "histogram" {
            known.extend(["bucket", "sum", "count"].map(|part| format!("{name}_{part}")));
        }
    }
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/samples/prometheus");
    for (file, least) in [
        ("rules.yml", 14),
        ("rules.test.yml", 14),
        ("dashboard.json", 20),
    ] {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let is_of_name = |letter: char| letter.is_ascii_lowercase() || letter == '_';
        let named: std::collections::BTreeSet<&str> = text
            .split(|letter| !is_of_name(letter))
            .filter(|word| word.starts_with("labelproof_"))
            .collect();
        assert!(named.len() >= least, "{file} names {named:?}");
        let unknown: Vec<_> = named
            .iter()
            .filter(|name| !known.contains(**name))
            .collect();
        assert!(unknown.is_empty(), "{file} names {unknown:?}");
    }
}
