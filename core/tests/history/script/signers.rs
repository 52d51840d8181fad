//! Who signs the next event: mostly whoever may.

use labelproof_core::event::Kind;
use labelproof_core::key::SigningKey;

use super::Script;
use crate::cast::{AUTHORITIES, key, roots};

impl Script {
    /// Mostly somebody who may; sometimes two, sometimes anybody.
    pub(super) fn label_signers(&mut self, kind: Kind, scheme: &str) -> Vec<SigningKey> {
        let [first, watch, _, second, gb, ..] = AUTHORITIES;
        let usual = match (kind, scheme) {
            (_, "gb.mark") => [gb; 4],
            (
                Kind::LabelIssue
                | Kind::LabelRenew
                | Kind::LabelAmend
                | Kind::LabelBind
                | Kind::LabelUnbind,
                _,
            ) => [first, second, second, second],
            _ => [first, watch, watch, second],
        };
        let mut names = vec![self.one_of(&usual)];
        match self.below(6) {
            0 => names.push(self.one_of(&usual)),
            1 => names = vec![self.one_of(&AUTHORITIES)],
            _ => {}
        }
        names.dedup();
        names
            .into_iter()
            .map(|name| self.key_in_force(name))
            .collect()
    }

    /// Mostly a key that is in force.
    pub(super) fn key_in_force(&mut self, name: &'static str) -> SigningKey {
        let keys = self.keys[name].clone();
        let number = match keys.len() {
            0 => 1,
            _ if self.below(10) == 0 => u8::try_from(1 + self.below(5)).unwrap(),
            some => keys[self.below(some)],
        };
        key(name, number)
    }

    /// Mostly enough roots of the member that owns the name.
    pub(super) fn member_signers(&mut self, name: &str) -> Vec<SigningKey> {
        if name.ends_with(".gb.example") {
            return roots("gb", &[1]);
        }
        let (one, two) = (self.below(3), self.below(3));
        let (first, second) = (self.jp_roots[one], self.jp_roots[two]);
        match self.below(8) {
            0 => roots("sg", &[1]),
            _ if first == second => roots("jp", &[first]),
            _ => roots("jp", &[first, second]),
        }
    }
}
