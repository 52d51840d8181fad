//! The routes, asked without a socket.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use http_body_util::BodyExt as _;
use labelproof_core::{
    bundle::Bundle,
    checkpoint::SignedCheckpoint,
    entry_bundle::EntryBundle,
    event::Subject,
    merkle::{LeafHash, LeafIndex},
    note::Note,
    receipt::Receipt,
    status::{Trusted, verify},
    tile::Width,
    time::Time,
    tlog_proof::TlogProof,
};
use labelproof_host::fs::{Fs, SimulatedFs};
use labelproof_log::http::{Service, app};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::world::{
    Ledger, NOW_MS, ORIGIN, World, found, genesis, id_of, issue, log_key, policy, revoke, scheme,
};

/// A log with three labels, the last revoked, all witnessed.
fn world() -> World {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    found(&fs);
    let mut world = World::load(&fs, &Ledger::default()).unwrap();
    world.furnish();
    for number in 1..4 {
        world.log.admit(&issue(number)).unwrap();
    }
    world.log.admit(&revoke(3, Some(id_of(&issue(3))))).unwrap();
    assert!(world.step());
    world.witness();
    world
}

fn router(world: &World) -> Router {
    app(Service::new(world.log.clone(), Duration::from_secs(1))
        .with_patience(Duration::from_millis(20)))
}

struct Got {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: header::HeaderName) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

async fn ask(router: &Router, request: Request<Body>) -> Got {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    Got {
        status: parts.status,
        headers: parts.headers,
        body: body.collect().await.unwrap().to_bytes().to_vec(),
    }
}

async fn get(router: &Router, path: &str) -> Got {
    ask(router, Request::get(path).body(Body::empty()).unwrap()).await
}

async fn post(router: &Router, headers: &[(&str, &str)], body: Vec<u8>) -> Got {
    let mut request = Request::post("/v1/events");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    ask(router, request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn the_checkpoint_is_the_witnessed_one_and_is_not_kept() {
    let world = world();
    let got = get(&router(&world), "/checkpoint").await;
    assert_eq!(got.status, StatusCode::OK);
    assert_eq!(
        got.header(header::CONTENT_TYPE),
        "text/plain; charset=utf-8"
    );
    assert_eq!(got.header(header::CACHE_CONTROL), "no-store");
    assert_eq!(got.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "*");
    let note = Note::parse(&got.body).unwrap();
    let signed = SignedCheckpoint::open(note, log_key().vkey()).unwrap();
    assert_eq!(signed.head().size().get(), 10);
    policy()
        .accept(signed, Time::from_unix(NOW_MS / 1_000).unwrap())
        .unwrap();
}

#[tokio::test]
async fn tiles_and_bundles_are_what_the_checkpoint_implies() {
    let world = world();
    let router = router(&world);
    let entries = get(&router, "/tile/entries/000.p/10").await;
    assert_eq!(
        entries.header(header::CONTENT_TYPE),
        "application/octet-stream"
    );
    assert!(entries.header(header::CACHE_CONTROL).contains("immutable"));
    let bundle = EntryBundle::parse(&entries.body, Width::new(10).unwrap()).unwrap();
    assert_eq!(bundle.entries()[0], genesis());
    let hashes = get(&router, "/tile/0/000.p/10").await.body;
    let leaves: Vec<u8> = bundle
        .leaf_hashes()
        .flat_map(|leaf| *leaf.as_bytes())
        .collect();
    assert_eq!(hashes, leaves);
    let narrower = get(&router, "/tile/0/000.p/3").await.body;
    assert_eq!(narrower, leaves[..96]);
}

#[tokio::test]
async fn tiles_that_no_checkpoint_implies_are_not_there() {
    let world = world();
    let router = router(&world);
    let paths = [
        "/tile/0/000",
        "/tile/0/000.p/11",
        "/tile/0/000.p/0",
        "/tile/0/000.p/256",
        "/tile/0/001.p/1",
        "/tile/1/000.p/1",
        "/tile/64/000.p/1",
        "/tile/00/000.p/1",
        "/tile/0/0.p/1",
        "/tile/0/x000/000.p/1",
        "/tile/entries/000.p/11",
        "/tile/entries/../../key",
        "/tile/%2e%2e/key",
        "/tile/0/..%2f..%2fkey",
        "/tile/0/000.p/+1",
        "/tile/0/000.p/01",
        "/tile/",
        "/tile/0/000.p/10/",
        "/tile/0/000%00",
    ];
    for path in paths {
        let got = get(&router, path).await;
        assert_eq!(got.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_reader_who_has_it_is_told_that_nothing_changed() {
    let world = world();
    let router = router(&world);
    for path in ["/checkpoint", "/tile/0/000.p/10", "/v1/status/member/jp"] {
        let first = get(&router, path).await;
        let tag = first.header(header::ETAG).to_owned();
        let request = Request::get(path)
            .header(header::IF_NONE_MATCH, &tag)
            .body(Body::empty())
            .unwrap();
        let again = ask(&router, request).await;
        assert_eq!(
            (again.status, again.body.len()),
            (StatusCode::NOT_MODIFIED, 0),
            "{path}"
        );
        let request = Request::head(path).body(Body::empty()).unwrap();
        let head = ask(&router, request).await;
        assert_eq!(
            (head.status, head.body.len()),
            (StatusCode::OK, 0),
            "{path}"
        );
        assert_eq!(head.header(header::ETAG), tag);
    }
}

#[tokio::test]
async fn a_submitter_gets_a_witnessed_proof_once_there_is_one() {
    let mut world = world();
    let router = router(&world);
    let asking = tokio::spawn({
        let router = app(Service::new(world.log.clone(), Duration::from_secs(1)));
        async move { post(&router, &[], issue(9)).await }
    });
    while world.log.newest().unwrap().signed().head().size().get() == 10 {
        world.step();
        tokio::task::yield_now().await;
    }
    world.witness();
    let got = asking.await.unwrap();
    assert_eq!(got.status, StatusCode::CREATED);
    let answer = got.json();
    assert_eq!(
        (&answer["index"], &answer["event"]),
        (&10.into(), &id_of(&issue(9)).to_string().into())
    );
    let proof = TlogProof::parse(answer["proof"].as_str().unwrap().as_bytes()).unwrap();
    let signed = SignedCheckpoint::open(proof.note().clone(), log_key().vkey()).unwrap();
    proof
        .verify(LeafHash::of_entry(&issue(9)), &signed)
        .unwrap();

    let again = post(&router, &[], issue(9)).await;
    assert_eq!(
        (again.status, &again.json()["index"]),
        (StatusCode::OK, &10.into())
    );
}

#[tokio::test]
async fn without_a_quorum_or_when_asked_a_submitter_gets_a_receipt() {
    let mut world = world();
    for (headers, number) in [
        (&[("prefer", "respond-async, wait=5")][..], 9),
        (&[][..], 10),
    ] {
        let before = world.log.newest().unwrap().signed().head().size();
        let router = router(&world);
        let asking = tokio::spawn(async move { post(&router, headers, issue(number)).await });
        while world.log.newest().unwrap().signed().head().size() == before {
            world.step();
            tokio::task::yield_now().await;
        }
        let got = asking.await.unwrap();
        assert_eq!(got.status, StatusCode::ACCEPTED);
        let answer = got.json();
        assert_eq!(answer["index"], before.get());
        let receipt = TlogProof::parse(answer["receipt"].as_str().unwrap().as_bytes()).unwrap();
        let receipt = Receipt::open(
            &receipt,
            LeafHash::of_entry(&issue(number)),
            log_key().vkey(),
        )
        .unwrap();
        assert_eq!(receipt.index(), LeafIndex::new(before.get()));
    }
    assert_eq!(
        get(&router(&world), "/checkpoint").await.body,
        world.log.published().unwrap().note(),
        "nothing new is published"
    );
}

#[tokio::test]
async fn refusals_are_problems() {
    let world = world();
    let router = router(&world);
    let other = String::from_utf8(issue(1))
        .unwrap()
        .replace(ORIGIN, "labels.other.example")
        .into_bytes();
    for (body, status, code) in [
        (b"junk".to_vec(), 400, "malformed"),
        (other, 422, "wrong-log"),
        (revoke(1, Some(id_of(&scheme()))), 409, "wrong-previous"),
        (revoke(7, None), 422, "unknown-subject"),
        (vec![b'x'; 200_000], 413, "too-large"),
    ] {
        let got = post(&router, &[], body).await;
        assert_eq!(got.status, status, "{code}");
        assert_eq!(got.json()["title"], code);
    }
    for (path, status) in [
        ("/nowhere", 404),
        ("/v1/events/zz", 400),
        ("/v1/proof/01", 400),
        ("/v1/proof/10", 404),
    ] {
        let got = get(&router, path).await;
        assert_eq!(got.status, status, "{path}");
        assert_eq!(got.header(header::CONTENT_TYPE), "application/problem+json");
    }
    assert_eq!(
        get(&router, "/v1/events").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}

#[tokio::test]
async fn an_event_and_its_proof_are_found_by_id_and_index() {
    let world = world();
    let router = router(&world);
    let got = get(&router, &format!("/v1/events/{}", id_of(&issue(2)))).await;
    assert_eq!(got.body, issue(2));
    assert_eq!(
        got.header(header::LINK),
        "</v1/proof/6>; rel=\"describedby\""
    );
    let proof = TlogProof::parse(&get(&router, "/v1/proof/6").await.body).unwrap();
    let signed = SignedCheckpoint::open(proof.note().clone(), log_key().vkey()).unwrap();
    proof
        .verify(LeafHash::of_entry(&issue(2)), &signed)
        .unwrap();
    assert_eq!(
        get(&router, &format!("/v1/events/{}", id_of(&issue(77))))
            .await
            .status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn every_subject_has_a_bundle_that_verifies_also_where_there_is_none() {
    let world = world();
    let router = router(&world);
    let origin = ORIGIN.parse().unwrap();
    let (policy, genesis) = (policy(), LeafHash::of_entry(&genesis()));
    let trusted = Trusted {
        origin: &origin,
        genesis,
        policy: &policy,
    };
    for (path, subject) in [
        ("label/jp.jc-star/EX-000001", "jp.jc-star/EX-000001"),
        ("label/jp.jc-star/ex-000003", "jp.jc-star/ex-000003"),
        ("label/jp.jc-star/NONE", "jp.jc-star/NONE"),
        ("label/jp.other/EX-000001", "jp.other/EX-000001"),
        ("authority/label.jp.example", "authority:label.jp.example"),
        ("authority/none.jp.example", "authority:none.jp.example"),
        ("scheme/jp.jc-star", "scheme:jp.jc-star"),
        ("member/jp", "member:jp"),
        ("member/xx", "member:xx"),
    ] {
        let got = get(&router, &format!("/v1/status/{path}")).await;
        assert_eq!(got.status, StatusCode::OK, "{path}");
        assert_eq!(
            got.header(header::CONTENT_TYPE),
            "text/x.labelproof; charset=utf-8"
        );
        let bundle = Bundle::parse(&got.body).unwrap();
        let now = Time::from_unix(NOW_MS / 1_000).unwrap();
        let verified =
            verify(&bundle, &trusted, now).unwrap_or_else(|error| panic!("{path}: {error}"));
        let subject: Subject = subject.parse().unwrap();
        verified
            .find(&subject)
            .unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(verified.state().head().index().get(), 9);
    }
    assert_eq!(
        get(&router, "/v1/status/label/jp.jc-star/a%20b")
            .await
            .status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn status_stays_at_the_published_head_while_newer_ones_wait() {
    let mut world = world();
    let router = router(&world);
    let before = get(&router, "/v1/status/label/jp.jc-star/EX-000001")
        .await
        .body;
    world.log.admit(&revoke(1, None)).unwrap();
    assert!(world.step());
    assert_eq!(
        get(&router, "/v1/status/label/jp.jc-star/EX-000001")
            .await
            .body,
        before
    );
    world.witness();
    assert_ne!(
        get(&router, "/v1/status/label/jp.jc-star/EX-000001")
            .await
            .body,
        before
    );
}

#[tokio::test]
async fn the_log_describes_itself() {
    let world = world();
    let router = router(&world);
    let log = get(&router, "/v1/log").await.json();
    assert_eq!(log["origin"], ORIGIN);
    assert_eq!(log["size"], 10);
    assert_eq!(log["genesis"], LeafHash::of_entry(&genesis()).to_string());
    assert_eq!(log["vkeys"][0], log_key().vkey().to_string());
    let home = String::from_utf8(get(&router, "/").await.body).unwrap();
    assert!(home.contains(&log_key().vkey().to_string()) && home.contains("10 entries"));
    assert_eq!(get(&router, "/livez").await.status, StatusCode::OK);
}

#[tokio::test]
async fn readiness_says_what_is_missing() {
    let world = world();
    let got = get(&router(&world), "/readyz").await;
    assert_eq!(got.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(got.json()["reasons"][0], "too few witnesses have answered");
}

#[tokio::test]
async fn before_anything_is_witnessed_nothing_is_shown() {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    found(&fs);
    let world = World::load(&fs, &Ledger::default()).unwrap();
    let router = router(&world);
    assert_eq!(
        get(&router, "/checkpoint").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        get(&router, "/v1/status/member/jp").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(
        get(&router, "/v1/proof/0").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
}
