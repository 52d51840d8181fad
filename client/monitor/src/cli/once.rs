//! `once`: one look at each log, for cron.
//!
//! ```text
//! {"version":1,"command":"once","exit":0,"result":{"logs":[{"origin":…,"exit":0,"verified":923,…}],"alerts":[…]}}
//! {"version":1,"command":"once","exit":2,"error":"…"}
//! ```

use std::{
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use labelproof_core::{checkpoint::SignedCheckpoint, merkle::TreeSize};
use labelproof_host::exit::Exit;
use serde_json::{Value, json};

use super::ground::{Ground, Kept, Manner, StartError};
use crate::{
    board::Standing,
    follow::{Follower, Passed},
    notify::stdout::Stdout,
};

/// What goes to standard output.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Output {
    /// A line for each alert.
    Lines,
    /// One object at the end.
    Object,
}

/// Looks once at each log.
pub(super) fn run(args: &super::Ground, output: Output) -> Result<Exit, StartError> {
    let kept = Arc::new(Kept::default());
    let manner = Manner {
        // There is no later look that could tell it.
        patience: Some(Duration::ZERO),
        stdout: (output == Output::Lines).then(Stdout::new),
        kept: Some(Arc::clone(&kept)),
        command: "once",
    };
    let mut ground = Ground::open(args, manner)?;
    let mut exits = Vec::new();
    let mut logs = Vec::new();
    for follower in &mut ground.followers {
        let exit = look(follower);
        follower.close();
        let standing = follower.standing();
        eprintln!("{}", said(standing, exit));
        logs.push(described(standing, exit));
        exits.push(exit);
    }
    ground.desk.finish(SETTLE);
    let exit = Exit::worst(exits).unwrap_or(Exit::Internal);
    if output == Output::Object {
        let alerts = kept.alerts();
        let alerts: Vec<Value> = alerts
            .iter()
            .filter_map(|alert| serde_json::from_str(&alert.to_json()).ok())
            .collect();
        say(&json!({
            "version": 1,
            "command": "once",
            "exit": exit.code(),
            "result": { "logs": logs, "alerts": alerts },
        }))?;
    }
    Ok(exit)
}

/// Looks until nothing waits.
fn look(follower: &mut Follower) -> Exit {
    loop {
        match follower.pass() {
            Passed::Done(exit) => return exit,
            Passed::More => {}
            Passed::Stopped => return Exit::Undecidable,
        }
    }
}

fn said(standing: &Standing, exit: Exit) -> String {
    let word = match exit {
        Exit::Done => "nothing wrong",
        Exit::LogMisbehaved => "THE LOG MISBEHAVED, see the evidence",
        Exit::Undecidable => "stopped; the next run goes on from here",
        _ => "not as it should be, see the alerts",
    };
    let as_of = standing.as_of().map(|time| format!(", as of {time}"));
    format!(
        "{}: {word}; {} of {} entries verified{}",
        standing.origin(),
        standing.verified(),
        standing.downloaded(),
        as_of.unwrap_or_default(),
    )
}

fn described(standing: &Standing, exit: Exit) -> Value {
    json!({
        "origin": standing.origin().as_str(),
        "source": standing.source(),
        "exit": exit.code(),
        "downloaded": standing.downloaded().get(),
        "verified": standing.verified().get(),
        "witnessed": standing.witnessed().map(SignedCheckpoint::head).map(|head| TreeSize::get(head.size())),
        "as_of": standing.as_of().map(|time| time.to_string()),
        "blind": standing.blind().map(|(_, why)| why.clone()),
    })
}

/// The object of a run that could not begin.
pub(super) fn say_failure(exit: Exit, error: &str) -> Result<(), StartError> {
    say(&json!({ "version": 1, "command": "once", "exit": exit.code(), "error": error }))
}

fn say(object: &Value) -> Result<(), StartError> {
    let mut out = io::stdout().lock();
    writeln!(out, "{object}")
        .and_then(|()| out.flush())
        .map_err(StartError::Output)
}

/// Longer than the usual hook takes; what was not brought then is with the next run.
const SETTLE: Duration = Duration::from_secs(60);
