//! The numbers of the newest alerts, and how many there are, by rule.

use std::collections::{BTreeMap, VecDeque};

use crate::alert::{Numbered, Rule};

/// Of all alerts, and of each rule; rules are as few as watch lists.
#[derive(Debug, Default)]
pub(super) struct Recent {
    all: VecDeque<u64>,
    of: BTreeMap<Rule, (u64, VecDeque<u64>)>,
}

impl Recent {
    pub(super) fn add(&mut self, numbered: &Numbered) {
        let number = numbered.number();
        let (count, newest) = self.of.entry(numbered.alert().rule().clone()).or_default();
        *count += 1;
        push(newest, number);
        push(&mut self.all, number);
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
