//! Server-sent events: every published entry once, in order, also over a resume.

use labelproof_core::{event::EventId, merkle::LeafHash};

use super::*;
use labelproof_log::log::Hold;

/// The messages of a stream that has ended.
fn messages(body: &[u8]) -> Vec<(u64, Value)> {
    let text = str::from_utf8(body).unwrap();
    let blocks = text
        .split("\n\n")
        .filter(|block| !block.is_empty() && !block.starts_with(':'));
    blocks
        .map(|block| {
            let member = |name: &str| {
                let line = block.lines().find_map(|line| line.strip_prefix(name));
                line.unwrap_or_else(|| panic!("{name} in {block}")).trim()
            };
            assert_eq!(member("event:"), "entry");
            let data: Value = serde_json::from_str(member("data:")).unwrap();
            (member("id:").parse().unwrap(), data)
        })
        .collect()
}

fn request(path: &str, last: Option<&str>) -> Request<Body> {
    let mut request = Request::get(path);
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    request.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_reader_gets_what_is_published_and_then_what_comes() {
    let mut world = world();
    let router = router(&world);
    let response = router
        .clone()
        .oneshot(request("/v1/stream?after=3", None))
        .await
        .unwrap();
    assert_eq!(
        response.headers()[header::CONTENT_TYPE],
        "text/event-stream"
    );
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let fresh = router
        .clone()
        .oneshot(request("/v1/stream", None))
        .await
        .unwrap();
    world.log.admit(&issue(7)).unwrap();
    assert!(world.step());
    // What no witness has seen is not shown.
    world.log.admit(&issue(8)).unwrap();
    world.witness();
    assert!(world.step());
    world.log.hold(Hold::Ending);
    let got = messages(&response.into_body().collect().await.unwrap().to_bytes());
    let size = world.log.published().unwrap().head().size().get();
    assert_eq!(
        got.iter().map(|(id, _)| *id).collect::<Vec<_>>(),
        (4..size).collect::<Vec<_>>()
    );
    for (id, data) in &got {
        let entry = world
            .log
            .setting()
            .directory
            .entry(labelproof_core::merkle::LeafIndex::new(*id));
        let entry = entry.unwrap();
        assert_eq!(data["index"], *id);
        assert_eq!(data["leaf"], LeafHash::of_entry(&entry).to_string());
        let event: Option<EventId> = data["event"].as_str().map(|id| id.parse().unwrap());
        match event {
            Some(event) => assert_eq!(event, id_of(&entry)),
            None => assert_eq!(data["kind"], "state.head"),
        }
    }
    let (_, issued) = &got[got.len() - 2];
    assert_eq!(
        (&issued["kind"], &issued["subject"]),
        (&"label.issue".into(), &"jp.jc-star/EX-000007".into())
    );
    let fresh = messages(&fresh.into_body().collect().await.unwrap().to_bytes());
    assert_eq!(fresh, got[got.len() - 2..]);
}

#[tokio::test]
async fn a_reader_that_was_cut_resumes_behind_the_last_it_had() {
    let world = world();
    world.log.hold(Hold::Ending);
    let all = ask(&router(&world), request("/v1/stream?after=0", None)).await;
    let all = messages(&all.body);
    assert_eq!(all.len(), 9);
    for (at, (id, _)) in all.iter().enumerate() {
        let last = id.to_string();
        let rest = ask(&router(&world), request("/v1/stream?after=0", Some(&last))).await;
        assert_eq!(messages(&rest.body), all[at + 1..]);
    }
    let beyond = ask(&router(&world), request("/v1/stream?after=100", None)).await;
    assert_eq!((beyond.status, beyond.body.len()), (StatusCode::OK, 0));
}

#[tokio::test]
async fn what_is_no_index_is_refused() {
    let world = world();
    for (path, last) in [
        ("/v1/stream?after=-1", None),
        ("/v1/stream?after=x", None),
        ("/v1/stream?after=18446744073709551615", None),
        ("/v1/stream?after=18446744073709551616", None),
        ("/v1/stream?before=1", None),
        ("/v1/stream", Some("x")),
        ("/v1/stream", Some("01")),
        ("/v1/stream", Some("18446744073709551615")),
    ] {
        let got = ask(&router(&world), request(path, last)).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{path} {last:?}");
    }
}

#[tokio::test]
async fn streams_are_few_and_a_place_is_free_again_when_its_reader_goes() {
    let world = world();
    let service = Service::new(world.log.clone(), Duration::from_secs(1)).with_streams(2);
    let router = app(service);
    let open = || router.clone().oneshot(request("/v1/stream", None));
    let (first, _second) = (open().await.unwrap(), open().await.unwrap());
    let third = ask(&router, request("/v1/stream", None)).await;
    assert_eq!(third.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(third.json()["title"], "busy");
    assert_eq!(third.header(header::RETRY_AFTER), "1");
    drop(first);
    assert_eq!(open().await.unwrap().status(), StatusCode::OK);
}
