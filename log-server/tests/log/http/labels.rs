//! Labels by product, holder, scheme and status, and products by their links.

use labelproof_core::event::Kind;
use serde_json::json;

use super::*;
use crate::world::{event, issuer};

fn ids(answer: &Value) -> Vec<&str> {
    answer["labels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|label| label["id"].as_str().unwrap())
        .collect()
}

async fn list(router: &Router, query: &str) -> Value {
    let got = get(router, &format!("/v1/labels{query}")).await;
    assert_eq!(got.status, StatusCode::OK, "{query}");
    got.json()
}

#[tokio::test]
async fn labels_are_found_by_what_they_say_and_how_they_stand() {
    let router = router(&world());
    let (one, two, three) = (
        "jp.jc-star/EX-000001",
        "jp.jc-star/EX-000002",
        "jp.jc-star/EX-000003",
    );
    for (query, want) in [
        ("", vec![one, two, three]),
        ("?scheme=jp.jc-star", vec![one, two, three]),
        ("?scheme=jp.other", vec![]),
        ("?status=active", vec![one, two]),
        ("?status=revoked&scheme=jp.jc-star", vec![three]),
        ("?status=lapsed", vec![]),
        ("?gtin=9521234001010", vec![one, two, three]),
        ("?gtin=09521234001010&status=revoked", vec![three]),
        ("?gtin=9521234001027", vec![]),
        ("?holder=gln:9521234000006", vec![one, two, three]),
        ("?holder=gln%3A9521234000006&status=active", vec![one, two]),
        ("?holder=gln:9521234000013", vec![]),
    ] {
        let answer = list(&router, query).await;
        assert_eq!(ids(&answer), want, "{query}");
        assert_eq!(answer["next"], Value::Null, "{query}");
    }
}

#[tokio::test]
async fn pages_follow_each_other_and_hold_every_label_once() {
    let router = router(&world());
    for query in [
        "?limit=1",
        "?limit=2",
        "?limit=1&gtin=9521234001010",
        "?limit=2&holder=gln:9521234000006",
    ] {
        let mut address = format!("/v1/labels{query}");
        let mut found = Vec::new();
        for _ in 0..5 {
            let got = get(&router, &address).await;
            let answer = got.json();
            found.extend(ids(&answer).into_iter().map(str::to_owned));
            let Some(next) = answer["next"].as_str() else {
                assert!(!got.headers.contains_key(header::LINK));
                break;
            };
            assert_eq!(got.header(header::LINK), format!("<{next}>; rel=\"next\""));
            next.clone_into(&mut address);
        }
        assert_eq!(
            found,
            (1..4)
                .map(|number| format!("jp.jc-star/EX-{number:06}"))
                .collect::<Vec<_>>(),
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_query_out_of_range_is_a_problem_that_names_the_parameter() {
    let router = router(&world());
    for (query, parameter) in [
        ("?limit=0", "limit"),
        ("?limit=101", "limit"),
        ("?limit=-1", "limit"),
        ("?limit=05", "limit"),
        ("?limit=9999999999999999999999", "limit"),
        ("?limit=", "limit"),
        ("?after=x", "after"),
        ("?after=18446744073709551616", "after"),
        ("?gtin=09521234001011", "gtin"),
        ("?gtin=9780306406157", "gtin"),
        ("?gtin=952123400101", "gtin"),
        ("?gtin=https://x.example/01/09521234001010", "gtin"),
        ("?holder=acme", "holder"),
        ("?scheme=JP", "scheme"),
        ("?status=expired", "status"),
        ("?status=active&status=active", "status"),
        ("?limitt=5", "limitt"),
        ("?%FF=1", "\u{FFFD}"),
    ] {
        let got = get(&router, &format!("/v1/labels{query}")).await;
        assert_eq!(
            (got.status, &got.json()["title"]),
            (StatusCode::BAD_REQUEST, &json!("bad-query")),
            "{query}"
        );
        assert_eq!(got.json()["parameter"], parameter, "{query}");
    }
}

#[tokio::test]
async fn a_label_that_is_unbound_is_no_longer_a_label_of_the_product() {
    let mut world = world();
    let prev = id_of(&issue(1));
    let draft = json!({
        "subject": "jp.jc-star/EX-000001", "decided_at": "2026-04-01T00:00:00Z",
        "reason": { "code": "clerical-error" },
        "body": { "gtins": ["09521234001010"], "models": [] },
    });
    world
        .log
        .admit(&event(Kind::LabelUnbind, &draft, Some(prev), &issuer()))
        .unwrap();
    assert!(world.step());
    let router = router(&world);
    assert_eq!(
        ids(&list(&router, "?gtin=9521234001010").await).len(),
        3,
        "not witnessed yet"
    );
    world.witness();
    let answer = list(&router, "?gtin=9521234001010").await;
    assert_eq!(
        ids(&answer),
        ["jp.jc-star/EX-000002", "jp.jc-star/EX-000003"]
    );
    assert_eq!(
        list(&router, "?status=active").await["labels"][0]["gtins"],
        json!([])
    );
}

#[tokio::test]
async fn an_index_that_missed_something_gives_no_short_list() {
    let world = world();
    world.log.setting().index.clear();
    let got = get(&router(&world), "/v1/labels").await;
    assert_eq!(
        (got.status, &got.json()["title"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("starting"))
    );
}

async fn scan(router: &Router, path: &str, accept: &str) -> Got {
    let request = Request::get(path)
        .header(header::ACCEPT, accept)
        .body(Body::empty())
        .unwrap();
    ask(router, request).await
}

#[tokio::test]
async fn a_link_on_a_box_leads_to_the_labels_and_its_serial_goes_nowhere() {
    let router = router(&world());
    for path in [
        "/01/9521234001010",
        "/01/09521234001010/10/AB-1/21/SECRET7",
        "/01/09521234001010/21/SECRET7?17=271231",
    ] {
        let got = scan(&router, path, "text/html,*/*;q=0.8").await;
        assert_eq!(got.status, StatusCode::OK, "{path}");
        let page = String::from_utf8(got.body.clone()).unwrap();
        assert!(
            page.contains("EX-000001") && page.contains("REVOKED") && page.contains("ACTIVE"),
            "{path}"
        );
        assert!(!page.contains("SECRET7") && !got.header(header::LINK).contains("SECRET7"));
        let links = scan(&router, path, "application/linkset+json").await.json();
        assert_eq!(links["linkset"][0]["anchor"], "/01/09521234001010");
        let certification = &links["linkset"][0]["https://ref.gs1.org/voc/certificationInfo"];
        assert_eq!(certification[0]["href"], "/v1/labels?gtin=09521234001010");
    }
    let sent = get(&router, "/01/9521234001010?linkType=gs1:certificationInfo").await;
    assert_eq!(sent.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(
        sent.header(header::LOCATION),
        "/v1/labels?gtin=09521234001010"
    );
    assert!(get(&router, "/01/9521234001010?linkType=all").await.json()["linkset"].is_array());
    assert_eq!(
        get(&router, "/01/9521234001010?linkType=gs1:pip")
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    let nothing = String::from_utf8(get(&router, "/01/9521234001027").await.body).unwrap();
    assert!(nothing.contains("NO LABEL"));
}

#[tokio::test]
async fn what_is_no_product_is_refused_by_name() {
    let router = router(&world());
    for (path, words) in [
        ("/01/09521234001011", "check digit"),
        ("/01/9780306406157", "ISBN"),
        ("/01/123", "8, 12, 13 or 14 digits"),
        ("/01/09521234001010/21/7/10/A", "in this order"),
        ("/01/09521234001010/99/7", "in this order"),
    ] {
        for accept in ["application/linkset+json", "text/html"] {
            let got = scan(&router, path, accept).await;
            assert_eq!(got.status, StatusCode::BAD_REQUEST, "{path}");
            let said = String::from_utf8_lossy(&got.body);
            assert!(said.contains(words), "{path}: {said}");
        }
    }
}

#[tokio::test]
async fn a_number_that_is_typed_wrong_is_told_on_a_page() {
    let router = router(&world());
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for (path, status, words) in [
        (
            "/v1/labels?gtin=9521234001011",
            StatusCode::BAD_REQUEST,
            "check digit",
        ),
        (
            "/nothing/here",
            StatusCode::NOT_FOUND,
            "There is nothing here",
        ),
    ] {
        let got = scan(&router, path, browser).await;
        assert_eq!(got.status, status, "{path}");
        assert_eq!(got.header(header::CONTENT_TYPE), "text/html; charset=utf-8");
        let page = String::from_utf8(got.body).unwrap();
        assert!(page.contains(words), "{path}: {page}");
        let told = scan(&router, path, "*/*").await;
        assert_eq!(
            told.header(header::CONTENT_TYPE),
            "application/problem+json"
        );
    }
}

#[tokio::test]
async fn a_list_shows_no_end_beside_a_label_that_has_ended() {
    let router = router(&world());
    let page = async |query: &str| {
        let got = scan(&router, &format!("/v1/labels?{query}"), "text/html").await;
        String::from_utf8(got.body).unwrap()
    };
    let until = "<td class=\"day\" data-name=\"until\">";
    assert!(
        page("status=revoked")
            .await
            .contains(&format!("{until}</td>"))
    );
    assert!(
        !page("status=active")
            .await
            .contains(&format!("{until}</td>"))
    );
}
