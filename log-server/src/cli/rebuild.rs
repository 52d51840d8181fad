//! `rebuild`: index and snapshot, made anew from the entries of a log that does not run.

use std::{fs, io, path::PathBuf, sync::Arc};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use labelproof_core::{
    checkpoint::SignedCheckpoint,
    key::Vkey,
    merkle::{LeafIndex, TreeSize},
    note::Note,
    policy::Policy,
};
use labelproof_host::{clock::SystemClock, exit::Exit, keyfile, lock::DirLock, logging::causes};
use serde_json::json;

use super::{Failure, Outcome};
use crate::{
    index::SledIndex,
    load::LoadError,
    log::Setting,
    rebuild::{RebuildError, Rebuilt, rebuild},
    storage::{HeadStore as _, StorageError},
    store::{Store, origin_of},
};

/// Make index and snapshot anew from the entries; each state head is compared on the way.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  labelproof-log rebuild --dir log")]
pub(super) struct Options {
    /// The store of a log that does not run.
    #[arg(long, env = "LABELPROOF_LOG_DIR")]
    dir: PathBuf,
    /// Print one JSON object on stdout, also on failure.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options) -> Outcome {
    let outcome = made_anew(options);
    let object = match &outcome {
        Ok(rebuilt) => json!({
            "version": 1, "exit": 0, "size": rebuilt.head().size().get(), "root": rebuilt.head().root().to_string(),
            "events": rebuilt.events(), "state_heads": rebuilt.state_heads(),
            "snapshot": rebuilt.snapshot().map(LeafIndex::get),
        }),
        Err(failure) => json!({
            "version": 1, "exit": failure.exit.code(), "error": causes(&*failure.error),
        }),
    };
    if options.json {
        println!("{object}");
    }
    let rebuilt = outcome?;
    if !options.json {
        let snapshot = match rebuilt.snapshot() {
            Some(index) => format!("snapshot of the state head {index}"),
            None => "no snapshot, as nothing is published".into(),
        };
        println!(
            "rebuilt from {} entries: {} events in the index, {} state heads right, {snapshot}",
            rebuilt.head().size(),
            rebuilt.events(),
            rebuilt.state_heads()
        );
    }
    Ok(Exit::Done)
}

fn made_anew(options: &Options) -> Result<Rebuilt, Failure> {
    let dir = &options.dir;
    let store = Store::at(dir);
    let Some(record) = store.heads().read().map_err(Failure::malformed)? else {
        return Err(Failure::usage(format!("{} holds no log", dir.display())));
    };
    let _lock = DirLock::take(dir, "labelproof-log rebuild").map_err(Failure::usage)?;
    let key = keyfile::read(&store.key_path()).map_err(Failure::usage)?;
    if record.origin() != origin_of(key.vkey()).as_str() {
        return Err(Failure::malformed("head: the head record is another log's"));
    }
    let directory = store.directory();
    let waiting = directory.staged().map_err(Failure::internal)?;
    if record.batch().is_some_and(|batch| waiting.contains(&batch)) {
        return Err(Failure::usage(
            "the newest batch is not applied yet; start the log once, it does that first",
        ));
    }
    if record.head().size() == TreeSize::EMPTY {
        return Err(Failure::usage(LoadError::NoGenesis));
    }
    let checkpoint = directory.checkpoint().map_err(Failure::internal)?;
    let published = checkpoint.and_then(|note| published_size(&note, key.vkey()));

    let index = store.index_path();
    match fs::remove_dir_all(&index) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            let text = format!("cannot remove {}: {error}", index.display());
            return Err(Failure::internal(text));
        }
        Ok(()) | Err(_) => {}
    }
    let setting = Setting {
        origin: origin_of(key.vkey()),
        vkey: key.vkey().clone(),
        // No head is accepted here, so nobody need cosign.
        policy: Arc::new(Policy::parse(b"quorum none\n").expect("a constant policy")),
        clock: Arc::new(SystemClock),
        directory,
        index: Arc::new(SledIndex::open(&index).map_err(Failure::internal)?),
        metrics: Arc::default(),
    };
    // It draws on stderr, and only where that is a terminal.
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} entries, {eta} left")
        .expect("a constant template");
    let bar = ProgressBar::new(record.head().size().get()).with_style(style);
    let rebuilt = rebuild(&setting, record.head(), published, |done| {
        if done % TOLD_ENTRIES == 0 {
            bar.set_position(done);
        }
    });
    bar.finish_and_clear();
    rebuilt.map_err(|error| Failure::new(exit_of(&error), error))
}

/// The size of the published checkpoint; one that the key did not sign is no help, and `fsck` names it.
fn published_size(note: &[u8], vkey: &Vkey) -> Option<TreeSize> {
    let signed = SignedCheckpoint::open(Note::parse(note).ok()?, vkey).ok()?;
    Some(signed.head().size())
}

fn exit_of(error: &RebuildError) -> Exit {
    match error {
        RebuildError::WrongRoot { .. } => Exit::NotInLog,
        RebuildError::Load(LoadError::Storage(StorageError::Fs(_))) => Exit::Internal,
        RebuildError::Load(LoadError::Storage(_)) => Exit::NotInLog,
        RebuildError::Load(LoadError::Refused { .. } | LoadError::Entry(_)) => Exit::LogMisbehaved,
        RebuildError::Load(_) => Exit::Malformed,
    }
}

/// A bar need not move more often than an eye can follow.
const TOLD_ENTRIES: u64 = 256;
