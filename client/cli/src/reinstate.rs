//! `reinstate`: a suspension is lifted.

use labelproof_core::{event::Kind, state::record::Status};
use labelproof_host::exit::Exit;
use serde_json::json;

use crate::{
    args::Reinstate,
    bulk,
    event::read_draft,
    publish::Desk,
    report::{Failure, Report},
    take_away::{newest_of, unknown},
    world::World,
};

/// Lifts a suspension, the newest if none is named; an active label stays as it is.
pub(crate) fn run(args: &Reinstate, world: &World) -> Result<Report, Failure> {
    if let Some(file) = args
        .target
        .file
        .as_deref()
        .filter(|file| bulk::holds_many(file))
    {
        return bulk::run(Kind::LabelReinstate, file, &args.publish, world);
    }
    let from_file = match &args.target.file {
        None => None,
        Some(file) => Some(read_draft(
            Kind::LabelReinstate,
            &world.read_text(file)?,
            file.display(),
        )?),
    };
    let subject = match (&from_file, &args.target.label) {
        (Some(draft), _) => draft.subject().clone(),
        (None, Some(label)) => labelproof_core::event::Subject::Label(label.clone()),
        (None, None) => return Err(Failure::new(Exit::Usage, "name a label, or a file")),
    };
    let desk = Desk::open(&args.publish, &subject, world)?;
    if desk.is_air_gapped() {
        return Err(Failure::new(Exit::Usage, "a reinstate follows the label's newest event, which only the log knows")
            .next("sign it with `labelproof event sign label.reinstate --prev ID`; `labelproof status` shows the id"));
    }
    let looked = desk.look_up()?;
    let Some(newest) = looked.history().last().map(|newest| newest.event().id()) else {
        return Err(unknown(&subject));
    };
    if looked.status() == Some(Status::Active) {
        return desk.nothing_to_do(&looked, "the label is active, no suspension stands");
    }
    if let Some(event) = desk.unsent(Kind::LabelReinstate, Some(newest))? {
        return desk.publish(&event);
    }
    let draft = match from_file {
        Some(draft) => draft,
        None => {
            let suspension = args
                .suspension
                .or_else(|| newest_of(Kind::LabelSuspend, &looked))
                .ok_or_else(|| {
                    Failure::new(
                        Exit::NotInLog,
                        format!("no suspension of {subject} is in its history"),
                    )
                })?;
            let mut value = args.target.flags(world.now());
            value["body"] = json!({ "suspension": suspension.to_string() });
            read_draft(Kind::LabelReinstate, &value.to_string(), "the command line")?
        }
    };
    let event = desk.sign(&draft, Some(newest))?;
    desk.publish(&event)
}
