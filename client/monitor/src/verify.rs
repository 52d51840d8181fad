//! Verifying: entries through the state function, one after the other, from entry 0 or from what was kept.
//!
//! ```text
//! entry ─▶ event, accepted · state head, the one that the entries give · what no honest log holds
//! kept    labelproof-monitor-state/v1 ⏎ <histories, bytes> ⏎ ⏎ histories ‖ snapshot
//! ```
//! What is kept is believed only if it gives a state head that stands in the log. Entries come from whoever proved that
//! they are the log's; nothing here reads a file or a clock.

use labelproof_core::{
    checkpoint::Origin,
    event::{Body, Event, LabelId, Subject},
    merkle::{LeafHash, LeafIndex},
    refusal::Refusal,
    state::{
        AuthorityKeys, ReadEntry, Replayed, SignatureMemo, SnapshotFile, State, StateView,
        WrongEntry, head::StateHead, key::MapKey, record::StateRecord,
    },
};

use crate::histories::Histories;

/// Verifies the entries of one log in order.
#[derive(Debug)]
pub(crate) struct Verifier {
    origin: Origin,
    genesis: LeafHash,
    state: Option<State>,
    histories: Histories,
    last_head: Option<LastHead>,
}

/// The newest state head that the log showed.
#[derive(Clone, Copy, Debug)]
struct LastHead {
    index: LeafIndex,
    fit: Fit,
}

/// What of a state head fits the entries before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fit {
    Right,
    /// All but the clock, which runs back.
    BackDated,
    Wrong,
}

/// What an entry is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verdict {
    /// An event that counts.
    Event,
    /// A state head with this clock, the one that the entries give.
    Head { clock_ms: u64 },
    /// What no honest log holds.
    Broken(Breach),
    /// Another wrong head right after one: it proves nothing new.
    StillWrong,
}

/// What an entry breaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Breach {
    /// The state function refuses it, or it stands where the state head must.
    BadEntry,
    /// A state head that the entries do not give.
    WrongHead,
    /// A state head whose clock is earlier than that of the one before it.
    BackDated,
}

/// Why an entry was not taken; nothing changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Halt {
    /// Entry 0 does not begin the trusted log.
    OtherGenesis,
    /// The log follows rules that this program does not know.
    UnknownRules(String),
    /// The events of these labels come first, see [`Verifier::history`] and [`Verifier::load`].
    NeedsHistory(Vec<LabelId>),
    /// What was kept does not fit the log: begin anew.
    Doubt,
}

impl Verifier {
    /// Begins at entry 0.
    pub(crate) fn new(origin: Origin, genesis: LeafHash) -> Self {
        Self {
            origin,
            genesis,
            state: None,
            histories: Histories::default(),
            last_head: None,
        }
    }

    /// Goes on from what was kept, if it is believed; `read` gives entries of the log.
    ///
    /// # Errors
    /// Those of `read`.
    pub(crate) fn restore<E>(
        kept: &[u8],
        origin: &Origin,
        genesis: LeafHash,
        mut read: impl FnMut(LeafIndex) -> Result<Vec<u8>, E>,
    ) -> Result<Option<Self>, E> {
        let Some((histories, file)) = parse(kept) else {
            return Ok(None);
        };
        if file.origin() != origin {
            return Ok(None);
        }
        let index = file.head_index();
        let Ok(head) = StateHead::parse(&read(index)?) else {
            return Ok(None);
        };
        let mut registry = Vec::new();
        for at in file.registry() {
            registry.push((*at, read(*at)?));
        }
        let state = State::restore(file.with(head, registry)).ok();
        let state = state.filter(|state| state.genesis_hash() == genesis);
        Ok(state.map(|state| Self {
            origin: origin.clone(),
            genesis,
            state: Some(state),
            histories,
            last_head: Some(LastHead {
                index,
                fit: Fit::Right,
            }),
        }))
    }

    /// Where the next entry stands.
    pub(crate) fn next(&self) -> LeafIndex {
        let first = LeafIndex::new(0);
        self.state.as_ref().map_or(first, State::next_index)
    }

    /// The keys to read the next entries ahead with.
    pub(crate) fn keys(&self) -> AuthorityKeys {
        let state = self.state.as_ref();
        state.map_or_else(AuthorityKeys::none, State::authority_keys)
    }

    /// Takes the next entry.
    ///
    /// # Errors
    /// [`Halt`].
    pub(crate) fn take(&mut self, entry: &ReadEntry) -> Result<Verdict, Halt> {
        let Some(state) = &mut self.state else {
            return self.begin(entry);
        };
        if let Some(head) = entry.head() {
            let claimed = StateHead::parse(head).ok();
            return self.head(entry, claimed.as_ref());
        }
        // Only what ends in a head is kept, so nobody looks at the map as it was before.
        state.forget_closed_view();
        let before = entry.event().and_then(|event| touched(state, event));
        match state.replay(entry) {
            Ok(Replayed::Accepted(_)) => {
                if let Some((key, record)) = before {
                    self.histories.extend(key, &record);
                }
                Ok(Verdict::Event)
            }
            Ok(Replayed::Head(_) | Replayed::Refused(_)) => Ok(Verdict::Broken(Breach::BadEntry)),
            Err(WrongEntry::NeedsHistory { labels, .. }) => Err(Halt::NeedsHistory(labels)),
            Err(_) => Err(Halt::Doubt),
        }
    }

    fn begin(&mut self, entry: &ReadEntry) -> Result<Verdict, Halt> {
        let leaf = entry.event().map(Event::leaf);
        if leaf != Some(self.genesis) {
            return Err(Halt::OtherGenesis);
        }
        let state = State::found(entry).map_err(|_| Halt::OtherGenesis)?;
        if *state.origin() != self.origin {
            return Err(Halt::OtherGenesis);
        }
        self.state = Some(state);
        Ok(Verdict::Event)
    }

    fn head(&mut self, entry: &ReadEntry, claimed: Option<&StateHead>) -> Result<Verdict, Halt> {
        let state = self.state.as_mut().ok_or(Halt::Doubt)?;
        if let Some(Err(unknown)) = claimed.map(|head| head.rules().check()) {
            return Err(Halt::UnknownRules(unknown.rules.to_string()));
        }
        let index = state.next_index();
        let was_wrong = self.last_head.is_some_and(|last| last.fit == Fit::Wrong);
        let taken = state.replay(entry);
        let fit = match &taken {
            Ok(_) => Fit::Right,
            Err(WrongEntry::ClockBack { .. }) => Fit::BackDated,
            Err(_) => Fit::Wrong,
        };
        self.last_head = Some(LastHead { index, fit });
        if let Ok(Replayed::Head(head)) = taken {
            let clock_ms = head.clock_ms();
            return Ok(Verdict::Head { clock_ms });
        }
        // The right head takes its place here, so that what follows is still verified; the clock of a wrong one counts
        // for nothing, or every head after it would seem to run back.
        state.append_head(0);
        Ok(match fit {
            Fit::BackDated => Verdict::Broken(Breach::BackDated),
            _ if was_wrong => Verdict::StillWrong,
            _ => Verdict::Broken(Breach::WrongHead),
        })
    }

    /// What the state function would say of an event as the next entry; nothing changes.
    ///
    /// # Errors
    /// [`Halt::NeedsHistory`], or [`Halt::Doubt`] before entry 0.
    pub(crate) fn try_out(&self, event: &Event) -> Result<Result<(), Refusal>, Halt> {
        let state = self.state.as_ref().ok_or(Halt::Doubt)?;
        match state.needs_history(event) {
            labels if labels.is_empty() => Ok(state.check(event, &SignatureMemo::empty())),
            labels => Err(Halt::NeedsHistory(labels)),
        }
    }

    /// Where the accepted events of a subject are.
    pub(crate) fn history(&self, subject: &Subject) -> Vec<LeafIndex> {
        let Some(state) = &self.state else {
            return Vec::new();
        };
        let Subject::Label(label) = subject else {
            return state.subject_indices(subject).unwrap_or_default();
        };
        match (state.record_name(subject), state.label_record(label)) {
            (Some(name), Some(record)) => self.histories.of(&name.key(), &record),
            _ => Vec::new(),
        }
    }

    /// Takes a label's events in.
    ///
    /// # Errors
    /// [`Halt::Doubt`] if they are not its history.
    pub(crate) fn load(
        &mut self,
        label: &LabelId,
        entries: &[(LeafIndex, Vec<u8>)],
    ) -> Result<(), Halt> {
        let state = self.state.as_mut().ok_or(Halt::Doubt)?;
        state.load_label(label, entries).map_err(|_| Halt::Doubt)
    }

    /// Forgets the details of all labels, which load again when an event asks for them.
    pub(crate) fn forget(&mut self) {
        if let Some(state) = &mut self.state {
            state.forget_labels_before(state.next_index());
        }
    }

    /// What to keep; none unless the last entry is a right head.
    pub(crate) fn kept(&self) -> Option<Kept<'_>> {
        let state = self.state.as_ref()?;
        let last = self.last_head.filter(|last| last.fit == Fit::Right)?;
        let view = state
            .closed_view()
            .filter(|view| view.head_index() == last.index)?;
        if state.next_index().get() != last.index.get() + 1 {
            return None;
        }
        Some(Kept {
            origin: &self.origin,
            histories: &self.histories,
            view,
            registry: state.registry_indices(last.index),
        })
    }
}

/// What is kept of a log that is verified so far.
#[derive(Debug)]
pub(crate) struct Kept<'a> {
    origin: &'a Origin,
    histories: &'a Histories,
    view: &'a StateView,
    registry: Vec<LeafIndex>,
}

impl Kept<'_> {
    /// Its bytes, in parts: the whole is as large as the map.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Vec<u8>> {
        let histories = self.histories.to_bytes();
        let opening = format!("{TAG}\n{}\n\n", histories.len()).into_bytes();
        let snapshot = SnapshotFile::parts(self.origin, self.view, &self.registry);
        [opening, histories].into_iter().chain(snapshot)
    }
}

/// The label that an event finds and in whose history it counts, with its record so far.
fn touched(state: &State, event: &Event) -> Option<(MapKey, StateRecord)> {
    let label = match (event.subject(), event.body()) {
        // What it issues was not there before, or it does not count.
        (Subject::Label(_), Body::LabelIssue(body)) => body.supersedes.as_ref()?,
        (Subject::Label(label), _) => label,
        _ => return None,
    };
    let record = state.label_record(label)?;
    let name = state.record_name(&Subject::Label(label.clone()))?;
    Some((name.key(), record))
}

fn parse(kept: &[u8]) -> Option<(Histories, SnapshotFile)> {
    let rest = kept.strip_prefix(format!("{TAG}\n").as_bytes())?;
    let end = rest.windows(2).position(|pair| pair == b"\n\n")?;
    let length: usize = str::from_utf8(&rest[..end]).ok()?.parse().ok()?;
    let (histories, snapshot) = rest[end + 2..].split_at_checked(length)?;
    Some((Histories::parse(histories)?, SnapshotFile::parse(snapshot)?))
}

const TAG: &str = "labelproof-monitor-state/v1";
