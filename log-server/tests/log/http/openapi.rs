//! The document against the router, both ways.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{Method, StatusCode};
use serde_json::Value;

use super::*;
use labelproof_log::log::Hold;

/// A log that ends, so that its stream does too.
fn ending() -> Router {
    let world = world();
    world.log.hold(Hold::Ending);
    router(&world)
}

async fn document() -> Value {
    get(&router(&world()), "/openapi.json").await.json()
}

/// Every operation: method, path, what the document says.
fn operations(document: &Value) -> Vec<(Method, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let operations = paths.iter().flat_map(|(path, item)| {
        item.as_object()
            .unwrap()
            .iter()
            .map(move |(method, operation)| {
                let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).unwrap();
                (method, path.as_str(), operation)
            })
    });
    operations.collect()
}

/// The source of the router, where `routes!` is the only way in.
const ROUTER: &str = include_str!("../../../src/http.rs");

#[tokio::test]
async fn every_route_is_in_the_document_and_nothing_else() {
    for other_way in [
        ".route(",
        ".nest(",
        ".merge(",
        ".route_service(",
        ".fallback_service(",
    ] {
        assert!(
            !ROUTER.contains(other_way),
            "{other_way} adds a route that the document does not know"
        );
    }
    let document = document().await;
    let in_code = ROUTER.matches("routes!(").count();
    assert_eq!(operations(&document).len(), in_code);
    let router = ending();
    for (method, path, _) in operations(&document) {
        let path = path.replace(['{', '}'], "x");
        let request = Request::builder()
            .method(method.clone())
            .uri(&path)
            .body(Body::empty())
            .unwrap();
        let got = ask(&router, request).await;
        let is_stray = got.status == StatusCode::NOT_FOUND
            && got.body.starts_with(b"{")
            && got.json()["detail"] == NOTHING_HERE;
        assert!(
            !is_stray && got.status != StatusCode::METHOD_NOT_ALLOWED,
            "{method} {path}: {}",
            got.status
        );
        let wrong = Request::builder()
            .method(Method::DELETE)
            .uri(&path)
            .body(Body::empty())
            .unwrap();
        let got = ask(&router, wrong).await;
        assert_eq!(got.status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert!(
            got.header(header::ALLOW).contains(method.as_str()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_document_is_one_that_others_can_read() {
    let document = document().await;
    assert_eq!(document["openapi"], "3.1.0");
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id), "{id} stands for two operations");
        assert!(
            operation["summary"].is_string() && operation["tags"].is_array(),
            "{method} {path}"
        );
        let named: BTreeSet<&str> = path
            .split('{')
            .skip(1)
            .map(|part| part.split('}').next().unwrap())
            .collect();
        let parameters = operation["parameters"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let given = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "path");
        assert_eq!(
            named,
            given
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect(),
            "{path}"
        );
        for (status, answer) in operation["responses"].as_object().unwrap() {
            assert!(
                !answer["description"].as_str().unwrap().is_empty(),
                "{path} {status}"
            );
            for (name, header) in answer["headers"].as_object().unwrap() {
                assert!(
                    !header["description"].as_str().unwrap().is_empty(),
                    "nothing describes the header {name}"
                );
            }
        }
    }
    let page = String::from_utf8(get(&router(&world()), "/docs").await.body).unwrap();
    for (_, path, _) in operations(&document) {
        assert!(
            page.contains(&format!("<code>{path}</code>")),
            "/docs does not show {path}"
        );
    }
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(
            document.pointer(pointer).is_some(),
            "{pointer} points at nothing"
        );
    }
}

#[tokio::test]
async fn an_answer_has_the_status_type_and_headers_of_the_document() {
    let document = document().await;
    let router = ending();
    let event = id_of(&issue(1)).to_string();
    let values = BTreeMap::from([
        ("id", event.as_str()),
        ("index", "6"),
        ("path", "0/000.p/10"),
    ]);
    for (method, path, operation) in operations(&document)
        .into_iter()
        .filter(|(method, ..)| *method == Method::GET)
    {
        let mut address = path.to_owned();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            let example = parameter["example"]
                .as_str()
                .or(values.get(name).copied())
                .unwrap_or_default();
            address = address.replace(&format!("{{{name}}}"), example);
        }
        let got = get(&router, &address).await;
        let answer = &operation["responses"][got.status.as_str()];
        assert!(
            answer.is_object(),
            "{method} {address} gives {}",
            got.status
        );
        let media_type = got.header(header::CONTENT_TYPE).split(';').next().unwrap();
        assert!(
            answer["content"][media_type].is_object(),
            "{address} gives {media_type}"
        );
        for name in answer["headers"].as_object().unwrap().keys() {
            let is_of_pages = [
                "content-security-policy",
                "referrer-policy",
                "x-content-type-options",
            ]
            .contains(&name.as_str());
            // There is a next page only where there is one.
            let is_of_further_pages = name == "link" && path == "/v1/labels";
            if is_of_further_pages {
                continue;
            }
            if is_of_pages && media_type != "text/html" {
                continue;
            }
            assert!(got.headers.contains_key(name), "{address} has no {name}");
        }
        for name in got.headers.keys() {
            let is_said = answer["headers"].get(name.as_str()).is_some();
            assert!(
                is_said || [header::CONTENT_TYPE, header::CONTENT_LENGTH].contains(name),
                "{address}: {name}"
            );
        }
    }
}

const NOTHING_HERE: &str = "there is nothing here; the routes are listed at /";
