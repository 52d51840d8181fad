//! `mirror`: a verified copy of a log that any file server can serve.

use indicatif::{ProgressBar, ProgressStyle};
use labelproof::mirror::{
    Checked, Folder, FolderError, MirrorError, Parallel, Plan, Progress, check, update,
};
use labelproof_core::{merkle::TreeSize, policy::WitnessedCheckpoint};
use labelproof_host::{exit::Exit, lock::LockError};
use serde_json::{Value, json};

use crate::{
    args::Mirror,
    outcome::tiles_exit,
    reading::{Source, UntilStopped, head_failed, source, tiles_failed},
    report::{Failure, Report, Said, Tone, chain},
    trust,
    world::{World, not_written},
};

/// Copies what is new, or checks what is there.
pub(crate) fn run(args: &Mirror, world: &World) -> Result<Report, Failure> {
    if args.check {
        return checked(args, world);
    }
    let trust = trust::load(&args.network.trust, world)?;
    let from = source(
        args.network.log.as_deref(),
        &args.network.trust,
        &trust,
        world,
    )?;
    let stop = UntilStopped::listen()?;
    let folder = Folder::open_or_begin(world.fs(), &args.dir, from.log)
        .map_err(|error| folder_failed(&error))?;
    let plan = Plan {
        source: &from.server,
        log: from.log,
        store: &from.store,
        pause: &stop,
        parallel: Parallel::new(args.parallel).unwrap_or_default(),
    };
    let bar = Bar::new("copied", "files");
    let copied = update(&folder, &plan, world.now(), &|progress| bar.at(progress));
    bar.end();
    let copied = copied.map_err(|error| failed(&from, &error, world))?;
    let head = copied.head();
    let before = copied.before().map(|head| head.size());
    let word = match before {
        Some(size) if size == head.head().size() => "UP TO DATE",
        Some(_) => "UPDATED",
        None => "COPIED",
    };
    let body = format!(
        "  size       {}{}\n  as of      {}\n  written    {} tiles and bundles\n  serve it   with any file server; readers use its address as --log\n",
        head.head().size(),
        before
            .map(|size| format!(", was {size}"))
            .unwrap_or_default(),
        head.as_of(),
        copied.written(),
    );
    let mut result = described(args, head);
    result["before"] = json!(before.map(TreeSize::get));
    result["written"] = json!(copied.written());
    Ok(answer(Exit::Done, word, head, body, result))
}

fn checked(args: &Mirror, world: &World) -> Result<Report, Failure> {
    let trust = trust::load(&args.network.trust, world)?;
    let [log] = trust.logs() else {
        let what = format!("{} names several logs", args.network.trust.display());
        return Err(Failure::new(Exit::Usage, what).next("check with a trust file of one log"));
    };
    let folder = Folder::open(world.fs(), &args.dir, log).map_err(|error| folder_failed(&error))?;
    let bar = Bar::new("read", "files");
    let found = check(&folder, log, world.now(), &|progress| bar.at(progress));
    bar.end();
    let found = match found {
        Ok(Some(found)) => found,
        Ok(None) => {
            let what = format!("{} holds no complete copy yet", args.dir.display());
            return Err(Failure::new(Exit::NotInLog, what)
                .next("run `labelproof mirror` until it ends with 0"));
        }
        Err(MirrorError::OnDisk(error)) => {
            return Err(Failure::on(Exit::Internal, args.dir.display(), &error));
        }
        Err(MirrorError::Folder(error)) => return Err(folder_failed(&error)),
        Err(error) => return Err(Failure::of(Exit::Internal, &error)),
    };
    let wrong: Vec<String> = found.wrong().iter().map(|error| chain(error)).collect();
    let mut result = described(args, found.head());
    result["files"] = json!(found.files());
    result["wrong"] = json!(wrong);
    if wrong.is_empty() {
        let body = format!(
            "  size       {}\n  files      {}, each read and hashed again\n",
            found.head().head().size(),
            found.files()
        );
        return Ok(answer(Exit::Done, "GOOD", found.head(), body, result));
    }
    let exit = exit_of(&found);
    let mut body: String = wrong
        .iter()
        .map(|line| format!("  wrong      {line}\n"))
        .collect();
    body.push_str("  next       remove these files and run `labelproof mirror` again\n");
    Ok(answer(exit, "DAMAGED", found.head(), body, result))
}

/// The worst of what is wrong; a missing file is no server that is down.
fn exit_of(found: &Checked) -> Exit {
    let exits = found.wrong().iter().map(|error| match tiles_exit(error) {
        Exit::Unreachable => Exit::NotInLog,
        other => other,
    });
    Exit::worst(exits).unwrap_or(Exit::Done)
}

fn described(args: &Mirror, head: &WitnessedCheckpoint) -> Value {
    json!({
        "dir": args.dir.display().to_string(),
        "origin": head.origin().as_str(),
        "size": head.head().size().get(),
        "root": head.head().root().to_string(),
        "as_of": head.as_of().to_string(),
    })
}

fn answer(
    exit: Exit,
    word: &str,
    head: &WitnessedCheckpoint,
    body: String,
    result: Value,
) -> Report {
    let tone = if exit == Exit::Done {
        Tone::Good
    } else {
        Tone::Bad
    };
    let said = Said::Answer {
        tone,
        word: word.into(),
        about: head.origin().to_string(),
        body,
    };
    Report {
        exit,
        said: vec![said],
        result,
    }
}

fn failed(from: &Source<'_>, error: &MirrorError, world: &World) -> Failure {
    match error {
        MirrorError::Folder(error) => folder_failed(error),
        MirrorError::Files(error) => not_written(error),
        MirrorError::Head(error) => head_failed(&from.server, error, world),
        MirrorError::Tiles(error) => tiles_failed(&from.server, error),
        MirrorError::OnDisk(_) => Failure::of(Exit::NotInLog, error)
            .next("see what is wrong with `labelproof mirror --check`"),
        MirrorError::Stopped => Failure::of(Exit::Undecidable, error),
        _ => Failure::of(Exit::Internal, error),
    }
}

fn folder_failed(error: &FolderError) -> Failure {
    match error {
        FolderError::NotAMirror { .. }
        | FolderError::OtherLog { .. }
        | FolderError::Lock(LockError::Held { .. }) => {
            Failure::of(Exit::Usage, error).next("name another folder with --dir")
        }
        FolderError::BadCheckpoint { .. } => Failure::of(Exit::NotSigned, error)
            .next("if the trust file changed, move the checkpoint away and run the mirror again"),
        FolderError::Files(error) => not_written(error),
        _ => Failure::of(Exit::Internal, error),
    }
}

/// How far a long reading is, on a terminal only.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    pub(crate) fn new(what: &str, unit: &str) -> Self {
        let style = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {msg}, {eta} left")
            .expect("a constant template");
        let bar = ProgressBar::new(0).with_style(style);
        Self(
            bar.with_prefix(what.to_owned())
                .with_message(unit.to_owned()),
        )
    }

    pub(crate) fn at(&self, progress: Progress) {
        self.0.set_length(progress.total);
        self.0.set_position(progress.done);
    }

    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}
