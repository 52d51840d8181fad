//! The home page: `GET /`, for a person who found the address.

use axum::{extract::State, http::HeaderMap, response::Response};

use super::{
    Service,
    html::{Html, ago, fact, moment, page},
};

/// `GET /`: what this log is, for a person who found the address.
#[utoipa::path(
    get, path = "/", tag = "about", operation_id = "home",
    responses((status = 200, description = "A page that says what this log is, its key and its size.",
        body = String, content_type = "text/html", headers(("etag"))))
)]
pub(super) async fn home(State(service): State<Service>, request: HeaderMap) -> Response {
    let log = &service.log;
    let setting = log.setting();
    let origin = setting.origin.as_str();
    let now = setting.clock.now();
    let (size, age) = match log.published() {
        None => ("nothing was witnessed yet".to_owned(), String::new()),
        Some(published) => {
            let as_of = published.witnessed.as_of();
            let age = format!("{}, {}", moment(&as_of.to_string()), ago(as_of, now));
            (format!("{} entries", published.head().size()), age)
        }
    };
    let genesis = log
        .genesis()
        .map_or_else(|| "none yet".to_owned(), |leaf| leaf.to_string());
    let code = |text: &str| Html::raw(format!("<code>{}</code>", Html::text(text)));
    let facts = [
        ("Origin", code(origin)),
        ("Key", code(&setting.vkey.to_string())),
        ("Genesis", code(&genesis)),
        ("Size", Html::text(&size)),
        ("Witnessed", Html::text(&age)),
    ];
    let facts: String = facts
        .iter()
        .map(|(name, value)| fact(name, value))
        .collect();
    let main = Html::raw(format!(
        "<h1>{title}</h1>\n<p class=\"lead\">A transparency log of product security labels: every label that was \
         issued, suspended and revoked, and a proof of where each stands now.</p>\n\
         <form action=\"/v1/labels\" method=\"get\"><label>Product number (GTIN), from the barcode\
         <input name=\"gtin\" inputmode=\"numeric\" autocomplete=\"off\" required pattern=\"[0-9]{{8}}|[0-9]{{12,14}}\" \
         placeholder=\"9521234001010\" title=\"8, 12, 13 or 14 digits\"></label><button>Look it up</button></form>\n\
         <h2>This log</h2>\n<dl>\n{facts}</dl>\n{TRUST}{ROUTES}",
        title = Html::text(origin),
    ));
    page("Product security labels", origin, &main, &request)
}

const TRUST: &str = "<h2>You need not trust this page</h2>\n<p>Take a trust file from somebody you do trust. It names \
    this log, its first entry and the witnesses. Then ask, and check on your own machine:</p>\n\
    <pre>labelproof status SCHEME/ID --log URL --trust trust.toml\nlabelproof verify FILE.labelproof --trust trust.toml</pre>\n";

const ROUTES: &str = "<h2>For programs</h2>\n<dl>\
    <dt><a href=\"/docs\">/docs</a></dt><dd>every route, for people; <a href=\"/openapi.json\">/openapi.json</a> for programs</dd>\n\
    <dt><a href=\"/v1/labels\">/v1/labels</a></dt><dd>labels by product, holder, scheme and status</dd>\n\
    <dt><a href=\"/v1/log\">/v1/log</a></dt><dd>what this log is, and its limits</dd>\n\
    <dt><a href=\"/checkpoint\">/checkpoint</a></dt><dd>the newest witnessed checkpoint; tiles under <code>/tile/</code> (C2SP)</dd>\n\
    <dt><a href=\"/readyz\">/readyz</a></dt><dd>whether events are taken and get witnessed; <a href=\"/livez\">/livez</a> for readers</dd>\n\
    </dl>\n";
