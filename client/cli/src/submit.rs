//! `submit`: events signed elsewhere go to their log.

use std::{collections::BTreeSet, path::PathBuf};

use labelproof::trust::{TrustFile, TrustedLog};
use labelproof_core::event::{Event, EventId};
use labelproof_host::exit::Exit;
use serde_json::{Value, json};

use crate::{
    args::{Network, Submit},
    deliver::{prove, send},
    files::events_of,
    publish::{delivered_report, destination, file_name},
    report::{Failure, Report, Said, Tone, meaning},
    trust,
    world::World,
};

/// Sends every event of every file, in order.
///
/// A note that the log refuses does not keep the others back: a journal holds also what a wrong key signed in
/// vain, and that does not count once the same event arrived. Any other failure ends the run.
pub(crate) fn run(args: &Submit, world: &World) -> Result<Report, Failure> {
    let trust = trust::load(&args.network.trust, world)?;
    let notes = read(args, &trust, world)?;
    let mut tries = Vec::new();
    for note in &notes {
        let fate = note.deliver(&args.network, world);
        let goes_on = !matches!(fate, Fate::Failed(_));
        tries.push((&note.event, fate));
        if !goes_on {
            break;
        }
    }
    let unsent = &notes[tries.len()..];
    // One note is answered as `issue` answers.
    if notes.len() == 1
        && let Some((_, Fate::Refused(failure) | Fate::Failed(failure))) =
            tries.pop_if(|(_, fate)| !matches!(fate, Fate::Arrived(_)))
    {
        return Err(failure);
    }
    Ok(told(tries, unsent))
}

/// A signed note and where it goes.
struct Addressed<'a> {
    event: Event,
    log: &'a TrustedLog,
    /// The beginning of the names of its proofs.
    out: PathBuf,
}

/// What became of a note.
enum Fate {
    /// It is in the log, and its effect is proved.
    Arrived(Report),
    /// The log does not take this note; it may take others.
    Refused(Failure),
    /// Nothing is known of it, and the next would fare no better.
    Failed(Failure),
}

/// Everything is read before anything is sent.
fn read<'a>(
    args: &Submit,
    trust: &'a TrustFile,
    world: &World,
) -> Result<Vec<Addressed<'a>>, Failure> {
    let mut notes = Vec::new();
    for file in &args.files {
        let name = file.display().to_string();
        for event in events_of(&name, &world.read(file)?)? {
            let log = trust
                .home_of(event.subject())
                .map_err(|error| Failure::of(Exit::Usage, &error))?;
            let beside = file_name(event.subject());
            let out = file
                .parent()
                .map_or_else(|| beside.clone(), |folder| folder.join(&beside));
            notes.push(Addressed { event, log, out });
        }
    }
    if notes.is_empty() {
        return Err(Failure::new(Exit::Malformed, "the files hold no event")
            .next("`labelproof inspect` says what a file is"));
    }
    Ok(notes)
}

impl Addressed<'_> {
    fn deliver(&self, network: &Network, world: &World) -> Fate {
        let to = match destination(network, self.log, world) {
            Ok(to) => to,
            Err(failure) => return Fate::Failed(failure),
        };
        let logged = match send(&self.event, &to, world) {
            Ok(logged) => logged,
            Err(failure) => return Fate::unsent(failure),
        };
        match prove(&self.event, &logged, &to, &self.out, world) {
            Ok(delivered) => Fate::Arrived(delivered_report(&self.event, &delivered, world)),
            Err(failure) => Fate::Failed(failure),
        }
    }
}

impl Fate {
    /// These three exits of a submission speak of the note, all others of log or machine.
    fn unsent(failure: Failure) -> Self {
        match failure.exit() {
            Exit::Malformed | Exit::NotSigned | Exit::NotInLog => Self::Refused(failure),
            _ => Self::Failed(failure),
        }
    }
}

fn told(tries: Vec<(&Event, Fate)>, unsent: &[Addressed<'_>]) -> Report {
    let arrived: BTreeSet<EventId> = tries
        .iter()
        .filter(|(_, fate)| matches!(fate, Fate::Arrived(_)))
        .map(|(event, _)| event.id())
        .collect();
    let mut exit = Exit::Done;
    let mut said = Vec::new();
    let (mut delivered, mut undelivered) = (Vec::new(), Vec::new());
    for (event, fate) in tries {
        let (word, failure, needed) = match fate {
            Fate::Arrived(report) => {
                said.extend(report.said);
                delivered.push(report.result);
                continue;
            }
            Fate::Refused(failure) => ("REFUSED", failure, !arrived.contains(&event.id())),
            Fate::Failed(failure) => ("FAILED", failure, true),
        };
        if needed {
            exit = exit.worse(failure.exit());
        }
        said.push(said_of(event, word, &failure, needed));
        undelivered.push(json_of(event, &failure, needed));
    }
    for note in unsent {
        said.push(Said::Answer {
            tone: Tone::Unsure,
            word: "NOT SENT".into(),
            about: note.event.subject().to_string(),
            body: format!("  event      {}\n", note.event.id()),
        });
    }
    let unsent: Vec<String> = unsent
        .iter()
        .map(|note| note.event.id().to_string())
        .collect();
    Report {
        exit,
        said,
        result: json!({ "delivered": delivered, "undelivered": undelivered, "not_sent": unsent }),
    }
}

fn said_of(event: &Event, word: &str, failure: &Failure, needed: bool) -> Said {
    let mut body = format!("  event      {}\n  {}\n", event.id(), failure.what());
    if !needed {
        body.push_str(
            "  The same event arrived with another signature; this note is not needed.\n",
        );
    } else if let Some(next) = failure.next_step() {
        body.push_str(&format!("  next: {next}\n"));
    }
    Said::Answer {
        tone: if needed { Tone::Bad } else { Tone::Unsure },
        word: word.into(),
        about: event.subject().to_string(),
        body,
    }
}

fn json_of(event: &Event, failure: &Failure, needed: bool) -> Value {
    json!({
        "subject": event.subject().to_string(), "event": event.id().to_string(),
        "exit": failure.exit().code(), "meaning": meaning(failure.exit()), "error": failure.what(),
        "next": failure.next_step(), "detail": failure.result(), "arrived_otherwise": !needed,
    })
}
