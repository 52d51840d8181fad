//! The table of problems: each code, its status, and when to ask again.

use axum::{http::header, response::IntoResponse};
use labelproof_core::refusal::{Malformed, PrivateData, Refusal};
use labelproof_log::http::error::Problem;

use crate::world::{id_of, issue};

/// Every problem once; the second list of the same table, written down from the specification.
fn table() -> Vec<(Problem, u16, &'static str, Option<&'static str>)> {
    let refused = Problem::Refused;
    vec![
        (
            refused(Refusal::Malformed(Malformed::Note)),
            400,
            "malformed",
            None,
        ),
        (
            refused(Refusal::NotCanonical { offset: 1 }),
            400,
            "not-canonical",
            None,
        ),
        (
            refused(Refusal::BadSignature {
                valid: 0,
                needed: 1,
            }),
            403,
            "bad-signature",
            None,
        ),
        (
            refused(Refusal::UnknownAuthority),
            403,
            "unknown-authority",
            None,
        ),
        (refused(Refusal::OutOfScope), 403, "out-of-scope", None),
        (
            refused(Refusal::WrongPrevious { want: None }),
            409,
            "wrong-previous",
            None,
        ),
        (
            refused(Refusal::DuplicateLabel),
            409,
            "duplicate-label",
            None,
        ),
        (
            refused(Refusal::BadTransition { from: "revoked" }),
            409,
            "bad-transition",
            None,
        ),
        (
            refused(Refusal::TooLarge { got: 2, limit: 1 }),
            413,
            "too-large",
            None,
        ),
        (
            refused(Refusal::bad_member("/body", "is wrong")),
            422,
            "bad-member",
            None,
        ),
        (
            refused(Refusal::PrivateData {
                pointer: "/body".into(),
                what: PrivateData::EmailAddress,
            }),
            422,
            "private-data",
            None,
        ),
        (refused(Refusal::WrongLog), 422, "wrong-log", None),
        (
            refused(Refusal::UnknownSubject),
            422,
            "unknown-subject",
            None,
        ),
        (refused(Refusal::UnknownKind), 422, "unknown-kind", None),
        (
            refused(Refusal::DecidedInFuture),
            422,
            "decided-in-future",
            None,
        ),
        (Problem::NotFound, 404, "not-found", None),
        (Problem::WrongMethod, 405, "wrong-method", None),
        (
            Problem::BadAddress { what: "is wrong" },
            400,
            "bad-address",
            None,
        ),
        (Problem::BodyTooLarge { limit: 1 }, 413, "too-large", None),
        (
            Problem::AnswerTooLong { lines: 2, limit: 1 },
            413,
            "too-large",
            None,
        ),
        (Problem::Busy { what: "streams" }, 503, "busy", Some("1")),
        (Problem::PoolFull, 503, "pool-full", Some("1")),
        (Problem::NoQuorum, 503, "no-quorum", Some("10")),
        (Problem::Storage, 503, "storage", Some("10")),
        (
            Problem::Starting { why: "it is early" },
            503,
            "starting",
            Some("2"),
        ),
    ]
}

#[test]
fn every_problem_has_the_status_of_the_table() {
    for (problem, status, code, retry_after) in table() {
        let json = problem.to_json();
        assert_eq!(json["status"], status, "{code}");
        assert_eq!(json["type"], format!("urn:labelproof:problem:{code}"));
        assert_eq!(json["title"], code);
        assert_eq!(json["detail"], problem.to_string());
        let response = problem.into_response();
        assert_eq!(response.status(), status, "{code}");
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "application/problem+json"
        );
        let found = response
            .headers()
            .get(header::RETRY_AFTER)
            .map(|value| value.to_str().unwrap());
        assert_eq!(found, retry_after, "{code}");
    }
}

#[test]
fn a_wrong_previous_names_the_right_one_and_a_bad_member_its_place() {
    let want = id_of(&issue(1));
    let json = Problem::Refused(Refusal::WrongPrevious { want: Some(want) }).to_json();
    assert_eq!(json["prev"], want.to_string());
    let json =
        Problem::Refused(Refusal::bad_member("/body/level", "is none of the scheme")).to_json();
    assert_eq!(json["pointer"], "/body/level");
}
