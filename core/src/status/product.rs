//! Products: every label that names a GTIN, which of them count, and the one that decides.
//!
//! ```text
//! product record ── all its events, in order ──▶ labels: bound, or unbound by the newest that names it
//! unbound; superseded by another that counts  ──▶ do not count
//! of the rest the worst                       ──▶ decides; none left: as if there were none
//! ```
//! An alias lists labels in the same way: those that carry or carried a printed id.

use std::collections::BTreeSet;

use super::summary::{Grade, LabelSummary};
use crate::event::{Gtin14, SchemeId};
use crate::merkle::LeafIndex;
use crate::state::CutOff;
use crate::time::Time;

/// All labels of a product under a witnessed head; none if it is proved that nothing names it.
#[derive(Clone, Debug)]
pub struct ProductStatus<'a> {
    gtin: Gtin14,
    labels: Vec<ProductLabel<'a>>,
}

/// One label that names a product.
#[derive(Clone, Debug)]
pub struct ProductLabel<'a> {
    label: &'a LabelSummary,
    binding: Binding,
}

/// Whether a label covers a product.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Binding {
    /// It does, since the event at this index.
    Bound(LeafIndex),
    /// It does by the event at this index alone, which was signed with what is no longer believed.
    BoundInDoubt(LeafIndex),
    /// It did, until the event at this index.
    Unbound(LeafIndex),
}

/// All labels that carry or carried a printed id; none if it is proved that none does.
#[derive(Clone, Debug)]
pub struct AliasStatus<'a> {
    scheme: SchemeId,
    printed: String,
    labels: Vec<&'a LabelSummary>,
}

impl<'a> ProductStatus<'a> {
    pub(crate) fn new(gtin: Gtin14, labels: Vec<ProductLabel<'a>>) -> Self {
        Self { gtin, labels }
    }

    /// The product.
    #[must_use]
    pub fn gtin(&self) -> &Gtin14 {
        &self.gtin
    }

    /// Every label that ever named it, in the order in which they first did.
    #[must_use]
    pub fn labels(&self) -> &[ProductLabel<'a>] {
        &self.labels
    }

    /// The labels that count: bound, and not superseded by another one that counts.
    pub fn counting(&self) -> impl Iterator<Item = &ProductLabel<'a>> {
        let believed = believed_successors(&self.labels);
        self.labels.iter().filter(move |one| counts(one, &believed))
    }

    /// The label that decides at `now`, the worst of those that count; none if no label is left.
    #[must_use]
    pub fn decisive(&self, now: Time) -> Option<(Grade, &ProductLabel<'a>)> {
        // Of equals the first, so that the answer does not depend on how they are searched.
        let mut worst: Option<(Grade, &ProductLabel<'a>)> = None;
        for one in self.counting() {
            let grade = one.grade(now);
            if worst.is_none_or(|(known, _)| grade > known) {
                worst = Some((grade, one));
            }
        }
        worst
    }
}

/// Where the labels were issued whose taking the place of another is believed.
///
/// A label that a stolen key issued takes nothing out of the count: it would hide a suspended one behind a doubt.
fn believed_successors(labels: &[ProductLabel<'_>]) -> BTreeSet<LeafIndex> {
    let believed = labels
        .iter()
        .filter(|one| matches!(one.binding, Binding::Bound(_)) && !one.label.is_tainted());
    believed
        .map(|one| one.label.record().first_index())
        .collect()
}

fn counts(one: &ProductLabel<'_>, believed: &BTreeSet<LeafIndex>) -> bool {
    let is_replaced = one.label.status() == crate::state::record::Status::Superseded
        && one
            .label
            .successor()
            .is_some_and(|by| believed.contains(&by));
    one.binding.is_bound() && !is_replaced
}

impl<'a> ProductLabel<'a> {
    pub(crate) fn new(label: &'a LabelSummary, binding: Binding) -> Self {
        Self { label, binding }
    }

    /// The label.
    #[must_use]
    pub fn label(&self) -> &'a LabelSummary {
        self.label
    }

    /// Whether it covers the product.
    #[must_use]
    pub fn binding(&self) -> Binding {
        self.binding
    }

    /// Whether the label, or its covering this product, rests on what is no longer believed.
    #[must_use]
    pub fn is_tainted(&self) -> bool {
        self.label.is_tainted() || matches!(self.binding, Binding::BoundInDoubt(_))
    }

    /// What the label is worth for the product at `now`; a doubtful binding is worth a doubt at best.
    #[must_use]
    pub fn grade(&self, now: Time) -> Grade {
        let grade = self.label.grade(now);
        match self.binding {
            Binding::BoundInDoubt(_) => grade.max(Grade::InDoubt),
            Binding::Bound(_) | Binding::Unbound(_) => grade,
        }
    }
}

impl Binding {
    /// What the events of a label that name the product, in order, amount to.
    ///
    /// `None` if there is none.
    pub(crate) fn of_events(
        events: impl IntoIterator<Item = (LeafIndex, Change)>,
        cut_off: &CutOff,
    ) -> Option<Self> {
        let left_out = match cut_off {
            CutOff::LeftOut(left) => left.events(),
            CutOff::OutOfReach | CutOff::NothingLeftOut => &[],
        };
        let mut binding = None;
        for (index, change) in events {
            binding = Some(match (change, binding) {
                (Change::Unbind, _) => Self::Unbound(index),
                // What was bound before stays bound by that event.
                (Change::Bind, Some(before @ Self::Bound(_))) => before,
                (Change::Bind, _) if !left_out.contains(&index) => Self::Bound(index),
                (Change::Bind, Some(before @ Self::BoundInDoubt(_))) => before,
                (Change::Bind, _) => Self::BoundInDoubt(index),
            });
        }
        binding
    }

    /// Whether the label covers the product, believed or not.
    #[must_use]
    pub const fn is_bound(self) -> bool {
        matches!(self, Self::Bound(_) | Self::BoundInDoubt(_))
    }
}

/// What an event does to the products it names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Change {
    Bind,
    Unbind,
}

impl<'a> AliasStatus<'a> {
    pub(crate) fn new(scheme: SchemeId, printed: String, labels: Vec<&'a LabelSummary>) -> Self {
        Self {
            scheme,
            printed,
            labels,
        }
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> &SchemeId {
        &self.scheme
    }

    /// The id as the reader has it.
    #[must_use]
    pub fn printed(&self) -> &str {
        &self.printed
    }

    /// The labels, in the order in which they first carried it.
    #[must_use]
    pub fn labels(&self) -> &[&'a LabelSummary] {
        &self.labels
    }

    /// The label that decides at `now`, the worst; none if no label carries the id.
    ///
    /// Two labels under one printed id cannot be told apart on the product, so the worse one decides.
    #[must_use]
    pub fn decisive(&self, now: Time) -> Option<(Grade, &'a LabelSummary)> {
        let graded = self.labels.iter().map(|label| (label.grade(now), *label));
        graded.reduce(|worst, next| if next.0 > worst.0 { next } else { worst })
    }
}
