//! Walking along a list of the index, to the labels that are wished for.

use labelproof_core::{
    event::{Body, Event, LabelId, Subject},
    merkle::{LeafHash, LeafIndex},
    state::{
        key::{MapKey, MapName},
        list::Code,
        record::StateRecord,
    },
};
use tracing::warn;

use super::{Answer, NOTICE, Wish};
use crate::{
    http::{
        error::Problem,
        label::facts::{Facts, Folded, Word},
    },
    index::Listing,
    log::Log,
    lookup,
    shelf::Published,
};

/// What a walk found.
pub(super) struct Found {
    /// The labels, in order.
    pub(super) labels: Vec<(LabelId, Facts)>,
    /// The last place that was looked at, if there is more behind it.
    pub(super) more_after: Option<LeafIndex>,
}

/// A page, as JSON.
pub(super) fn list(log: &Log, wish: &Wish) -> Result<Answer, Problem> {
    let published = log.published().ok_or(Problem::NoQuorum)?;
    let found = walk(log, &published, wish)?;
    Ok(Answer {
        notice: NOTICE,
        log: log.setting().origin.to_string(),
        size: published.head().size().get(),
        as_of: published.witnessed.as_of().to_string(),
        labels: found.labels.into_iter().map(|(_, facts)| facts).collect(),
        next: found.more_after.map(|last| wish.after(last)),
    })
}

/// Looks along the narrowest list that the wish names, under the published head.
pub(super) fn walk(log: &Log, published: &Published, wish: &Wish) -> Result<Found, Problem> {
    let index = &log.setting().index;
    let end = published.view.head_index();
    if index.watermark().size().get() < end.get() {
        return Err(Problem::REINDEXING);
    }
    let list = List::of(wish);
    list.check(log, published)?;
    let mut found = Found {
        labels: Vec::new(),
        more_after: None,
    };
    let mut next = wish.after.map_or(LeafIndex::new(0), behind);
    let (mut looked, mut read) = (0, 0);
    loop {
        let part = index.entries_from(&list.key, next, PART);
        for at in &part {
            if *at >= end {
                return Ok(found);
            }
            if found.labels.len() >= wish.limit || looked >= MAX_LOOKED || read >= MAX_READ {
                return Ok(found);
            }
            looked += 1;
            if list.may_hold(published, *at, wish.status) {
                read += 1;
                if let Some(label) = look(log, published, wish, &list, *at)? {
                    found.labels.push(label);
                }
            }
            found.more_after = Some(*at);
            next = behind(*at);
        }
        // The index gave less than was asked for, so this was the end of the list.
        if part.len() < PART {
            found.more_after = None;
            return Ok(found);
        }
    }
}

/// A list of the index.
struct List {
    key: MapKey,
    /// Set where every place of the list is a label's issue, so that the status list speaks of it.
    is_of_issues: bool,
    product: Option<MapName>,
}

impl List {
    fn of(wish: &Wish) -> Self {
        let product = wish.gtin.as_ref().map(MapName::product);
        let key = match (&product, &wish.holder, &wish.scheme) {
            (Some(product), _, _) => product.key(),
            (None, Some(holder), _) => Listing::Holder(holder).key(),
            (None, None, Some(scheme)) => Listing::Scheme(scheme).key(),
            (None, None, None) => Listing::All.key(),
        };
        Self {
            key,
            is_of_issues: wish.gtin.is_none() && wish.holder.is_none(),
            product,
        }
    }

    /// What the map says of a product's events must be what the index holds of them.
    fn check(&self, log: &Log, published: &Published) -> Result<(), Problem> {
        let Some(product) = &self.product else {
            return Ok(());
        };
        let end = published.view.head_index();
        let indices = log.setting().index.entries(&self.key);
        let known = indices.iter().filter(|index| **index < end).count();
        let counted = published
            .view
            .index_record(product)
            .map_or(0, |record| record.count());
        if known as u64 == counted {
            return Ok(());
        }
        warn!(%product, known, counted, "the index does not know every event of a product; it is made anew");
        log.suspect_index();
        Err(Problem::REINDEXING)
    }

    /// Whether the label at a place may have a status, as far as two bits tell.
    fn may_hold(&self, published: &Published, at: LeafIndex, wanted: Option<Word>) -> bool {
        let (Some(wanted), true) = (wanted, self.is_of_issues) else {
            return true;
        };
        let code = match wanted {
            Word::Active => Code::Active,
            Word::Suspended => Code::Suspended,
            Word::Superseded => Code::Superseded,
            Word::Revoked | Word::Withdrawn | Word::Lapsed | Word::Annulled => Code::Ended,
        };
        published.view.list().get(at) == Some(code)
    }

    /// Whether an event stands in this list.
    fn holds(&self, wish: &Wish, event: &Event) -> bool {
        let Some(gtin) = &wish.gtin else {
            return Listing::keys_of(event).contains(&self.key);
        };
        match event.body() {
            Body::LabelIssue(body) => body.gtins.as_slice().contains(gtin),
            Body::LabelBind(body) => body.gtins.as_slice().contains(gtin),
            Body::LabelUnbind(body) => body.gtins.as_slice().contains(gtin),
            _ => false,
        }
    }
}

/// The label at a place, if it is wished for and this is the first of its places in the list.
fn look(
    log: &Log,
    published: &Published,
    wish: &Wish,
    list: &List,
    at: LeafIndex,
) -> Result<Option<(LabelId, Facts)>, Problem> {
    let entry = log.setting().directory.entry(at)?;
    let Some(label) = Event::parse(&entry)
        .ok()
        .and_then(|event| label_of(&event).cloned())
    else {
        warn!(index = %at, "the index names an entry that is no label's; it is made anew");
        log.suspect_index();
        return Err(Problem::REINDEXING);
    };
    let (record, events) = history(log, published, &label)?;
    let own = events
        .iter()
        .filter(|(_, event)| label_of(event) == Some(&label));
    let first = own.clone().find(|(_, event)| list.holds(wish, event));
    if first.is_none_or(|(index, _)| *index != at) {
        return Ok(None);
    }
    let Some(folded) = Folded::of(own.map(|(_, event)| event)) else {
        return Ok(None);
    };
    let is_held_by = |id| folded.holder().ids.iter().any(|known| known == id);
    let is_wished = wish.gtin.as_ref().is_none_or(|gtin| folded.covers(gtin))
        && wish.holder.as_ref().is_none_or(is_held_by)
        && wish
            .scheme
            .as_ref()
            .is_none_or(|scheme| label.scheme() == scheme)
        && wish.status.is_none_or(|word| Word::of(&record) == word);
    if !is_wished {
        return Ok(None);
    }
    let facts = Facts::of(&record, events.iter().map(|(_, event)| event));
    Ok(facts.map(|facts| (label, facts)))
}

/// The record of a label and the events that give it: all of them, or the index is made anew.
fn history(
    log: &Log,
    published: &Published,
    label: &LabelId,
) -> Result<(StateRecord, Vec<(LeafIndex, Event)>), Problem> {
    let incomplete = || {
        warn!(%label, "the index does not know the whole history of a label; it is made anew");
        log.suspect_index();
        Problem::REINDEXING
    };
    let name = log.label_name(label).ok_or_else(incomplete)?;
    let record = published.view.record(&name).ok_or_else(incomplete)?;
    let end = published.view.head_index();
    let first = Some(record.first_index());
    let indices = lookup::label_indices(log.setting(), &name.key(), first, end);
    let entries = lookup::entries_at(log.setting(), &indices)?;
    let leaves: Vec<(LeafIndex, LeafHash)> = entries
        .iter()
        .map(|(index, entry)| (*index, LeafHash::of_entry(entry)))
        .collect();
    if !record.has_history(leaves.iter().map(|(index, leaf)| (*index, leaf))) {
        return Err(incomplete());
    }
    let events = entries
        .into_iter()
        .map(|(index, entry)| Event::parse(&entry).map(|event| (index, event)));
    Ok((
        record,
        events.collect::<Result<_, _>>().map_err(|_| incomplete())?,
    ))
}

fn label_of(event: &Event) -> Option<&LabelId> {
    match event.subject() {
        Subject::Label(label) => Some(label),
        _ => None,
    }
}

fn behind(index: LeafIndex) -> LeafIndex {
    LeafIndex::new(index.get().saturating_add(1))
}

/// What is asked of the index at once: a few pages of its store.
const PART: usize = 256;
/// Places whose two bits are looked at for one page: a chunk of the status list, a millisecond.
const MAX_LOOKED: usize = 65_536;
/// Labels whose history is read for one page: five times the largest page.
const MAX_READ: usize = 500;
