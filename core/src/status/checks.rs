//! The checks of a verification in words: a line or two for each subject, and for a pack a few for all.

use std::collections::BTreeMap;

use super::{Check, Finding, IndexStatus, LabelStatus, ProvenState, Step, SubjectStatus};
use crate::bundle::Bundle;
use crate::policy::Cosigner;
use crate::state::CutOff;
use crate::state::key::MapName;

/// What was checked of log, quorum and head.
pub(super) fn of_state(state: &ProvenState) -> Vec<Check> {
    let checkpoint = state.checkpoint();
    let cosigners: Vec<&str> = checkpoint.cosigners().iter().map(Cosigner::name).collect();
    vec![
        Check::new(
            Step::Log,
            format!(
                "checkpoint of {}, size {}, signed by the log's key {}",
                checkpoint.origin(),
                state.size(),
                checkpoint.signed().log_key().id()
            ),
        ),
        Check::new(
            Step::Quorum,
            format!(
                "cosigned by {}: the quorum holds as of {}",
                cosigners.join(", "),
                state.as_of()
            ),
        ),
        Check::new(
            Step::Head,
            format!(
                "entry {} is the state head of the {} entries before it, by {}",
                state.head().index(),
                state.head().index(),
                state.head().rules()
            ),
        ),
    ]
}

/// What was checked of the map.
pub(super) fn of_map(bundle: &Bundle, state: &ProvenState) -> Check {
    let (mut present, mut absent) = (0, 0);
    for (_, record) in bundle.answers().iter() {
        *(if record.is_some() {
            &mut present
        } else {
            &mut absent
        }) += 1;
    }
    let root = state.head().map_root();
    Check::new(
        Step::Map,
        format!("{present} records and {absent} absences are proved under map root {root}"),
    )
}

/// What was checked of the subjects, in order of the steps.
pub(super) fn of_findings(findings: &BTreeMap<MapName, Finding>, is_pack: bool) -> Vec<Check> {
    let mut checks = Vec::new();
    for finding in findings.values() {
        match finding {
            Finding::Subject(subject) => checks.push(of_subject(subject)),
            Finding::Label(label) if !is_pack => checks.extend(of_label(label)),
            Finding::Index(index) if !is_pack => checks.push(of_index(index)),
            Finding::Label(_) | Finding::Summary(_) | Finding::Index(_) | Finding::Absent => {}
        }
    }
    if is_pack {
        checks.extend(of_pack(findings));
    }
    checks.sort_by_key(Check::step);
    checks
}

fn of_pack(findings: &BTreeMap<MapName, Finding>) -> [Check; 2] {
    let (mut whole, mut excerpts, mut indexes, mut left_out) = (0, 0, 0, 0);
    for finding in findings.values() {
        match finding {
            Finding::Label(label) => {
                whole += 1;
                left_out += usize::from(matches!(label.cut_off(), CutOff::LeftOut(_)));
            }
            Finding::Summary(_) => excerpts += 1,
            Finding::Index(_) => indexes += 1,
            Finding::Subject(_) | Finding::Absent => {}
        }
    }
    let history = format!(
        "{indexes} products and printed ids have all their events; of the labels that these name, {whole} have their \
         whole history and {excerpts} the events that name them, signed in scope, and their record"
    );
    let cut = format!(
        "no key or authority of its scheme was cut off before the last event of any label without its history; of the \
         others {left_out} have events by keys or authorities that are no longer believed"
    );
    [
        Check::new(Step::Authenticity, history),
        Check::new(Step::CutOff, cut),
    ]
}

fn of_subject(status: &SubjectStatus) -> Check {
    let (subject, given) = (status.subject(), gives(status.events().len()));
    let text = format!("{subject}: {given} the record, and its authority goes back to entry 0");
    Check::new(Step::Authenticity, text)
}

fn of_index(index: &IndexStatus) -> Check {
    let given = gives(index.events().len());
    let text = format!(
        "{}: {given} the record, so no label is left out",
        index.name()
    );
    Check::new(Step::Authenticity, text)
}

fn of_label(label: &LabelStatus) -> [Check; 2] {
    let (name, issuer) = (label.label(), label.issuer());
    let history = format!(
        "{name}: issued at {} by {issuer}, in scope; {} the record",
        label.record().first_index(),
        gives(label.events().len())
    );
    let cut = match label.cut_off() {
        CutOff::OutOfReach => {
            format!("{name}: no key or authority of the scheme was cut off before its last event")
        }
        CutOff::NothingLeftOut => {
            format!("{name}: replayed against the cut-offs of its scheme, every event stands")
        }
        CutOff::LeftOut(left) => {
            let count = left.events().len();
            let are = if count == 1 { "event is" } else { "events are" };
            format!("{name}: {count} {are} by keys or authorities that are no longer believed")
        }
    };
    [
        Check::new(Step::Authenticity, history),
        Check::new(Step::CutOff, cut),
    ]
}

fn gives(events: usize) -> String {
    match events {
        1 => "its 1 event gives".into(),
        many => format!("its {many} events give"),
    }
}
