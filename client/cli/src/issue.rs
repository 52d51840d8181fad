//! `issue`: a new label.

use labelproof_core::event::Kind;

use crate::{
    args::Issue,
    bulk,
    event::read_draft,
    publish::Desk,
    report::{Failure, Report},
    world::World,
};

/// Signs the label, logs it, and writes the proof once it holds; a re-run changes nothing.
pub(crate) fn run(args: &Issue, world: &World) -> Result<Report, Failure> {
    if bulk::holds_many(&args.file) {
        return bulk::run(Kind::LabelIssue, &args.file, &args.publish, world);
    }
    let draft = read_draft(
        Kind::LabelIssue,
        &world.read_text(&args.file)?,
        args.file.display(),
    )?;
    let desk = Desk::open(&args.publish, draft.subject(), world)?;
    let event = desk.sign(&draft, None)?;
    desk.publish(&event)
}
