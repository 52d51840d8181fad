//! `fsck`: re-derives the whole log from files or a URL, and names the first thing that is wrong.
//!
//! ```text
//! --dir DIR                  against the head record, with the key that is there; the log must not run
//! --url URL --vkey VKEY      against the published checkpoint
//! ```
//! What is checked and what it is called is `crate::fsck`'s.

use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use labelproof_core::{
    checkpoint::{Checkpoint, SignedCheckpoint},
    key::Vkey,
    note::Note,
};
use labelproof_host::{
    exit::Exit,
    fetch::Fetch,
    keyfile,
    lock::DirLock,
    logging::causes,
    tiles::{HttpTiles, TileSource},
};

use serde_json::json;

use super::{Failure, Outcome};
use crate::{
    fsck::{self, Progress},
    storage::HeadStore as _,
    store::{Store, origin_of},
};

/// Re-derive root, tiles, entries and state heads.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  labelproof-log fsck --dir log\n  labelproof-log fsck --url https://labels.g7.example --vkey labels.g7.example+a223093b+Af0c…"
)]
pub(super) struct Options {
    /// The store of a log that does not run.
    #[arg(long, required_unless_present = "url", conflicts_with_all = ["url", "vkey"])]
    dir: Option<PathBuf>,
    /// The address of a log.
    #[arg(long, requires = "vkey")]
    url: Option<String>,
    /// The key of that log.
    #[arg(long, requires = "url")]
    vkey: Option<Vkey>,
    /// Print one JSON object on stdout, also on failure.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options) -> Outcome {
    let outcome = match (&options.dir, &options.url, &options.vkey) {
        (Some(dir), _, _) => of_directory(dir, options.json),
        (None, Some(url), Some(vkey)) => of_url(url, vkey, options.json),
        (None, ..) => Err(Failure::usage("give --dir, or --url and --vkey")),
    };
    if let (true, Err(failure)) = (options.json, &outcome) {
        let (what, exit) = (causes(&*failure.error), failure.exit.code());
        let fault = json!({ "object": null, "what": what, "exit": exit });
        println!("{}", json!({ "version": 1, "fault": fault }));
    }
    outcome
}

fn of_directory(dir: &Path, json: bool) -> Outcome {
    let store = Store::at(dir);
    let Some(record) = store.heads().read().map_err(Failure::malformed)? else {
        return Err(Failure::usage(format!("{} holds no log", dir.display())));
    };
    let _lock = DirLock::take(dir, "labelproof-log fsck").map_err(Failure::usage)?;
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
    // The head record is what this key would sign; nothing signed here leaves the process.
    let checkpoint =
        SignedCheckpoint::sign(&Checkpoint::new(origin_of(key.vkey()), record.head()), &key);
    let published = directory.checkpoint().map_err(Failure::internal)?;
    let published = published.map(|note| open(&note, key.vkey())).transpose()?;
    Ok(check(directory, &checkpoint, published.as_ref(), json))
}

fn of_url(url: &str, vkey: &Vkey, json: bool) -> Outcome {
    let fetch = Fetch::default();
    let base = url.trim_end_matches('/');
    let response = fetch
        .get(&format!("{base}/checkpoint"), MAX_CHECKPOINT_BYTES)
        .map_err(|error| Failure::new(Exit::Unreachable, error))?;
    let note = response
        .ok()
        .map_err(|error| Failure::new(Exit::Unreachable, error))?;
    let checkpoint = open(&note, vkey)?;
    Ok(check(HttpTiles::new(fetch, base), &checkpoint, None, json))
}

fn open(note: &[u8], vkey: &Vkey) -> Result<SignedCheckpoint, Failure> {
    let note = Note::parse(note).map_err(Failure::malformed)?;
    SignedCheckpoint::open(note, vkey).map_err(|error| Failure::new(Exit::NotSigned, error))
}

fn check<S: TileSource + Sync>(
    source: S,
    checkpoint: &SignedCheckpoint,
    published: Option<&SignedCheckpoint>,
    json: bool,
) -> Exit {
    // It draws on stderr, and only where that is a terminal.
    let bar = ProgressBar::new(0).with_style(style());
    let report = fsck::check(source, checkpoint, published, |Progress { done, total }| {
        bar.set_length(total);
        bar.set_position(done);
    });
    bar.finish_and_clear();
    if json {
        let text = serde_json::to_string(&report).expect("a report has text keys only");
        println!("{text}");
        eprintln!("{report}");
    } else {
        println!("{report}");
    }
    report.fault().map_or(Exit::Done, fsck::Fault::exit)
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:30} {pos}/{len} objects, {eta} left")
        .expect("a constant template")
}

/// Sixteen lines and the longest names stay well below.
const MAX_CHECKPOINT_BYTES: usize = 64 * 1024;
