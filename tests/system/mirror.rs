//! `mirror`: a copy that a plain file server serves, and that nobody who reads it can tell from the log.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use labelproof_core::time::Time;
use labelproof_tests::file_server::FileServer;
use labelproof_tests::network::{Ended, Network};
use labelproof_tests::paper_log::{PaperLog, Parrot};
use labelproof_tests::programs::Program;
use labelproof_tests::world;
use serde_json::{Value, json};

use crate::client::{Desk, json_of, now};
use crate::demo_network;

const DIR: &str = "mirror";

/// Every file of a mirror but its lock.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if !path.ends_with("lock") {
                let name = path.strip_prefix(dir).unwrap().to_owned();
                files.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    files
}

fn issue(number: u32) -> Vec<u8> {
    world::issue(&format!("jp.jc-star/EX-{number:06}"), "label.jp.example")
}

fn mirror(network: &Network) -> Value {
    let ended = network.client(&["mirror", "--dir", DIR, "--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    json_of(&ended)["result"].clone()
}

#[test]
fn a_file_server_with_a_mirror_answers_as_the_log_does() {
    let network = demo_network("mirror");
    let first = mirror(&network);
    assert_eq!(first["before"], Value::Null);
    network
        .submit_all(&(0..300).map(issue).collect::<Vec<_>>())
        .unwrap();
    let second = mirror(&network);
    assert_eq!(second["before"], first["size"]);
    assert!(second["size"].as_u64() > Some(300));
    assert_eq!(mirror(&network)["written"], 0);

    // The partial tiles of the first copy went when the full ones were there.
    let served = files(&network.dir().join(DIR));
    let old = served
        .keys()
        .filter(|name| name.to_string_lossy().contains("000.p/"));
    assert_eq!(
        old.filter(|name| !name.starts_with("tile/1")).count(),
        0,
        "{:?}",
        served.keys()
    );

    let server = FileServer::start(&network.dir().join(DIR)).unwrap();
    let same = |args: &[&str]| {
        let there = [args, &["--log", server.url()]].concat();
        let (here, there) = (network.client(args), network.client(&there));
        assert_eq!((here.code, there.code), (0, 0), "{there:?}");
        assert_eq!(here.stdout, there.stdout);
    };
    same(&["get", "200", "--raw"]);
    same(&["tail", "--from", "0"]);
    let about = json_of(&network.client(&["log", "--json", "--log", server.url()]));
    assert_eq!(about["result"]["verified"], true);
    let fsck = network
        .command(Program::Log)
        .args(["fsck", "--url", server.url(), "--vkey", network.log_vkey()])
        .output()
        .unwrap();
    assert!(fsck.status.success(), "{fsck:?}");
    // A mirror of the mirror is the mirror.
    let again = network.client(&["mirror", "--dir", "again", "--log", server.url()]);
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(files(&network.dir().join("again")), served);
}

#[test]
fn a_mirror_that_is_killed_goes_on_and_serves_nothing_before_it_is_whole() {
    let network = demo_network("mirror-killed");
    network
        .submit_all(&(0..270).map(issue).collect::<Vec<_>>())
        .unwrap();
    let whole = mirror(&network);
    let want = files(&network.dir().join(DIR));
    let dir = network.dir().join("killed");
    for wait_ms in (0..40).step_by(4).chain([60, 90, 150]) {
        let mut child = network
            .command(Program::Client)
            .args(["mirror", "--dir", "killed", "--parallel", "2"])
            .env("LABELPROOF_TRUST", network.trust())
            .env("LABELPROOF_LOG", network.log_url())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(wait_ms));
        child.kill().unwrap();
        child.wait().unwrap();
        let Ok(there) = std::fs::read_dir(&dir) else {
            continue;
        };
        drop(there);
        for (name, bytes) in files(&dir) {
            // What has its name is whole; what is being written has another.
            if name.extension().is_none_or(|ending| ending != "tmp") {
                assert_eq!(want.get(&name), Some(&bytes), "{}", name.display());
            }
        }
        if dir.join("checkpoint").exists() {
            let checked = network.client(&["mirror", "--dir", "killed", "--check"]);
            assert_eq!(checked.code, 0, "{checked:?}");
        }
    }
    let ended = network.client(&["mirror", "--dir", "killed", "--json"]);
    assert_eq!(json_of(&ended)["result"]["root"], whole["root"]);
    let mut got = files(&dir);
    got.retain(|name, _| name.extension().is_none_or(|ending| ending != "tmp"));
    assert_eq!(got, want);
}

/// A mirror of a log on paper, for tests in which the log lies.
struct Copy {
    desk: Desk,
    log: PaperLog,
    time: Time,
    parrot: Parrot,
}

impl Copy {
    fn begin() -> Self {
        let time = now();
        let mut log = PaperLog::founded(time);
        log.append(&(0..260).map(issue).collect::<Vec<_>>());
        let parrot = Parrot::start(log.answers(&[])).unwrap();
        let desk = Desk::trusting(parrot.url());
        Self {
            desk,
            log,
            time,
            parrot,
        }
    }

    fn run(&self, more: &[&str]) -> Ended {
        let args = ["mirror", "--dir", DIR, "--trust", "trust.toml"];
        self.desk.run(&[&args, more].concat())
    }

    fn dir(&self) -> PathBuf {
        self.desk.path(DIR)
    }
}

#[test]
fn what_was_not_proved_is_not_written() {
    let copy = Copy::begin();
    let honest = copy.log.answers(&[]);
    for (path, bytes) in honest.iter().filter(|(path, _)| *path != "/checkpoint") {
        let mut flipped = bytes.clone();
        flipped[bytes.len() / 2] ^= 1;
        copy.parrot.say_at(path, Some(flipped.clone()));
        let ended = copy.run(&[]);
        assert_eq!(ended.code, 11, "{path}: {ended:?}");
        assert!(!copy.dir().join("checkpoint").exists(), "{path}");
        let written = files(&copy.dir());
        assert!(written.values().all(|file| *file != flipped), "{path}");
        copy.parrot.say_at(path, Some(bytes.clone()));
    }
    assert_eq!(copy.run(&[]).code, 0);
    assert_eq!(copy.run(&["--check"]).code, 0);
}

#[test]
fn wrong_bytes_on_disk_are_found_and_named_and_fetched_anew() {
    let copy = Copy::begin();
    assert_eq!(copy.run(&[]).code, 0);
    let good = files(&copy.dir());
    for name in good.keys().filter(|name| name.starts_with("tile")) {
        let path = copy.dir().join(name);
        let bits = good[name].len() * 8;
        for bit in [0, bits / 2, bits - 1] {
            let mut bytes = good[name].clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &bytes).unwrap();
            let ended = copy.run(&["--check", "--json"]);
            assert_eq!(ended.code, 11, "{}: {ended:?}", name.display());
            let wrong = json_of(&ended)["result"]["wrong"].to_string();
            // A wrong tile of the edge is named by the edge, whose tiles have one root.
            let is_edge =
                name.to_string_lossy().contains(".p/") && !name.starts_with("tile/entries");
            assert!(is_edge || wrong.contains(name.to_str().unwrap()), "{wrong}");
        }
        std::fs::remove_file(&path).unwrap();
        assert_eq!(copy.run(&["--check"]).code, 11, "{}", name.display());
        assert_eq!(copy.run(&[]).code, 0, "{}", name.display());
        assert_eq!(std::fs::read(&path).unwrap(), good[name]);
    }
}

#[test]
fn what_a_killed_run_left_is_believed_only_if_it_fits() {
    let copy = Copy::begin();
    assert_eq!(copy.run(&[]).code, 0);
    let good = files(&copy.dir());
    std::fs::remove_file(copy.dir().join("checkpoint")).unwrap();
    for name in good.keys().filter(|name| name.starts_with("tile")) {
        std::fs::write(copy.dir().join(name), b"left by a run that was killed").unwrap();
    }
    assert_eq!(copy.run(&[]).code, 0);
    assert_eq!(copy.run(&["--check"]).code, 0);
    assert_eq!(files(&copy.dir()), good);
}

#[test]
fn a_folder_of_another_log_or_of_something_else_is_refused() {
    let copy = Copy::begin();
    std::fs::create_dir(copy.desk.path("full")).unwrap();
    copy.desk.write("full/file", b"somebody's");
    let args = ["mirror", "--trust", "trust.toml", "--dir"];
    let refused = copy.desk.run(&[&args[..], &["full"]].concat());
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(!copy.desk.exists("full/lock"));
    let none = copy.desk.run(&[&args[..], &["full", "--check"]].concat());
    assert_eq!(none.code, 2, "{none:?}");

    std::fs::create_dir(copy.desk.path("other")).unwrap();
    copy.desk.write(
        "other/labelproof-mirror",
        b"labelproof-mirror/v1\nother.example\nAA==\n",
    );
    let refused = copy.desk.run(&[&args[..], &["other"]].concat());
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("other.example"), "{refused:?}");

    let unfinished = copy.run(&["--check"]);
    assert_eq!(unfinished.code, 2, "{unfinished:?}");
}

#[test]
fn a_log_that_forks_changes_no_mirror() {
    let mut copy = Copy::begin();
    assert_eq!(copy.run(&[]).code, 0);
    let before = files(&copy.dir());
    let mut other = PaperLog::founded(now());
    other.append(&(1..262).map(issue).collect::<Vec<_>>());
    // Also when the trust store has forgotten what it accepted: the folder remembers.
    for forget in [json!(false), json!(true)] {
        copy.parrot.say(other.answers(&[]));
        if forget == true {
            std::fs::remove_dir_all(copy.desk.path("trust.toml.newest")).unwrap();
        }
        let ended = copy.run(&["--json"]);
        assert_eq!(ended.code, 20, "{ended:?}");
        let evidence = json_of(&ended)["result"]["evidence"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(copy.desk.exists(&evidence));
        assert_eq!(files(&copy.dir()), before);
    }
    std::fs::remove_dir_all(copy.desk.path("trust.toml.newest")).unwrap();
    copy.log.append(&[issue(1_000)]);
    copy.parrot.say(copy.log.answers(&[]));
    assert_eq!(copy.run(&[]).code, 0);
    // An older head of the same log changes nothing either.
    let size = copy.log.size();
    let mut behind = PaperLog::founded(copy.time);
    behind.append(&(0..260).map(issue).collect::<Vec<_>>());
    copy.parrot.say(behind.answers(&[]));
    let ended = copy.run(&["--json"]);
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(json_of(&ended)["result"]["size"], size);
}
