//! Bringing one signed event into the log: sent, proved to be there, its effect proved, kept in files.
//!
//! ```text
//! send ─▶ index ─▶ bundle of the subject, verified ─▶ our event is in its history
//!                  tlog-proof, verified             ─▶ NAME.labelproof, NAME.tlog-proof
//! ```
//! Files are written only after every check held. Nothing the log says is taken for done.

use std::{path::Path, thread, time::Duration};

use labelproof::{
    log_server::LogServer,
    lookup::Looked,
    proof::verify_entry,
    submit::{Arrival, Logged, Proof, submit},
    trust::{TrustedLog, store::TrustStore},
};
use labelproof_core::{
    event::Event,
    merkle::{LeafHash, LeafIndex},
    tlog_proof::TlogProof,
};
use labelproof_host::exit::Exit;
use serde_json::json;

use crate::{
    lookup::look_up,
    outcome::{entry_exit, server_failed},
    report::Failure,
    world::World,
};

/// An event whose effect is proved.
pub(crate) struct Delivered {
    pub(crate) index: LeafIndex,
    pub(crate) arrival: Arrival,
    pub(crate) looked: Looked,
    pub(crate) files: Vec<String>,
}

/// The log an event goes to, and what its answers are checked against.
pub(crate) struct Destination<'a> {
    pub(crate) server: LogServer,
    pub(crate) log: &'a TrustedLog,
    pub(crate) store: TrustStore,
}

/// Sends `event` and writes `NAME.labelproof` and `NAME.tlog-proof` once both hold.
pub(crate) fn deliver(
    event: &Event,
    to: &Destination<'_>,
    name: &Path,
    world: &World,
) -> Result<Delivered, Failure> {
    let logged = send(event, to, world)?;
    prove(event, &logged, to, name, world)
}

/// Sends `event`; what the log then says of it is not proved yet.
pub(crate) fn send(event: &Event, to: &Destination<'_>, world: &World) -> Result<Logged, Failure> {
    if event.origin() != to.log.origin() {
        let what = format!("event {} is meant for log {}", event.id(), event.origin());
        return Err(Failure::new(Exit::Usage, what)
            .next("sign it again for this log, or name the other log"));
    }
    world.note(format!("sending {} of {}", event.kind(), event.subject()));
    submit(&to.server, event).map_err(|error| server_failed(&to.server, &error))
}

/// Proves that what was sent is in the log and had its effect, and writes the files.
pub(crate) fn prove(
    event: &Event,
    logged: &Logged,
    to: &Destination<'_>,
    name: &Path,
    world: &World,
) -> Result<Delivered, Failure> {
    let index = logged.index();
    if let Proof::Receipt(receipt) = logged.proof() {
        let file = with_ending(name, "receipt");
        world.write(Path::new(&file), receipt.as_bytes())?;
        world.note(format!(
            "logged at {index}, not yet witnessed; the log's promise is in {file}"
        ));
    }
    let (looked, entry) = shown(event, index, to, world)?;
    let proof = match logged.proof() {
        Proof::Witnessed(proof) => proof.clone().into_bytes(),
        Proof::Receipt(_) => to
            .server
            .proof(index)
            .map_err(|error| server_failed(&to.server, &error))?,
    };
    let parsed = TlogProof::parse(&proof)
        .map_err(|error| Failure::on(Exit::Malformed, "the log's proof", &error))?;
    verify_entry(&parsed, LeafHash::of_entry(&entry), to.log, world.now())
        .map_err(|error| Failure::on(entry_exit(&error), "the log's proof", &error))?;
    if parsed.index() != index {
        return Err(Failure::new(
            Exit::NotInLog,
            format!(
                "the log's proof is of entry {}, not {index}",
                parsed.index()
            ),
        ));
    }
    let files = vec![
        with_ending(name, "labelproof"),
        with_ending(name, "tlog-proof"),
    ];
    world.write(Path::new(&files[0]), looked.bytes())?;
    world.write(Path::new(&files[1]), &proof)?;
    Ok(Delivered {
        index,
        arrival: logged.arrival(),
        looked,
        files,
    })
}

/// Asks for the subject until its proved history holds the event, or the time for that is over.
fn shown(
    event: &Event,
    index: LeafIndex,
    to: &Destination<'_>,
    world: &World,
) -> Result<(Looked, Vec<u8>), Failure> {
    for tried in 0..=MAX_ASKS {
        let looked = look_up(&to.server, to.log, &to.store, event.subject(), world);
        match looked {
            Ok(looked) => {
                if let Some(logged) = looked.event(event.id(), index) {
                    let entry = logged.bytes().to_vec();
                    return Ok((looked, entry));
                }
                if looked.covers(index) {
                    let what = format!(
                        "the log says event {} is entry {index}, but its proof of {} does not show it",
                        event.id(),
                        event.subject()
                    );
                    return Err(Failure::new(Exit::NotInLog, what));
                }
            }
            Err(failure) if failure.exit() != Exit::Unreachable || tried == MAX_ASKS => {
                return Err(failure);
            }
            Err(_) => {}
        }
        if tried == 0 {
            world.warn(format!(
                "entry {index} is logged; waiting for its witnesses"
            ));
        }
        thread::sleep(ASK_PAUSE);
    }
    let what = format!("entry {index} was logged, but no head that covers it has its quorum yet");
    Err(Failure::new(Exit::NotSigned, what)
        .next("repeat the same command later; nothing is logged twice")
        .with(json!({ "index": index.get(), "event": event.id().to_string() })))
}

/// The name with an ending of its own; `NAME.labelproof`, never `NAME` cut at its last dot.
pub(crate) fn with_ending(name: &Path, ending: &str) -> String {
    format!("{}.{ending}", name.display())
}

/// The log itself waits 30 s for the witnesses; an accepted event is in the witnessed state within 60 s.
const MAX_ASKS: u32 = 35;
const ASK_PAUSE: Duration = Duration::from_secs(1);
