//! Old copies and second histories: the log refuses to sign, the witnesses to cosign, the client to believe.

use std::path::Path;
use std::process::Command;

use labelproof_tests::http;
use labelproof_tests::world;

use crate::demo_network;

const ISSUER: &str = "label.jp.example";

/// `21` of the table of exit codes: this store is older than what a witness holds.
const OLDER_THAN_A_WITNESS: i32 = 21;

#[test]
fn a_log_restored_to_an_older_copy_signs_nothing() {
    let mut network = demo_network("restored");
    network.take_log().unwrap().stop().unwrap();
    let copy = network.dir().join("backup");
    copy_folder(&network.log_dir(), &copy);
    network.start_log().unwrap();
    network.wait_until_ready();
    let answer = network.submit(&world::issue("jp.jc-star/AFTER-1", ISSUER));
    assert_eq!(answer.status, 201, "{}", answer.text());
    network.take_log().unwrap().stop().unwrap();

    std::fs::remove_dir_all(network.log_dir()).unwrap();
    copy_folder(&copy, &network.log_dir());
    let heads: Vec<_> = world::WITNESSES
        .iter()
        .map(|code| held_by(&network, code))
        .collect();
    let code = match network.start_log() {
        Ok(()) => network.take_log().unwrap().wait().unwrap().code(),
        Err(error) => error
            .to_string()
            .contains("exit status: 21")
            .then_some(OLDER_THAN_A_WITNESS),
    };
    assert_eq!(code, Some(OLDER_THAN_A_WITNESS));
    let said = std::fs::read_to_string(network.dir().join("log.stderr")).unwrap();
    assert!(
        world::WITNESSES.iter().any(|code| said.contains(code)),
        "it names a witness: {said}"
    );
    for (code, head) in world::WITNESSES.iter().zip(heads) {
        assert_eq!(held_by(&network, code), head, "{code} cosigned nothing");
    }
}

#[test]
fn two_servers_on_one_folder_are_one_server() {
    let network = demo_network("locked");
    let (dir, policy) = (network.log_dir(), network.policy());
    let second = network
        .command(labelproof_tests::programs::Program::Log)
        .args(["serve", "--listen", "127.0.0.1:0", "--dir"])
        .arg(&dir)
        .arg("--policy")
        .arg(&policy)
        .output()
        .unwrap();
    assert!(!second.status.success());
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(said.contains("lock") || said.contains("another"), "{said}");
    assert_eq!(
        network
            .submit(&world::issue("jp.jc-star/ONE-1", ISSUER))
            .status,
        201
    );
}

/// The first three lines a witness holds for our log.
fn held_by(network: &labelproof_tests::network::Network, code: &str) -> String {
    let origin = world::origin().hash();
    let answer = http::get(&format!(
        "{}/{origin}/checkpoint",
        network.witness(code).url()
    ))
    .unwrap();
    assert_eq!(answer.status, 200, "{code}");
    answer
        .text()
        .lines()
        .take(3)
        .map(|line| format!("{line}\n"))
        .collect()
}

fn copy_folder(from: &Path, to: &Path) {
    let copied = Command::new("cp")
        .arg("-a")
        .arg(from)
        .arg(to)
        .status()
        .unwrap();
    assert!(copied.success());
}
