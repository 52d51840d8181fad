//! Submitting: what is answered when, and how it is refused.

use std::time::Duration;

use axum::http::{StatusCode, header};
use labelproof_core::{
    checkpoint::SignedCheckpoint, merkle::LeafHash, merkle::LeafIndex, receipt::Receipt,
    tlog_proof::TlogProof,
};
use labelproof_log::{
    http::{Service, app},
    log::Hold,
};

use super::{get, post, router, world};
use crate::world::{ORIGIN, id_of, issue, log_key, revoke, scheme};

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
async fn a_log_that_ends_gives_a_receipt_for_what_became_durable() {
    let mut world = world();
    let router = app(Service::new(world.log.clone(), Duration::from_secs(60)));
    let asking = tokio::spawn(async move { post(&router, &[], issue(9)).await });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    world.log.hold(Hold::Ending);
    tokio::task::yield_now().await;
    assert!(world.step());
    // Long before the caller's patience is at its end.
    let got = tokio::time::timeout(Duration::from_secs(8), asking).await;
    let got = got.expect("it is woken").unwrap();
    assert_eq!(got.status, StatusCode::ACCEPTED);
    assert!(got.json()["receipt"].is_string());
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
async fn a_reader_does_not_stand_behind_what_submitters_sent() {
    let mut world = world();
    let submitting = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap();
    let (finish, finished) = std::sync::mpsc::channel::<()>();
    submitting.spawn(async move { finished.recv() });
    let service = Service::new(world.log.clone(), Duration::from_secs(1))
        .with_submitting(submitting.handle().clone());
    let router = app(service);
    let asking = tokio::spawn({
        let router = router.clone();
        async move { post(&router, &[("prefer", "respond-async")], issue(9)).await }
    });
    tokio::task::yield_now().await;
    assert_eq!(get(&router, "/checkpoint").await.status, StatusCode::OK);
    assert!(!world.step(), "no event was judged");
    drop(finish);
    while !asking.is_finished() {
        world.step();
        tokio::task::yield_now().await;
    }
    assert_eq!(asking.await.unwrap().status, StatusCode::ACCEPTED);
    submitting.shutdown_background();
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
