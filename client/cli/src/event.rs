//! `event new`, `event sign`: an event by hand, for kinds without a command of their own.

use labelproof_core::event::{Draft, Event, Kind, template};
use labelproof_host::exit::Exit;
use serde_json::{Value, json};

use crate::{
    args::EventSign,
    bulk,
    key::load_note_key,
    report::{Failure, Report},
    schema,
    world::World,
};

/// Prints a template to fill in.
pub(crate) fn new(kind: Kind, csv: bool) -> Result<Report, Failure> {
    if csv {
        if !kind.as_str().starts_with("label.") {
            let what = format!("{kind} comes one at a time; tables are for labels");
            return Err(Failure::new(Exit::Usage, what).next("leave out --csv"));
        }
        let table = bulk::table(kind);
        let result = json!({ "kind": kind.to_string(), "table": table });
        return Ok(Report::done(table, result));
    }
    let text = template(kind);
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let result = json!({ "kind": kind.to_string(), "template": value });
    Ok(Report::done(text, result))
}

/// Lists the kinds of events.
pub(crate) fn kinds() -> Report {
    let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    let result = json!({ "kinds": kinds });
    Report::done(kinds.join("\n"), result)
}

/// Prints the JSON Schema of a kind.
pub(crate) fn schema(kind: Kind) -> Report {
    let text = schema::text(kind);
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    Report::done(text, json!({ "kind": kind.to_string(), "schema": value }))
}

/// Signs a draft; who may sign it, and whether its subject may take the step, is for the log to say.
pub(crate) fn sign(args: &EventSign, world: &World) -> Result<Report, Failure> {
    let key = load_note_key(&args.key)?;
    let draft = read_draft(
        args.kind,
        &world.read_text(&args.file)?,
        args.file.display(),
    )?;
    if args.prev.is_none() && !args.kind.opens_subject() && !args.kind.may_be_blind() {
        let what = format!(
            "{} needs --prev, the id of the newest event of {}",
            args.kind,
            draft.subject()
        );
        return Err(Failure::new(Exit::Usage, what).next("`labelproof status` shows it"));
    }
    let text = draft.text(&args.origin, args.prev);
    let line = key.sign_note(&text);
    let note = labelproof_core::note::Note::new(text, vec![line])
        .map_err(|error| Failure::of(Exit::Internal, &error))?;
    let event =
        Event::parse(&note.to_bytes()).map_err(|refusal| Failure::of(Exit::Malformed, &refusal))?;
    let result = event_json(&event);
    match &args.out {
        None => Ok(Report::done(note.to_string(), result)),
        Some(out) => {
            world.must_be_new(out)?;
            world.write(out, event.bytes())?;
            let mut result = result;
            result["file"] = json!(out.display().to_string());
            Ok(Report::done(
                format!(
                    "signed {} {} as {}",
                    event.kind(),
                    event.subject(),
                    event.id()
                ),
                result,
            ))
        }
    }
}

/// Reads a draft of a person.
pub(crate) fn read_draft(
    kind: Kind,
    json: &str,
    name: impl std::fmt::Display,
) -> Result<Draft, Failure> {
    Draft::from_json(kind, json).map_err(|refusal| {
        Failure::on(Exit::Malformed, name, &refusal)
            .next(format!("`labelproof event new {kind}` prints a template"))
            .with(json!({ "code": refusal.code(), "pointer": refusal.pointer().map(ToString::to_string) }))
    })
}

/// A signed event for programs.
pub(crate) fn event_json(event: &Event) -> Value {
    json!({
        "event": event.id().to_string(), "kind": event.kind().to_string(), "subject": event.subject().to_string(),
        "origin": event.origin().as_str(), "prev": event.prev().map(|prev| prev.to_string()),
        "decided_at": event.decided_at().to_string(), "note": event.note().to_string(),
    })
}
