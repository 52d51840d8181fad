//! `pack`: the proofs a shop takes along, for all its products under one head.
//!
//! ```text
//! make     GTINs ─▶ log ─▶ checked ─▶ FILE
//! update   FILE's GTINs ─▶ log ─▶ checked, not smaller ─▶ FILE, replaced at once
//! verify   FILE, without a network
//! ```
//! An update asks for the whole pack again: the protocol has no deltas.

use std::path::Path;

use labelproof::{lookup::Looked, trust::store::TrustStore};
use labelproof_core::status::pack::PackSubject;
use labelproof_host::exit::Exit;
use serde_json::json;

use crate::{
    age::Limits,
    args::{PackMake, PackUpdate, PackVerify},
    assortment::Column,
    check::{Assortment, gtins_of},
    held::{Held, Reading, fetch, only_log},
    publish::destination,
    report::{Failure, Report, Said, Tone},
    trust,
    world::World,
};

impl Assortment for PackMake {
    fn column(&self) -> Option<&Column> {
        self.column.as_ref()
    }
}

/// Makes a pack; rows that hold no GTIN are named and left out, and then the exit is 10.
pub(crate) fn make(args: &PackMake, world: &World) -> Result<Report, Failure> {
    let trust = trust::load(&args.network.trust, world)?;
    let log = only_log(&trust)?;
    let to = destination(&args.network, log, world)?;
    let (gtins, wrong) = gtins_of(&args.file, args)?;
    let subjects: Vec<PackSubject> = gtins.into_iter().map(PackSubject::Product).collect();
    let looked = fetch(&to, &subjects, world)?;
    let reading = Reading {
        trust: &trust,
        store: &to.store,
        now: world.now(),
        at: None,
        limits: Limits::online(None),
        evidence: None,
    };
    let held = Held::from_log(&looked, log, &reading)?;
    written("PACKED", &args.out, &looked, &held, &wrong, world)
}

/// Fetches the same products anew.
pub(crate) fn update(args: &PackUpdate, world: &World) -> Result<Report, Failure> {
    let trust = trust::load(&args.network.trust, world)?;
    let log = only_log(&trust)?;
    let to = destination(&args.network, log, world)?;
    let name = args.file.display().to_string();
    let reading = Reading {
        trust: &trust,
        store: &to.store,
        now: world.now(),
        at: None,
        limits: Limits::online(None),
        evidence: None,
    };
    let old = Held::from_file(&name, &world.read_pack(&args.file)?, &reading, world)?;
    let looked = fetch(&to, &old.subjects(), world)?;
    let new = Held::from_log(&looked, log, &reading)?;
    if new.size() < old.size() {
        let what = format!(
            "{name} is under size {}, and the log's answer under the smaller size {}",
            old.size(),
            new.size()
        );
        return Err(Failure::new(Exit::TooOld, what)
            .next("the file stays as it is; repeat, or ask another server of this log"));
    }
    written("UPDATED", &args.file, &looked, &new, &[], world)
}

/// Writes a pack whose age counts, and says what is in it.
fn written(
    word: &str,
    file: &Path,
    looked: &Looked,
    held: &Held,
    wrong: &[String],
    world: &World,
) -> Result<Report, Failure> {
    if !held.age().counts() {
        return Err(Failure::new(Exit::TooOld, held.age().says())
            .next("nothing was written; repeat, or ask another server of this log"));
    }
    world.write(file, looked.bytes())?;
    let mut body = held.text();
    body.push_str(&format!(
        "  file       {} kB\n",
        looked.bytes().len() / 1_000
    ));
    for line in wrong.iter().take(MAX_NAMED) {
        body.push_str(&format!("  left out   {line}\n"));
    }
    if let Some(more @ 1..) = wrong.len().checked_sub(MAX_NAMED) {
        body.push_str(&format!("  left out   {more} rows more\n"));
    }
    let mut result = held.json();
    result["file"] = json!(file.display().to_string());
    result["bytes"] = json!(looked.bytes().len());
    result["left_out"] = json!(wrong);
    let (exit, tone) = match wrong.is_empty() {
        true => (Exit::Done, Tone::Good),
        false => (Exit::Malformed, Tone::Unsure),
    };
    Ok(Report {
        exit,
        said: vec![Said::Answer {
            tone,
            word: word.into(),
            about: file.display().to_string(),
            body,
        }],
        result,
    })
}

/// Checks a pack without a network: whether it holds and how old it is, not what it says of each product.
pub(crate) fn verify(args: &PackVerify, world: &World) -> Result<Report, Failure> {
    let trust = trust::load(&args.trust, world)?;
    let store = TrustStore::beside(&args.trust, world.fs());
    let name = args.file.display().to_string();
    let reading = Reading {
        trust: &trust,
        store: &store,
        now: args.age.at.unwrap_or_else(|| world.now()),
        at: args.age.at,
        limits: Limits::pack(args.age.max_age),
        evidence: None,
    };
    let held = Held::from_file(&name, &world.read_pack(&args.file)?, &reading, world)?;
    let (exit, tone, word) = match held.age().counts() {
        true => (Exit::Done, Tone::Good, "PACK HOLDS"),
        false => (Exit::TooOld, Tone::Unsure, "TOO OLD TO SAY"),
    };
    let mut body = String::new();
    for check in held.proved().checks() {
        body.push_str(&format!("  checked    {check}\n"));
    }
    body.push_str(&held.text());
    let mut result = held.json();
    result["file"] = json!(name);
    Ok(Report {
        exit,
        said: vec![Said::Answer {
            tone,
            word: word.into(),
            about: name,
            body,
        }],
        result,
    })
}

/// Rows named before the rest is only counted; all are in `--json`.
const MAX_NAMED: usize = 20;
