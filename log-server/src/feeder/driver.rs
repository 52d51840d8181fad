//! Threads and sockets for the feeder: one thread decides, one for each witness asks.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use labelproof_core::{
    add_checkpoint::AddCheckpoint,
    checkpoint::SignedCheckpoint,
    merkle::{TreeSize, prove_consistency},
    policy::WitnessedCheckpoint,
};
use labelproof_host::{clock::Clock, fetch::Fetch};
use tracing::error;

use super::{Action, Answer, Feeder, Input, OlderStore, Skew, WitnessIndex, WitnessReport};
use crate::storage::Directory;

/// What comes of feeding.
pub trait Outcome: Send {
    /// Signing may begin.
    fn open(&mut self);

    /// Publishes a checkpoint; `false` if it could not be stored, and has to be tried again.
    fn publish(&mut self, witnessed: &WitnessedCheckpoint) -> bool;

    /// Signing must stop.
    fn stop(&mut self, why: OlderStore);

    /// Whether our clock is far off theirs.
    fn skew(&mut self, skew: Option<Skew>);

    /// How the witnesses stand.
    fn report(&mut self, witnesses: Vec<WitnessReport>);
}

/// What a witness's thread is asked to do.
struct Job {
    old: TreeSize,
    target: Arc<SignedCheckpoint>,
}

/// Tells the feeder's thread of new heads.
#[derive(Clone, Debug)]
pub struct FeederHandle {
    inputs: mpsc::Sender<Input>,
}

impl FeederHandle {
    /// The log has grown.
    pub fn head(&self, head: Arc<SignedCheckpoint>) {
        // Only fails once the thread was told to stop.
        let _ = self.inputs.send(Input::Head(head));
    }
}

/// Starts the threads; they end with the process.
///
/// # Errors
/// What the system says when it starts no thread.
pub fn start(
    feeder: Feeder,
    urls: Vec<Option<String>>,
    directory: &Directory,
    clock: Arc<dyn Clock>,
    outcome: Box<dyn Outcome>,
) -> std::io::Result<FeederHandle> {
    let (inputs, received) = mpsc::channel();
    let fetch = Fetch::new(ANSWER_TIMEOUT);
    let mut witnesses = Vec::new();
    for (index, url) in urls.into_iter().enumerate() {
        let (jobs, todo) = mpsc::channel();
        witnesses.push(jobs);
        let Some(url) = url else { continue };
        let (fetch, directory, inputs) = (fetch.clone(), directory.clone(), inputs.clone());
        thread::Builder::new()
            .name(format!("witness-{index}"))
            .spawn(move || {
                for job in todo {
                    let answer = ask(&fetch, &url, &directory, &job);
                    if inputs
                        .send(Input::Answer {
                            witness: WitnessIndex(index),
                            answer,
                        })
                        .is_err()
                    {
                        return;
                    }
                }
            })?;
    }
    thread::Builder::new()
        .name("feeder".into())
        .spawn(move || run(feeder, &received, &witnesses, &*clock, outcome))?;
    Ok(FeederHandle { inputs })
}

fn run(
    mut feeder: Feeder,
    inputs: &mpsc::Receiver<Input>,
    witnesses: &[mpsc::Sender<Job>],
    clock: &dyn Clock,
    mut outcome: Box<dyn Outcome>,
) {
    let mut unstored: Option<Box<WitnessedCheckpoint>> = None;
    loop {
        let input = match inputs.recv_timeout(TICK) {
            Ok(input) => input,
            Err(mpsc::RecvTimeoutError::Timeout) => Input::Tick,
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        };
        let actions = feeder.handle(input, clock.unix_ms());
        for action in actions {
            match action {
                Action::Send {
                    witness,
                    old,
                    target,
                } => {
                    // A thread that is gone never answers, so its witness counts as silent.
                    let _ = witnesses[witness.0].send(Job { old, target });
                }
                Action::Open => outcome.open(),
                Action::Publish(witnessed) => unstored = Some(witnessed),
                Action::Stop(why) => {
                    outcome.stop(why);
                    return;
                }
            }
        }
        outcome.skew(feeder.skew());
        unstored = unstored.filter(|witnessed| !outcome.publish(witnessed));
        outcome.report(feeder.report());
    }
}

/// One request to one witness.
fn ask(fetch: &Fetch, url: &str, directory: &Directory, job: &Job) -> Answer {
    let size = job.target.head().size();
    let proof = if job.old == TreeSize::EMPTY || job.old == size {
        Vec::new()
    } else {
        match prove_consistency(directory, job.old, size) {
            Ok(proof) => proof,
            Err(error) => {
                error!(%error, "a consistency proof cannot be made");
                return Answer::Failed(format!("this log cannot prove consistency: {error}"));
            }
        }
    };
    let body = match AddCheckpoint::new(job.old, proof, job.target.note().clone()) {
        Ok(request) => request.to_bytes(),
        Err(error) => return Answer::Failed(error.to_string()),
    };
    let prefix = url.trim_end_matches('/');
    let url = format!("{prefix}/add-checkpoint");
    match fetch.post(&url, &body, "text/plain; charset=utf-8", MAX_ANSWER_BYTES) {
        Err(error) => Answer::Failed(format!("{error}: {}", error.cause())),
        Ok(response) => match response.status() {
            200 => Answer::Cosigned(response.into_body()),
            409 => match size_in(response.body()) {
                Some(theirs) if theirs > size => ahead(fetch, prefix, &job.target, theirs),
                Some(theirs) => Answer::Conflict(theirs),
                None => Answer::Failed("it answered 409 without a size".to_owned()),
            },
            status => Answer::Failed(format!("it answered {status}")),
        },
    }
}

/// Asks a witness that claims more than we sent to show it; a number alone stops nobody.
fn ahead(fetch: &Fetch, prefix: &str, ours: &SignedCheckpoint, theirs: TreeSize) -> Answer {
    let url = format!("{prefix}/{}/checkpoint", ours.origin().hash());
    match fetch.get(&url, MAX_ANSWER_BYTES) {
        Ok(response) if response.status() == 200 => Answer::Ahead(response.into_body()),
        _ => Answer::Conflict(theirs),
    }
}

/// SPEC tlog-witness: the size in decimal, followed by a newline.
fn size_in(body: &[u8]) -> Option<TreeSize> {
    std::str::from_utf8(body)
        .ok()?
        .strip_suffix('\n')?
        .parse()
        .ok()
}

/// A witness needs milliseconds; beyond ten seconds the round is over.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How late a pause or a round may end.
const TICK: Duration = Duration::from_millis(100);
/// Sixteen lines, the longest with a name of 255 bytes and an ML-DSA-44 signature of 3.3 kB.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
