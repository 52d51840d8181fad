//! `get`: one entry, shown once it is proved to be in the log under a witnessed head.

use std::path::PathBuf;

use labelproof::{head::newest_head, patience::AtOnce, proof::verify_entry};
use labelproof_core::{
    merkle::{LeafHash, prove_inclusion},
    policy::Cosigner,
    tlog_proof::TlogProof,
};
use labelproof_host::exit::Exit;
use serde_json::json;

use crate::{
    args::{EntryName, Get},
    outcome::{entry_exit, server_failed},
    reading::{Shown, head_failed, source, tiles_failed},
    report::{Failure, Report, Said, Tone},
    trust,
    world::World,
};

/// Reads, proves and shows the entry.
pub(crate) fn run(args: &Get, world: &World) -> Result<Report, Failure> {
    let trust = trust::load(&args.network.trust, world)?;
    let from = source(
        args.network.log.as_deref(),
        &args.network.trust,
        &trust,
        world,
    )?;
    let server = &from.server;
    let index = match args.entry {
        EntryName::Index(index) => index,
        EntryName::Event(id) => server.index_of(id).map_err(|error| {
            let failure = server_failed(server, &error);
            if args.network.log.is_none() {
                return failure;
            }
            failure.next("a mirror cannot look up an event; name the entry's index")
        })?,
    };
    let now = world.now();
    let seen = newest_head(server, from.log, &from.store, &AtOnce, now)
        .map_err(|error| head_failed(server, &error, world))?;
    let tiles = |error| tiles_failed(server, &error);
    let bytes = seen.tiles().entry(index).map_err(tiles)?;
    let size = seen.head().head().size();
    let path = prove_inclusion(seen.tiles(), index, size).map_err(tiles)?;
    let note = seen.head().signed().note().clone();
    let proof = TlogProof::new(None, index, path, note)
        .map_err(|error| Failure::of(Exit::Internal, &error))?;
    // The tiles have proved it already; what goes to a file is checked as its reader will.
    let head = verify_entry(&proof, LeafHash::of_entry(&bytes), from.log, now)
        .map_err(|error| Failure::on(entry_exit(&error), server.url(), &error))?;

    let shown = Shown::of(index, &bytes);
    if let EntryName::Event(id) = args.entry
        && shown.id != Some(id.to_string())
    {
        let what = format!("{}: entry {index} is not event {id}", server.url());
        return Err(Failure::new(Exit::NotInLog, what).next("ask another server of this log"));
    }
    let mut files = Vec::new();
    if let Some(out) = &args.out {
        let mut name = out.clone().into_os_string();
        name.push(".tlog-proof");
        let proof_file = PathBuf::from(name);
        world.write(out, &bytes)?;
        world.write(&proof_file, &proof.to_bytes())?;
        files = vec![out.display().to_string(), proof_file.display().to_string()];
    }
    let names: Vec<&str> = head.cosigners().iter().map(Cosigner::name).collect();
    let mut result = shown.json;
    result["origin"] = json!(from.log.origin().as_str());
    result["size"] = json!(size.get());
    result["as_of"] = json!(head.as_of().to_string());
    result["cosigners"] = json!(names);
    result["entry"] = json!(String::from_utf8_lossy(&bytes));
    result["files"] = json!(files);
    let said = if args.raw {
        Said::Raw(bytes)
    } else {
        let mut body = format!(
            "{}  in the log {} of {}, size {size}, witnessed as of {}: {}\n",
            shown.lines,
            index,
            from.log.origin(),
            head.as_of(),
            names.join(" ")
        );
        if !files.is_empty() {
            body.push_str(&format!("  files      {}\n", files.join(", ")));
        }
        Said::Answer {
            tone: Tone::Good,
            word: "LOGGED".into(),
            about: format!("{} {}", shown.kind, shown.subject),
            body,
        }
    };
    Ok(Report {
        exit: Exit::Done,
        said: vec![said],
        result,
    })
}
