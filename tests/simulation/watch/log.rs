//! What the log does: it takes events, publishes heads, and lies in its time.
//!
//! ```text
//! every hour   events, closed by a head   every tick   what is published, by how many witnesses
//! the source        what is published, late if it is a copy that lags, or another history
//! ```

use std::sync::{Arc, Mutex};

use labelproof_core::merkle::TreeHead;
use labelproof_core::time::Time;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use super::faults::{Faults, Lasting};
use super::lie::{Lie, Old};
use super::source::{Tiles, View};
use super::story::{self, Honest, Promised, Tree, WITNESSES, misprint};
use super::{BATCH_TICKS, at, issue, revoke};

/// A head as the log published it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Published {
    pub(super) head: TreeHead,
    pub(super) time: Time,
    /// How many witnesses cosigned it.
    pub(super) witnesses: usize,
}

impl Published {
    pub(super) fn has_quorum(&self) -> bool {
        self.witnesses >= 2
    }

    pub(super) fn size(&self) -> u64 {
        self.head.size().get()
    }
}

/// What the source shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight {
    /// None if nothing answers.
    pub(super) shown: Option<Published>,
    pub(super) tiles: Tiles,
    /// Whether it is what the log published in this tick, and whole.
    pub(super) is_fresh: bool,
}

/// The log.
pub(super) struct Log {
    pub(super) honest: Honest,
    pub(super) published: Vec<Published>,
    /// The labels that it revoked, by number.
    pub(super) revoked: Vec<u64>,
    /// Revoked in the next batch.
    pub(super) announced: Option<u64>,
    /// Revoked by its issuer, and never by the log.
    pub(super) withheld: u64,
    /// Another history.
    pub(super) aside: Option<Arc<Mutex<Tree>>>,
    labels: u64,
}

impl Log {
    pub(super) fn begin() -> Self {
        let mut honest = Honest::begin(at(0));
        honest.append(at(0), (0..8).map(issue).collect());
        Self {
            honest,
            published: Vec::new(),
            revoked: Vec::new(),
            announced: None,
            withheld: 0,
            aside: None,
            labels: 8,
        }
    }

    /// A label that is issued and not revoked, for whoever wants to revoke it.
    pub(super) fn pick(&self, random: &mut ChaCha8Rng) -> u64 {
        loop {
            let number = random.next_u64() % self.labels;
            let is_taken = number == self.withheld || self.announced == Some(number);
            if !is_taken && !self.revoked.contains(&number) {
                return number;
            }
        }
    }

    /// Takes the events of a batch; the receipt of one of them.
    pub(super) fn take(&mut self, tick: u64, random: &mut ChaCha8Rng) -> Option<Promised> {
        if !tick.is_multiple_of(BATCH_TICKS) {
            return None;
        }
        let fresh = 1 + u64::from(random.next_u64().is_multiple_of(4));
        let mut events: Vec<_> = (self.labels..self.labels + fresh).map(issue).collect();
        let first = events[0].clone();
        if let Some(number) = self.announced.take() {
            events.push(revoke(number));
            self.revoked.push(number);
        }
        if random.next_u64().is_multiple_of(3) {
            let number = self.pick(random);
            events.push(revoke(number));
            self.revoked.push(number);
        }
        self.labels += fresh;
        self.honest.append(at(tick), events);
        Some(self.honest.promised(at(tick), &first))
    }

    /// Begins to lie; what it promised, if it did.
    pub(super) fn lie(&mut self, lie: Lie, tick: u64, random: &mut ChaCha8Rng) -> Option<Promised> {
        let now = at(tick);
        let fresh = issue(900_000);
        let mut near = || 1 + usize::try_from(random.next_u64() % 15).unwrap();
        match lie {
            Lie::Fork(more, _) | Lie::ForkElsewhere(more) => {
                let tree = self.honest.shown().another(near(), more);
                self.aside = Some(Arc::new(Mutex::new(tree)));
            }
            Lie::Unkept => return Some(self.honest.promised_aside(now, at(0), &fresh)),
            Lie::BackDated => {
                let before = (at(0).unix() * 1_000).to_string();
                let lie = |paper: &mut _| misprint(paper, 8, &before);
                self.honest.append_with(now, vec![fresh], lie);
            }
            Lie::WrongHead(line, says) => {
                let lie = |paper: &mut _| misprint(paper, line, says);
                self.honest.append_with(now, vec![fresh], lie);
            }
            Lie::BadEntry => self.honest.append_bad(now, issue(near() as u64 % 8)),
            Lie::NoHead => self.honest.append_without_head(now, vec![fresh], issue(3)),
            Lie::Deadline => {
                self.honest.append(now, vec![fresh.clone()]);
                return Some(self.honest.promised(now, &fresh));
            }
            Lie::WentBack(_)
            | Lie::QuorumLost
            | Lie::Stale
            | Lie::TileMissing
            | Lie::TileWrong
            | Lie::NotLogged => {}
        }
        None
    }

    /// Publishes a head, and says what the source shows.
    pub(super) fn publish(&mut self, tick: u64, faults: &Faults, lie: Option<Lie>) -> Sight {
        let is = |what: fn(Lasting) -> bool| faults.is(tick, what);
        let now = at(tick);
        let mut fresh = Published {
            head: self.honest.shown().head(),
            time: now,
            witnesses: 2 + usize::try_from(tick % 2).unwrap(),
        };
        let mut is_fresh = true;
        let before = self.published.last().copied();
        if let Some(before) = before {
            if is(|what| matches!(what, Lasting::Frozen)) || lie == Some(Lie::Stale) {
                fresh = before;
                is_fresh = lie == Some(Lie::Stale);
            }
            if lie == Some(Lie::Deadline) {
                fresh.head = before.head;
            }
        }
        let few = is(|what| matches!(what, Lasting::Few));
        if few || lie == Some(Lie::QuorumLost) {
            fresh.witnesses = 1;
            is_fresh &= !few;
        }
        self.published.push(fresh);
        let lag = faults.find(tick, |what| match what {
            Lasting::Lagging(ticks) => Some(ticks),
            _ => None,
        });
        let mut shown = fresh;
        if let Some(lag) = lag.filter(|lag| *lag < tick) {
            shown = self.published[usize::try_from(tick - lag).unwrap()];
            is_fresh = false;
        }
        if let Some(Lie::WentBack(old)) = lie {
            // Before anything that may have lasted until now.
            let then = usize::try_from(tick).unwrap() - 40;
            shown = Published {
                witnesses: 3,
                ..self.published[then]
            };
            if old == Old::CosignedAnew {
                shown.time = now;
            }
        }
        if let (Some(Lie::Fork(_, witnesses)), Some(tree)) = (lie, &self.aside) {
            let head = tree.lock().unwrap().head();
            shown = Published {
                head,
                time: now,
                witnesses,
            };
        }
        let broken = faults.find(tick, |what| match what {
            Lasting::Tiles(tiles) => Some(tiles),
            _ => None,
        });
        let is_silent = is(|what| matches!(what, Lasting::Unreachable));
        is_fresh &= broken.is_none() && !is_silent;
        let lies = match lie {
            Some(Lie::TileMissing) => Some(Tiles::Missing),
            Some(Lie::TileWrong) => Some(Tiles::Wrong),
            _ => None,
        };
        Sight {
            shown: (!is_silent).then_some(shown),
            tiles: broken.or(lies).unwrap_or(Tiles::Right),
            is_fresh,
        }
    }

    /// What the monitor's requests are answered with.
    pub(super) fn view(&self, sight: Sight, lie: Option<Lie>) -> View {
        let note = sight.shown.map(|shown| {
            let names = &WITNESSES[..shown.witnesses];
            story::note(shown.head, shown.time, names)
        });
        let tree = match (lie, &self.aside) {
            (Some(Lie::Fork(..)), Some(aside)) => Arc::clone(aside),
            _ => self.honest.tree(),
        };
        View {
            note,
            tree,
            tiles: sight.tiles,
        }
    }
}
