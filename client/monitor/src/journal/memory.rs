//! What was told before, in bounded memory.
//!
//! ```text
//! newest ids       exact
//! older, entries   for each rule and log the highest index that was forgotten: all up to it counts as told
//! older, others    forgotten; told again they carry the same id
//! ```

use std::collections::{BTreeMap, HashSet, VecDeque};

use labelproof_core::{checkpoint::Origin, merkle::LeafIndex};

use crate::alert::{Alert, AlertId, Rule};

/// Ids in the order in which they came.
#[derive(Debug)]
pub(super) struct Memory {
    most: usize,
    ids: HashSet<AlertId>,
    order: VecDeque<(AlertId, Option<(usize, LeafIndex)>)>,
    /// Each rule and log once: lists and logs are few.
    about: Vec<(Rule, Option<Origin>)>,
    forgotten: BTreeMap<usize, LeafIndex>,
}

impl Memory {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            ids: HashSet::new(),
            order: VecDeque::new(),
            about: Vec::new(),
            forgotten: BTreeMap::new(),
        }
    }

    /// Whether an alert was told before.
    pub(super) fn knows(&self, alert: &Alert) -> bool {
        if self.ids.contains(&alert.id()) {
            return true;
        }
        let Some(index) = alert.index() else {
            return false;
        };
        let forgotten = self
            .place(alert)
            .and_then(|place| self.forgotten.get(&place));
        forgotten.is_some_and(|forgotten| index <= *forgotten)
    }

    /// Keeps that an alert was told.
    pub(super) fn add(&mut self, alert: &Alert) {
        if !self.ids.insert(alert.id()) {
            return;
        }
        let about = alert.index().map(|index| {
            let place = self.place(alert).unwrap_or_else(|| {
                let about = (alert.rule().clone(), alert.origin().cloned());
                self.about.push(about);
                self.about.len() - 1
            });
            (place, index)
        });
        self.order.push_back((alert.id(), about));
        while self.order.len() > self.most
            && let Some((id, about)) = self.order.pop_front()
        {
            self.ids.remove(&id);
            if let Some((place, index)) = about {
                let highest = self.forgotten.entry(place).or_insert(index);
                *highest = index.max(*highest);
            }
        }
    }

    fn place(&self, alert: &Alert) -> Option<usize> {
        self.about
            .iter()
            .position(|(rule, origin)| rule == alert.rule() && origin.as_ref() == alert.origin())
    }
}
