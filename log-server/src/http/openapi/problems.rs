//! Problems in the document: which of the table a route can answer with.
//!
//! Statuses, types and sentences are those of [`Problem`] itself; a set here names only which ones.

use std::{collections::BTreeMap, time::Duration};

use axum::http::StatusCode;
use labelproof_core::{
    bundle::MAX_BUNDLE_LINES,
    gs1::GtinError,
    refusal::{Malformed, PrivateData, Refusal},
};
use labelproof_host::web::BadQuery;
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{
        ContentBuilder, Ref, RefOr, Response, ResponseBuilder,
        example::ExampleBuilder,
        header::Header,
        schema::{AllOfBuilder, ObjectBuilder, Type},
    },
};

use crate::http::{
    MAX_BODY_BYTES, batch::MAX_BATCH_BYTES, error::Problem, pack::MAX_PACK_BODY_BYTES,
};
use crate::quota::UsedUp;

/// What the log answers when it does not do what was asked (RFC 9457).
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(
    dead_code,
    reason = "`Problem::to_json` writes it; this says what it looks like"
)]
pub(super) struct ProblemBody {
    /// The stable name of the problem; its last part is the code that programs match on.
    #[schema(
        pattern = "^urn:labelproof:problem:[a-z-]+$",
        example = "urn:labelproof:problem:not-found"
    )]
    r#type: String,
    /// The code.
    title: String,
    /// The HTTP status, again.
    status: u16,
    /// What is wrong and what to do, in a sentence for people.
    detail: String,
    /// The member of the event that is meant (RFC 6901).
    #[schema(nullable = false)]
    pointer: Option<String>,
    /// After how many seconds it is worth asking again, as `Retry-After`.
    #[schema(nullable = false)]
    retry_after_s: Option<u64>,
    /// Whose quota is used up.
    #[schema(nullable = false)]
    authority: Option<String>,
    /// The id that `prev` must hold; null if it must be absent.
    #[schema(required = false)]
    prev: Option<String>,
    /// The parameter of the query that is meant.
    #[schema(nullable = false)]
    parameter: Option<String>,
}

/// Makes sets of problems, each the `responses` of some routes.
macro_rules! sets {
    ($($(#[$meta:meta])* $name:ident: $problems:expr;)+) => {$(
        $(#[$meta])*
        pub(in crate::http) enum $name {}

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                responses_of($problems)
            }
        }
    )+};
}

sets! {
    /// The store failed while something was read.
    StorageOnly: [Problem::Storage];
    /// Something is read that an address names.
    OfLookup: [BAD_ADDRESS, Problem::NotFound, Problem::Storage, STARTING];
    /// The same, under the published head.
    OfProof: [BAD_ADDRESS, Problem::NotFound, Problem::NoQuorum, Problem::Storage];
    /// A stream is opened.
    OfStream: [BAD_ADDRESS, bad_query(), Problem::Busy { what: "streams" }];
    /// A bundle is made; that there is no such subject is proved, and no problem.
    OfStatus: [BAD_ADDRESS, TOO_LONG, Problem::NoQuorum, Problem::Storage, STARTING];
    /// A label is shown.
    OfLabel: [
        BAD_ADDRESS, Problem::NoSuchLabel, NOT_ACCEPTABLE, Problem::NoQuorum, Problem::Storage, STARTING,
    ];
    /// Labels are listed.
    OfLabels: [
        bad_query(), NOT_ACCEPTABLE, Problem::NoQuorum, Problem::Storage, STARTING,
    ];
    /// A product is looked up by its link.
    OfProduct: [
        BAD_ADDRESS, Problem::BadGtin(GtinError::CheckDigit { got: '1', want: '0' }), bad_query(), Problem::NoSuchLink,
        NOT_ACCEPTABLE, Problem::NoQuorum, Problem::Storage, STARTING,
    ];
    /// An event is taken, or not.
    OfEvents: of_events().into_iter().chain([DRY_RUN]);
    /// A pack is made; that there is no such subject is proved, and no problem.
    OfPacks: [
        Problem::BadSubject { line: 17 }, Problem::BodyTooLarge { limit: MAX_PACK_BODY_BYTES }, Problem::Encoded,
        TOO_LONG, Problem::Busy { what: "packs" }, Problem::NoQuorum, Problem::Storage, STARTING,
    ];
    /// A batch is read; what becomes of its lines stands in the answer.
    OfBatches: [
        DRY_RUN, Problem::BodyTooLarge { limit: MAX_BATCH_BYTES }, Problem::Encoded, Problem::Busy { what: "batches" },
    ];
}

const NOT_ACCEPTABLE: Problem = Problem::NotAcceptable {
    offered: Vec::new(),
};
const BAD_ADDRESS: Problem = Problem::BadAddress {
    what: "an index is a decimal number",
};
const DRY_RUN: Problem = Problem::BadAddress {
    what: "its query is nothing or dry-run",
};
const TOO_LONG: Problem = Problem::AnswerTooLong {
    lines: 70_000,
    limit: MAX_BUNDLE_LINES,
};
const STARTING: Problem = Problem::Starting {
    why: "the store is being loaded",
};

fn bad_query() -> Problem {
    Problem::BadQuery(BadQuery {
        parameter: "limit".into(),
        why: "is a number from 1 to 100".into(),
    })
}

fn quota() -> Problem {
    Problem::Quota(UsedUp {
        name: "label.jp.example".to_owned(),
        after: Duration::from_millis(300),
    })
}

/// Every problem that an event may meet once it is read.
fn of_events() -> Vec<Problem> {
    let mut problems = refusals();
    problems.extend([
        Problem::BodyTooLarge {
            limit: MAX_BODY_BYTES,
        },
        Problem::Encoded,
        quota(),
        Problem::PoolFull,
        Problem::NoQuorum,
        Problem::Storage,
        STARTING,
    ]);
    problems
}

/// The codes of the problems that an event may meet, alone or in a batch.
pub(crate) fn admission_codes() -> impl Iterator<Item = &'static str> {
    of_events().into_iter().map(|problem| problem.code())
}

/// One of each refusal.
fn refusals() -> Vec<Problem> {
    let refusals = [
        Refusal::Malformed(Malformed::Note),
        Refusal::NotCanonical { offset: 17 },
        Refusal::BadSignature {
            valid: 0,
            needed: 1,
        },
        Refusal::UnknownAuthority,
        Refusal::OutOfScope,
        Refusal::WrongPrevious { want: None },
        Refusal::DuplicateLabel,
        Refusal::BadTransition { from: "revoked" },
        Refusal::TooLarge {
            got: 20_000,
            limit: 16_384,
        },
        Refusal::bad_member("/body/level", "the scheme has no such level"),
        Refusal::PrivateData {
            pointer: "/body/contact".into(),
            what: PrivateData::EmailAddress,
        },
        Refusal::WrongLog,
        Refusal::UnknownSubject,
        Refusal::UnknownKind,
        Refusal::DecidedInFuture,
    ];
    refusals.into_iter().map(Problem::Refused).collect()
}

/// Whether the answer in whose place it comes has several forms.
fn has_forms(problem: &Problem) -> bool {
    matches!(
        problem,
        Problem::NoSuchLabel | Problem::NoSuchLink | Problem::BadGtin(_)
    )
}

/// One response a status, with each problem that has it.
fn responses_of(problems: impl IntoIterator<Item = Problem>) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<StatusCode, Vec<Problem>> = BTreeMap::new();
    for problem in problems {
        let known = by_status.entry(problem.status()).or_default();
        if known.iter().all(|other| other.code() != problem.code()) {
            known.push(problem);
        }
    }
    by_status
        .into_iter()
        .map(|(status, problems)| (status.as_str().to_owned(), response_of(&problems).into()))
        .collect()
}

fn response_of(problems: &[Problem]) -> Response {
    let codes: Vec<String> = problems
        .iter()
        .map(|problem| format!("`{}`", problem.code()))
        .collect();
    let types = problems.iter().map(Problem::type_uri);
    let narrowed = ObjectBuilder::new()
        .property(
            "type",
            ObjectBuilder::new()
                .schema_type(Type::String)
                .enum_values(Some(types)),
        )
        .required("type");
    let schema = AllOfBuilder::new()
        .item(Ref::from_schema_name("Problem"))
        .item(narrowed);
    let examples = problems.iter().map(|problem| {
        let example = ExampleBuilder::new().value(Some(problem.to_json())).build();
        (problem.code().to_owned(), example)
    });
    let content = ContentBuilder::new()
        .schema(Some(schema))
        .examples_from_iter(examples)
        .build();
    // A browser gets a page.
    let text = ObjectBuilder::new().schema_type(Type::String);
    let page = ContentBuilder::new().schema(Some(text)).build();
    let mut response = ResponseBuilder::new()
        .description(codes.join(" · "))
        .content("application/problem+json", content)
        .content("text/html", page)
        .header("cache-control", Header::default());
    if problems.iter().any(has_forms) {
        response = response.header("vary", Header::default());
    }
    if problems.contains(&Problem::NoSuchLabel) {
        response = response.header("link", Header::default());
    }
    if problems
        .iter()
        .any(|problem| problem.retry_after_s().is_some())
    {
        response = response.header("retry-after", Header::default());
    }
    response.build()
}
