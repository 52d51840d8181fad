//! Rules: who wants to know of what, and in which words.
//!
//! ```text
//! event        ─▶ each watch list, with what is known of the subject ─▶ watch:NAME
//!              ─▶ keys of one's own, and the list of what they signed ─▶ not-mine
//! evidence · observation · blind · sees again                        ─▶ one alert each
//! ```

use std::{path::PathBuf, sync::Arc};

use labelproof_core::{event::Event, key::Vkey, merkle::LeafIndex, refusal::Refusal, time::Time};
use labelproof_host::{fs::Fs, logging::causes};

use crate::{
    alert::Alert,
    board::Standing,
    finding::{Finding, Logged},
    name::Name,
    own::{Own, OwnError, Owned},
    watch::{Background, WatchError, WatchList},
};

/// Somebody who is told of everything that is verified, and may have something to tell.
pub trait Listener: Send {
    /// An event that was verified at this place; after a restart some come again.
    fn logged(&mut self, index: LeafIndex, event: &Event);

    /// Events that wait to be judged as the next entry of a log that stands so.
    fn waiting(&mut self, log: &Standing) -> Vec<Event>;

    /// What the state function says of one of them, as the next entry.
    fn judged(&mut self, event: &Event, said: Result<(), Refusal>);

    /// How a log stands, after each poll.
    fn head(&mut self, standing: &Standing, now: Time) -> Vec<Alert>;
}

/// The rules of a monitor.
#[derive(Debug)]
pub struct Rules {
    fs: Arc<dyn Fs>,
    lists: Vec<WatchList>,
    own: Option<Own>,
}

impl Rules {
    /// Reads the watch lists; nobody's keys are one's own yet.
    ///
    /// # Errors
    /// [`WatchError`], the first.
    pub fn open(fs: Arc<dyn Fs>, lists: Vec<(Name, PathBuf)>) -> Result<Self, WatchError> {
        let lists = lists
            .into_iter()
            .map(|(name, path)| WatchList::open(&*fs, name, &path));
        let lists = lists.collect::<Result<_, _>>()?;
        let own = None;
        Ok(Self { fs, lists, own })
    }

    /// The same, with these keys as one's own, and the list of what they signed.
    ///
    /// # Errors
    /// [`OwnError`].
    pub(crate) fn with_own(self, keys: Vec<Vkey>, events: PathBuf) -> Result<Self, OwnError> {
        let own = Some(Own::open(&*self.fs, keys, events)?);
        Ok(Self { own, ..self })
    }

    /// Whether an event that an own key signed is in the list of own events.
    pub(crate) fn owned(&mut self, event: &Event) -> Owned {
        match &mut self.own {
            Some(own) => own.judge(&*self.fs, event),
            None => Owned::Fine,
        }
    }

    /// Reads lists that changed; tells of those that are wrong now.
    pub(crate) fn refresh(&mut self, now: Time) -> Vec<Alert> {
        let mut told = Vec::new();
        for list in &mut self.lists {
            if let Err(error) = list.refresh(&*self.fs) {
                told.push(Alert::own_file(&causes(&error), now));
            }
        }
        told
    }

    /// Whether [`Rules::event`] wants to know what came before an event of its subject.
    pub(crate) fn needs_background(&self, event: &Event) -> bool {
        self.lists.iter().any(|list| list.needs_background(event))
    }

    /// What lists say of an event: their names, and the line of each.
    pub(crate) fn event(&self, event: &Event, background: &Background) -> Vec<(Name, String)> {
        let met = self.lists.iter().filter_map(|list| {
            let line = list.find(event, background)?;
            Some((list.name().clone(), line))
        });
        met.collect()
    }
}

/// The alerts of lists that an event met.
pub(crate) fn watched(met: &[(Name, String)], logged: &Logged, now: Time) -> Vec<Alert> {
    let alert = |(list, line): &(Name, String)| Alert::watched(list, line, logged, now);
    met.iter().map(alert).collect()
}

/// The alert of a finding.
pub(crate) fn alert(finding: &Finding, now: Time) -> Alert {
    match finding {
        Finding::Blind { origin, why } => Alert::blind(origin, why, now),
        Finding::Evidence(evidence) => Alert::evidence(evidence, now),
        Finding::Observed { origin, what } => Alert::observed(origin, what, now),
        Finding::SeesAgain { origin, since } => Alert::sees_again(origin, *since, now),
    }
}
