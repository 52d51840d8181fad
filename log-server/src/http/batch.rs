//! Many events in one request, each answered for itself.
//!
//! ```text
//! POST /v1/events:batch      {"line":1,"status":201,"index":…,"event":…,"leaf":…,"proof":…}
//!   "labelproof-event/v1…"   {"line":2,"status":409,"type":"urn:labelproof:problem:…","title":…,"detail":…}
//!   "labelproof-event/v1…"   one object a line, in the order of the request, as soon as it is known
//! ```
//! Read and answered at the same time: lines are admitted as they come in, and what became of them waits, some
//! hundred bytes a line, until its reader takes it. Nothing is atomic. `submit` says what one event is answered.

use std::{collections::VecDeque, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use http_body_util::BodyExt as _;
use labelproof_core::{event::EventId, refusal::Refusal};
use labelproof_host::web::Place;
use serde::Serialize;
use serde_json::json;
use tokio::{
    runtime::Handle,
    sync::mpsc,
    time::{Instant, timeout},
};

use super::{
    NO_STORE, Service, apart, counted,
    error::Problem,
    lines::{End, Line, Lines, MAX_LINE_BYTES},
    openapi::problems::OfBatches,
    stream::stream,
    submit::{
        DryRun, Mode, PlaceOrTrial, Trial, answered, check_encoding, needs_no_file, prefers_async,
        settled, wait_until,
    },
};
use crate::{admission::Admitted, log::Log, progress::Standing};

/// What became of a line when it was read.
enum Outcome {
    Admitted(Admitted, Instant),
    /// The log would take it.
    Accepted(EventId),
    Refused(Problem),
}

/// `POST /v1/events:batch`: puts many events into the log, each for itself.
#[utoipa::path(
    post, path = "/v1/events:batch", tag = "events", operation_id = "submit_events",
    params(
        ("dry-run" = inline(Option<DryRun>), Query, description = "Say whether the log would take them, and take nothing."),
        ("prefer" = Option<String>, Header, description = "`respond-async`: do not wait for the witnesses (RFC 7240)."),
    ),
    request_body(content = Option<String>, content_type = "application/jsonl",
        description = "One JSON string a line, each a signed note; at most 10,000 lines and 16 MiB."),
    responses(
        (status = 200, description = "One JSON object a line of the request, in order: `line`, `status`, and what \
            `/v1/events` would answer to it alone, problems included.", body = String,
            content_type = "application/jsonl", headers(("cache-control"), ("preference-applied"))),
        OfBatches,
    )
)]
pub(super) async fn events(
    State(service): State<Service>,
    mode: Mode,
    request: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    check_encoding(&request)?;
    let declared = request.get(header::CONTENT_LENGTH);
    let declared = declared.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > MAX_BATCH_BYTES) {
        return Err(Problem::BodyTooLarge {
            limit: MAX_BATCH_BYTES,
        });
    }
    let place = service.batches.take();
    let place = place.ok_or(Problem::Busy { what: "batches" })?;
    let is_async = prefers_async(&request);
    let goal = if is_async {
        Standing::Acknowledged
    } else {
        Standing::Published
    };
    // Room for every line: reading never waits for a reader that sends everything before it reads.
    let (outcomes, arriving) = mpsc::channel(MAX_LINES + 1);
    let (answers, answer) = stream();
    let reading = Reading {
        service: service.clone(),
        mode,
        outcomes,
        patience: service.patience,
    };
    let runtime = service.submitting.clone().unwrap_or_else(Handle::current);
    runtime.spawn(reading.run(body));
    runtime.spawn(write(service, goal, arriving, answers, place));
    let mut response = answer.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON_LINES));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(NO_STORE));
    if is_async {
        // SPEC RFC 7240: what was honoured is said.
        let honoured = HeaderValue::from_static("respond-async");
        headers.insert("preference-applied", honoured);
    }
    Ok(response)
}

/// The half of a batch that reads.
struct Reading {
    service: Service,
    mode: Mode,
    outcomes: mpsc::Sender<Outcome>,
    /// How long the batch may still wait for room.
    patience: Duration,
}

/// Nobody takes the answer any more.
struct Gone;

impl Reading {
    /// Admits line by line; ends with the body, or when nobody takes the answer.
    async fn run(mut self, mut body: Body) {
        let mut lines = Lines::default();
        let mut ended = Vec::new();
        let (mut count, mut bytes) = (0, 0);
        let end = loop {
            let frame = match body.frame().await {
                None => break End::Whole,
                Some(Err(_)) => break End::Broken,
                Some(Ok(frame)) => frame,
            };
            let Ok(data) = frame.into_data() else {
                continue; // Trailers say nothing to us.
            };
            bytes += data.len();
            if bytes > MAX_BATCH_BYTES {
                let limit = MAX_BATCH_BYTES;
                let _ = self.say(Problem::BodyTooLarge { limit }).await;
                return;
            }
            if count > MAX_LINES {
                continue; // Said already; a sender who reads last is let finish.
            }
            lines.push(&data, &mut ended);
            if self.admit(&mut count, &mut ended).await.is_err() {
                return;
            }
        };
        if count <= MAX_LINES {
            ended.extend(lines.finish(end));
            let _ = self.admit(&mut count, &mut ended).await;
        }
    }

    async fn say(&self, problem: Problem) -> Result<(), Gone> {
        let outcome = Outcome::Refused(problem);
        self.outcomes.send(outcome).await.map_err(|_| Gone)
    }

    /// Admits the lines that have ended; `count` of the batch were before them.
    async fn admit(&mut self, count: &mut usize, ended: &mut Vec<Line>) -> Result<(), Gone> {
        let rest = MAX_LINES.saturating_sub(*count);
        let are_too_many = ended.len() > rest;
        *count += ended.len();
        ended.truncate(rest);
        let mut waiting: VecDeque<Line> = ended.drain(..).collect();
        while !waiting.is_empty() {
            let upto = waiting.len().min(LINES_AT_ONCE);
            let some = waiting.drain(..upto).collect();
            self.admit_some(some).await?;
        }
        if are_too_many {
            self.say(Problem::TooManyLines { limit: MAX_LINES }).await?;
        }
        Ok(())
    }

    /// Admits in order; where there is no room the line waits, as long as the batch has patience.
    async fn admit_some(&mut self, mut lines: VecDeque<Line>) -> Result<(), Gone> {
        let mut progress = self.service.log.progress();
        while !lines.is_empty() {
            progress.borrow_and_update();
            let turn = self.service.gate.enter().await;
            let mut round = Round::of(self.mode, !self.patience.is_zero(), lines);
            // Labels that are new need nothing but memory; a worker admits those itself.
            round.admit(&self.service.log, Reach::Memory);
            if round.needs_store {
                let work = move |log: &Log| {
                    round.admit(log, Reach::Store);
                    Ok(round)
                };
                round = match apart(&self.service, work).await {
                    Ok(round) => round,
                    Err(problem) => return self.say(problem).await,
                };
            }
            drop(turn);
            lines = round.lines;
            for outcome in round.done {
                self.outcomes.send(outcome).await.map_err(|_| Gone)?;
            }
            let Some(pause) = round.full else { continue };
            let before = Instant::now();
            // Room comes with the next batch that is cut, and that is progress.
            let _ = timeout(pause.min(self.patience), progress.changed()).await;
            self.patience = self.patience.saturating_sub(before.elapsed());
            if self.outcomes.is_closed() {
                return Err(Gone);
            }
        }
        Ok(())
    }
}

/// Lines that are admitted in one go.
struct Round {
    mode: Mode,
    may_wait: bool,
    /// Those that are left.
    lines: VecDeque<Line>,
    done: Vec<Outcome>,
    /// The next line found no room; after this time it is worth trying again.
    full: Option<Duration>,
    /// The next line has to be looked up.
    needs_store: bool,
}

/// How far admission may go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reach {
    /// What is in memory.
    Memory,
    /// Index and entries too.
    Store,
}

impl Round {
    fn of(mode: Mode, may_wait: bool, lines: VecDeque<Line>) -> Self {
        Self {
            mode,
            may_wait,
            done: Vec::with_capacity(lines.len()),
            lines,
            full: None,
            needs_store: false,
        }
    }

    /// Admits until a line finds no room, or cannot be admitted within reach.
    fn admit(&mut self, log: &Log, reach: Reach) {
        let metrics = &log.setting().metrics;
        self.needs_store = false;
        while let Some(line) = self.lines.pop_front() {
            match counted(log, admit(log, self.mode, &line, reach)) {
                Ok(Some(outcome)) => {
                    match &outcome {
                        Outcome::Admitted(admitted, _) => metrics.admitted(admitted.arrival()),
                        Outcome::Accepted(_) => metrics.tried(),
                        Outcome::Refused(problem) => metrics.refused(problem),
                    }
                    self.done.push(outcome);
                }
                Ok(None) => {
                    self.lines.push_front(line);
                    self.needs_store = true;
                    return;
                }
                Err(problem) => match problem.passes_after() {
                    Some(pause) if self.may_wait => {
                        self.lines.push_front(line);
                        self.full = Some(pause);
                        return;
                    }
                    _ => {
                        metrics.refused(&problem);
                        self.done.push(Outcome::Refused(problem));
                    }
                },
            }
        }
    }
}

/// What becomes of a line; `None` if it has to be looked up first.
fn admit(log: &Log, mode: Mode, line: &Line, reach: Reach) -> Result<Option<Outcome>, Problem> {
    let line = match line {
        Line::Whole(line) => line,
        Line::TooLong => {
            let (got, limit) = (MAX_LINE_BYTES as u64 + 1, MAX_LINE_BYTES as u64);
            return Err(Refusal::TooLarge { got, limit }.into());
        }
        Line::Cut => return Err(Problem::BadLine { why: CUT }),
    };
    let note: String = serde_json::from_slice(line).map_err(|_| Problem::BadLine { why: FORM })?;
    let admitted = match (mode, reach) {
        (Mode::Take, Reach::Memory) => log.admit_new(note.as_bytes())?,
        (Mode::Take, Reach::Store) => Some(log.admit(note.as_bytes())?),
        (Mode::Try, Reach::Memory) => None,
        (Mode::Try, Reach::Store) => {
            let tried = log.try_out(note.as_bytes())?;
            return Ok(Some(Outcome::Accepted(tried)));
        }
    };
    Ok(admitted.map(|admitted| Outcome::Admitted(admitted, Instant::now())))
}

/// Answers line by line, each as soon as all before it are answered and it stands where it should.
async fn write(
    service: Service,
    goal: Standing,
    mut arriving: mpsc::Receiver<Outcome>,
    answers: mpsc::Sender<Bytes>,
    _place: Place,
) {
    let mut answering = Answering {
        service,
        answers,
        line: 0,
        settled: Vec::new(),
    };
    let mut some = Vec::new();
    while arriving.recv_many(&mut some, LINES_AT_ONCE).await > 0 {
        for outcome in some.drain(..) {
            if answering.settle(outcome, goal).await.is_err() {
                return;
            }
        }
        if answering.send().await.is_err() {
            return;
        }
    }
}

/// The half of a batch that answers.
struct Answering {
    service: Service,
    answers: mpsc::Sender<Bytes>,
    /// The line that was answered last.
    line: u64,
    /// Lines that can be answered.
    settled: Vec<(Outcome, Standing)>,
}

impl Answering {
    /// Waits until a line can be answered.
    async fn settle(&mut self, outcome: Outcome, goal: Standing) -> Result<(), Gone> {
        let standing = match &outcome {
            Outcome::Admitted(admitted, since) => {
                let service = self.service.clone();
                match settled(service.log.standing(), admitted, goal) {
                    Some(standing) => standing,
                    None => {
                        // Nobody's answer waits for the next one's.
                        self.send().await?;
                        let deadline = *since + service.patience;
                        tokio::select! {
                            standing = wait_until(&service.log, admitted, goal, deadline) => standing,
                            () = self.answers.closed() => return Err(Gone),
                        }
                    }
                }
            }
            Outcome::Accepted(_) | Outcome::Refused(_) => Standing::Waiting,
        };
        self.settled.push((outcome, standing));
        Ok(())
    }

    /// Sends what is settled.
    async fn send(&mut self) -> Result<(), Gone> {
        if self.settled.is_empty() {
            return Ok(());
        }
        let some = std::mem::take(&mut self.settled);
        let first = self.line + 1;
        self.line += some.len() as u64;
        let log = &self.service.log;
        let from_memory = some.iter().all(|(outcome, standing)| match outcome {
            Outcome::Admitted(admitted, _) => needs_no_file(log, admitted, *standing),
            Outcome::Accepted(_) | Outcome::Refused(_) => true,
        });
        let text = if from_memory {
            text(log, first, some)
        } else {
            let write = move |log: &Log| Ok(text(log, first, some));
            apart(&self.service, write).await.map_err(|_| Gone)?
        };
        self.answers.send(text).await.map_err(|_| Gone)
    }
}

/// The answers to lines from `first` on.
fn text(log: &Log, first: u64, some: Vec<(Outcome, Standing)>) -> Bytes {
    let mut text = Vec::new();
    for (line, (outcome, standing)) in (first..).zip(some) {
        let written = match answer(log, outcome, standing) {
            Ok((status, answer)) => serde_json::to_writer(
                &mut text,
                &Answered {
                    line,
                    status: status.as_u16(),
                    answer,
                },
            ),
            Err(problem) => {
                let mut object = problem.to_json();
                object["line"] = json!(line);
                serde_json::to_writer(&mut text, &object)
            }
        };
        written.expect("an answer is texts and numbers");
        text.push(b'\n');
    }
    Bytes::from(text)
}

/// A line of the answer about an event that nothing is wrong with.
#[derive(Serialize)]
struct Answered {
    line: u64,
    status: u16,
    #[serde(flatten)]
    answer: PlaceOrTrial,
}

fn answer(
    log: &Log,
    outcome: Outcome,
    standing: Standing,
) -> Result<(StatusCode, PlaceOrTrial), Problem> {
    match outcome {
        Outcome::Admitted(admitted, _) => {
            let done = answered(log, &admitted, standing);
            // What was not sequenced in time did not fail by being read.
            let (status, answer) = if needs_no_file(log, &admitted, standing) {
                done?
            } else {
                counted(log, done)?
            };
            Ok((status, PlaceOrTrial::Place(answer)))
        }
        Outcome::Accepted(event) => Ok((StatusCode::OK, PlaceOrTrial::Trial(Trial::of(event)))),
        Outcome::Refused(problem) => Err(problem),
    }
}

const JSON_LINES: &str = "application/jsonl";
const CUT: &str = "the body ended within it";
const FORM: &str = "each line is one JSON string, and the string a signed note";

/// As many events as one batch of the log takes.
pub(super) const MAX_LINES: usize = 10_000;
/// Ten thousand labels of 1 KiB as JSON strings, and a half more; most lines are far below the longest.
pub(super) const MAX_BATCH_BYTES: usize = 16 * 1024 * 1024;
/// Each may hold 10,000 outcomes and a line: most have 200 bytes, which is 128 MB for all of them; a refusal has its
/// words on top, at most 768 bytes.
pub(super) const MAX_BATCHES: usize = 64;
/// What one thread does before others get a turn: about 3 ms of signatures.
const LINES_AT_ONCE: usize = 32;
