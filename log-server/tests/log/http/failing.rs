//! While the store or the index fails.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{StatusCode, header};
use labelproof_host::fs::{Fault, Fs, SimulatedFs};
use labelproof_log::{
    engine::{reload, step},
    http::{Service, app},
    index::catch_up,
};

use super::{get, post, router, world};
use crate::world::{Ledger, World, found, issue, parts};

#[tokio::test]
async fn an_index_that_forgot_gives_no_wrong_status_and_mends() {
    let world = world();
    let router = router(&world);
    let path = "/v1/status/label/jp.jc-star/EX-000003";
    let before = get(&router, path).await.body;
    world.log.setting().index.clear();
    let got = get(&router, path).await;
    assert_eq!(
        (got.status, &got.json()["title"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"starting".into())
    );
    assert_eq!(
        get(&router, "/v1/status/member/jp").await.status,
        StatusCode::OK,
        "members need no index"
    );
    catch_up(&world.log).unwrap();
    assert_eq!(get(&router, path).await.body, before);
}

#[tokio::test]
async fn readers_are_served_while_the_store_is_poisoned() {
    let disk = SimulatedFs::new(1);
    let fs: Arc<dyn Fs> = Arc::new(disk.clone());
    found(&fs);
    let mut world = World::load(&fs, &Ledger::default()).unwrap();
    world.furnish();
    world.log.admit(&issue(1)).unwrap();
    assert!(world.step());
    world.witness();
    let router = router(&world);
    let path = "/v1/status/label/jp.jc-star/EX-000001";
    let before = get(&router, path).await.body;
    world.log.admit(&issue(2)).unwrap();
    disk.fail_call(disk.calls() + 2, Fault::Eio);
    assert!(step(&world.log, &mut world.sequencer).is_err());
    let got = post(&router, &[], issue(3)).await;
    assert_eq!(
        (got.status, &got.json()["title"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"starting".into())
    );
    assert!(got.headers.contains_key(header::RETRY_AFTER));
    assert_eq!(get(&router, path).await.body, before);
    assert_eq!(get(&router, "/checkpoint").await.status, StatusCode::OK);
    let ready = get(&router, "/readyz").await;
    assert_eq!(ready.json()["reasons"][0], "the store is being loaded");
}

#[tokio::test]
async fn a_submitter_whose_store_fails_is_told_so() {
    let disk = SimulatedFs::new(1);
    let fs: Arc<dyn Fs> = Arc::new(disk.clone());
    found(&fs);
    let ledger = Ledger::default();
    let mut world = World::load(&fs, &ledger).unwrap();
    world.furnish();
    let router = app(Service::new(world.log.clone(), Duration::from_secs(1)));
    let asking = tokio::spawn(async move { post(&router, &[], issue(1)).await });
    disk.fail_call(disk.calls() + 1, Fault::Eio);
    while world.log.held().is_none() {
        let _ = step(&world.log, &mut world.sequencer);
        tokio::task::yield_now().await;
    }
    reload(&world.log, parts(&fs, &ledger)).unwrap();
    let got = asking.await.unwrap();
    assert_eq!(
        (got.status, &got.json()["title"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"storage".into())
    );
}
