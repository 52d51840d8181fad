//! `suspend` and `revoke`: what is given is taken away.

use labelproof_core::{
    event::{Draft, EventId, Kind, Subject},
    state::record::Status,
};
use labelproof_host::exit::Exit;
use serde_json::json;

use crate::{
    args::TakeAway,
    bulk,
    event::read_draft,
    publish::Desk,
    report::{Failure, Report},
    world::World,
};

/// Suspends a label; one that this authority suspended already stays as it is.
pub(crate) fn suspend(args: &TakeAway, world: &World) -> Result<Report, Failure> {
    run(Kind::LabelSuspend, Status::Suspended, args, world)
}

/// Revokes a label; one that this authority revoked already stays as it is.
pub(crate) fn revoke(args: &TakeAway, world: &World) -> Result<Report, Failure> {
    run(Kind::LabelRevoke, Status::Revoked, args, world)
}

fn run(kind: Kind, done: Status, args: &TakeAway, world: &World) -> Result<Report, Failure> {
    if let Some(file) = args
        .target
        .file
        .as_deref()
        .filter(|file| bulk::holds_many(file))
    {
        return bulk::run(kind, file, &args.publish, world);
    }
    let draft = draft(kind, args, world)?;
    let desk = Desk::open(&args.publish, draft.subject(), world)?;
    if desk.is_air_gapped() {
        // Blind: it holds whatever happened to the label since, unless that was decided later.
        let event = desk.sign(&draft, None)?;
        return desk.publish(&event);
    }
    let looked = match desk.look_up() {
        Ok(looked) => Some(looked),
        // A log that cannot answer may still take an event that needs no answer.
        Err(failure) if matches!(failure.exit(), Exit::Unreachable | Exit::TooOld) => {
            world.warn(format!(
                "{}; sending without knowing where the label stands",
                failure.what()
            ));
            None
        }
        Err(failure) => return Err(failure),
    };
    let Some(looked) = looked else {
        let event = desk.sign(&draft, None)?;
        return desk.publish(&event);
    };
    let Some(newest) = looked.history().last().map(|newest| newest.event().id()) else {
        return Err(unknown(draft.subject()));
    };
    let by_me = looked
        .history()
        .iter()
        .rev()
        .find(|past| past.event().kind() == kind);
    if let Some(past) = by_me
        && looked.status() == Some(done)
        && past
            .event()
            .note()
            .signatures()
            .iter()
            .any(|line| line.name().as_str() == desk.signer())
    {
        let why = format!(
            "{} did this at entry {}, decided {}",
            desk.signer(),
            past.index(),
            past.event().decided_at()
        );
        return desk.nothing_to_do(&looked, &why);
    }
    let event = match desk.unsent(kind, Some(newest))? {
        Some(event) => event,
        None => desk.sign(&draft, Some(newest))?,
    };
    desk.publish(&event)
}

/// Nothing can be taken away from a label that was never issued.
pub(crate) fn unknown(subject: &Subject) -> Failure {
    Failure::new(
        Exit::UnknownLabel,
        format!("{subject} was never issued; the log proves that"),
    )
    .next("compare the id with the one on the label")
}

fn draft(kind: Kind, args: &TakeAway, world: &World) -> Result<Draft, Failure> {
    if let Some(file) = &args.target.file {
        return read_draft(kind, &world.read_text(file)?, file.display());
    }
    let mut value = args.target.flags(world.now());
    value["reason"] = args.why.flags();
    value["body"] = match kind {
        Kind::LabelSuspend => json!({ "validity_effect": "suspended" }),
        _ => json!({}),
    };
    read_draft(kind, &value.to_string(), "the command line")
}

/// The id of the newest event of this kind.
pub(crate) fn newest_of(kind: Kind, looked: &labelproof::lookup::Looked) -> Option<EventId> {
    looked
        .history()
        .iter()
        .rev()
        .find(|past| past.event().kind() == kind)
        .map(|past| past.event().id())
}
