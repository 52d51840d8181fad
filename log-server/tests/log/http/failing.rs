//! While the store or the index fails.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use axum::http::{StatusCode, header};
use labelproof_core::{
    event::{EventId, Kind},
    merkle::{LeafIndex, TreeHead, TreeSize},
    state::key::{MapKey, MapName},
};
use labelproof_host::fs::{Fault, Fs, SimulatedFs};
use labelproof_log::{
    engine::{reload, step},
    http::{Service, app},
    index::{Addition, Index, Indexed, MemoryIndex, catch_up},
    log::{Log, Setting},
};

use super::{get, post, post_to, router, world};
use serde_json::json;

use crate::world::{Ledger, World, event, found, id_of, issue, issuer, parts};

#[tokio::test]
async fn an_index_that_forgot_gives_no_wrong_status_and_mends() {
    let world = world();
    let router = router(&world);
    let path = "/v1/status/gtin/09521234001010";
    let before = get(&router, path).await.body;
    let label = "/v1/status/label/jp.jc-star/EX-000003";
    let of_label = get(&router, label).await.body;
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
    let got = get(&router, label).await;
    assert_eq!(
        (got.status, got.body),
        (StatusCode::OK, of_label),
        "nor do labels of one event, whose record says where it is"
    );
    catch_up(&world.log).unwrap();
    assert_eq!(get(&router, path).await.body, before);
}

#[tokio::test]
async fn a_product_of_one_event_needs_no_index() {
    let mut world = world();
    let draft = json!({
        "subject": "jp.jc-star/EX-000001", "decided_at": "2026-04-01T00:00:00Z",
        "reason": { "code": "unspecified" },
        "body": { "gtins": ["09521234001027"], "models": [] },
    });
    let bind = event(Kind::LabelBind, &draft, Some(id_of(&issue(1))), &issuer());
    world.log.admit(&bind).unwrap();
    assert!(world.step());
    world.witness();
    let router = router(&world);
    let path = "/v1/status/gtin/09521234001027";
    let before = get(&router, path).await;
    assert_eq!(before.status, StatusCode::OK);
    world.log.setting().index.clear();
    let after = get(&router, path).await;
    assert_eq!((after.status, after.body), (StatusCode::OK, before.body));
}

#[tokio::test]
async fn an_index_that_names_what_is_no_event_mends() {
    let world = world();
    let router = router(&world);
    let path = "/v1/status/gtin/09521234001010";
    let before = get(&router, path).await.body;
    world.log.setting().index.append(Addition {
        from: TreeSize::EMPTY,
        head: TreeHead::EMPTY,
        events: vec![Indexed {
            index: LeafIndex::new(1),
            event: id_of(&issue(99)),
            keys: vec![MapName::product(&"09521234001010".parse().unwrap()).key()],
        }],
    });
    assert_eq!(get(&router, path).await.json()["title"], "starting");
    catch_up(&world.log).unwrap();
    assert_eq!(get(&router, path).await.body, before);
}

#[tokio::test]
async fn an_event_that_the_index_puts_past_the_end_is_not_there() {
    let world = world();
    let id = id_of(&issue(99));
    world.log.setting().index.append(Addition {
        from: TreeSize::EMPTY,
        head: TreeHead::EMPTY,
        events: vec![Indexed {
            index: LeafIndex::new(u64::MAX),
            event: id,
            keys: Vec::new(),
        }],
    });
    let got = get(&router(&world), &format!("/v1/events/{id}")).await;
    assert_eq!(got.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn readers_are_served_while_the_store_is_poisoned() {
    let disk = SimulatedFs::new(1);
    let fs: Arc<dyn Fs> = Arc::new(disk.clone());
    let mut world = World::of_one_label(&fs);
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
}

#[tokio::test]
async fn readyz_says_why_the_store_failed_until_it_is_loaded() {
    for (fault, call, words) in [
        (Fault::Eio, 2, "input/output error"),
        (Fault::Enospc, 1, "no storage space"),
    ] {
        let disk = SimulatedFs::new(1);
        let fs: Arc<dyn Fs> = Arc::new(disk.clone());
        found(&fs);
        let ledger = Ledger::default();
        let mut world = World::load(&fs, &ledger).unwrap();
        world.furnish();
        let router = router(&world);
        world.log.admit(&issue(1)).unwrap();
        disk.fail_call(disk.calls() + call, fault);
        assert!(step(&world.log, &mut world.sequencer).is_err());
        let ready = get(&router, "/readyz").await;
        assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
        let ready = ready.json();
        let reason = ready["reasons"][0].as_str().unwrap();
        assert!(
            reason.starts_with("the store failed and is being loaded again: "),
            "{reason}"
        );
        assert!(reason.contains(words), "{reason}");
        assert!(!reason.contains("/log"), "the path of the store: {reason}");
        reload(&world.log, parts(&fs, &ledger)).unwrap();
        assert!(
            !get(&router, "/readyz").await.json()["reasons"]
                .to_string()
                .contains("the store")
        );
    }
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

#[tokio::test]
async fn a_line_of_a_batch_that_the_store_fails_counts_as_a_request_does() {
    let disk = SimulatedFs::new(1);
    let fs: Arc<dyn Fs> = Arc::new(disk.clone());
    drop(World::of_one_label(&fs));
    let world = World::load(&fs, &Ledger::default()).unwrap();
    let router = router(&world);
    let failed = async || {
        let page = String::from_utf8(get(&router, "/metrics").await.body).unwrap();
        let count = page.lines().find_map(|line| {
            line.strip_prefix("labelproof_log_storage_errors_total{during=\"request\"} ")
        });
        count.unwrap().to_owned()
    };
    // It is in the log already, so its entry is read.
    let note = issue(1);
    disk.fail_from(disk.calls() + 1, Fault::Eio);
    assert_eq!(
        post(&router, &[], note.clone()).await.json()["title"],
        "storage"
    );
    assert_eq!(failed().await, "1");
    let line = format!("{}\n", json!(String::from_utf8(note).unwrap()));
    let got = post_to(&router, "/v1/events:batch", &[], line.repeat(2).into()).await;
    assert_eq!(
        String::from_utf8(got.body)
            .unwrap()
            .matches("problem:storage")
            .count(),
        2
    );
    assert_eq!(failed().await, "3");
}

/// An index whose disk hangs: each look-up waits until the test lets one pass, or for ten seconds.
#[derive(Debug)]
struct HangingIndex {
    inner: MemoryIndex,
    pass: Mutex<mpsc::Receiver<()>>,
}

impl HangingIndex {
    fn wait(&self) {
        let _ = self
            .pass
            .lock()
            .unwrap()
            .recv_timeout(Duration::from_secs(10));
    }
}

impl Index for HangingIndex {
    fn event(&self, id: &EventId) -> Option<LeafIndex> {
        self.wait();
        self.inner.event(id)
    }

    fn entries(&self, key: &MapKey) -> Vec<LeafIndex> {
        self.wait();
        self.inner.entries(key)
    }

    fn entries_from(&self, key: &MapKey, from: LeafIndex, limit: usize) -> Vec<LeafIndex> {
        self.wait();
        self.inner.entries_from(key, from, limit)
    }

    fn append(&self, addition: Addition) {
        self.inner.append(addition);
    }

    fn watermark(&self) -> TreeHead {
        self.inner.watermark()
    }

    fn is_damaged(&self) -> bool {
        false
    }

    fn clear(&self) {
        self.inner.clear();
    }

    fn flush(&self) {
        self.inner.flush();
    }
}

/// The runtime of this test has one thread: a route that blocks it holds up everybody.
#[tokio::test]
async fn a_slow_disk_holds_up_only_those_who_need_it() {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    found(&fs);
    let mut world = World::load(&fs, &Ledger::default()).unwrap();
    world.furnish();
    world.log.admit(&issue(1)).unwrap();
    // A product of two labels: of one its record says where the event is.
    world.log.admit(&issue(2)).unwrap();
    assert!(world.step());
    world.witness();
    let (pass, waiting) = mpsc::channel();
    let index = HangingIndex {
        inner: MemoryIndex::default(),
        pass: Mutex::new(waiting),
    };
    let setting = Setting {
        index: Arc::new(index),
        ..world.log.setting().clone()
    };
    let log = Arc::new(Log::new(setting));
    reload(&log, parts(&fs, &Ledger::default())).unwrap();
    catch_up(&log).unwrap();
    log.open();
    let router = app(Service::new(log, Duration::from_secs(1)));
    let id = id_of(&issue(1));
    let slow = [
        format!("/v1/events/{id}"),
        "/v1/status/gtin/09521234001010".to_owned(),
    ];
    for path in slow {
        let (router, asked) = (router.clone(), router.clone());
        let asking = tokio::spawn(async move { get(&asked, &path).await.status });
        tokio::task::yield_now().await;
        assert_eq!(get(&router, "/livez").await.status, StatusCode::OK);
        assert_eq!(get(&router, "/checkpoint").await.status, StatusCode::OK);
        assert!(!asking.is_finished());
        pass.send(()).unwrap();
        assert_eq!(asking.await.unwrap(), StatusCode::OK);
    }
    let asked = router.clone();
    let asking = tokio::spawn(async move { post(&asked, &[], issue(1)).await.status });
    tokio::task::yield_now().await;
    assert_eq!(get(&router, "/livez").await.status, StatusCode::OK);
    assert!(!asking.is_finished());
    pass.send(()).unwrap();
    assert_eq!(asking.await.unwrap(), StatusCode::OK);
}
