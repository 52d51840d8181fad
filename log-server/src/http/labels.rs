//! Labels by product, holder, scheme and status, a page at a time: `GET /v1/labels`.
//!
//! ```text
//! ?gtin=09521234001010 &holder=gln:9521234000006 &scheme=jp.jc-star &status=active &limit=50 &after=4711
//! Link: </v1/labels?scheme=jp.jc-star&limit=50&after=4800>; rel="next"
//! ```
//! Labels come in the order in which the log met them, and `after` is a place in the log: what is added later
//! comes later, so no page shifts. A page may be short and still have a next one. The list itself is proved by
//! nothing; each label in it names the bundle that proves it.

pub(super) mod page;
mod walk;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use labelproof_core::{
    event::{Gtin14, OrganisationId, SchemeId},
    gs1::{GtinError, Scanned},
    merkle::LeafIndex,
};
use labelproof_host::web::Query;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    JSON, Service,
    accept::choose,
    apart,
    error::Problem,
    label::{
        NOTICE, document,
        facts::{Facts, Word},
    },
    openapi::problems::OfLabels,
};

/// A page of labels.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = LabelList)]
pub(super) struct Answer {
    /// What this answer is worth.
    notice: &'static str,
    /// The log.
    log: String,
    /// How many entries the witnessed head covers.
    size: u64,
    /// The time of which the witnesses speak.
    #[schema(format = DateTime)]
    as_of: String,
    /// The labels, in the order in which the log met them.
    labels: Vec<Facts>,
    /// Where the next page is, if there may be more; the same as in `Link`.
    #[schema(required)]
    next: Option<String>,
}

/// What is asked for; what is absent does not restrict.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) gtin: Option<Gtin14>,
    pub(super) holder: Option<OrganisationId>,
    pub(super) scheme: Option<SchemeId>,
    pub(super) status: Option<Word>,
    pub(super) after: Option<LeafIndex>,
    pub(super) limit: usize,
}

/// `GET /v1/labels`: labels by product, holder, scheme and status.
#[utoipa::path(
    get, path = "/v1/labels", tag = "labels", operation_id = "labels",
    params(
        ("gtin" = Option<String>, Query, description = "Labels that cover this product now: 8, 12, 13 or 14 digits.",
            example = "09521234001010", format = "gtin"),
        ("holder" = Option<String>, Query, description = "Labels held by the organisation with this id.",
            example = "gln:9521234000006", pattern = "^(lei:[A-Z0-9]{18}[0-9]{2}|gln:[0-9]{13}|eori:[A-Z]{2}[A-Z0-9]{1,15})$"),
        ("scheme" = Option<String>, Query, description = "Labels of this scheme.", example = "jp.jc-star",
            pattern = "^[a-z0-9]{1,16}([.][a-z0-9-]+)+$", max_length = 32),
        ("status" = inline(Option<Word>), Query, description = "Labels whose record says this word."),
        ("after" = Option<u64>, Query, description = "Where the page before ended: a place in the log."),
        ("limit" = Option<u64>, Query, description = "Labels on a page at most.", minimum = 1, maximum = 100),
    ),
    responses(
        (status = 200, description = "A page of labels.", headers(("etag"), ("vary"), ("link")), content(
            (Answer = "application/json"), (String = "text/html"),
        )),
        OfLabels,
    )
)]
pub(super) async fn labels(
    State(service): State<Service>,
    query: Query,
    request: HeaderMap,
) -> Result<Response, Problem> {
    let is_page = choose(&request, &[(JSON, false), ("text/html", true)])?;
    let mut wish = Wish::read(query)?;
    let mut response = if is_page {
        // A page shows what the proof of each label says, and making one takes milliseconds.
        wish.limit = wish.limit.min(MAX_ON_PAGE);
        let (asked, shown) = (wish.clone(), wish.clone());
        let (answer, labels) = apart(&service, move |log| page::gather(log, &asked)).await?;
        page::of(&shown, answer, &labels, &request)
    } else {
        let answer = apart(&service, move |log| walk::list(log, &wish)).await?;
        with_next(
            document(&answer, JSON).respond(&request),
            answer.next.as_deref(),
        )
    };
    response
        .headers_mut()
        .insert(header::VARY, HeaderValue::from_name(header::ACCEPT));
    Ok(response)
}

fn with_next(mut response: Response, next: Option<&str>) -> Response {
    let link = next.map(|next| HeaderValue::from_str(&format!("<{next}>; rel=\"next\"")));
    if let Some(Ok(link)) = link {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

impl Wish {
    fn read(query: Query) -> Result<Self, Problem> {
        let query = query.only(&["gtin", "holder", "scheme", "status", "after", "limit"])?;
        Ok(Self {
            gtin: query.get("gtin", |text| {
                gtin_of(text).map_err(|error| format!("is no GTIN: {error}"))
            })?,
            holder: query.get("holder", |text| {
                text.parse().map_err(|error| format!("is {error}"))
            })?,
            scheme: query.get("scheme", |text| {
                text.parse().map_err(|error| format!("is {error}"))
            })?,
            status: query.get("status", status_of)?,
            after: query.get("after", after_of)?,
            limit: query.get("limit", limit_of)?.unwrap_or(DEFAULT_LIMIT),
        })
    }

    /// The labels that cover a product, as many as a page holds.
    pub(super) fn of_product(gtin: Gtin14) -> Self {
        Self {
            gtin: Some(gtin),
            holder: None,
            scheme: None,
            status: None,
            after: None,
            limit: MAX_ON_PAGE,
        }
    }

    /// The address of what follows a place.
    fn after(&self, last: LeafIndex) -> String {
        let mut address = "/v1/labels?".to_owned();
        let parts = [
            ("gtin", self.gtin.as_ref().map(ToString::to_string)),
            ("holder", self.holder.as_ref().map(ToString::to_string)),
            ("scheme", self.scheme.as_ref().map(ToString::to_string)),
            ("status", self.status.map(|word| word.as_str().to_owned())),
        ];
        for (name, value) in parts {
            if let Some(value) = value {
                // None of these grammars has a letter that a query would have to encode.
                address.push_str(&format!("{name}={value}&"));
            }
        }
        address.push_str(&format!("limit={}&after={last}", self.limit));
        address
    }
}

/// A product's number from plain digits: what else a scanner gives is read by whoever holds the scanner.
pub(super) fn gtin_of(digits: &str) -> Result<Gtin14, GtinError> {
    if let Some((column, found)) = digits
        .chars()
        .enumerate()
        .find(|(_, letter)| !letter.is_ascii_digit())
    {
        return Err(GtinError::NotADigit {
            column: column + 1,
            found,
        });
    }
    Gtin14::from_scan(digits).map(|scanned: Scanned| scanned.gtin().clone())
}

/// SPEC openapi, int64: a reader's integers may have a sign, and no log gets that far.
fn after_of(text: &str) -> Result<LeafIndex, &'static str> {
    let index = text
        .parse()
        .ok()
        .filter(|index: &LeafIndex| i64::try_from(index.get()).is_ok());
    index.ok_or("is no place in the log; it comes from the page before")
}

fn status_of(text: &str) -> Result<Word, String> {
    let known = Word::ALL.iter().find(|word| word.as_str() == text);
    let words: Vec<&str> = Word::ALL.iter().map(|word| word.as_str()).collect();
    known
        .copied()
        .ok_or_else(|| format!("is one of {}", words.join(", ")))
}

fn limit_of(text: &str) -> Result<usize, String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let limit = text
        .parse()
        .ok()
        .filter(|limit| is_plain && (1..=MAX_LIMIT).contains(limit));
    limit.ok_or_else(|| format!("is a number from 1 to {MAX_LIMIT}"))
}

const DEFAULT_LIMIT: usize = 50;
/// A label is about a kilobyte of JSON and a few reads; more come on the next page.
const MAX_LIMIT: usize = 100;
/// Each costs a bundle made and checked: 20 take as long as one request may.
const MAX_ON_PAGE: usize = 20;
