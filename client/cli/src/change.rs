//! `renew`, `amend`, `bind`, `unbind`: a label goes on, says something anew, covers more or less.

use labelproof_core::event::{Kind, Subject};
use labelproof_host::exit::Exit;
use serde_json::{Value, json};

use crate::{
    args::{Amend, Bind, Products, Publish, Renew, Unbind},
    bulk,
    event::read_draft,
    publish::Desk,
    report::{Failure, Report},
    take_away::unknown,
    world::World,
};

/// Lengthens a label's validity.
pub(crate) fn renew(args: &Renew, world: &World) -> Result<Report, Failure> {
    if let Some(file) = &args.target.file {
        return from_file(Kind::LabelRenew, file, &args.publish, world);
    }
    let mut body = json!({});
    if let Some(until) = args.until {
        body["valid_until"] = json!(until.to_string());
    }
    if !args.alias.is_empty() {
        body["aliases"] = json!(args.alias);
    }
    let mut value = args.target.flags(world.now());
    value["body"] = body;
    from_flags(Kind::LabelRenew, &value, &args.publish, world)
}

/// Says anew what a label says.
pub(crate) fn amend(args: &Amend, world: &World) -> Result<Report, Failure> {
    from_file(Kind::LabelAmend, &args.file, &args.publish, world)
}

/// Adds products and models to a label.
pub(crate) fn bind(args: &Bind, world: &World) -> Result<Report, Failure> {
    if let Some(file) = &args.target.file {
        return from_file(Kind::LabelBind, file, &args.publish, world);
    }
    let mut value = args.target.flags(world.now());
    value["body"] = products(&args.products);
    from_flags(Kind::LabelBind, &value, &args.publish, world)
}

/// Takes products and models from a label.
pub(crate) fn unbind(args: &Unbind, world: &World) -> Result<Report, Failure> {
    if let Some(file) = &args.target.file {
        return from_file(Kind::LabelUnbind, file, &args.publish, world);
    }
    let mut value = args.target.flags(world.now());
    value["reason"] = args.why.flags();
    value["body"] = products(&args.products);
    from_flags(Kind::LabelUnbind, &value, &args.publish, world)
}

fn products(products: &Products) -> Value {
    let gtins: Vec<String> = products.gtin.iter().map(ToString::to_string).collect();
    let models: Vec<Value> = products
        .model
        .iter()
        .map(|number| json!({ "number": number, "hw": [] }))
        .collect();
    json!({ "gtins": gtins, "models": models })
}

fn from_flags(kind: Kind, value: &Value, args: &Publish, world: &World) -> Result<Report, Failure> {
    run(kind, &value.to_string(), "the command line", args, world)
}

fn from_file(
    kind: Kind,
    file: &std::path::Path,
    args: &Publish,
    world: &World,
) -> Result<Report, Failure> {
    if bulk::holds_many(file) {
        return bulk::run(kind, file, args, world);
    }
    run(kind, &world.read_text(file)?, file.display(), args, world)
}

/// Signs the event behind the label's newest one, logs it, and writes the proof.
///
/// What this authority did last, and with the same words, is done already.
fn run(
    kind: Kind,
    text: &str,
    name: impl std::fmt::Display,
    args: &Publish,
    world: &World,
) -> Result<Report, Failure> {
    let draft = read_draft(kind, text, name)?;
    let subject: &Subject = draft.subject();
    let desk = Desk::open(args, subject, world)?;
    if desk.is_air_gapped() {
        let what =
            format!("each {kind} follows the label's newest event, which only the log knows");
        return Err(Failure::new(Exit::Usage, what).next(format!(
            "sign it with `labelproof event sign {kind} --prev ID`; `labelproof status` shows the id"
        )));
    }
    let looked = desk.look_up()?;
    let Some(newest) = looked.history().last() else {
        return Err(unknown(subject));
    };
    let body = |json: &str| -> Option<Value> {
        let mut value: Value = serde_json::from_str(json).ok()?;
        Some(value["body"].take())
    };
    let past = newest.event();
    if past.kind() == kind && body(past.json()) == body(text) && desk.signed_by_me(past) {
        let why = format!(
            "{} did this at entry {}, decided {}",
            desk.signer(),
            newest.index(),
            past.decided_at()
        );
        return desk.nothing_to_do(&looked, &why);
    }
    let event = match desk.unsent(kind, Some(past.id()))? {
        Some(event) if body(event.json()) == body(text) => event,
        _ => desk.sign(&draft, Some(past.id()))?,
    };
    desk.publish(&event)
}
