//! `trust init`, `trust show`, `trust check`: the file that says whom to believe.

use std::path::Path;

use labelproof::{
    log_server::LogServer,
    proof::open_checkpoint,
    trust::{TrustFile, TrustedLog, store::TrustStore},
};
use labelproof_core::{
    merkle::{LeafHash, LeafIndex},
    note::Note,
    policy::{Policy, PolicyWitness},
};
use labelproof_host::exit::Exit;
use serde_json::{Value, json};

use crate::{
    args::TrustInit,
    duration::Spoken,
    outcome::{server_failed, store_failed, tiles_exit},
    report::{Failure, Report},
    world::World,
};

/// Makes a trust file after the log has shown the genesis asked for under a head that meets the policy.
pub(crate) fn init(args: &TrustInit, world: &World) -> Result<Report, Failure> {
    world.must_be_new(&args.out)?;
    let text = world.read_text(&args.policy)?;
    let policy = Policy::parse(text.as_bytes()).map_err(|error| {
        Failure::on(Exit::Malformed, args.policy.display(), &error).next("see c2sp.org/tlog-policy")
    })?;
    if policy.logs().is_empty() {
        let what = format!(
            "{}: no `log` line, so any log's head would do",
            args.policy.display()
        );
        return Err(Failure::new(Exit::Malformed, what).next(format!(
            "add a line `log <the log's verifier key> {}`",
            args.log
        )));
    }
    let server = world.server(&args.log)?;
    let note = server
        .checkpoint()
        .map_err(|error| server_failed(&server, &error))?;
    let origin = note.text().lines().next().unwrap_or_default().to_owned();
    let text = with_address(&text, &policy, server.url());
    let file = origin
        .parse()
        .map_err(|_| {
            Failure::new(
                Exit::Malformed,
                format!("{}: the checkpoint has no origin", server.url()),
            )
        })
        .and_then(|origin| {
            TrustFile::first(&origin, args.genesis, &text)
                .map_err(|error| Failure::on(Exit::Malformed, args.policy.display(), &error))
        })?;
    let trust =
        TrustFile::parse(file.as_bytes()).map_err(|error| Failure::of(Exit::Internal, &error))?;
    for log in trust.logs() {
        genesis_is_there(&server, log, note.clone(), world)?;
    }
    world.write(&args.out, file.as_bytes())?;
    let said = format!(
        "{} trusts {origin}\n\n  SHA-256  {}\n\nCompare the hash with the one its publisher shows elsewhere, \
         before you rely on it.",
        args.out.display(),
        trust.hash()
    );
    let mut result = described(&trust);
    result["file"] = json!(args.out.display().to_string());
    Ok(Report::done(said, result))
}

/// Shows whom a trust file trusts, and what was last accepted under it.
pub(crate) fn show(file: &Path, world: &World) -> Result<Report, Failure> {
    let trust = load(file, world)?;
    let store = TrustStore::beside(file, world.fs());
    let now = world.now();
    let mut text = format!(
        "{}  version {}\n  SHA-256  {}\n",
        file.display(),
        trust.version(),
        trust.hash()
    );
    let mut result = described(&trust);
    for (at, log) in trust.logs().iter().enumerate() {
        text.push_str(&log_lines(log));
        let newest = store.newest(log).map_err(|error| store_failed(&error))?;
        match newest {
            None => text.push_str("  newest     nothing accepted yet\n"),
            Some(newest) => {
                let age = now.seconds_since(newest.as_of());
                let head = newest.checkpoint().head();
                text.push_str(&format!(
                    "  newest     size {}, as of {} ({} ago)\n             root {}\n",
                    head.size(),
                    newest.as_of(),
                    Spoken(age),
                    head.root()
                ));
                result["logs"][at]["newest"] = json!({
                    "size": head.size().get(), "root": head.root().to_string(),
                    "as_of": newest.as_of().to_string(), "age_seconds": age,
                });
            }
        }
    }
    Ok(Report::done(text, result))
}

/// Explains a trust file; it is well formed if this succeeds.
pub(crate) fn check(file: &Path, world: &World) -> Result<Report, Failure> {
    let trust = load(file, world)?;
    let mut text = format!(
        "{} is well formed: version {}",
        file.display(),
        trust.version()
    );
    match trust.previous() {
        None => text.push_str(", the first\n"),
        Some(hash) => text.push_str(&format!(", replaces the file with SHA-256 {hash}\n")),
    }
    text.push_str(&format!("  SHA-256  {}\n", trust.hash()));
    for log in trust.logs() {
        text.push_str(&log_lines(log));
    }
    text.push_str(
        "\nWhether it is the right file only its hash can say; compare it with its publisher's.",
    );
    Ok(Report::done(text, described(&trust)))
}

/// Reads a trust file.
pub(crate) fn load(file: &Path, world: &World) -> Result<TrustFile, Failure> {
    let bytes = world.read(file).map_err(|failure| {
        failure.next("name your trust file, or make one with `labelproof trust init`")
    })?;
    TrustFile::parse(&bytes).map_err(|error| Failure::on(Exit::Malformed, file.display(), &error))
}

/// Checks that the log holds the genesis asked for, under a head with the quorum.
fn genesis_is_there(
    server: &LogServer,
    log: &TrustedLog,
    note: Note,
    world: &World,
) -> Result<(), Failure> {
    let signed = open_checkpoint(note, log).map_err(|error| {
        Failure::on(Exit::NotSigned, server.url(), &error)
            .next("compare the `log` line of the policy")
    })?;
    let head = log
        .policy()
        .accept(signed.clone(), world.now())
        .map_err(|error| Failure::on(Exit::NotSigned, server.url(), &error))?;
    let entry = server
        .tiles(&signed)
        .entry(LeafIndex::new(0))
        .map_err(|error| Failure::on(tiles_exit(&error), server.url(), &error))?;
    let got = LeafHash::of_entry(&entry);
    if got != log.genesis() {
        let what = format!(
            "{}: entry 0 has the leaf hash {got}, not {}",
            server.url(),
            log.genesis()
        );
        return Err(Failure::new(Exit::NotInLog, what).next(
            "this is another log than the one whose genesis you were given; do not trust it",
        ));
    }
    world.note(format!(
        "{} shows the genesis under a witnessed head of size {}",
        server.url(),
        head.head().size()
    ));
    Ok(())
}

/// The policy with the log's address on its `log` line, if it had none.
fn with_address(text: &str, policy: &Policy, url: &str) -> String {
    let [only] = policy.logs() else {
        return text.into();
    };
    if only.url().is_some() {
        return text.into();
    }
    let vkey = only.vkey().to_string();
    let mut new = String::new();
    for line in text.split_inclusive('\n') {
        let mut words = line
            .split([' ', '\t', '\n'])
            .filter(|word| !word.is_empty());
        match (words.next(), words.next()) {
            (Some("log"), Some(key)) if key == vkey => new.push_str(&format!("log {vkey} {url}\n")),
            _ => new.push_str(line),
        }
    }
    new
}

fn log_lines(log: &TrustedLog) -> String {
    let policy = log.policy();
    let url = policy
        .logs()
        .iter()
        .find_map(|log| log.url())
        .unwrap_or("none; say --log");
    let names: Vec<&str> = policy.witnesses().iter().map(PolicyWitness::name).collect();
    format!(
        "\n{}\n  home of    {}\n  address    {url}\n  genesis    {}\n  witnesses  {}: {}\n  overlap    any two \
         quorums share at least {} of them\n",
        log.origin(),
        log.schemes(),
        log.genesis(),
        names.len(),
        names.join(" "),
        policy.smallest_overlap(),
    )
}

fn described(trust: &TrustFile) -> Value {
    let logs: Vec<Value> = trust
        .logs()
        .iter()
        .map(|log| {
            let policy = log.policy();
            json!({
                "origin": log.origin().as_str(),
                "genesis": log.genesis().to_string(),
                "schemes": log.schemes().to_string(),
                "url": policy.logs().iter().find_map(|log| log.url()),
                "witnesses": policy.witnesses().iter().map(|witness| json!({
                    "name": witness.name(), "vkey": witness.vkey().to_string(),
                })).collect::<Vec<_>>(),
                "smallest_overlap": policy.smallest_overlap(),
            })
        })
        .collect();
    json!({
        "trust_version": trust.version(), "sha256": trust.hash().to_string(),
        "previous": trust.previous().map(|hash| hash.to_string()), "logs": logs,
    })
}
