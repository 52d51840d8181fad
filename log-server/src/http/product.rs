//! Products by the link on the box: GS1 Digital Link (URI syntax 1.4) and its link sets (RFC 9264).
//!
//! ```text
//! GET /01/9521234001010                     8, 12, 13 or 14 digits
//!     /01/09521234001010/10/AB-1/21/7       variant (22), lot (10) and serial (21) are looked at and dropped
//!     Accept: text/html · application/linkset+json        ?linkType=all · gs1:certificationInfo · gs1:defaultLink
//! GET /.well-known/gs1resolver
//! ```
//! A serial names one unit, so it goes no further than this file: it is in no answer and in no line that is logged.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use labelproof_core::event::Gtin14;
use labelproof_host::web::{Query, problem::sentence};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    Address, JSON, NoText, Service,
    accept::choose,
    apart,
    error::Problem,
    html::{self, Html},
    label::document,
    labels::{Wish, gtin_of, page},
    openapi::problems::OfProduct,
};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    Html,
    Links,
}

/// Links of one product (RFC 9264); the members are link types.
#[derive(Serialize, ToSchema)]
pub(super) struct LinkSet {
    /// One context: the product.
    linkset: Vec<serde_json::Value>,
}

/// `GET /01/{gtin}`: the labels of a product, by the link on its box.
#[utoipa::path(
    get, path = "/01/{gtin}", tag = "products", operation_id = "product",
    params(
        ("gtin" = String, Path, description = "8, 12, 13 or 14 digits, the last a check digit.", example = "09521234001010",
            format = "gtin"),
        ("linkType" = Option<String>, Query, description = "`all` for the link set, or one link type.",
            example = "gs1:certificationInfo"),
    ),
    responses(
        (status = 200, description = "The labels of the product as a page, or links to them.",
            headers(("etag"), ("vary"), ("link")),
            content((String = "text/html"), (LinkSet = "application/linkset+json"))),
        (status = 307, description = "To the page of the link type that was asked for.",
            headers(("location"), ("vary"), ("link"))),
        OfProduct,
    )
)]
pub(super) async fn product(
    State(service): State<Service>,
    address: Result<Address<String>, NoText>,
    query: Query,
    request: HeaderMap,
) -> Response {
    let gtin = address
        .map_err(Problem::from)
        .and_then(|Address(gtin)| gtin_of(&gtin).map_err(Problem::BadGtin));
    answer(&service, gtin, &query, &request).await
}

/// `GET /01/{gtin}/{qualifiers}`: the same, by a link that says more than the product.
#[utoipa::path(
    get, path = "/01/{gtin}/{*qualifiers}", tag = "products", operation_id = "product_unit",
    params(
        ("gtin" = String, Path, description = "8, 12, 13 or 14 digits, the last a check digit.", example = "09521234001010",
            format = "gtin"),
        ("qualifiers" = String, Path, description = "`22/…`, `10/…` and `21/…`, in this order; dropped.", example = "10/AB-1",
            format = "gs1-qualifiers"),
        ("linkType" = Option<String>, Query, description = "`all` for the link set, or one link type.",
            example = "gs1:certificationInfo"),
    ),
    responses(
        (status = 200, description = "The labels of the product as a page, or links to them.",
            headers(("etag"), ("vary"), ("link")),
            content((String = "text/html"), (LinkSet = "application/linkset+json"))),
        (status = 307, description = "To the page of the link type that was asked for.",
            headers(("location"), ("vary"), ("link"))),
        OfProduct,
    )
)]
pub(super) async fn unit(
    State(service): State<Service>,
    address: Result<Address<(String, String)>, NoText>,
    query: Query,
    request: HeaderMap,
) -> Response {
    let gtin = address
        .map_err(Problem::from)
        .and_then(|Address((gtin, qualifiers))| {
            check_qualifiers(&qualifiers)?;
            gtin_of(&gtin).map_err(Problem::BadGtin)
        });
    answer(&service, gtin, &query, &request).await
}

async fn answer(
    service: &Service,
    gtin: Result<Gtin14, Problem>,
    query: &Query,
    request: &HeaderMap,
) -> Response {
    let forms = [
        ("text/html", Form::Html),
        ("application/linkset+json", Form::Links),
    ];
    let form = match choose(request, &forms) {
        Ok(form) => form,
        Err(problem) => return problem.into_response(),
    };
    let given = match gtin {
        Ok(gtin) => links_or_page(service, gtin, form, query, request).await,
        Err(problem) => Err(problem),
    };
    let mut response = match given {
        Ok(response) => response,
        Err(problem) if form == Form::Html => shown(&problem, service),
        Err(problem) => problem.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_name(header::ACCEPT));
    response
}

async fn links_or_page(
    service: &Service,
    gtin: Gtin14,
    form: Form,
    query: &Query,
    request: &HeaderMap,
) -> Result<Response, Problem> {
    // Other parameters are data of GS1, or nobody's; neither changes which product it is.
    let link_type = query.get("linkType", |text| Ok::<_, String>(text.to_owned()))?;
    let labels = format!("/v1/labels?gtin={gtin}");
    let mut response = match link_type.as_deref() {
        Some("all" | "linkset") => links(&gtin, request),
        Some(name) if CERTIFICATION.contains(&name) => {
            let location = HeaderValue::from_str(&labels).expect("digits in an address");
            (
                StatusCode::TEMPORARY_REDIRECT,
                [(header::LOCATION, location)],
            )
                .into_response()
        }
        Some(name) if !DEFAULT.contains(&name) => return Err(Problem::NoSuchLink),
        _ if form == Form::Links => links(&gtin, request),
        _ => {
            let wish = Wish::of_product(gtin.clone());
            let asked = wish.clone();
            let (answer, found) = apart(service, move |log| page::gather(log, &asked)).await?;
            page::of(&wish, answer, &found, request)
        }
    };
    let link = format!(
        "</01/{gtin}?linkType=all>; rel=\"linkset\"; type=\"application/linkset+json\", </01/{gtin}>; rel=\"canonical\""
    );
    let link = HeaderValue::from_str(&link).expect("digits in a link");
    response.headers_mut().insert(header::LINK, link);
    Ok(response)
}

fn links(gtin: &Gtin14, request: &HeaderMap) -> Response {
    let labels = format!("/v1/labels?gtin={gtin}");
    let link = |href: &str, title: &str, media_type: &str| json!({ "href": href, "title": title, "type": media_type, "hreflang": ["en"] });
    let context = json!({
        "anchor": format!("/01/{gtin}"),
        "https://ref.gs1.org/voc/certificationInfo": [
            link(&labels, "Security labels of this product", "text/html"),
            link(&labels, "The same for programs", JSON),
            link(&format!("/v1/status/gtin/{gtin}"), "The proof", "text/x.labelproof"),
        ],
        "https://ref.gs1.org/voc/defaultLink": [link(&format!("/01/{gtin}"), "Security labels of this product", "text/html")],
    });
    let set = LinkSet {
        linkset: vec![context],
    };
    document(&set, "application/linkset+json").respond(request)
}

/// A problem, for a person who scanned a box.
fn shown(problem: &Problem, service: &Service) -> Response {
    let origin = service.log.setting().origin.as_str();
    let main = Html::raw(format!(
        "<h1>This link does not lead to a product</h1>\n<p>{}</p>\n<p><a href=\"/\">Type the number instead</a></p>\n",
        Html::text(&sentence(&problem.to_string()))
    ));
    let mut response = html::not_found("No product", origin, &main);
    *response.status_mut() = problem.status();
    if let Some(seconds) = problem.retry_after_s() {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// SPEC GS1 Digital Link, URI syntax: the qualifiers of a GTIN are 22, 10 and 21, in this order.
fn check_qualifiers(path: &str) -> Result<(), Problem> {
    let parts: Vec<&str> = path.split('/').collect();
    let mut allowed = ["22", "10", "21"].iter();
    let is_good = parts.len().is_multiple_of(2)
        && parts.chunks(2).all(|pair| {
            let (key, value) = (pair[0], pair[1]);
            let is_value = (1..=MAX_QUALIFIER).contains(&value.len())
                && value.bytes().all(|byte| byte.is_ascii_graphic());
            allowed.any(|known| *known == key) && is_value
        });
    if is_good {
        Ok(())
    } else {
        Err(Problem::BadAddress {
            what: NO_QUALIFIERS,
        })
    }
}

/// What a GS1 resolver says of itself.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Resolver {
    /// What it is called.
    name: String,
    /// Where it is.
    resolver_root: String,
    /// The keys it resolves: GTINs.
    supported_primary_keys: Vec<&'static str>,
    /// The link types it knows.
    supported_link_type: Vec<LinkTypes>,
    /// Whether a request without a link type may be answered with a link set.
    link_type_default_can_be_linkset: bool,
}

/// A vocabulary of link types.
#[derive(Serialize, ToSchema)]
struct LinkTypes {
    /// Where it is defined.
    namespace: &'static str,
    /// What stands for it.
    prefix: &'static str,
}

/// `GET /.well-known/gs1resolver`: what this resolver can do.
#[utoipa::path(
    get, path = "/.well-known/gs1resolver", tag = "products", operation_id = "resolver",
    responses((status = 200, description = "The description that GS1 asks of a resolver.", body = Resolver,
        content_type = "application/json", headers(("etag"))))
)]
pub(super) async fn resolver(State(service): State<Service>, request: HeaderMap) -> Response {
    let origin = service.log.setting().origin.as_str();
    let resolver = Resolver {
        name: format!("Security labels in {origin}"),
        resolver_root: format!("https://{origin}"),
        supported_primary_keys: vec!["01"],
        supported_link_type: vec![LinkTypes {
            namespace: "https://ref.gs1.org/voc/",
            prefix: "gs1:",
        }],
        link_type_default_can_be_linkset: false,
    };
    document(&resolver, JSON).respond(&request)
}

const CERTIFICATION: [&str; 3] = [
    "gs1:certificationInfo",
    "https://ref.gs1.org/voc/certificationInfo",
    "https://gs1.org/voc/certificationInfo",
];
const DEFAULT: [&str; 3] = [
    "gs1:defaultLink",
    "https://ref.gs1.org/voc/defaultLink",
    "https://gs1.org/voc/defaultLink",
];
const NO_QUALIFIERS: &str =
    "behind a GTIN there are 22/…, 10/… and 21/…, in this order, 1 to 28 letters each";
/// The longest of the three: a serial of a third party, 28.
const MAX_QUALIFIER: usize = 28;
