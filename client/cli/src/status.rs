//! `status`: where a label, a product, an authority, a scheme or a member stands now.

mod of_product;

pub(crate) use of_product::told;

use labelproof::{lookup::freshness, trust::store::Standing};
use labelproof_core::event::Subject;
use labelproof_host::exit::Exit;
use serde_json::json;

use crate::{
    args::Status,
    asked::Asked,
    finding::{Finding, STATE_IS_THE_LOGS_WORD},
    lookup::look_up,
    publish::destination,
    report::{Failure, Report},
    trust,
    world::World,
};

/// Asks the log and checks the answer; its exit is the status.
pub(crate) fn run(args: &Status, world: &World) -> Result<Report, Failure> {
    match &args.what {
        Asked::Subject(subject) => of_subject(subject, args, world),
        Asked::Product(product) => of_product::run(product, args, world),
    }
}

/// Asks the subject's log and checks the answer; its exit is the status.
fn of_subject(subject: &Subject, args: &Status, world: &World) -> Result<Report, Failure> {
    let trust = trust::load(&args.network.trust, world)?;
    let log = trust
        .home_of(subject)
        .map_err(|error| Failure::of(Exit::Usage, &error))?;
    let to = destination(&args.network, log, world)?;
    let looked = look_up(&to.server, log, &to.store, subject, world)?;
    let now = args.age.at.unwrap_or_else(|| world.now());
    let finding = Finding::of(looked.proved(), subject, now)
        .ok_or_else(|| Failure::new(Exit::NotInLog, format!("nothing is proved of {subject}")))?;
    let newest = looked.before().filter(|_| args.age.at.is_none());
    let mut finding = finding.aged(freshness(
        looked.proved().as_of(),
        now,
        args.age.max_age.duration(),
        newest,
    ));
    if let (Standing::Older, Some(before)) = (looked.standing(), looked.before()) {
        finding = finding.behind(before.checkpoint().head().size().get());
    }
    if let Some(file) = &args.save {
        world.write(file, looked.bytes())?;
    }
    let mut result = finding.json();
    result["checks"] = looked
        .proved()
        .checks()
        .iter()
        .map(|check| json!({ "step": check.step().word(), "found": check.text() }))
        .collect();
    result["remark"] = json!(STATE_IS_THE_LOGS_WORD);
    result["saved"] = json!(args.save.as_ref().map(|file| file.display().to_string()));
    Ok(Report {
        exit: finding.exit(),
        said: vec![finding.said()],
        result,
    })
}
