//! A scheme: how its labels are named, ranked and shown.
//!
//! ```text
//! absent ──scheme.define──▶ in force
//! ```
//! Its record also carries the lowest cut of any authority that ever had a role in it, so that
//! one number tells a verifier of a label whether anything of it can be tainted.

use crate::event::{IdRule, LevelCode, PageUri, SchemeDefine};
use crate::merkle::LeafIndex;
use crate::state::history::History;
use crate::state::record::StateRecord;
use crate::state::registry::Signed;

/// What the state function knows of one scheme.
#[derive(Clone, Debug)]
pub(crate) struct SchemeDetail {
    definition: SchemeDefine,
    cut: Option<LeafIndex>,
    history: History,
}

impl SchemeDetail {
    pub(crate) fn define(signed: &Signed<'_>, body: &SchemeDefine) -> Self {
        Self {
            definition: body.clone(),
            cut: None,
            history: History::start(signed.event, signed.at, signed.leaf),
        }
    }

    /// How its labels' ids are folded.
    pub(crate) fn id_rule(&self) -> IdRule {
        self.definition.id_rule
    }

    /// Whether a lapsed label of it can be renewed.
    pub(crate) fn renews_lapsed(&self) -> bool {
        self.definition.late_renewal
    }

    pub(crate) fn has_level(&self, code: &LevelCode) -> bool {
        self.definition.level(code).is_some()
    }

    /// Whether codes of the scheme's labels may point to this page.
    pub(crate) fn hosts(&self, page: &PageUri) -> bool {
        self.definition
            .hosts
            .iter()
            .any(|host| host.as_str() == page.host())
    }

    /// Takes note of a cut of an authority with a role here; answers whether that is news.
    pub(crate) fn lower_cut(&mut self, cut: LeafIndex) -> bool {
        let is_lower = self.cut.is_none_or(|known| cut < known);
        if is_lower {
            self.cut = Some(cut);
        }
        is_lower
    }

    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    pub(crate) fn record(&self) -> StateRecord {
        let mut record = self.history.record();
        record.set_successor_index(self.cut);
        record
    }
}
