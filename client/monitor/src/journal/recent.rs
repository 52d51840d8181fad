//! The numbers of the newest alerts, and how many there are, by rule; and which log was accused last where.

use std::collections::{BTreeMap, VecDeque};

use labelproof_core::checkpoint::Origin;

use crate::alert::{Numbered, Proof, Rule};

/// Of all alerts, of each rule, and of each log; rules are as few as watch lists, and logs as a trust file has.
#[derive(Debug, Default)]
pub(super) struct Recent {
    all: VecDeque<u64>,
    of: BTreeMap<Rule, (u64, VecDeque<u64>)>,
    /// The newest alert with evidence against a log.
    evidence: BTreeMap<Origin, u64>,
}

impl Recent {
    pub(super) fn add(&mut self, numbered: &Numbered) {
        let number = numbered.number();
        let (count, newest) = self.of.entry(numbered.alert().rule().clone()).or_default();
        *count += 1;
        push(newest, number);
        push(&mut self.all, number);
        if let Proof::Evidence(evidence) = numbered.alert().proof() {
            self.evidence.insert(evidence.origin().clone(), number);
        }
    }

    /// The number of the newest alert with evidence against a log.
    pub(super) fn evidence(&self, origin: &Origin) -> Option<u64> {
        self.evidence.get(origin).copied()
    }

    /// The newest numbers, the newest first.
    pub(super) fn numbers(&self, rule: Option<&Rule>, most: usize) -> Vec<u64> {
        let numbers = match rule {
            None => Some(&self.all),
            Some(rule) => self.of.get(rule).map(|(_, newest)| newest),
        };
        numbers
            .into_iter()
            .flatten()
            .rev()
            .take(most)
            .copied()
            .collect()
    }

    pub(super) fn counts(&self) -> Vec<(Rule, u64)> {
        let counts = self.of.iter();
        counts
            .map(|(rule, (count, _))| (rule.clone(), *count))
            .collect()
    }
}

fn push(numbers: &mut VecDeque<u64>, number: u64) {
    numbers.push_back(number);
    if numbers.len() > MAX_RECENT {
        numbers.pop_front();
    }
}

/// A feed has fifty.
const MAX_RECENT: usize = 50;
