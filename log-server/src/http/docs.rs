//! The document as a page: `GET /docs`.

use axum::{extract::State, http::HeaderMap, response::Response};
use serde_json::Value;

use super::{
    Service,
    html::{Html, fact, page},
    openapi::value,
};

/// `GET /docs`: every route, for people.
#[utoipa::path(
    get, path = "/docs", tag = "about", operation_id = "docs",
    responses((status = 200, description = "The OpenAPI document as a page.", body = String,
        content_type = "text/html", headers(("etag"))))
)]
pub(super) async fn docs(State(service): State<Service>, request: HeaderMap) -> Response {
    let document = value();
    let mut main = format!(
        "<h1>Every route</h1>\n<p class=\"lead\">{}</p>\n<p>For programs: <a href=\"/openapi.json\">/openapi.json</a> \
         (OpenAPI 3.1).</p>\n",
        Html::text(text(&document["info"], "description"))
            .to_string()
            .replace("\n\n", "</p>\n<p class=\"lead\">"),
    );
    for tag in TAGS {
        main.push_str(&format!("<h2>{}</h2>\n", Html::text(tag)));
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                if operation["tags"][0] == tag {
                    main.push_str(&of_operation(method, path, operation));
                }
            }
        }
    }
    let origin = service.log.setting().origin.as_str();
    page("Every route", origin, &Html::raw(main), &request)
}

fn of_operation(method: &str, path: &str, operation: &Value) -> String {
    let mut body = String::new();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let name = format!("{} ({})", text(parameter, "name"), text(parameter, "in"));
        body.push_str(&fact(&name, &Html::text(text(parameter, "description"))));
    }
    if operation["requestBody"].is_object() {
        body.push_str(&fact(
            "body",
            &Html::text(text(&operation["requestBody"], "description")),
        ));
    }
    for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
        let types: Vec<&str> = answer["content"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(media_type, _)| media_type.as_str())
            .collect();
        let what = Html::text(&text(answer, "description").replace('`', ""));
        let types = if types.is_empty() {
            String::new()
        } else {
            format!("<br><code>{}</code>", Html::text(&types.join(", ")))
        };
        body.push_str(&fact(status, &Html::raw(format!("{what}{types}"))));
    }
    format!(
        "<details><summary><b>{}</b> <code>{}</code><br>{}</summary>\n<dl>\n{body}</dl></details>\n",
        Html::text(&method.to_ascii_uppercase()),
        Html::text(path),
        Html::text(text(operation, "summary")),
    )
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}

/// In the order in which a reader needs them; a test looks whether any is missing.
pub(super) const TAGS: [&str; 6] = [
    "labels",
    "products",
    "status",
    "events",
    "C2SP tile log",
    "about",
];
