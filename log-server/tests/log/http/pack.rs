//! Products, printed ids and packs over HTTP: what is served holds, and what cannot be made is said.

use axum::http::{StatusCode, header};
use labelproof_core::{
    bundle::Bundle,
    event::{Gtin14, Subject},
    merkle::LeafHash,
    status::{Trusted, VerifiedBundle, verify},
    time::Time,
};
use labelproof_log::index::catch_up;

use super::{Got, get, post_to, router, world};
use crate::world::{NOW_MS, ORIGIN, genesis, policy};

const GTIN: &str = "09521234001010";
const ABSENT: &str = "09521234001027";

fn verified(got: &Got) -> VerifiedBundle {
    assert_eq!(
        got.header(header::CONTENT_TYPE),
        "text/x.labelproof; charset=utf-8"
    );
    let origin = ORIGIN.parse().unwrap();
    let policy = policy();
    let trusted = Trusted {
        origin: &origin,
        genesis: LeafHash::of_entry(&genesis()),
        policy: &policy,
    };
    let now = Time::from_unix(NOW_MS / 1_000).unwrap();
    verify(&Bundle::parse(&got.body).unwrap(), &trusted, now).unwrap()
}

fn gtin(digits: &str) -> Gtin14 {
    digits.parse().unwrap()
}

#[tokio::test]
async fn a_product_has_a_bundle_of_all_its_labels_by_any_of_its_numbers() {
    let world = world();
    let router = router(&world);
    for path in ["09521234001010", "9521234001010"] {
        let got = get(&router, &format!("/v1/status/gtin/{path}")).await;
        assert_eq!(got.status, StatusCode::OK);
        assert_eq!(
            verified(&got).product(&gtin(GTIN)).unwrap().labels().len(),
            3
        );
    }
    let got = get(&router, &format!("/v1/status/gtin/{ABSENT}")).await;
    assert_eq!(got.status, StatusCode::OK);
    let proved = verified(&got);
    assert!(proved.product(&gtin(ABSENT)).unwrap().labels().is_empty());
    for path in ["09521234001011", "952", "x"] {
        let got = get(&router, &format!("/v1/status/gtin/{path}")).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(got.json()["title"], "bad-address");
    }
}

#[tokio::test]
async fn a_printed_id_has_a_bundle_also_where_no_label_carries_it() {
    let world = world();
    let router = router(&world);
    let scheme = "jp.jc-star".parse().unwrap();
    for (path, printed, labels) in [
        ("EX-000001", "ex-000001", 1),
        ("none%20at%20all%2F7", "none at all/7", 0),
    ] {
        let got = get(&router, &format!("/v1/status/alias/jp.jc-star/{path}")).await;
        assert_eq!(got.status, StatusCode::OK, "{path}");
        let proved = verified(&got);
        let found = proved.alias(&scheme, printed).unwrap();
        assert_eq!(found.labels().len(), labels, "{path}");
    }
    let got = get(&router, "/v1/status/alias/jp.jc-star/%20").await;
    assert_eq!(got.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_pack_answers_all_that_was_asked_under_one_head() {
    let world = world();
    let router = router(&world);
    let asked = format!(
        "gtin {GTIN}\ngtin {ABSENT}\nlabel jp.jc-star/EX-000001\nlabel jp.jc-star/NONE\ngtin {GTIN}\n"
    );
    let got = post_to(&router, "/v1/pack", &[], asked.into()).await;
    assert_eq!(got.status, StatusCode::OK);
    let proved = verified(&got);
    assert_eq!(proved.product(&gtin(GTIN)).unwrap().labels().len(), 3);
    assert!(proved.product(&gtin(ABSENT)).unwrap().labels().is_empty());
    for label in ["jp.jc-star/EX-000001", "jp.jc-star/NONE"] {
        let subject: Subject = label.parse().unwrap();
        assert!(proved.find(&subject).is_ok(), "{label}");
    }
    // Broken off anywhere it is no bundle.
    for end in (0..got.body.len()).step_by(97) {
        assert!(Bundle::parse(&got.body[..end]).is_err(), "{end}");
    }
}

#[tokio::test]
async fn a_request_that_is_none_is_refused_by_its_line() {
    let world = world();
    let router = router(&world);
    for (body, line) in [
        ("", "line 1 "),
        ("gtin 09521234001010\n\n", "line 2 "),
        ("gtin 09521234001011\n", "line 1 "),
        ("label jp.jc-star\n", "line 1 "),
        (
            "label jp.jc-star/EX-000001\ngtin 9521234001010\n",
            "line 2 ",
        ),
    ] {
        let got = post_to(&router, "/v1/pack", &[], body.into()).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{body:?}");
        let detail = got.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(line), "{body:?}: {detail}");
    }
    let many = "gtin 09521234001010\n".repeat(100_001);
    let got = post_to(&router, "/v1/pack", &[], many.into()).await;
    assert_eq!(got.status, StatusCode::PAYLOAD_TOO_LARGE);
    let got = post_to(&router, "/v1/pack", &[], vec![b'x'; (8 << 20) + 1]).await;
    assert_eq!(got.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn an_index_that_forgot_gives_no_wrong_product_and_mends() {
    let world = world();
    let router = router(&world);
    let path = format!("/v1/status/gtin/{GTIN}");
    let before = get(&router, &path).await.body;
    world.log.setting().index.clear();
    for got in [
        get(&router, &path).await,
        post_to(
            &router,
            "/v1/pack",
            &[],
            format!("gtin {GTIN}\n").into_bytes(),
        )
        .await,
    ] {
        assert_eq!(got.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(got.json()["title"], "starting");
        assert_eq!(got.header(header::RETRY_AFTER), "2");
    }
    catch_up(&world.log).unwrap();
    assert_eq!(get(&router, &path).await.body, before);
}
