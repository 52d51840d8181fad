//! `verify` opens no socket: asked of the kernel, by `strace` or in a namespace without interfaces.

use std::path::Path;
use std::process::Command;

use super::{ACTIVE, AT, Desk, log_at, then};

#[test]
fn verify_opens_no_socket() {
    let desk = Desk::trusting("http://127.0.0.1:1");
    desk.write("a.labelproof", &log_at(then()).bundle(ACTIVE));
    let args = [
        "verify",
        "a.labelproof",
        "--trust",
        "trust.toml",
        "--at",
        AT,
    ];
    let traced = has("strace", &["-f", "-o", "/dev/null", "true"]);
    let isolated = has("unshare", &["--user", "--map-root-user", "--net", "true"]);
    if traced {
        assert_eq!(network_calls(&desk, &args, 0), Vec::<String>::new());
        let online = ["status", ACTIVE, "--trust", "trust.toml"];
        assert_ne!(
            network_calls(&desk, &online, 69),
            Vec::<String>::new(),
            "the trace sees sockets"
        );
    }
    if isolated {
        let program = desk.command();
        let status = Command::new("unshare")
            .args(["--user", "--map-root-user", "--net"])
            .arg(Path::new(program.get_program()))
            .args(args)
            .current_dir(desk.dir.path())
            .output()
            .unwrap()
            .status;
        assert_eq!(status.code(), Some(0), "it works without any interface");
    }
    if !traced && !isolated {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "neither strace nor unshare works here"
        );
        eprintln!("skipped: neither strace nor unshare works here");
    }
}

pub(crate) fn network_calls(desk: &Desk, args: &[&str], code: i32) -> Vec<String> {
    let calls = desk.path("calls");
    let program = desk.command();
    let done = Command::new("strace")
        .args(["-f", "-e", "trace=network", "-o"])
        .arg(&calls)
        .arg(program.get_program())
        .args(args)
        .current_dir(desk.dir.path())
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(code), "{done:?}");
    let calls = std::fs::read_to_string(&calls).unwrap();
    let calls = calls
        .lines()
        .filter(|line| !line.contains("+++") && !line.contains("---"));
    calls.map(str::to_owned).collect()
}

pub(crate) fn has(program: &str, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .output()
        .is_ok_and(|done| done.status.success())
}
