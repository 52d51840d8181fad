//! The program itself: its commands, what they print, how they end.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use labelproof_core::key::{KeyType, Vkey};
use labelproof_host::fetch::Fetch;

use super::log::Log;

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_labelproof-witness"));
    command.args(args);
    command
}

fn run(args: &[&str]) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command(args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// A child that is killed when the test ends.
struct Served(Child, String);

impl Served {
    fn start(dir: &str) -> Self {
        let mut command = command(&["serve", "--dir", dir, "--listen", "127.0.0.1:0"]);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let at = line.find("http://").unwrap_or_else(|| panic!("{line:?}"));
        Self(child, line[at..].trim_end().to_owned())
    }

    fn stop(mut self) -> Option<i32> {
        let id = self.0.id().to_string();
        Command::new("kill").arg(id).status().unwrap();
        self.0.wait().unwrap().code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn from_init_to_a_cosignature_and_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("w1");
    let dir = dir.to_str().unwrap();
    let (code, vkey, _) = run(&["init", "--name", "witness.example/w1", "--dir", dir]);
    assert_eq!(code, 0);
    let vkey: Vkey = vkey.trim_end().parse().unwrap();
    assert_eq!(vkey.key_type(), KeyType::Cosignature);
    let mode = std::fs::metadata(Path::new(dir).join("witness.key"))
        .unwrap()
        .permissions();
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777,
        0o600
    );

    let log = Log::new("labels.g7.example", 9, 9);
    let log_vkey = log.key().vkey().to_string();
    assert_eq!(run(&["logs", "add", "--dir", dir, &log_vkey]).0, 0);

    let fetch = Fetch::new(std::time::Duration::from_secs(10));
    let post = |served: &Served, old, new| {
        let url = format!("{}/add-checkpoint", served.1);
        let body = log.body(old, new);
        let response = fetch.post(&url, &body, "text/plain", 4096).unwrap();
        (
            response.status(),
            String::from_utf8(response.body().to_vec()).unwrap(),
        )
    };
    let served = Served::start(dir);
    assert_eq!(post(&served, 0, 5).0, 200);
    // A folder has one program at a time.
    let (code, _, error) = run(&["logs", "list", "--dir", dir]);
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("in use"), "{error}");
    assert_eq!(served.stop(), Some(0));

    let served = Served::start(dir);
    assert_eq!(post(&served, 0, 5), (409, "5\n".to_owned()));
    assert_eq!(post(&served, 5, 9).0, 200);
    assert_eq!(served.stop(), Some(0));
    let (code, list, _) = run(&["logs", "list", "--dir", dir]);
    assert_eq!(
        (code, list.split('\t').take(3).collect::<Vec<_>>()),
        (0, vec!["active", "9", "labels.g7.example"])
    );

    assert_eq!(
        run(&["logs", "retire", "--dir", dir, "labels.g7.example"]).0,
        0
    );
    assert_eq!(
        run(&["logs", "retire", "--dir", dir, "labels.g7.example"]).0,
        10
    );
    let (_, list, _) = run(&["logs", "list", "--dir", dir]);
    assert!(list.starts_with("retired\t9\tlabels.g7.example"), "{list}");
}

#[test]
fn the_doctor_names_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("w1");
    let doctor = || run(&["doctor", "--dir", dir.to_str().unwrap()]);
    run(&["init", "--name", "w", "--dir", dir.to_str().unwrap()]);
    let (code, said, _) = doctor();
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("logs add"), "{said}");

    let log = Log::new("labels.g7.example", 9, 9).key().vkey().to_string();
    run(&["logs", "add", "--dir", dir.to_str().unwrap(), &log]);
    let (code, said, _) = doctor();
    assert_eq!(code, 0, "{said}");
    assert!(said.lines().all(|line| line.starts_with("ok ")), "{said}");

    std::fs::create_dir(dir.join("evidence")).unwrap();
    std::fs::write(dir.join("evidence/x.evidence"), "x").unwrap();
    assert_eq!(doctor().0, 20);
    std::fs::write(dir.join("state.redb"), "").unwrap();
    let (_, said, _) = doctor();
    assert!(said.contains("what was cosigned is lost"), "{said}");
    std::fs::write(dir.join("logs"), "logs/v1\n").unwrap();
    let (_, said, _) = doctor();
    assert!(said.contains("line 1"), "{said}");
}

#[test]
fn what_cannot_be_done_is_said_with_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let dir = path("w1");
    assert_eq!(run(&["init", "--name", "w", "--dir", &dir]).0, 0);
    std::fs::write(path("bad.list"), "logs/v1\n").unwrap();
    let table: [(&[&str], i32, &str); 11] = [
        (&[], 2, "Usage"),
        (&["--help"], 0, ""),
        (&["--version"], 0, ""),
        (&["init", "--name", "w", "--dir", &dir], 2, "not empty"),
        (
            &["init", "--name", "a b", "--dir", &path("w2")],
            2,
            "malformed key name",
        ),
        (&["logs", "add", "--dir", &dir], 2, "required"),
        (
            &["logs", "add", "--dir", &dir, "x"],
            10,
            "x is no log's key: malformed key, want name+id+base64\n",
        ),
        (
            &["logs", "add", "--dir", &dir, "--list", &path("none.list")],
            2,
            "none.list",
        ),
        (
            &["logs", "add", "--dir", &dir, "--list", &path("bad.list")],
            10,
            "line 1",
        ),
        (
            &["logs", "retire", "--dir", &dir, "unknown.example"],
            10,
            "no active log",
        ),
        (
            &["serve", "--dir", &path("none"), "--listen", "127.0.0.1:0"],
            2,
            "holds no witness; make one",
        ),
    ];
    let (code, json, _) = run(&["logs", "list", "--dir", &path("none"), "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["exit"], json["error"].is_string()),
        (&code.into(), true)
    );
    for (args, code, want) in table {
        let (got, _, error) = run(args);
        assert_eq!(got, code, "{args:?}: {error}");
        assert!(error.contains(want), "{args:?}: {error}");
    }
}
