//! What a checked bundle or pack says of one product, for people, programs and reports.
//!
//! ```text
//! REVOKED  09521234001010          of the labels that count the worst decides
//!   jp.jc-star/EX-000123           ACTIVE …
//!   de.bsi/X-1                     REVOKED … decides
//! ```
//! Labels unbound, or superseded by another one in the list, are shown and do not count.

mod verdict;

use std::collections::HashMap;

use labelproof_core::{
    event::{Gtin14, LabelId, ReasonCode},
    merkle::LeafIndex,
    state::record::Status,
    status::{Binding, LabelSummary, ProductLabel, ProductStatus, Since, VerifiedBundle},
    time::Time,
};
use serde::Serialize;
use serde_json::{Value, json};

pub(crate) use verdict::Verdict;

use crate::age::Age;

/// When the events of a bundle were decided, by index.
#[derive(Debug)]
pub(crate) struct Dates(HashMap<LeafIndex, Time>);

impl Dates {
    pub(crate) fn of(proved: &VerifiedBundle) -> Self {
        let events = proved.findings().flat_map(|(_, finding)| finding.events());
        let mut dates: HashMap<_, _> = events
            .map(|past| (past.index(), past.event().decided_at()))
            .collect();
        for label in proved.summaries() {
            let issued = label.issue_event().decided_at();
            dates.insert(label.record().first_index(), issued);
        }
        Self(dates)
    }
}

/// One product's answer.
#[derive(Clone, Debug)]
pub(crate) struct Judged {
    gtin: Gtin14,
    verdict: Verdict,
    says: String,
    labels: Vec<JudgedLabel>,
    decides: Option<usize>,
}

/// One label of a product.
#[derive(Clone, Debug)]
pub(crate) struct JudgedLabel {
    pub(crate) label: LabelId,
    pub(crate) verdict: Verdict,
    pub(crate) status: Status,
    pub(crate) since: Since,
    /// When the event of `since` was decided, if it is at hand.
    pub(crate) decided_at: Option<Time>,
    pub(crate) until: Option<Time>,
    pub(crate) issuer: String,
    pub(crate) reason: Option<ReasonCode>,
    pub(crate) binding: Binding,
    pub(crate) counts: bool,
    holder: String,
    level: String,
}

impl Judged {
    /// What `status` says, with its dates read at `now`.
    pub(crate) fn of(status: &ProductStatus<'_>, dates: &Dates, now: Time) -> Self {
        let labels: Vec<JudgedLabel> = status
            .labels()
            .iter()
            .map(|one| JudgedLabel::of(one, status, dates, now))
            .collect();
        let decisive = status.decisive(now);
        let place =
            |label: &LabelSummary| labels.iter().position(|one| one.label == *label.label());
        let decides = decisive.and_then(|(_, one)| place(one.label()));
        let verdict = decides.map_or(Verdict::NoLabel, |at| labels[at].verdict);
        let says = match (verdict, labels.len()) {
            (Verdict::NoLabel, 0) => "The log proves that no label names this product.".to_owned(),
            (Verdict::NoLabel, _) => {
                "Every label that named it was unbound, or superseded by one that was.".to_owned()
            }
            (verdict, _) => verdict.says().to_owned(),
        };
        Self {
            gtin: status.gtin().clone(),
            verdict,
            says,
            labels,
            decides,
        }
    }

    /// The same, judged by the age of the answer: only what was taken away for good stands in an old one.
    pub(crate) fn aged(mut self, age: &Age) -> Self {
        if age.counts() {
            return self;
        }
        let why = age.says();
        if self.verdict.is_for_good() {
            self.says = format!("{} {why} What was taken away for good stays so.", self.says);
            return self;
        }
        self.says = format!(
            "{why} Then it was {}; what it is now is unknown.",
            self.verdict.shown()
        );
        self.verdict = Verdict::TooOld;
        self
    }

    pub(crate) fn gtin(&self) -> &Gtin14 {
        &self.gtin
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// What the verdict means, in a sentence or two.
    pub(crate) fn says(&self) -> &str {
        &self.says
    }

    /// Every label that ever named it.
    pub(crate) fn labels(&self) -> &[JudgedLabel] {
        &self.labels
    }

    /// The label that decides; none if none counts.
    pub(crate) fn decisive(&self) -> Option<&JudgedLabel> {
        self.decides.map(|at| &self.labels[at])
    }

    /// For programs.
    pub(crate) fn labels_json(&self) -> Value {
        json!(self.label_members())
    }

    /// The same, label by label, to be written out at once.
    pub(crate) fn label_members(&self) -> Vec<LabelMembers<'_>> {
        let labels = self.labels.iter().enumerate();
        labels
            .map(|(at, label)| label.members(self.decides == Some(at)))
            .collect()
    }

    /// For people: a paragraph a label.
    pub(crate) fn labels_text(&self) -> String {
        let mut text = String::new();
        for (at, label) in self.labels.iter().enumerate() {
            let decides = match self.decides == Some(at) && self.labels.len() > 1 {
                true => "   this one decides",
                false => "",
            };
            text.push_str(&format!(
                "\n  {}  {}{decides}\n",
                label.verdict.shown(),
                label.label
            ));
            for (name, fact) in label.facts() {
                text.push_str(&format!("    {name:<9} {fact}\n"));
            }
        }
        text
    }
}

impl JudgedLabel {
    fn of(one: &ProductLabel<'_>, status: &ProductStatus<'_>, dates: &Dates, now: Time) -> Self {
        let label = one.label();
        let counts = status
            .counting()
            .any(|other| other.label().label() == label.label());
        Self {
            label: label.label().clone(),
            verdict: Verdict::of(label.status(), one.grade(now)),
            status: label.status(),
            since: label.since(),
            decided_at: dates.0.get(&label.since().index()).copied(),
            until: label.not_after(),
            issuer: label.issuer().to_string(),
            reason: label.reason(),
            binding: one.binding(),
            counts,
            holder: label.issue().holder.name.to_string(),
            level: label.issue().level.to_string(),
        }
    }

    /// Whether it covers the product, in a word and since when.
    pub(crate) fn bound(&self) -> (&'static str, LeafIndex) {
        match self.binding {
            Binding::Bound(index) => ("bound", index),
            Binding::BoundInDoubt(index) => ("bound-in-doubt", index),
            Binding::Unbound(index) => ("unbound", index),
        }
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let (bound, index) = self.bound();
        let mut facts = vec![
            ("by", format!("{}, for {}", self.issuer, self.holder)),
            ("level", self.level.clone()),
            (
                "status",
                format!("{} since {}", self.status, self.since_text()),
            ),
        ];
        if let Some(reason) = self.reason {
            facts.push(("reason", reason.to_string()));
        }
        let until = self
            .until
            .map_or("no end is set".into(), |end| end.to_string());
        facts.push(("until", until));
        let counts = if self.counts { "" } else { "; does not count" };
        let bound = match bound {
            "bound" => "bound by",
            "unbound" => "unbound by",
            _ => "bound by what is no longer believed,",
        };
        facts.push(("product", format!("{bound} entry {index}{counts}")));
        facts
    }

    fn since_text(&self) -> String {
        let latest = match self.since {
            Since::At(_) => "",
            Since::AtTheLatest(_) => " at the latest",
        };
        let index = self.since.index();
        match self.decided_at {
            Some(at) => format!("entry {index}{latest}, decided {at}"),
            None => format!("entry {index}{latest}"),
        }
    }

    fn members(&self, decides: bool) -> LabelMembers<'_> {
        let (binding, binding_index) = self.bound();
        LabelMembers {
            binding,
            binding_index: binding_index.get(),
            counts: self.counts,
            decides,
            holder: &self.holder,
            id: self.label.native().as_str(),
            issuer: &self.issuer,
            label: self.label.to_string(),
            level: &self.level,
            reason: self.reason.map(|reason| reason.to_string()),
            scheme: self.label.scheme().as_str(),
            since: self.decided_at,
            since_index: self.since.index().get(),
            since_is_exact: matches!(self.since, Since::At(_)),
            status: self.status.word(),
            until: self.until,
            verdict: self.verdict.word(),
        }
    }
}

/// A label for programs, its members by name.
#[derive(Serialize)]
pub(crate) struct LabelMembers<'a> {
    binding: &'static str,
    binding_index: u64,
    counts: bool,
    decides: bool,
    holder: &'a str,
    id: &'a str,
    issuer: &'a str,
    label: String,
    level: &'a str,
    reason: Option<String>,
    scheme: &'a str,
    since: Option<Time>,
    since_index: u64,
    since_is_exact: bool,
    status: &'static str,
    until: Option<Time>,
    verdict: &'static str,
}
