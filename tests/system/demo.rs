//! `labelproof-demo` itself: what it prints, that it runs what it prints, that it leaves nothing behind.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::demo;

/// What the nine commands end with, in their order.
const EXIT_CODES: [&str; 9] = ["0", "0", "13", "17", "13", "13", "0", "0", "0"];

/// Log, monitor and witnesses.
const CHILDREN: usize = 9;

#[test]
fn once_runs_the_nine_commands_exactly_as_printed() {
    let begun = Instant::now();
    let mut child = start(&["--once"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let mut said = vec![lines.next().unwrap()];
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "it is silent for too long"
    );
    said.extend(lines);
    assert!(child.wait().unwrap().success(), "{}", said.join("\n"));

    let (story, last) = said.split_at(said.len() - EXIT_CODES.len() - 1);
    assert!(
        last[0].starts_with("export PATH=") && last[0].ends_with("/bin:$PATH"),
        "{}",
        last[0]
    );
    let told = story.join("\n");
    assert!(
        told.contains("All nine did what they should") && told.contains("`--dir DIR`"),
        "{told}"
    );
    assert!(
        !told.contains("Your turn"),
        "nothing is left to try: {told}"
    );
    let run: Vec<_> = story
        .iter()
        .filter_map(|line| line.strip_prefix("$ "))
        .collect();
    assert_eq!(run, last[1..]);
    let codes: Vec<_> = story
        .iter()
        .filter_map(|line| line.strip_prefix("  exit code "))
        .collect();
    assert_eq!(codes, EXIT_CODES);
}

#[test]
fn an_interrupt_ends_every_process_and_keeps_a_given_folder() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("network");
    let mut child = start(&["--dir", folder.to_str().unwrap()]);
    wait_for_the_last_line(&mut child);
    a_lie_with_its_key_is_proved(&folder);
    let children = children_of(child.id());
    assert_eq!(children.len(), CHILDREN);
    signal("INT", child.id());
    assert!(child.wait().unwrap().success());
    for process in children {
        assert!(
            !Path::new(&format!("/proc/{process}")).exists(),
            "process {process} lives on"
        );
    }
    for part in [
        "bin/labelproof",
        "log",
        "witness/jp",
        "keys/label.jp.example.key",
        "trust.toml",
    ] {
        assert!(folder.join(part).exists(), "{part} is gone");
    }
    let again = Command::new(demo())
        .arg("--dir")
        .arg(&folder)
        .output()
        .unwrap();
    assert_eq!(
        again.status.code(),
        Some(2),
        "a folder in use is taken twice"
    );
}

#[test]
fn children_end_with_a_demo_that_was_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = start(&["--dir", dir.path().to_str().unwrap()]);
    wait_for_the_last_line(&mut child);
    let children = children_of(child.id());
    assert_eq!(children.len(), CHILDREN);
    child.kill().unwrap();
    child.wait().unwrap();
    for process in children {
        // Nobody's children tell nobody; coreutils watches a process that is not one's own.
        let watch = ["30", "tail", &format!("--pid={process}"), "-f", "/dev/null"];
        let ended = Command::new("timeout").args(watch).status().unwrap();
        assert!(ended.success(), "process {process} lives on");
    }
}

#[test]
fn what_the_demo_shows_holds_without_two_witnesses_and_not_without_three() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = start(&["--dir", dir.path().to_str().unwrap()]);
    let commands = wait_for_the_last_line(&mut child);
    let witness = |code: &str| {
        let folder = format!("witness/{code}");
        let of_witness = |process: &u32| {
            fs::read_to_string(format!("/proc/{process}/cmdline"))
                .unwrap()
                .contains(&folder)
        };
        children_of(child.id())
            .into_iter()
            .find(of_witness)
            .unwrap()
    };
    let bin = dir.path().canonicalize().unwrap().join("bin");
    let run = |command: &str| {
        let line = format!("PATH={}:$PATH; {command}", bin.display());
        let ended = Command::new("sh").args(["-c", &line]).output().unwrap();
        ended.status.code().unwrap().to_string()
    };
    signal("KILL", witness("ca"));
    signal("KILL", witness("us"));
    let codes: Vec<_> = commands.iter().map(|command| run(command)).collect();
    assert_eq!(codes, EXIT_CODES);
    signal("KILL", witness("it"));
    // With five it takes a second; how long the client waits in the end is its own test.
    let another = commands[6].replace("EX-000201", "EX-000202");
    let another = format!("timeout 15 {another}");
    assert!(another.contains("EX-000202"), "{another}");
    assert_ne!(run(&another), "0", "revoked, with four witnesses of seven");
    signal("INT", child.id());
    child.wait().unwrap();
}

/// `labelproof-demo lie`, beside a demo that is up.
fn a_lie_with_its_key_is_proved(folder: &Path) {
    let lie = |dir: &Path| {
        let args = ["lie", "--dir"];
        Command::new(demo()).args(args).arg(dir).output().unwrap()
    };
    // Cosignatures are renewed meanwhile; what is signed stays.
    let head = |file: &str| {
        let note = fs::read_to_string(folder.join(file)).unwrap();
        note.lines().take(3).collect::<Vec<_>>().join(" ")
    };
    let before = head("log/checkpoint");
    let told = lie(folder);
    let said = String::from_utf8(told.stdout).unwrap();
    assert!(told.status.success(), "{said}");
    for words in [
        "labels.g7.example signed two histories",
        "THE LOG MISBEHAVED",
        "claim      fork",
        "exit code 20",
    ] {
        assert!(said.contains(words), "{words} is not in:\n{said}");
    }
    assert_eq!(head("log/checkpoint"), before);
    assert_eq!(head("lie/shown-to-one.note"), before);
    assert_ne!(head("lie/shown-to-another.note"), before);
    let nowhere = lie(&folder.join("keys"));
    assert_eq!(nowhere.status.code(), Some(1), "there is no demo's log");
}

fn start(args: &[&str]) -> Child {
    Command::new(demo())
        .args(args)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Reads the nine commands; the demo then waits for a signal.
fn wait_for_the_last_line(child: &mut Child) -> Vec<String> {
    let lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let commands = lines.filter(|line| line.starts_with("labelproof"));
    let commands: Vec<_> = commands.take(EXIT_CODES.len()).collect();
    assert_eq!(commands.len(), EXIT_CODES.len(), "the demo ended early");
    commands
}

/// The processes whose parent is `parent`.
///
/// From each process's own `stat`: `task/TID/children` may leave out a child while a thread or another child ends.
fn children_of(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap();
    let ids = processes.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    ids.filter(|id| parent_of(*id) == Some(parent)).collect()
}

/// The parent of a process that has not ended: the second field after the name, which alone may hold `)`.
fn parent_of(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    (state != "Z")
        .then(|| fields.next()?.parse().ok())
        .flatten()
}

fn signal(name: &str, process: u32) {
    let sent = Command::new("sh")
        .args(["-c", &format!("kill -{name} {process}")])
        .status()
        .unwrap();
    assert!(sent.success());
}
