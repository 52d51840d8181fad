//! `tail`: the log's entries as they come, each proved before it is shown.
//!
//! ```text
//! 4711  label.revoke  jp.jc-star/EX-000123  9f86d081…  2026-11-24T22:00:00Z
//! {"version":1,"command":"tail","entry":{"index":4711,"kind":"label.revoke",…}}     with --json, one a line
//! ```
//! With `--json` the last line is the report that every command prints.

use std::{
    io::{self, Write as _},
    ops::ControlFlow,
    time::Duration,
};

use labelproof::{
    follow::{FollowError, Follower, ProvedEntry, Start},
    patience::{AtOnce, Backoff, Passing, Pause, Wish, jittered},
    trust::store::Standing,
};
use labelproof_core::merkle::LeafIndex;
use labelproof_host::exit::Exit;
use serde_json::json;

use crate::{
    args::{KindFilter, Tail},
    reading::{Shown, Source, UntilStopped, head_failed, source, tiles_failed},
    report::{Failure, Form, Report, in_line},
    trust,
    world::World,
};

/// Shows entries until the end of the log, or with `--follow` until stopped.
pub(crate) fn run(args: &Tail, form: Form, world: &World) -> Result<Report, Failure> {
    let trust = trust::load(&args.network.trust, world)?;
    let from = source(
        args.network.log.as_deref(),
        &args.network.trust,
        &trust,
        world,
    )?;
    let start = args.from.map_or(Start::Last(args.number), Start::At);
    let mut follower = Follower::new(&from.server, from.log, &from.store, &AtOnce, start);
    let mut page = Page {
        kinds: &args.kind,
        form,
        shown: 0,
        end: ControlFlow::Continue(()),
    };
    let stop = args.follow.then(UntilStopped::listen).transpose()?;
    let mut backoff = Backoff::default();
    loop {
        let wait = match follower.poll(world.now(), |entry| page.show(entry, stop.as_ref())) {
            Ok(seen) => {
                backoff = Backoff::default();
                if seen.standing() == Standing::Older {
                    world.note(format!("{} shows an older head", from.server.url()));
                }
                jittered(POLL)
            }
            Err(error) => match (&stop, backoff.next(error.retry())) {
                (Some(_), Some(wait)) => {
                    let failure = failed(&from, &error, world);
                    world.warn(format!(
                        "{}; trying again in {} s",
                        failure.what(),
                        wait.as_secs().max(1)
                    ));
                    wait
                }
                _ => {
                    let failure = failed(&from, &error, world);
                    let mut result = page.result(&follower);
                    if let Some(known) = failure.result() {
                        result["evidence"] = known["evidence"].clone();
                    }
                    return Err(failure.with(result));
                }
            },
        };
        let is_over = match &stop {
            _ if page.end.is_break() => true,
            None => true,
            Some(stop) => stop.pause(wait) == Wish::Stop,
        };
        if is_over {
            return Ok(Report {
                exit: Exit::Done,
                said: Vec::new(),
                result: page.result(&follower),
            });
        }
    }
}

/// Where entries are written to.
struct Page<'a> {
    kinds: &'a [KindFilter],
    form: Form,
    shown: u64,
    end: ControlFlow<()>,
}

impl Page<'_> {
    /// Writes one entry; a reader that went away wants no more.
    fn show(&mut self, entry: ProvedEntry<'_>, stop: Option<&UntilStopped>) -> ControlFlow<()> {
        let shown = Shown::of(entry.index(), entry.bytes());
        let is_wanted =
            self.kinds.is_empty() || self.kinds.iter().any(|kind| kind.takes(&shown.kind));
        if is_wanted {
            let line = match self.form {
                Form::Json => {
                    json!({ "version": 1, "command": "tail", "entry": shown.json }).to_string()
                }
                Form::Text(_) => text_line(entry.index(), &shown),
            };
            let mut out = io::stdout().lock();
            if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
                self.end = ControlFlow::Break(());
                return self.end;
            }
            self.shown += 1;
        }
        if stop.is_some_and(|stop| stop.pause(Duration::ZERO) == Wish::Stop) {
            self.end = ControlFlow::Break(());
        }
        self.end
    }

    fn result(&self, follower: &Follower<'_>) -> serde_json::Value {
        json!({ "shown": self.shown, "next": follower.next().map(LeafIndex::get) })
    }
}

fn text_line(index: LeafIndex, shown: &Shown) -> String {
    let id = shown.id.as_deref().unwrap_or("-");
    let decided = shown.json["decided_at"].as_str().unwrap_or("-");
    let subject = in_line(&shown.subject);
    format!("{index}  {}  {subject}  {id}  {decided}", shown.kind)
}

fn failed(from: &Source<'_>, error: &FollowError, world: &World) -> Failure {
    match error {
        FollowError::Head(error) => head_failed(&from.server, error, world),
        FollowError::Tiles(error) => tiles_failed(&from.server, error),
        _ => Failure::of(Exit::Internal, error),
    }
}

/// A log publishes about once a second; whoever needs it sooner reads its stream.
const POLL: Duration = Duration::from_secs(2);
