//! The protocol as a script: what is sent, what comes back; one row a rule of c2sp.org/tlog-witness.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use labelproof_core::checkpoint::{Checkpoint, SignedCheckpoint};
use labelproof_core::cosignature::verify_cosignature;
use labelproof_core::key::{KeyType, SigningKey};
use labelproof_core::merkle::{RootHash, TreeHead, TreeSize};
use labelproof_core::note::{KeyName, Note, SignatureLine};
use labelproof_host::fs::{Fs, SimulatedFs};
use labelproof_witness::http::{Face, Metrics, router};
use labelproof_witness::witness::{Parts, Witness};
use labelproof_witness::writer;
use tower::ServiceExt as _;

use super::log::Log;
use super::{NOW, folder, set_up, witness_key};

/// An answer, as a client sees it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) body: String,
}

pub(crate) fn serve(parts: Parts) -> Router {
    let witness = Witness::open(parts).unwrap();
    let metrics = Arc::new(Metrics::default());
    let (known, shelf) = (witness.known(), witness.shelf());
    let (queue, _thread) = writer::start(witness, Arc::clone(&metrics));
    let limit = axum::extract::DefaultBodyLimit::max(128 * 1024);
    let vkey = witness_key().vkey().clone();
    let face = Face {
        known,
        queue,
        shelf,
        metrics,
        vkey,
    };
    router(face).layer(limit)
}

pub(crate) async fn send(router: &Router, method: &str, path: &str, body: Vec<u8>) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request = request.body(Body::from(body)).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let content_type = response.headers().get("content-type");
    let content_type = content_type.map_or("", |value| value.to_str().unwrap());
    let (status, content_type) = (response.status().as_u16(), content_type.to_owned());
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Answer {
        status,
        content_type,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

pub(crate) async fn post(router: &Router, body: Vec<u8>) -> Answer {
    send(router, "POST", "/add-checkpoint", body).await
}

fn honest() -> Log {
    Log::new("labels.g7.example", 20, 20)
}

fn witness() -> Router {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    let other = Log::new("other.example", 1, 1);
    let logs = [honest().key().vkey().clone(), other.key().vkey().clone()];
    serve(set_up(fs, &folder(), &logs))
}

fn text(body: Vec<u8>) -> String {
    String::from_utf8(body).unwrap()
}

/// Replaces the checkpoint of a request by another signed one.
fn with_note(request: &str, note: &Note) -> Vec<u8> {
    let head = request.split("\n\n").next().unwrap();
    format!("{head}\n\n{note}").into_bytes()
}

fn with_line(signed: &SignedCheckpoint, line: SignatureLine) -> Note {
    signed.note().clone().with_signature(line).unwrap()
}

/// Runs rows of (what, request, status, body or a part of it) one after the other.
async fn run(router: &Router, rows: Vec<(&str, Vec<u8>, u16, &str)>) {
    for (what, body, status, want) in rows {
        let answer = post(router, body).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.body);
        if status == 409 {
            assert_eq!(
                (answer.body.as_str(), answer.content_type.as_str()),
                (want, "text/x.tlog.size"),
                "{what}"
            );
        } else {
            assert!(answer.body.contains(want), "{what}: {}", answer.body);
            assert!(answer.body.ends_with('\n'), "{what}");
        }
    }
}

#[tokio::test]
async fn the_rules_in_the_order_of_the_specification() {
    let (log, router) = (honest(), witness());
    let fork = Log::new("labels.g7.example", 20, 3);
    let stranger = Log::new("stranger.example", 5, 5);
    let namesake_key = SigningKey::from_seed(
        KeyName::parse("labels.g7.example").unwrap(),
        KeyType::Note,
        [2; 32],
    );
    let namesake = SignedCheckpoint::sign(log.signed(5).checkpoint(), &namesake_key);
    let own = |size: usize| log.signed(size).note().signatures()[0].clone();
    let wrong_line = with_line(&log.signed(5), own(6));
    let only_wrong = Note::new(log.signed(5).note().text().to_owned(), vec![own(6)]).unwrap();
    let junk = SignatureLine::parse("— witness.example/w1 AAAAAAA=").unwrap();
    let ok = "— witness.example/w1 ";
    let empty = TreeHead::new(TreeSize::EMPTY, log.head(5).root());
    let request = |old, new| text(log.body(old, new));
    let one_proof_line = request(5, 8).replacen("old 5", "old 0", 1);
    let cut = {
        let good = request(5, 8);
        let line = good.lines().nth(1).unwrap();
        good.replacen(&format!("{line}\n"), "", 1)
    };
    let longer = {
        let good = request(5, 8);
        let line = good.lines().nth(1).unwrap();
        good.replacen(line, &format!("{line}\n{line}"), 1)
    };
    let flipped = {
        let good = request(5, 8);
        let line = good.lines().nth(1).unwrap();
        let changed = if line.starts_with('A') { 'B' } else { 'A' };
        good.replacen(line, &format!("{changed}{}", &line[1..]), 1)
    };
    run(
        &router,
        vec![
            ("nothing", vec![], 400, "malformed request"),
            (
                "no checkpoint",
                b"old 0\n\n".to_vec(),
                400,
                "malformed request",
            ),
            (
                "size with a zero in front",
                request(0, 5).replacen("old 0", "old 00", 1).into(),
                400,
                "malformed request",
            ),
            (
                "64 proof lines",
                request(0, 5)
                    .replacen(
                        "old 0",
                        &format!(
                            "old 0{}",
                            "\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".repeat(64)
                        ),
                        1,
                    )
                    .into(),
                400,
                "malformed request",
            ),
            (
                "CR",
                request(0, 5).replace('\n', "\r\n").into(),
                400,
                "malformed request",
            ),
            (
                "a note that is no checkpoint",
                b"old 0\n\nhello\n\n\xe2\x80\x94 labels.g7.example AAAAAAA=\n".to_vec(),
                400,
                "malformed checkpoint",
            ),
            (
                "unknown log",
                stranger.body(0, 5),
                404,
                "unknown log stranger.example",
            ),
            (
                "unknown log, wrong old size too",
                stranger.body(9, 5),
                404,
                "unknown log stranger.example",
            ),
            (
                "only a stranger's line",
                with_note("old 0", namesake.note()),
                403,
                "not signed",
            ),
            (
                "a right and a wrong line by the log",
                with_note("old 0", &wrong_line),
                403,
                "not signed",
            ),
            (
                "only a wrong line by the log",
                with_note("old 0", &only_wrong),
                403,
                "not signed",
            ),
            (
                "wrong signature before wrong old size",
                with_note("old 9", &only_wrong),
                403,
                "not signed",
            ),
            (
                "old above the checkpoint",
                request(0, 5).replacen("old 0", "old 6", 1).into(),
                400,
                "old size 6 is above",
            ),
            (
                "old above what is known, not above the checkpoint",
                request(2, 5).into(),
                409,
                "0\n",
            ),
            (
                "size zero with a root",
                with_note("old 0", log.sign(empty).note()),
                422,
                "empty tree",
            ),
            ("size zero", log.body(0, 0), 200, ok),
            (
                "a proof from nothing",
                one_proof_line.into(),
                422,
                "wrong consistency proof",
            ),
            ("first checkpoint", log.body(0, 5), 200, ok),
            ("the same with old size zero", log.body(0, 5), 409, "5\n"),
            ("the same again", log.body(5, 5), 200, ok),
            (
                "another line beside the log's",
                with_note("old 5", &with_line(&log.signed(5), junk)),
                200,
                ok,
            ),
            (
                "another root for the same size",
                fork.body(5, 5),
                422,
                "two roots",
            ),
            (
                "the same size with a proof",
                request(5, 8)
                    .replacen(log.signed(8).note().text(), log.signed(5).note().text(), 1)
                    .replacen(&own(8).to_string(), &own(5).to_string(), 1)
                    .into(),
                422,
                "wrong consistency proof",
            ),
            (
                "no proof",
                with_note("old 5", log.signed(8).note()),
                422,
                "wrong consistency proof",
            ),
            (
                "a proof of another pair",
                with_note(&request(5, 9), log.signed(8).note()),
                422,
                "wrong consistency proof",
            ),
            ("a hash less", cut.into(), 422, "wrong consistency proof"),
            ("a hash more", longer.into(), 422, "wrong consistency proof"),
            (
                "a bit flipped",
                flipped.into(),
                422,
                "wrong consistency proof",
            ),
            (
                "a fork that grew",
                fork.body(5, 8),
                422,
                "wrong consistency proof",
            ),
            ("smaller than what is known", log.body(2, 3), 409, "5\n"),
            ("growth", log.body(5, 8), 200, ok),
            ("the request before", log.body(5, 8), 409, "8\n"),
            ("growth to the end", log.body(8, 20), 200, ok),
            ("a step back", log.body(5, 8), 409, "20\n"),
            (
                "old above the checkpoint, below what is known",
                request(8, 8).replacen("old 8", "old 9", 1).into(),
                400,
                "old size 9",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_answer_is_one_cosignature_over_what_was_sent() {
    let (log, router) = (honest(), witness());
    let answer = post(&router, log.body(0, 5)).await;
    assert_eq!(answer.status, StatusCode::OK);
    let line = SignatureLine::parse(answer.body.strip_suffix('\n').unwrap()).unwrap();
    let (text, key) = (log.signed(5).note().text().to_owned(), witness_key());
    let time = verify_cosignature(key.vkey(), &text, &line).unwrap();
    assert_eq!(time.unix(), NOW);
}

#[tokio::test]
async fn extension_lines_of_other_logs_are_signed_too() {
    let (log, router) = (honest(), witness());
    let text = format!("{}any words\n", log.signed(5).note().text());
    assert_eq!(
        Checkpoint::parse(&text).unwrap().extensions(),
        ["any words"]
    );
    let note = Note::new(text.clone(), vec![log.key().sign_note(&text)]).unwrap();
    let answer = post(&router, with_note("old 0", &note)).await;
    let line = SignatureLine::parse(answer.body.trim_end()).unwrap();
    assert!(verify_cosignature(witness_key().vkey(), &text, &line).is_ok());
}

#[tokio::test]
async fn readers_get_the_lines_that_were_verified_and_no_others() {
    let (log, router) = (honest(), witness());
    let path = format!("/{}/checkpoint", log.signed(5).origin().hash());
    assert_eq!(send(&router, "GET", &path, vec![]).await.status, 404);

    let junk = SignatureLine::parse("— junk.example AAAAAAA=").unwrap();
    let answer = post(
        &router,
        with_note("old 0", &with_line(&log.signed(5), junk)),
    )
    .await;
    let read = send(&router, "GET", &path, vec![]).await;
    assert_eq!(
        (read.status, read.content_type.as_str()),
        (200, "text/plain; charset=utf-8")
    );
    assert_eq!(
        read.body,
        format!("{}{}", log.signed(5).note(), answer.body)
    );

    // A line sent twice is kept once: whoever reads it would refuse two.
    let own = log.signed(9).note().signatures()[0].clone();
    let twice = with_note(&text(log.body(5, 9)), &with_line(&log.signed(9), own));
    let answer = post(&router, twice).await;
    let read = send(&router, "GET", &path, vec![]).await;
    assert_eq!(
        read.body,
        format!("{}{}", log.signed(9).note(), answer.body)
    );

    let upper = path.to_uppercase().replace("CHECKPOINT", "checkpoint");
    for missing in [
        upper.as_str(),
        "/00/checkpoint",
        "/checkpoint",
        "//checkpoint",
        "/%2e%2e/checkpoint",
    ] {
        assert_eq!(
            send(&router, "GET", missing, vec![]).await.status,
            404,
            "{missing}"
        );
    }
}

#[tokio::test]
async fn other_routes_methods_and_bodies() {
    let router = witness();
    let row = |method: &'static str, path: &'static str, length: usize| {
        let router = router.clone();
        async move { send(&router, method, path, vec![b'x'; length]).await.status }
    };
    assert_eq!(row("GET", "/livez", 0).await, 200);
    assert_eq!(row("GET", "/", 0).await, 200);
    assert_eq!(row("GET", "/metrics", 0).await, 200);
    assert_eq!(row("GET", "/add-checkpoint", 0).await, 405);
    assert_eq!(row("PUT", "/add-checkpoint", 0).await, 405);
    assert_eq!(row("POST", "/sign-subtree", 0).await, 404);
    assert_eq!(row("GET", "/%ff/checkpoint", 0).await, 404);
    let nowhere = send(&router, "GET", "/nowhere", vec![]).await.body;
    assert_eq!(nowhere, "there is nothing here; see /\n");
    assert_eq!(row("POST", "/add-checkpoint", 128 * 1024).await, 400);
    assert_eq!(row("POST", "/add-checkpoint", 128 * 1024 + 1).await, 413);
    let metrics = send(&router, "GET", "/metrics", vec![]).await.body;
    assert!(
        metrics.contains("answers_total{status=\"413\"} 1\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("answers_total{status=\"400\"} 1\n"),
        "{metrics}"
    );
    assert!(metrics.contains("labelproof_witness_logs 2\n"), "{metrics}");
}

#[tokio::test]
async fn a_root_of_the_empty_tree_is_the_one_of_nothing() {
    let (log, router) = (honest(), witness());
    assert_eq!(log.head(0).root(), RootHash::EMPTY);
    let answer = post(&router, log.body(0, 0)).await;
    assert_eq!(answer.status, 200);
    let path = format!("/{}/checkpoint", log.signed(0).origin().hash());
    let read = send(&router, "GET", &path, vec![]).await;
    assert!(
        read.body.starts_with("labels.g7.example\n0\n"),
        "{}",
        read.body
    );
}
