//! The README: its commands run as they stand, in one shell, and print what it shows.

use std::net::TcpListener;
use std::path::Path;

use labelproof_tests::programs::Programs;
use labelproof_tests::transcript::{run, steps};

/// The addresses the README names; each run takes free ones, so that two runs do not meet.
const ADDRESSES: [&str; 4] = [
    "127.0.0.1:7380",
    "127.0.0.1:7381",
    "127.0.0.1:7382",
    "127.0.0.1:7383",
];

#[test]
fn readme_commands_print_what_it_shows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut text = std::fs::read_to_string(root.join("README.md")).unwrap();
    // All held at once, so that no two get the same port.
    let listeners = ADDRESSES.map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
    for (address, listener) in ADDRESSES.iter().zip(&listeners) {
        assert!(text.contains(address), "{address} is not in README.md");
        text = text.replace(address, &listener.local_addr().unwrap().to_string());
    }
    drop(listeners);
    let dir = tempfile::tempdir().unwrap();
    let walk = dir.path().join("walk");
    std::fs::create_dir(&walk).unwrap();
    let demo = Path::new(env!("CARGO_BIN_EXE_labelproof-demo"));
    let programs = Programs::link(demo, dir.path()).unwrap();
    let steps = steps(&text);
    assert!(
        steps.len() > 25,
        "the walk-through has {} commands",
        steps.len()
    );
    if let Err(error) = run(&steps, &walk, programs.bin()) {
        let said = std::fs::read_to_string(walk.join("log.out")).unwrap_or_default();
        panic!("README.md, {error}\nthe log said\n{said}");
    }
}

#[test]
fn first_screen_has_exactly_the_two_commands() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = std::fs::read_to_string(root.join("README.md")).unwrap();
    let is_command = |line: &&str| line.starts_with("cargo ") || line.starts_with("$ ");
    let commands: Vec<&str> = text.lines().take(40).filter(is_command).collect();
    assert_eq!(commands, ["cargo run --release", "cargo test --release"]);
}
