//! `submit`: events signed elsewhere go to their log.

use std::path::Path;

use labelproof_host::exit::Exit;
use serde_json::json;

use crate::{
    args::Submit,
    deliver::deliver,
    files::events_of,
    publish::{delivered_report, destination, file_name},
    report::{Failure, Report},
    trust,
    world::World,
};

/// Sends every event of every file, in order, and stops at the first that does not arrive.
pub(crate) fn run(args: &Submit, world: &World) -> Result<Report, Failure> {
    let trust = trust::load(&args.network.trust, world)?;
    let mut said = Vec::new();
    let mut each = Vec::new();
    for file in &args.files {
        let name = file.display().to_string();
        for event in events_of(&name, &world.read(file)?)? {
            let log = trust
                .home_of(event.subject())
                .map_err(|error| Failure::of(Exit::Usage, &error))?;
            let to = destination(&args.network, log, world)?;
            let out = beside(file, &file_name(event.subject()));
            let delivered = deliver(&event, &to, &out, world)
                .map_err(|failure| failure.with(json!({ "delivered": each.clone() })))?;
            let report = delivered_report(&event, &delivered, world);
            said.extend(report.said);
            each.push(report.result);
        }
    }
    if each.is_empty() {
        return Err(Failure::new(Exit::Malformed, "the files hold no event")
            .next("`labelproof inspect` says what a file is"));
    }
    Ok(Report {
        exit: Exit::Done,
        said,
        result: json!({ "delivered": each }),
    })
}

fn beside(file: &Path, name: &Path) -> std::path::PathBuf {
    file.parent()
        .map_or_else(|| name.to_owned(), |folder| folder.join(name))
}
