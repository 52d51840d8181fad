//! `verify`: proofs from files, against a trust file, without a network.
//!
//! This file and those it uses must never reach a socket: no server is made here, and nothing is
//! written but the file that `--evidence` names.

mod bundle;
mod entry;
mod evidence;
mod products;

use std::path::Path;

use labelproof::trust::{TrustFile, store::TrustStore};
use labelproof_core::{event::Event, time::Time};
use labelproof_host::exit::Exit;
use serde_json::{Value, json};

use crate::{
    args::Verify,
    files::{FileKind, events_of},
    report::{Failure, Report, Said, Tone, meaning},
    trust,
    world::World,
};

/// Checks each file; the most severe of their ends is the exit.
pub(crate) fn run(args: &Verify, world: &World) -> Result<Report, Failure> {
    let trust = trust::load(&args.trust, world)?;
    let events = match &args.event {
        None => None,
        Some(file) => Some(events_of(&file.display().to_string(), &world.read(file)?)?),
    };
    let bench = Bench {
        args,
        world,
        store: TrustStore::beside(&args.trust, world.fs()),
        trust,
        events,
        now: args.age.at.unwrap_or_else(|| world.now()),
    };
    let mut said = Vec::new();
    let mut inputs = Vec::new();
    let mut exits = Vec::new();
    for file in &args.files {
        let checked = bench
            .check(file)
            .unwrap_or_else(|failure| refused(file, failure));
        said.extend(checked.said);
        exits.push(checked.exit);
        let mut input = checked.result;
        input["file"] = json!(file.display().to_string());
        input["exit"] = json!(checked.exit.code());
        input["meaning"] = json!(meaning(checked.exit));
        inputs.push(input);
    }
    // Nothing to verify is a failure, never success.
    let exit = Exit::worst(exits).unwrap_or(Exit::Malformed);
    Ok(Report {
        exit,
        said,
        result: json!({ "inputs": inputs }),
    })
}

/// What every file is checked against.
struct Bench<'a> {
    args: &'a Verify,
    world: &'a World,
    store: TrustStore,
    trust: TrustFile,
    events: Option<Vec<Event>>,
    now: Time,
}

impl Bench<'_> {
    fn check(&self, file: &Path) -> Result<Report, Failure> {
        let bytes = self.world.read_pack(file)?;
        let name = file.display().to_string();
        match FileKind::of(&bytes) {
            Some(FileKind::Bundle) => self.bundle(&name, &bytes),
            Some(FileKind::TlogProof) if file.extension().is_some_and(|ending| ending == "receipt") => {
                self.receipt(&name, &bytes)
            }
            Some(FileKind::TlogProof) => self.proof(&name, &bytes),
            Some(FileKind::Evidence) => self.evidence(&name, &bytes),
            Some(_) | None => Err(Failure::new(Exit::Malformed, format!("{name}: not a proof"))
                .next("give a bundle, a tlog-proof, a receipt or evidence; `labelproof inspect` says what a file is")),
        }
    }
}

/// A file that was refused, as one answer among others.
fn refused(file: &Path, failure: Failure) -> Report {
    let body = match failure.next_step() {
        Some(next) => format!("  {}\n  next: {next}\n", failure.what()),
        None => format!("  {}\n", failure.what()),
    };
    let tone = if failure.exit() == Exit::Usage {
        Tone::Unsure
    } else {
        Tone::Bad
    };
    let said = Said::Answer {
        tone,
        word: "NOT VERIFIED".into(),
        about: file.display().to_string(),
        body,
    };
    let mut result = json!({ "error": failure.what(), "next": failure.next_step() });
    if let Some(Value::Object(more)) = failure.result() {
        for (key, value) in more {
            result[key] = value.clone();
        }
    }
    Report {
        exit: failure.exit(),
        said: vec![said],
        result,
    }
}
