//! The word for a status, its exit and what it means; of several troubles the most severe.

use labelproof_core::{
    event::Subject,
    state::{CutOff, Falls, record::Status},
    status::LabelSummary,
    time::Time,
};
use labelproof_host::exit::Exit;

/// What it means that a subject other than a label is in force.
pub(super) fn in_force(subject: &Subject) -> &'static str {
    match subject {
        Subject::Scheme(_) => "Labels may be issued under it.",
        Subject::Member(_) => "Its roots may define schemes and accredit authorities.",
        Subject::Authority(_) | Subject::Label(_) | Subject::Log(_) => {
            "It may act within its scope."
        }
    }
}

/// The exit, the word and its meaning; of several troubles the most severe.
pub(super) fn label_answer(label: &LabelSummary, now: Time) -> (Exit, String, String) {
    let status = label.status();
    let (mut exit, mut word, mut says) = own_answer(status);
    let mut trouble = |other: Exit, named: &str, meant: &str| {
        if other.severity() > exit.severity() {
            (exit, word, says) = (other, named.into(), meant.into());
        }
    };
    if label.is_expired_at(now) {
        trouble(Exit::Expired, "EXPIRED", "Its validity has ended.");
    }
    if let CutOff::LeftOut(left) = label.cut_off() {
        let remaining = left.remaining().map(own_answer);
        if let Some((other, named, meant)) = remaining {
            trouble(other, &named, &meant);
        }
        match left.falls() {
            Falls::WithItsAuthority => {
                trouble(
                    Exit::Revoked,
                    "WITHDRAWN",
                    "Its authority was withdrawn together with its labels.",
                );
            }
            Falls::IntoDoubt => trouble(
                Exit::Undecidable,
                "IN DOUBT",
                "Something of it was signed with a key that is no longer believed; a person must decide.",
            ),
        }
    }
    (exit, word, says)
}

/// The status statement, which must not contradict the word above it; its time follows.
pub(super) fn label_status(label: &LabelSummary, now: Time) -> String {
    let status = label.status();
    let ended = status == Status::Active && label.is_expired_at(now);
    let until = if ended {
        " until its validity ended"
    } else {
        ""
    };
    let CutOff::LeftOut(left) = label.cut_off() else {
        let comma = if ended { "," } else { "" };
        return format!("{status}{until}{comma}");
    };
    let without = "without what is no longer believed";
    let believed = match (left.falls(), left.remaining()) {
        (Falls::WithItsAuthority, _) => "withdrawn with its authority".into(),
        (Falls::IntoDoubt, None) => format!("never issued {without}"),
        (Falls::IntoDoubt, Some(same)) if same == status => format!("the same {without}"),
        (Falls::IntoDoubt, Some(other)) => format!("{other} {without}"),
    };
    format!("{status} in the log{until}; {believed},")
}

fn own_answer(status: Status) -> (Exit, String, String) {
    let (exit, says) = match status {
        Status::Active => (
            Exit::Done,
            "The label is in force as of the time below; nothing is said of later.",
        ),
        Status::Suspended => (Exit::Suspended, "Do not rely on it until it is reinstated."),
        Status::Superseded => (Exit::Revoked, "Another label of its issuer took its place."),
        Status::Revoked => (
            Exit::Revoked,
            "The label was taken away. Do not rely on it.",
        ),
        Status::Withdrawn => (
            Exit::Revoked,
            "The label ended, without blame. Do not rely on it.",
        ),
        Status::Lapsed => (
            Exit::Expired,
            "The label ended, because what it rests on did.",
        ),
        Status::Annulled => (Exit::Revoked, "The label was void from the start."),
    };
    (exit, status.word().to_uppercase(), says.into())
}
