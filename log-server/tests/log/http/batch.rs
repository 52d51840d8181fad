//! Many events in one request: order, what fails alone, what ends the whole, and dry runs.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::{Request, StatusCode, header},
};
use http_body_util::BodyExt as _;
use hyper::body::Frame;
use labelproof_core::{
    checkpoint::SignedCheckpoint, merkle::LeafHash, receipt::Receipt, tlog_proof::TlogProof,
};
use labelproof_host::fs::{Fs, SimulatedFs};
use labelproof_log::{
    http::{Service, app},
    quota::{Allowance, Quota, Quotas},
};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tower::ServiceExt as _;

use super::{Got, get, post, post_to, router, world};
use crate::world::{Ledger, ORIGIN, World, found, id_of, issue, log_key, revoke, scheme};

const BATCH: &str = "/v1/events:batch";
const ASYNC: &[(&str, &str)] = &[("prefer", "respond-async")];

fn line(note: &[u8]) -> String {
    format!("{}\n", json!(String::from_utf8_lossy(note)))
}

fn objects(got: &Got) -> Vec<Value> {
    let lines = got.body.split_inclusive(|byte| *byte == b'\n');
    lines
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

/// Lets the log go on until the request is answered.
async fn answered(world: &mut World, headers: &'static [(&str, &str)], body: String) -> Got {
    let router = app(Service::new(world.log.clone(), Duration::from_secs(1)));
    let asking = tokio::spawn(async move { post_to(&router, BATCH, headers, body.into()).await });
    while !asking.is_finished() {
        if world.step() && headers.is_empty() {
            world.witness();
        }
        tokio::task::yield_now().await;
    }
    asking.await.unwrap()
}

#[tokio::test]
async fn each_line_is_answered_in_order_and_fails_alone() {
    let mut world = world();
    let other = String::from_utf8(issue(20)).unwrap();
    let other = other.replace(ORIGIN, "labels.other.example");
    let unknown = String::from_utf8(issue(21)).unwrap();
    let unknown = unknown.replace("\"body\":{", "\"body\":{\"colour\":\"red\",");
    let mut body = line(&issue(9));
    body += "\"labelproof-event/v1\\nlabels.g7\n";
    body += "{\"note\":\"x\"}\n\n";
    body += &line(other.as_bytes());
    body += &line(unknown.as_bytes());
    body += &line(&revoke(9, Some(id_of(&scheme()))));
    body += &line(&revoke(9, Some(id_of(&issue(9)))));
    body += &line(&issue(9));
    body += &format!("\"{}\"\r\n", "x".repeat(20_000));
    body += &format!("\"{}\"\n", "x".repeat(200_000));
    body += line(&issue(10)).trim_end();
    let got = answered(&mut world, &[], body).await;
    assert_eq!(got.status, StatusCode::OK);
    assert_eq!(got.header(header::CONTENT_TYPE), "application/jsonl");
    let objects = objects(&got);
    let said: Vec<(u64, u64, &str)> = objects
        .iter()
        .map(|object| {
            let title = object["title"].as_str().unwrap_or_default();
            let number = |name| object[name].as_u64().unwrap();
            (number("line"), number("status"), title)
        })
        .collect();
    let want = [
        (1, 201, ""),
        (2, 400, "malformed"),
        (3, 400, "malformed"),
        (4, 400, "malformed"),
        (5, 422, "wrong-log"),
        (6, 422, "bad-member"),
        (7, 409, "wrong-previous"),
        (8, 201, ""),
        (9, 200, ""),
        (10, 413, "too-large"),
        (11, 413, "too-large"),
        (12, 201, ""),
    ];
    assert_eq!(said, want);
    assert_eq!(objects[6]["prev"], json!(id_of(&issue(9)).to_string()));
    assert_eq!(objects[8]["index"], objects[0]["index"]);
    for (at, note) in [
        (0, issue(9)),
        (7, revoke(9, Some(id_of(&issue(9))))),
        (11, issue(10)),
    ] {
        assert_eq!(objects[at]["event"], json!(id_of(&note).to_string()));
        let proof = objects[at]["proof"].as_str().unwrap();
        let proof = TlogProof::parse(proof.as_bytes()).unwrap();
        let signed = SignedCheckpoint::open(proof.note().clone(), log_key().vkey()).unwrap();
        proof.verify(LeafHash::of_entry(&note), &signed).unwrap();
    }
}

#[tokio::test]
async fn who_does_not_wait_gets_receipts() {
    let mut world = world();
    let body = line(&issue(9)) + &line(&issue(10));
    let got = answered(&mut world, ASYNC, body).await;
    assert_eq!(got.headers["preference-applied"], "respond-async");
    let objects = objects(&got);
    assert_eq!(objects.len(), 2);
    for (object, number) in objects.iter().zip([9, 10]) {
        assert_eq!(object["status"], 202);
        let receipt = object["receipt"].as_str().unwrap();
        let receipt = TlogProof::parse(receipt.as_bytes()).unwrap();
        let leaf = LeafHash::of_entry(&issue(number));
        Receipt::open(&receipt, leaf, log_key().vkey()).unwrap();
    }
}

#[tokio::test]
async fn the_line_after_the_last_ends_the_batch() {
    let world = world();
    let router = router(&world);
    for lines in [10_000, 10_001, 10_500] {
        let body = "\"x\"\n".repeat(lines) + &line(&issue(9));
        let got = post_to(&router, BATCH, &[], body.into_bytes()).await;
        let objects = objects(&got);
        assert_eq!(objects.len(), 10_001);
        assert_eq!(objects[9_999]["title"], "malformed");
        assert_eq!(objects[10_000]["line"], 10_001);
        assert_eq!(objects[10_000]["title"], "too-large");
    }
    let nothing = world.log.logged_event(id_of(&issue(9))).unwrap();
    assert_eq!(nothing, None, "what follows the limit is not looked at");
}

#[tokio::test]
async fn more_bytes_than_a_batch_may_have_end_it() {
    let world = world();
    let router = router(&world);
    let junk = "x".repeat(90_000) + "\n";
    let body = junk.repeat(200);
    let declared = [("content-length", "18000200")];
    let got = post_to(&router, BATCH, &declared, body.clone().into_bytes()).await;
    assert_eq!(got.status, StatusCode::PAYLOAD_TOO_LARGE);
    // Not said ahead, it is found out.
    let got = post_to(&router, BATCH, &[], body.into_bytes()).await;
    let objects = objects(&got);
    let last = objects.last().unwrap();
    assert_eq!(last["title"], "too-large");
    assert_eq!(last["line"], objects.len());
}

#[tokio::test]
async fn a_dry_run_takes_nothing() {
    let mut world = world();
    let router = router(&world);
    let size = world.log.progress().borrow().acknowledged();
    let body = line(&issue(9)) + &line(&issue(1)) + &line(&revoke(9, None)) + "1\n";
    let got = post_to(&router, &format!("{BATCH}?dry-run"), &[], body.into_bytes()).await;
    let event = |number| id_of(&issue(number)).to_string();
    let objects = objects(&got);
    let accepted = json!({"line": 1, "status": 200, "event": event(9), "accepted": true});
    assert_eq!(objects[0], accepted);
    assert_eq!(objects[1]["accepted"], true, "it is logged already");
    assert_eq!(
        objects[2]["title"], "unknown-subject",
        "nothing of line 1 was kept"
    );
    assert_eq!(objects[3]["status"], 400);
    let got = post_to(&router, "/v1/events?dry-run=true", &[], issue(9)).await;
    assert_eq!(got.status, StatusCode::OK);
    assert_eq!(got.json(), json!({"event": event(9), "accepted": true}));
    let wrong = revoke(1, Some(id_of(&scheme())));
    let got = post_to(&router, "/v1/events?dry-run", &[], wrong).await;
    assert_eq!(got.json()["title"], "wrong-previous");
    // Misspelt, it is not taken for the real thing.
    for query in ["dryrun", "dry-run=false", "dry-run&x=1", "DRY-RUN"] {
        let got = post_to(&router, &format!("/v1/events?{query}"), &[], issue(9)).await;
        assert_eq!(got.json()["title"], "bad-address", "{query}");
    }
    assert!(!world.step(), "nothing was taken");
    assert_eq!(world.log.progress().borrow().acknowledged(), size);
}

#[tokio::test]
async fn compressed_bodies_are_refused_by_name() {
    let router = router(&world());
    for path in ["/v1/events", BATCH] {
        let gzip = [("content-encoding", "gzip")];
        let got = post_to(&router, path, &gzip, issue(9)).await;
        assert_eq!(got.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{path}");
        assert_eq!(got.json()["title"], "encoded");
    }
    let identity = [("content-encoding", "identity")];
    assert_eq!(post(&router, &identity, b"x".to_vec()).await.status, 400);
    let got = get(&router, BATCH).await;
    assert_eq!(got.status, StatusCode::METHOD_NOT_ALLOWED);
}

/// A body that is sent piece by piece.
struct Fed(mpsc::UnboundedReceiver<Result<String, std::io::Error>>);

impl hyper::body::Body for Fed {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let piece = self.0.poll_recv(cx);
        piece.map(|piece| piece.map(|piece| piece.map(|text| Frame::data(Bytes::from(text)))))
    }
}

#[tokio::test]
async fn a_line_is_answered_before_the_next_one_is_sent() {
    let mut world = world();
    let router = app(Service::new(world.log.clone(), Duration::from_secs(1)));
    let (feed, fed) = mpsc::unbounded_channel();
    let request = Request::post(BATCH).body(Body::new(Fed(fed))).unwrap();
    let mut answer = router.oneshot(request).await.unwrap().into_body();
    for number in [9, 10] {
        feed.send(Ok(line(&issue(number)))).unwrap();
        let asking = tokio::spawn(async move {
            let frame = answer.frame().await.unwrap().unwrap();
            (frame.into_data().unwrap(), answer)
        });
        while !asking.is_finished() {
            if world.step() {
                world.witness();
            }
            tokio::task::yield_now().await;
        }
        let (text, rest) = asking.await.unwrap();
        answer = rest;
        let object: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(object["status"], 201);
    }
    // Half a line, and the connection breaks: the half is told, and nothing of it taken.
    let half = line(&issue(11));
    feed.send(Ok(half[..half.len() / 2].to_owned())).unwrap();
    feed.send(Err(std::io::Error::other("it broke"))).unwrap();
    let text = answer.collect().await.unwrap().to_bytes();
    let object: Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(
        (&object["line"], &object["title"]),
        (&json!(3), &json!("malformed"))
    );
}

#[tokio::test]
async fn only_so_many_batches_run_at_once_and_an_abandoned_one_makes_room() {
    let world = world();
    let router = router(&world);
    let mut running = Vec::new();
    loop {
        let (feed, fed) = mpsc::unbounded_channel();
        let request = Request::post(BATCH).body(Body::new(Fed(fed))).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            assert_eq!(response.headers()[header::RETRY_AFTER], "1");
            break;
        }
        running.push((feed, response));
        assert!(running.len() <= 64, "nothing bounds them");
    }
    // The sender goes away: its body breaks off.
    drop(running.pop());
    let again = async || {
        post_to(&router, BATCH, &[], b"\"x\"\n".to_vec())
            .await
            .status
    };
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
        if again().await == StatusCode::OK {
            return;
        }
    }
    panic!("its place never became free");
}

/// Two issues at once, and one in twenty milliseconds.
fn narrow() -> Quotas {
    let usual = Quota {
        grants: Allowance::new(50, 2),
        adverse: Allowance::new(1, 1_000),
    };
    Quotas {
        usual,
        ..Quotas::default()
    }
}

#[tokio::test]
async fn a_batch_beyond_the_quota_waits_for_it_and_then_says_whose_it_is() {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    found(&fs);
    let mut world = World::load_under(&fs, &Ledger::default(), narrow()).unwrap();
    world.furnish();
    world.witness();
    let single = router(&world);
    for number in 1..3 {
        world.log.admit(&issue(number)).unwrap();
    }
    let got = post(&single, ASYNC, issue(3)).await;
    assert_eq!(got.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(got.header(header::RETRY_AFTER), "1");
    let problem = got.json();
    assert_eq!(problem["title"], "quota");
    assert_eq!(problem["authority"], "label.jp.example");
    // The clock stands still here, so the quota never comes back: patience ends, and each line fails alone.
    let body = line(&issue(3)) + &line(&revoke(1, None)) + &line(&issue(1));
    let impatient = app(Service::new(world.log.clone(), Duration::from_secs(1))
        .with_patience(Duration::from_millis(100)));
    let asking =
        tokio::spawn(async move { post_to(&impatient, BATCH, ASYNC, body.into_bytes()).await });
    while !asking.is_finished() {
        world.step();
        tokio::task::yield_now().await;
    }
    let answers = objects(&asking.await.unwrap());
    assert_eq!(
        (&answers[0]["title"], &answers[0]["retry_after_s"]),
        (&json!("quota"), &json!(1))
    );
    assert_eq!(
        answers[1]["status"], 202,
        "what takes away has its own share"
    );
    assert_eq!(answers[2]["status"], 200);
    // It moves on: the line waits and is taken.
    let (patient, body) = (
        app(Service::new(world.log.clone(), Duration::from_secs(1))),
        line(&issue(4)),
    );
    let clock = world.clock.clone();
    let asking =
        tokio::spawn(async move { post_to(&patient, BATCH, ASYNC, body.into_bytes()).await });
    while !asking.is_finished() {
        clock.advance(1);
        world.step();
        tokio::task::yield_now().await;
    }
    let got = asking.await.unwrap();
    assert_eq!(objects(&got)[0]["status"], 202);
}
