//! Body of `scheme.define`: a labelling scheme.
//!
//! ```text
//! {"hosts":["jc-star.jp.example"],"id_rule":"upper","late_renewal":false,
//!  "levels":[{"code":"1","names":{"en":"★1"},"rank":1}],"names":{"en":"…","ja":"…"},
//!  "validity_reference":"placing","versions":["2025-03"]}
//! ```

use serde::{Deserialize, Serialize};

use super::form::{List, Names, Number, Text, words};
use super::names::{Domain, LevelCode};
use crate::refusal::{Pointer, Refusal};

/// Body of `scheme.define`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SchemeDefine {
    /// Hosts that the codes on its labels may point to.
    pub hosts: List<Domain, 0, MAX_HOSTS>,
    /// How a native id becomes canonical.
    pub id_rule: IdRule,
    /// Whether a lapsed label can be renewed.
    pub late_renewal: bool,
    /// Its levels.
    pub levels: List<Level, 1, MAX_LEVELS>,
    /// Its name by language.
    pub names: Names,
    /// The date at which a label must have been valid.
    pub validity_reference: ValidityReference,
    /// The versions of its specification that labels may be issued under.
    pub versions: List<Text<64>, 1, MAX_VERSIONS>,
}

/// One level of a scheme.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// The word in label events.
    pub code: LevelCode,
    /// Its name by language.
    pub names: Names,
    /// Its place among the scheme's levels; more is stricter.
    pub rank: Number<1, 9>,
}

words! {
    /// How a native id becomes canonical, so that one label has one key.
    IdRule, "an id rule":
    /// ASCII letters become capitals.
    Upper = "upper",
    /// ASCII letters become small.
    Lower = "lower",
    /// Letters stay.
    Exact = "exact",
}

words! {
    /// The date at which a label must be valid for a unit to count as labelled.
    ValidityReference, "a reference date":
    /// When the unit was made.
    Manufacture = "manufacture",
    /// When the unit was placed on the market.
    Placing = "placing",
    /// When the unit was supplied to its user.
    Supply = "supply",
    /// While the unit is used.
    Use = "use",
}

impl SchemeDefine {
    /// The level with this code.
    #[must_use]
    pub fn level(&self, code: &LevelCode) -> Option<&Level> {
        self.levels.iter().find(|level| level.code == *code)
    }

    pub(super) fn check(&self) -> Result<(), Refusal> {
        for (index, level) in self.levels.iter().enumerate() {
            if self.levels.as_slice()[..index]
                .iter()
                .any(|other| other.code == level.code)
            {
                let pointer = Pointer::from("/body/levels").element(index).member("code");
                return Err(Refusal::bad_member(pointer, "another level has this code"));
            }
        }
        Ok(())
    }
}

/// A page for each language and an old one.
const MAX_HOSTS: usize = 16;
/// As many as there are ranks, twice.
const MAX_LEVELS: usize = 18;
/// A version a year for a generation.
const MAX_VERSIONS: usize = 32;
