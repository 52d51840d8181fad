//! Where subjects stand, and what the log says of itself.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use labelproof_core::{
    bundle::Bundle,
    event::Subject,
    merkle::LeafHash,
    status::{Trusted, verify},
    time::Time,
};

use super::{ask, get, router, world};
use crate::world::{NOW_MS, ORIGIN, genesis, log_key, policy, revoke};

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
    // Whoever has the answer already is told again.
    let again = Request::get("/readyz").header(header::IF_NONE_MATCH, "*");
    let again = ask(&router(&world), again.body(Body::empty()).unwrap()).await;
    assert_eq!((again.status, again.body), (got.status, got.body));
}
