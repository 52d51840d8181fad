//! Every file with a byte altered: the same verdict or none, never another.

use super::{ACTIVE, AT, Desk, EXPIRED, REVOKED, SUSPENDED, UNKNOWN, json_of, log_at, then};

/// Every how many bytes one is altered; a prime, so that all columns of a line are met.
const STRIDE: usize = 97;

/// How many files one command is given; well below what a command line holds.
const AT_ONCE: usize = 64;

#[test]
fn an_altered_byte_never_turns_one_verdict_into_another() {
    let log = log_at(then());
    let desk = Desk::trusting("http://127.0.0.1:1");
    for (subject, code) in [
        (ACTIVE, 0),
        (SUSPENDED, 15),
        (REVOKED, 13),
        (EXPIRED, 14),
        (UNKNOWN, 17),
    ] {
        let bundle = log.bundle(subject);
        let mut names = Vec::new();
        for at in (0..bundle.len()).step_by(STRIDE) {
            let mut altered = bundle.clone();
            // One bit for half of them; for the other half a letter, which stays base64.
            altered[at] = match (at / STRIDE) % 2 {
                0 => altered[at] ^ 1,
                _ if altered[at] == b'A' => b'B',
                _ => b'A',
            };
            let name = format!("{at}.labelproof");
            desk.write(&name, &altered);
            names.push(name);
        }
        for names in names.chunks(AT_ONCE) {
            let mut args = vec![
                "--json",
                "verify",
                "--trust",
                "trust.toml",
                "--at",
                AT,
                "--subject",
                subject,
            ];
            args.extend(names.iter().map(String::as_str));
            let object = json_of(&desk.run(&args));
            let inputs = object["result"]["inputs"].as_array().unwrap();
            assert_eq!(inputs.len(), names.len());
            for input in inputs {
                let exit = input["exit"].as_u64().unwrap();
                // A cosigner's line that is no longer one may leave a quorum, and so the same verdict.
                let allowed = [code, 10, 11, 12];
                assert!(allowed.contains(&exit), "{subject} became {exit}: {input}");
            }
        }
    }
}
