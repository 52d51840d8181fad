//! `docs/spec/http-api.md`: its examples run as they stand, and its routes and problems are those of the document.

use std::path::Path;

use labelproof_tests::transcript::{run, steps};
use labelproof_tests::world;
use serde_json::Value;

use crate::demo_network;

const ADDRESS: &str = "http://127.0.0.1:7380";

fn page() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::fs::read_to_string(root.join("docs/spec/http-api.md")).unwrap()
}

#[test]
fn examples_of_the_http_api_print_what_it_shows() {
    let network = demo_network("http-api");
    std::fs::write(
        network.dir().join("label.note"),
        world::issue("jp.jc-star/EX-000123", "label.jp.example"),
    )
    .unwrap();
    let text = page();
    assert!(text.contains(ADDRESS));
    let steps = steps(&text.replace(ADDRESS, &network.log_url()));
    assert!(steps.len() > 25, "the page has {} commands", steps.len());
    if let Err(error) = run(&steps, network.dir(), network.programs().bin()) {
        panic!("docs/spec/http-api.md, {error}");
    }
}

#[test]
fn the_page_names_every_route_and_every_problem_of_the_document() {
    let network = demo_network("http-api-document");
    let document: Value = serde_json::from_slice(&network.get("/openapi.json").body).unwrap();
    let page = page();
    let mut missing = Vec::new();
    for path in document["paths"].as_object().unwrap().keys() {
        // What stands before the first parameter names the route.
        let route = path.split('{').next().unwrap();
        if !page.contains(route.trim_end_matches('/')) {
            missing.push(path.clone());
        }
    }
    let text = document.to_string();
    for code in text.split("urn:labelproof:problem:").skip(1) {
        let code: String = code
            .chars()
            .take_while(|letter| letter.is_ascii_lowercase() || *letter == '-')
            .collect();
        if !page.contains(&format!("`{code}`")) && !missing.contains(&code) && !code.is_empty() {
            missing.push(code);
        }
    }
    assert!(
        missing.is_empty(),
        "docs/spec/http-api.md does not name {}",
        missing.join(", ")
    );
}
