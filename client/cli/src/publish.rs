//! What `issue`, `suspend`, `reinstate` and `revoke` share: sign, keep, deliver.
//!
//! ```text
//! NAME.events.jsonl     the signed notes, a JSON string a line; synced before the first is sent
//! NAME.labelproof       what is proved of the label now
//! NAME.tlog-proof       that the event is in the log
//! ```
//! A re-run reads `NAME.events.jsonl` and sends the same note, so that nothing is logged twice.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use labelproof::{
    batch::{Mode, Note, Outcome, Sender},
    log_server::ServerError,
    lookup::{Freshness, Looked, freshness},
    patience::AtOnce,
    submit::Arrival,
    trust::{
        TrustFile, TrustedLog,
        store::{Standing, TrustStore},
    },
};
use labelproof_core::{
    event::{Draft, Event, EventId, Kind, Subject, admission::admit},
    key::SigningKey,
    note::Note as SignedNote,
    state::record::Status,
};
use labelproof_host::exit::Exit;
use serde_json::json;

use crate::{
    args::{Network, Publish},
    deliver::{Delivered, Destination, deliver, with_ending},
    event::event_json,
    files::events_of,
    finding::Finding,
    key::load_note_key,
    lookup::look_up,
    outcome::{problem_failed, server_failed},
    report::{Failure, Report, Said, Tone},
    trust,
    world::World,
};

/// A signer's desk: key, trust, and the beginning of the names of its files.
pub(crate) struct Desk<'a> {
    world: &'a World,
    args: &'a Publish,
    key: SigningKey,
    trust: TrustFile,
    subject: Subject,
    name: PathBuf,
}

impl<'a> Desk<'a> {
    /// Reads key and trust file.
    pub(crate) fn open(
        args: &'a Publish,
        subject: &Subject,
        world: &'a World,
    ) -> Result<Self, Failure> {
        let key = load_note_key(&args.key)?;
        let trust = trust::load(&args.network.trust, world)?;
        trust
            .home_of(subject)
            .map_err(|error| Failure::of(Exit::Usage, &error))?;
        let name = args.out.clone().unwrap_or_else(|| file_name(subject));
        Ok(Self {
            world,
            args,
            key,
            trust,
            subject: subject.clone(),
            name,
        })
    }

    /// The name that signs.
    pub(crate) fn signer(&self) -> &str {
        self.key.vkey().name().as_str()
    }

    /// Whether this machine only signs.
    pub(crate) fn is_air_gapped(&self) -> bool {
        self.args.no_submit
    }

    /// Where the label stands now, as proved by the log; an answer that is behind is a failure.
    pub(crate) fn look_up(&self) -> Result<Looked, Failure> {
        let to = self.destination()?;
        let looked = look_up(&to.server, to.log, &to.store, &self.subject, self.world)?;
        let age = freshness(
            looked.proved().as_of(),
            self.world.now(),
            MAX_AGE,
            looked.before(),
        );
        match age {
            Freshness::Fresh { .. } if looked.standing() != Standing::Older => Ok(looked),
            _ => Err(Failure::new(
                Exit::TooOld,
                format!(
                    "{}: the answer about {} is too old to act on",
                    to.server.url(),
                    self.subject
                ),
            )),
        }
    }

    /// The event of this draft: the note that was signed before, if there is one, else a new one.
    ///
    /// A note that follows another event than `prev` is out of date and stays as a record only.
    pub(crate) fn sign(&self, draft: &Draft, prev: Option<EventId>) -> Result<Event, Failure> {
        let journal = with_ending(&self.name, "events.jsonl");
        let mut kept = match self.world.exists(Path::new(&journal))? {
            true => self.world.read(Path::new(&journal))?,
            false => Vec::new(),
        };
        let event = self.signed(draft, prev)?;
        if self.args.dry_run {
            return Ok(event);
        }
        let before = if kept.is_empty() {
            Vec::new()
        } else {
            events_of(&journal, &kept)?
        };
        // An id does not say who signed: what another key signed in vain must not be sent again.
        let same = |kept: &Event| kept.id() == event.id() && self.signed_by_me(kept);
        if let Some(same) = before.into_iter().find(same) {
            self.world
                .note(format!("{journal} holds this event already"));
            return Ok(same);
        }
        kept.extend(json!(event.note().to_string()).to_string().into_bytes());
        kept.push(b'\n');
        self.world.write(Path::new(&journal), &kept)?;
        Ok(event)
    }

    /// An event kept by an earlier run that follows `prev`, is of this kind, and may not have arrived.
    pub(crate) fn unsent(
        &self,
        kind: Kind,
        prev: Option<EventId>,
    ) -> Result<Option<Event>, Failure> {
        let journal = with_ending(&self.name, "events.jsonl");
        if !self.world.exists(Path::new(&journal))? {
            return Ok(None);
        }
        let kept = events_of(&journal, &self.world.read(Path::new(&journal))?)?;
        let kept = kept.into_iter().rev().find(|event| {
            event.kind() == kind
                && event.subject() == &self.subject
                && event.prev() == prev
                && self.signed_by_me(event)
        });
        if let Some(event) = &kept {
            let signed = format!(
                "{kind} that was signed before, decided {}",
                event.decided_at()
            );
            self.world
                .warn(format!("sending the {signed}; it is in {journal}"));
        }
        Ok(kept)
    }

    /// Sends the event and reports; without a network, says where it is kept.
    pub(crate) fn publish(&self, event: &Event) -> Result<Report, Failure> {
        if self.args.dry_run {
            return self.try_out(event);
        }
        if self.is_air_gapped() {
            let journal = with_ending(&self.name, "events.jsonl");
            let text = format!(
                "signed {} of {} as {}\nIt is in {journal}, and not yet in any log; send it with \
                 `labelproof submit {journal}`.",
                event.kind(),
                event.subject(),
                event.id()
            );
            let mut result = event_json(event);
            result["files"] = json!([journal]);
            result["logged"] = json!(false);
            return Ok(Report::done(text, result));
        }
        let to = self.destination()?;
        let delivered = deliver(event, &to, &self.name, self.world)?;
        // An event that takes away is done only when the record shows it, not when it is logged.
        match delivered.looked.status() {
            Some(status) if !shows(event.kind(), status) => {
                let what = format!(
                    "event {} is logged, but {} is {status}",
                    event.id(),
                    event.subject()
                );
                Err(Failure::new(Exit::NotInLog, what)
                    .next("look at its history with `labelproof status`"))
            }
            _ => Ok(delivered_report(event, &delivered, self.world)),
        }
    }

    /// Asks the log whether it would take the event; without a network, says that the rules would.
    fn try_out(&self, event: &Event) -> Result<Report, Failure> {
        let said = |what: &str| {
            let text = format!(
                "{} of {}: {what}; nothing was logged",
                event.kind(),
                event.subject()
            );
            let mut result = event_json(event);
            result["logged"] = json!(false);
            result["accepted"] = json!(true);
            Report::done(text, result)
        };
        if self.is_air_gapped() {
            return Ok(said("breaks no rule that is known here"));
        }
        let to = self.destination()?;
        let text = event.note().to_string();
        let note = Note {
            event: event.id(),
            text: &text,
        };
        let mut outcome = None;
        Sender::new(&to.server, to.log, self.world.now(), Mode::DryRun, &AtOnce)
            .send(&[note], |_, got| outcome = Some(got));
        match outcome {
            Some(Outcome::Accepted) => Ok(said("the log would take it")),
            Some(Outcome::Refused(problem)) => Err(problem_failed(&to.server, &problem)),
            Some(Outcome::Unanswered(error)) => Err(server_failed(&to.server, &error)),
            _ => Err(Failure::on(
                Exit::Unreachable,
                to.server.url(),
                &ServerError::NotOurs,
            )),
        }
    }

    /// Reports that the log shows already what was asked for.
    pub(crate) fn nothing_to_do(&self, looked: &Looked, why: &str) -> Result<Report, Failure> {
        let mut body = format!("  {why}; nothing was sent.\n");
        let mut files = Vec::new();
        if !self.args.dry_run {
            let file = with_ending(&self.name, "labelproof");
            self.world.write(Path::new(&file), looked.bytes())?;
            body.push_str(&format!("  {file} holds the proof.\n"));
            files.push(file);
        }
        let finding = Finding::of(looked.proved(), &self.subject, self.world.now());
        let status = finding.map(|finding| finding.json());
        let said = Said::Answer {
            tone: Tone::Good,
            word: "ALREADY DONE".into(),
            about: self.subject.to_string(),
            body,
        };
        let result = json!({
            "subject": self.subject.to_string(), "done_before": true, "logged": true, "files": files,
            "status": status,
        });
        Ok(Report {
            exit: Exit::Done,
            said: vec![said],
            result,
        })
    }

    /// Whether this key signed an event.
    pub(crate) fn signed_by_me(&self, event: &Event) -> bool {
        let vkey = self.key.vkey();
        let note = event.note();
        note.signatures()
            .iter()
            .any(|line| vkey.claims(line) && vkey.verify_line(note.text(), line).is_ok())
    }

    fn signed(&self, draft: &Draft, prev: Option<EventId>) -> Result<Event, Failure> {
        let text = draft.text(self.home()?.origin(), prev);
        let line = self.key.sign_note(&text);
        let note = SignedNote::new(text, vec![line])
            .map_err(|error| Failure::of(Exit::Internal, &error))?;
        let event = Event::parse(&note.to_bytes())
            .map_err(|refusal| Failure::of(Exit::Malformed, &refusal))?;
        // What the log would refuse for its text is refused here, before it is signed for ever.
        admit(&event, self.world.now()).map_err(|refusal| {
            Failure::of(Exit::Malformed, &refusal).with(json!({ "code": refusal.code() }))
        })?;
        Ok(event)
    }

    fn home(&self) -> Result<&TrustedLog, Failure> {
        self.trust
            .home_of(&self.subject)
            .map_err(|error| Failure::of(Exit::Usage, &error))
    }

    fn destination(&self) -> Result<Destination<'_>, Failure> {
        destination(&self.args.network, self.home()?, self.world)
    }
}

/// Whether a record with this status has the effect of an event of this kind.
pub(crate) fn shows(kind: Kind, status: Status) -> bool {
    match kind {
        Kind::LabelSuspend => status != Status::Active,
        Kind::LabelRevoke => matches!(status, Status::Revoked | Status::Annulled),
        _ => true,
    }
}

/// The log that `network` and the trust file name.
pub(crate) fn destination<'a>(
    network: &Network,
    log: &'a TrustedLog,
    world: &World,
) -> Result<Destination<'a>, Failure> {
    let known = log.policy().logs().iter().find_map(|log| log.url());
    let Some(url) = network.log.as_deref().or(known) else {
        return Err(Failure::new(
            Exit::Usage,
            format!("nobody says where log {} is", log.origin()),
        )
        .next("name its address with --log"));
    };
    Ok(Destination {
        server: world.server(url)?,
        log,
        store: TrustStore::beside(&network.trust, world.fs()),
    })
}

/// What to say of an event that arrived.
pub(crate) fn delivered_report(event: &Event, delivered: &Delivered, world: &World) -> Report {
    let finding = Finding::of(delivered.looked.proved(), event.subject(), world.now());
    let now = finding.as_ref().map(Finding::line).unwrap_or_default();
    let word = match event.kind() {
        _ if delivered.arrival == Arrival::Known => "ALREADY LOGGED",
        Kind::LabelIssue => "ISSUED",
        Kind::LabelRenew => "RENEWED",
        Kind::LabelAmend => "AMENDED",
        Kind::LabelBind => "BOUND",
        Kind::LabelUnbind => "UNBOUND",
        Kind::LabelSuspend => "SUSPENDED",
        Kind::LabelReinstate => "REINSTATED",
        Kind::LabelRevoke => "REVOKED",
        _ => "LOGGED",
    };
    let body = format!(
        "  entry      {} of {}\n  event      {}\n  files      {}\n  now        {}\n",
        delivered.index,
        event.origin(),
        event.id(),
        delivered.files.join(", "),
        now
    );
    let said = Said::Answer {
        tone: Tone::Good,
        word: word.into(),
        about: event.subject().to_string(),
        body,
    };
    let mut result = event_json(event);
    result["logged"] = json!(true);
    result["logged_before"] = json!(delivered.arrival == Arrival::Known);
    result["index"] = json!(delivered.index.get());
    result["files"] = json!(delivered.files);
    result["status"] = json!(finding.map(|finding| finding.json()));
    Report {
        exit: Exit::Done,
        said: vec![said],
        result,
    }
}

/// `jp.jc-star/EX-000123` as the beginning of file names: `jp.jc-star.EX-000123`.
pub(crate) fn file_name(subject: &Subject) -> PathBuf {
    PathBuf::from(subject.to_string().replace(['/', ':'], "."))
}

/// What `status` takes for fresh if nothing else is asked.
pub(crate) const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);
