//! What a checked bundle proves, asked by subject, product or printed id.

use std::collections::BTreeMap;

use super::authenticity::Replayed;
use super::product::Change;
use super::records::IdRules;
use super::{
    AliasStatus, Binding, Check, IndexStatus, LabelStatus, LabelSummary, ProductLabel,
    ProductStatus, ProvenState, RecordedEvent, SubjectStatus,
};
use crate::event::{Body, Gtin14, LabelId, SchemeId, Subject};
use crate::merkle::LeafIndex;
use crate::state::key::MapName;
use crate::time::Time;

/// A bundle of which everything was checked; only [`verify`](super::verify) makes one.
#[derive(Clone, Debug)]
pub struct VerifiedBundle {
    state: ProvenState,
    findings: BTreeMap<MapName, Finding>,
    schemes: IdRules,
    checks: Vec<Check>,
}

/// What was proved of one subject.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Finding {
    /// A label that was issued.
    Label(Box<LabelStatus>),
    /// A label of a pack, without its history.
    Summary(Box<LabelSummary>),
    /// A product or a printed id that events name.
    Index(Box<IndexStatus>),
    /// An authority, a scheme or a member.
    Subject(Box<SubjectStatus>),
    /// There is none under this name.
    Absent,
}

/// The bundle proves nothing about a subject that was asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the bundle proves nothing about what was asked for")]
pub struct NotProved;

impl VerifiedBundle {
    pub(super) fn new(state: ProvenState, replayed: Replayed, checks: Vec<Check>) -> Self {
        Self {
            state,
            findings: replayed.findings,
            schemes: replayed.schemes,
            checks,
        }
    }

    /// The head under which all was proved.
    #[must_use]
    pub fn state(&self) -> &ProvenState {
        &self.state
    }

    /// The time of which the quorum speaks.
    #[must_use]
    pub fn as_of(&self) -> Time {
        self.state.as_of()
    }

    /// Everything that was proved, by name.
    pub fn findings(&self) -> impl Iterator<Item = (&MapName, &Finding)> {
        self.findings.iter()
    }

    /// The labels that were proved with their whole history, in order of their names.
    pub fn labels(&self) -> impl Iterator<Item = &LabelStatus> {
        self.findings.values().filter_map(|finding| match finding {
            Finding::Label(label) => Some(&**label),
            Finding::Summary(_) | Finding::Subject(_) | Finding::Index(_) | Finding::Absent => None,
        })
    }

    /// All labels that were proved, in order of their names.
    pub fn summaries(&self) -> impl Iterator<Item = &LabelSummary> {
        self.findings.values().filter_map(Finding::summary)
    }

    /// What was proved of a subject that the reader names.
    ///
    /// The key is computed from the name given here, folded by the rule of the scheme's own proved definition;
    /// where the scheme itself is proved absent, so are its labels. There is no such label only if none has the name
    /// as a printed id either; if one has, that index is the answer.
    ///
    /// # Errors
    /// [`NotProved`] if the bundle says nothing about it: that is no answer, above all not "absent".
    pub fn find(&self, subject: &Subject) -> Result<&Finding, NotProved> {
        let name = match subject {
            Subject::Label(label) => return self.find_label(label),
            Subject::Authority(name) => MapName::authority(name.as_str()),
            Subject::Scheme(id) => MapName::scheme(id.as_str()),
            Subject::Member(code) => MapName::member(code.as_str()),
            Subject::Log(_) => return Err(NotProved),
        };
        self.findings
            .get(&name.map_err(|_| NotProved)?)
            .ok_or(NotProved)
    }

    fn find_label(&self, label: &LabelId) -> Result<&Finding, NotProved> {
        let Some((name, alias)) = self
            .schemes
            .printed_names(label.scheme(), label.native().as_str())
        else {
            return self.absent_scheme(label.scheme());
        };
        match self.findings.get(&name).ok_or(NotProved)? {
            Finding::Absent => self.findings.get(&alias).ok_or(NotProved),
            label => Ok(label),
        }
    }

    fn absent_scheme(&self, scheme: &SchemeId) -> Result<&Finding, NotProved> {
        match self.find(&Subject::Scheme(scheme.clone()))? {
            absent @ Finding::Absent => Ok(absent),
            _ => Err(NotProved),
        }
    }

    /// All labels that name a product; none if it is proved that no label does.
    ///
    /// # Errors
    /// [`NotProved`] if the bundle says nothing about it: that is no answer, above all not "no label".
    pub fn product(&self, gtin: &Gtin14) -> Result<ProductStatus<'_>, NotProved> {
        let labels = match self.findings.get(&MapName::product(gtin)) {
            Some(Finding::Absent) => Vec::new(),
            Some(Finding::Index(index)) => self.product_labels(index)?,
            _ => return Err(NotProved),
        };
        Ok(ProductStatus::new(gtin.clone(), labels))
    }

    fn product_labels<'a>(
        &'a self,
        index: &'a IndexStatus,
    ) -> Result<Vec<ProductLabel<'a>>, NotProved> {
        let named = self.labels_named(index)?;
        let product = named.into_iter().map(|(label, events)| {
            let changes = events.into_iter().map(|event| {
                let change = match event.event().body() {
                    Body::LabelUnbind(_) => Change::Unbind,
                    _ => Change::Bind,
                };
                (event.index(), change)
            });
            let binding = Binding::of_events(changes, label.cut_off()).ok_or(NotProved)?;
            Ok(ProductLabel::new(label, binding))
        });
        product.collect()
    }

    /// The labels that events of an index name, in the order in which they first do, with those events.
    fn labels_named<'a>(&'a self, index: &'a IndexStatus) -> Result<Vec<Named<'a>>, NotProved> {
        let mut places: BTreeMap<MapName, usize> = BTreeMap::new();
        let mut labels: Vec<Named<'a>> = Vec::new();
        for event in index.events() {
            let Subject::Label(label) = event.event().subject() else {
                return Err(NotProved);
            };
            let name = self.schemes.label_name(label).ok_or(NotProved)?;
            match places.get(&name) {
                Some(place) => labels[*place].1.push(event),
                None => {
                    let found = self.findings.get(&name).and_then(Finding::summary);
                    labels.push((found.ok_or(NotProved)?, vec![event]));
                    places.insert(name, labels.len() - 1);
                }
            }
        }
        Ok(labels)
    }

    /// All labels of a scheme that are or were called by a printed id; none if it is proved that no label is.
    ///
    /// # Errors
    /// [`NotProved`] unless the bundle says both whether a label has the id as its own, and whether any carries it.
    pub fn alias(&self, scheme: &SchemeId, printed: &str) -> Result<AliasStatus<'_>, NotProved> {
        let status = |labels| AliasStatus::new(scheme.clone(), printed.to_owned(), labels);
        let Some((name, alias)) = self.schemes.printed_names(scheme, printed) else {
            return self.absent_scheme(scheme).map(|_| status(Vec::new()));
        };
        let own = match self.findings.get(&name).ok_or(NotProved)? {
            Finding::Absent => None,
            found => Some(found.summary().ok_or(NotProved)?),
        };
        let carriers = match self.findings.get(&alias).ok_or(NotProved)? {
            Finding::Absent => Vec::new(),
            Finding::Index(index) => self.labels_named(index)?,
            _ => return Err(NotProved),
        };
        let carriers = carriers.into_iter().map(|(label, _)| label);
        let carriers = carriers.filter(|label| own.is_none_or(|own| own.label() != label.label()));
        Ok(status(own.into_iter().chain(carriers).collect()))
    }

    /// The entry that stands at this index in the log, if it is an event of the bundle.
    #[must_use]
    pub fn event(&self, index: LeafIndex) -> Option<&RecordedEvent> {
        let mut all = self.findings.values().flat_map(Finding::events);
        all.find(|event| event.index() == index)
    }

    /// Every check that was made, in order.
    #[must_use]
    pub fn checks(&self) -> &[Check] {
        &self.checks
    }
}

impl Finding {
    /// The whole history of the subject, in order of the log; empty if there is none, or it is not here.
    #[must_use]
    pub fn events(&self) -> &[RecordedEvent] {
        match self {
            Finding::Label(label) => label.events(),
            Finding::Subject(subject) => subject.events(),
            Finding::Index(index) => index.events(),
            Finding::Summary(_) | Finding::Absent => &[],
        }
    }

    /// The label, with its history or without.
    #[must_use]
    pub fn summary(&self) -> Option<&LabelSummary> {
        match self {
            Finding::Label(label) => Some(label.summary()),
            Finding::Summary(summary) => Some(summary),
            Finding::Subject(_) | Finding::Index(_) | Finding::Absent => None,
        }
    }
}

/// A label and the events of an index that name it.
type Named<'a> = (&'a LabelSummary, Vec<&'a RecordedEvent>);
