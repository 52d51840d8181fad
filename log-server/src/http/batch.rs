//! Many events in one request, each answered for itself.
//!
//! ```text
//! POST /v1/events:batch      {"line":1,"status":201,"index":…,"event":…,"leaf":…,"proof":…}
//!   "labelproof-event/v1…"   {"line":2,"status":409,"type":"urn:labelproof:problem:…","title":…,"detail":…}
//!   "labelproof-event/v1…"   one object a line, in the order of the request, as soon as it is known
//! ```
//! Read and answered at the same time: lines are admitted as they come in, and what became of them waits, some
//! hundred bytes a line, until its reader takes it. Nothing is atomic. `submit` says what one event is answered.

use std::{collections::VecDeque, pin::pin, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use http_body_util::BodyExt as _;
use labelproof_core::{event::EventId, refusal::Refusal};
use serde_json::{Value, json};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, timeout},
};

use super::{
    NO_STORE, Service, apart,
    error::Problem,
    lines::{End, Line, Lines, MAX_LINE_BYTES},
    openapi::problems::OfBatches,
    stream::stream,
    submit::{
        DryRun, Mode, PlaceOrTrial, Trial, answered, check_encoding, prefers_async, wait_until,
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
    let Ok(place) = service.batches.clone().try_acquire_owned() else {
        return Err(Problem::Busy { what: "batches" });
    };
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
    tokio::spawn(reading.run(body));
    tokio::spawn(write(service, goal, arriving, answers, place));
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

/// As many batches at once as [`MAX_BATCHES`] says.
pub(super) fn places() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(MAX_BATCHES))
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
            let (mode, may_wait) = (self.mode, !self.patience.is_zero());
            let work = move |log: &Log| Ok(admit_until_full(log, mode, lines, may_wait));
            let turn = self.service.gate.enter_in_turn().await;
            let (done, rest, full) = match apart(&self.service, work).await {
                Ok(done) => done,
                Err(problem) => return self.say(problem).await,
            };
            drop(turn);
            lines = rest;
            for outcome in done {
                self.outcomes.send(outcome).await.map_err(|_| Gone)?;
            }
            let Some(pause) = full else { continue };
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

type Done = (Vec<Outcome>, VecDeque<Line>, Option<Duration>);

/// Admits until a line finds no room; then says after what time it is worth trying again.
fn admit_until_full(log: &Log, mode: Mode, mut lines: VecDeque<Line>, may_wait: bool) -> Done {
    let metrics = &log.setting().metrics;
    let mut done = Vec::with_capacity(lines.len());
    while let Some(line) = lines.pop_front() {
        match admit(log, mode, &line) {
            Ok(outcome) => {
                match &outcome {
                    Outcome::Admitted(admitted, _) => metrics.admitted(admitted.arrival()),
                    Outcome::Accepted(_) => metrics.tried(),
                    Outcome::Refused(problem) => metrics.refused(problem),
                }
                done.push(outcome);
            }
            Err(problem) => match problem.passes_after() {
                Some(pause) if may_wait => {
                    lines.push_front(line);
                    return (done, lines, Some(pause));
                }
                _ => {
                    metrics.refused(&problem);
                    done.push(Outcome::Refused(problem));
                }
            },
        }
    }
    (done, lines, None)
}

fn admit(log: &Log, mode: Mode, line: &Line) -> Result<Outcome, Problem> {
    let line = match line {
        Line::Whole(line) => line,
        Line::TooLong => {
            let (got, limit) = (MAX_LINE_BYTES as u64 + 1, MAX_LINE_BYTES as u64);
            return Err(Refusal::TooLarge { got, limit }.into());
        }
        Line::Cut => return Err(Problem::BadLine { why: CUT }),
    };
    let note: String = serde_json::from_slice(line).map_err(|_| Problem::BadLine { why: FORM })?;
    match mode {
        Mode::Take => {
            let admitted = log.admit(note.as_bytes())?;
            Ok(Outcome::Admitted(admitted, Instant::now()))
        }
        Mode::Try => Ok(Outcome::Accepted(log.try_out(note.as_bytes())?)),
    }
}

/// Answers line by line, each as soon as all before it are answered and it stands where it should.
async fn write(
    service: Service,
    goal: Standing,
    mut arriving: mpsc::Receiver<Outcome>,
    answers: mpsc::Sender<Bytes>,
    _place: OwnedSemaphorePermit,
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
                let deadline = *since + self.service.patience;
                let service = self.service.clone();
                let waiting = wait_until(&service, admitted, goal, deadline);
                let mut waiting = pin!(waiting);
                match timeout(Duration::ZERO, waiting.as_mut()).await {
                    Ok(standing) => standing,
                    Err(_) => {
                        // Nobody's answer waits for the next one's.
                        self.send().await?;
                        tokio::select! {
                            standing = waiting => standing,
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
        let write = move |log: &Log| {
            let mut text = String::new();
            for (line, (outcome, standing)) in (first..).zip(some) {
                text.push_str(&object(log, line, outcome, standing).to_string());
                text.push('\n');
            }
            Ok(Bytes::from(text))
        };
        let text = apart(&self.service, write).await.map_err(|_| Gone)?;
        self.answers.send(text).await.map_err(|_| Gone)
    }
}

fn object(log: &Log, line: u64, outcome: Outcome, standing: Standing) -> Value {
    let known = |answer| serde_json::to_value(answer).expect("an answer is texts and numbers");
    let answered = match outcome {
        Outcome::Admitted(admitted, _) => answered(log, &admitted, standing)
            .map(|(status, answer)| (status, known(PlaceOrTrial::Place(answer)))),
        Outcome::Accepted(event) => {
            let trial = PlaceOrTrial::Trial(Trial::of(event));
            Ok((StatusCode::OK, known(trial)))
        }
        Outcome::Refused(problem) => Err(problem),
    };
    let mut object = match answered {
        Ok((status, mut object)) => {
            object["status"] = json!(status.as_u16());
            object
        }
        Err(problem) => problem.to_json(),
    };
    object["line"] = json!(line);
    object
}

const JSON_LINES: &str = "application/jsonl";
const CUT: &str = "the body ended within it";
const FORM: &str = "each line is one JSON string, and the string a signed note";

/// As many events as one batch of the log takes.
pub(super) const MAX_LINES: usize = 10_000;
/// Ten thousand labels of 1 KiB as JSON strings, and a half more; most lines are far below the longest.
pub(super) const MAX_BATCH_BYTES: usize = 16 * 1024 * 1024;
/// Each may hold 10,000 outcomes of 200 bytes and a line; all of them together stay below 200 MiB.
const MAX_BATCHES: usize = 64;
/// What one thread does before others get a turn: about 3 ms of signatures.
const LINES_AT_ONCE: usize = 32;
