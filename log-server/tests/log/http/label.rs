//! One label in its three forms.

use serde_json::json;

use super::*;

async fn get_as(router: &Router, path: &str, accept: &str) -> Got {
    let request = Request::get(path)
        .header(header::ACCEPT, accept)
        .body(Body::empty())
        .unwrap();
    ask(router, request).await
}

const REVOKED: &str = "/v1/labels/jp.jc-star/EX-000003";
const ACTIVE: &str = "/v1/labels/jp.jc-star/EX-000001";

#[tokio::test]
async fn a_label_says_what_its_proof_says_and_where_that_is() {
    let world = world();
    let router = router(&world);
    let got = get(&router, REVOKED).await;
    assert_eq!(got.status, StatusCode::OK);
    let answer = got.json();
    assert_eq!(answer["label"]["status"], "revoked");
    assert_eq!(answer["label"]["reason"], "vulnerability");
    assert_eq!(answer["since"], "2026-03-01T00:00:00Z");
    assert_eq!(
        answer["size"],
        world.log.published().unwrap().head().size().get()
    );
    assert_eq!(answer["witnessed_by"], json!(["w0", "w1"]));
    assert_eq!(answer["issuer"], "label.jp.example");
    assert_eq!(answer["history"].as_array().unwrap().len(), 2);
    assert!(
        answer["notice"]
            .as_str()
            .unwrap()
            .contains("proves nothing")
    );
    let proof = get(&router, answer["label"]["status_url"].as_str().unwrap()).await;
    assert_eq!(
        proof.header(header::CONTENT_TYPE),
        "text/x.labelproof; charset=utf-8"
    );
    assert!(
        got.header(header::LINK)
            .contains("</v1/status/label/jp.jc-star/EX-000003>")
    );
    assert_eq!(got.header(header::VARY), "accept");
    // What is printed in another case is the same label.
    assert_eq!(
        get(&router, "/v1/labels/jp.jc-star/ex-000003").await.json()["label"]["id"],
        "jp.jc-star/EX-000003"
    );
}

#[tokio::test]
async fn each_form_has_a_tag_of_its_own() {
    let router = router(&world());
    let mut tags = Vec::new();
    for form in ["application/json", "application/ld+json", "text/html"] {
        let got = get_as(&router, ACTIVE, form).await;
        assert_eq!(
            got.header(header::CONTENT_TYPE).split(';').next(),
            Some(form)
        );
        let tag = got.header(header::ETAG).to_owned();
        let known = Request::get(ACTIVE)
            .header(header::ACCEPT, form)
            .header(header::IF_NONE_MATCH, &tag);
        assert_eq!(
            ask(&router, known.body(Body::empty()).unwrap())
                .await
                .status,
            StatusCode::NOT_MODIFIED
        );
        assert!(!tags.contains(&tag));
        tags.push(tag);
    }
    let refused = get_as(&router, ACTIVE, "image/png").await;
    assert_eq!(
        (refused.status, &refused.json()["title"]),
        (StatusCode::NOT_ACCEPTABLE, &json!("not-acceptable"))
    );
}

#[tokio::test]
async fn schema_org_learns_of_nothing_active_that_is_not() {
    let world = world();
    let router = router(&world);
    let active = get_as(&router, ACTIVE, "application/ld+json").await.json();
    assert_eq!(active["@type"], "Certification");
    assert_eq!(active["certificationIdentification"], "EX-000001");
    assert_eq!(
        active["certificationStatus"],
        "https://schema.org/CertificationActive"
    );
    assert_eq!(active["about"][0]["gtin"], json!(["09521234001010"]));
    assert_eq!(active["expires"], "2028-02-03T00:00:00Z");
    let revoked = get_as(&router, REVOKED, "application/ld+json").await.json();
    assert_eq!(
        revoked["certificationStatus"],
        "https://schema.org/CertificationInactive"
    );
    world.clock.set(1_890_000_000_000);
    let expired = get_as(&router, ACTIVE, "application/ld+json").await.json();
    assert_eq!(
        expired["certificationStatus"],
        "https://schema.org/CertificationInactive"
    );
    let plain = get(&router, ACTIVE).await.json();
    assert_eq!(
        (&plain["label"]["status"], &plain["expired"]),
        (&json!("active"), &json!(true))
    );
}

#[tokio::test]
async fn a_page_shows_the_answer_the_three_statements_and_the_way_to_check() {
    let world = world();
    let router = router(&world);
    for (path, word) in [(ACTIVE, "ACTIVE"), (REVOKED, "REVOKED")] {
        let got = get_as(&router, path, "text/html").await;
        let page = String::from_utf8(got.body.clone()).unwrap();
        for part in [
            word,
            "Authentic",
            "Witnessed",
            "Status",
            "labelproof status jp.jc-star/",
            "/v1/status/label/",
        ] {
            assert!(page.contains(part), "{path}: no {part}");
        }
        assert!(!page.contains("<script") && !page.contains("src="));
        let policy = got.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"));
    }
    world.clock.set(1_890_000_000_000);
    let page = String::from_utf8(get_as(&router, ACTIVE, "text/html").await.body).unwrap();
    assert!(page.contains("EXPIRED") && !page.contains("ACTIVE"));
}

#[tokio::test]
async fn no_such_label_is_said_to_programs_and_to_people() {
    let router = router(&world());
    let path = "/v1/labels/jp.jc-star/EX-999999";
    let problem = get(&router, path).await;
    assert_eq!(
        (problem.status, &problem.json()["title"]),
        (StatusCode::NOT_FOUND, &json!("no-such-label"))
    );
    assert!(
        problem
            .header(header::LINK)
            .contains("/v1/status/label/jp.jc-star/EX-999999")
    );
    let page = get_as(&router, path, "text/html").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(
        String::from_utf8(page.body)
            .unwrap()
            .contains("NOT IN THIS LOG")
    );
    let strange = get_as(&router, "/v1/labels/jp.jc-star/%3Cscript%3E", "text/html").await;
    assert_eq!(strange.status, StatusCode::BAD_REQUEST);
}
