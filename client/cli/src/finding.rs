//! What a checked bundle says of one subject, for people and for programs: the word first.
//!
//! ```text
//! REVOKED  jp.jc-star/EX-000123            the answer
//!   …                                      what it means, since when, how old
//!   authentic · witnessed · status         three statements, always apart
//! ```
//! Nothing here decides whether a proof holds; that is over before a finding exists.

mod answer;

use labelproof::lookup::Freshness;
use labelproof_core::{
    event::{Gtin14, Product, Subject},
    merkle::LeafIndex,
    policy::Cosigner,
    state::{Coverage, CutOff, Falls, key::CanonicalId, record::Status},
    status::{
        Finding as Proved, LabelStatus, LabelSummary, RecordedEvent, SubjectStatus, VerifiedBundle,
    },
    time::Time,
};
use labelproof_host::exit::Exit;
use serde_json::{Value, json};

use self::answer::{in_force, label_answer, label_status};
use crate::{
    duration::Spoken,
    report::{Said, Tone, in_line, meaning},
};

/// One subject's answer.
#[derive(Debug)]
pub(crate) struct Finding {
    subject: Subject,
    exit: Exit,
    word: String,
    says: String,
    facts: Vec<(&'static str, String)>,
    authentic: String,
    witnessed: String,
    status: String,
    as_of: Time,
    json: Value,
}

impl Finding {
    /// What `proved` says of `subject`, with its dates read at `now`; `None` if it says nothing.
    pub(crate) fn of(proved: &VerifiedBundle, subject: &Subject, now: Time) -> Option<Self> {
        let mut finding = match proved.find(subject).ok()? {
            Proved::Label(label) => Self::of_label(subject, label, now),
            Proved::Summary(label) => Self::of_summary(subject, label, now),
            Proved::Index(_) => Self::of_printed(proved, subject, now)?,
            Proved::Subject(status) => Self::of_status(subject, status),
            Proved::Absent => Self::of_absence(subject),
            _ => return None,
        };
        finding.witness(proved);
        Some(finding)
    }

    /// The label that carries what was asked for as a printed id; of several the worst.
    fn of_printed(proved: &VerifiedBundle, subject: &Subject, now: Time) -> Option<Self> {
        let Subject::Label(asked) = subject else {
            return None;
        };
        let carriers = proved.alias(asked.scheme(), asked.native().as_str()).ok()?;
        let Some((_, worst)) = carriers.decisive(now) else {
            return Some(Self::of_absence(subject));
        };
        let label = Subject::Label(worst.label().clone());
        let mut finding = match proved.find(&label) {
            Ok(Proved::Label(whole)) => Self::of_label(&label, whole, now),
            _ => Self::of_summary(&label, worst, now),
        };
        let all = carriers.labels().iter();
        let all: Vec<String> = all.map(|one| one.label().to_string()).collect();
        let fact = format!("{asked}, an id printed on {}", all.join(", "));
        finding.facts.insert(0, ("asked", fact));
        finding.json["asked"] = json!(asked.to_string());
        finding.json["printed_on"] = json!(all);
        Some(finding)
    }

    /// A label of a pack, of which the history is not at hand.
    fn of_summary(subject: &Subject, label: &LabelSummary, now: Time) -> Self {
        let (exit, word, says) = label_answer(label, now);
        let issue = label.issue();
        let until = label.not_after();
        let mut facts = vec![
            (
                "product",
                format!("{}, of {}", names(&issue.product), issue.holder.name),
            ),
            (
                "level",
                format!("{} of {}", issue.level, label.label().scheme()),
            ),
            (
                "since",
                format!("entry {} at the latest", label.since().index()),
            ),
        ];
        facts.extend(label.reason().map(|reason| ("reason", reason.to_string())));
        let end = until.map_or("no end is set".into(), |end| end.to_string());
        facts.push(("until", end));
        let json = json!({
            "subject": subject.to_string(), "found": true, "status": label.status().to_string(),
            "reason": label.reason().map(|reason| reason.to_string()),
            "issuer": label.issuer().as_str(), "since_index": label.since().index().get(),
            "not_after": until.map(|end| end.to_string()), "expired": label.is_expired_at(now),
            "cut_off": cut_word(label.cut_off()), "history": null,
        });
        Self {
            subject: subject.clone(),
            exit,
            word,
            says,
            facts,
            authentic: format!(
                "yes: issued by {}, which was accredited for {} when it did, at entry {}",
                label.issuer(),
                label.label().scheme(),
                label.record().first_index()
            ),
            witnessed: String::new(),
            status: label_status(label, now),
            as_of: now,
            json,
        }
    }

    /// The exit, before anything else about the answer is known.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// The answer in a line.
    pub(crate) fn line(&self) -> String {
        format!("{} as of {}", self.word, self.as_of)
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let mut json = self.json.clone();
        json["exit"] = json!(self.exit.code());
        json["meaning"] = json!(meaning(self.exit));
        json
    }

    /// For people.
    pub(crate) fn said(&self) -> Said {
        let mut body = format!("  {}\n", self.says);
        for (name, fact) in &self.facts {
            body.push_str(&format!("  {name:<10} {}\n", in_line(fact)));
        }
        body.push_str(&format!(
            "\n  authentic  {}\n  witnessed  {}\n  status     {}\n\n  {STATE_IS_THE_LOGS_WORD}\n",
            self.authentic, self.witnessed, self.status
        ));
        let tone = match self.exit {
            Exit::Done => Tone::Good,
            Exit::TooOld | Exit::Undecidable | Exit::UnknownLabel => Tone::Unsure,
            _ => Tone::Bad,
        };
        Said::Answer {
            tone,
            word: self.word.clone(),
            about: self.subject.to_string(),
            body,
        }
    }

    /// The same, judged by its age: only a revocation that is proved stands in an old answer.
    pub(crate) fn aged(mut self, freshness: Freshness) -> Self {
        let (age, too_old) = match freshness {
            Freshness::Fresh { age } => (Some(age), None),
            Freshness::TooOld { age } => (
                Some(age),
                Some(format!(
                    "The answer is {} old, older than --max-age allows.",
                    Spoken(age)
                )),
            ),
            Freshness::ClockBehind => (
                None,
                Some(
                    "This machine's clock is behind the witnesses', so no age is known; set it."
                        .into(),
                ),
            ),
        };
        let said = age.map_or("age unknown".into(), |age| format!("{} ago", Spoken(age)));
        self.status.push_str(&format!(" ({said})"));
        self.json["age_seconds"] = json!(age);
        self.json["fresh"] = json!(too_old.is_none());
        match too_old {
            Some(why) => self.outdated(&why),
            None => self,
        }
    }

    /// The same under a head that is older than one seen before.
    pub(crate) fn behind(self, seen: u64) -> Self {
        self.outdated(&format!(
            "The answer is under an older head than the one of size {seen} seen before."
        ))
    }

    fn outdated(mut self, why: &str) -> Self {
        self.json["fresh"] = json!(false);
        if self.exit == Exit::Revoked {
            self.says
                .push_str(&format!("\n  {why} What was revoked stays revoked."));
            return self;
        }
        let then = std::mem::replace(&mut self.word, "TOO OLD TO SAY".into());
        self.says = format!("{why} Then it was {then}; what it is now is unknown.");
        self.exit = Exit::TooOld;
        self
    }

    fn of_label(subject: &Subject, label: &LabelStatus, now: Time) -> Self {
        let status = label.status();
        let body = label.body();
        let (exit, word, says) = label_answer(label.summary(), now);
        let mut facts = vec![
            (
                "product",
                format!("{}, of {}", names(&body.product), body.holder.name),
            ),
            (
                "level",
                format!("{} of {}", body.level, label.label().scheme()),
            ),
            ("since", since(label.events(), label.since())),
        ];
        if let Some(reason) = label.reason() {
            facts.push(("reason", format!("{reason}{}", reason_text(label))));
        }
        facts.push((
            "until",
            label
                .not_after()
                .map_or("no end is set".into(), |end| end.to_string()),
        ));
        if let CutOff::LeftOut(left) = label.cut_off() {
            let indices: Vec<String> = left.events().iter().map(ToString::to_string).collect();
            facts.push((
                "left out",
                format!(
                    "entries {}, signed with what is no longer believed",
                    indices.join(", ")
                ),
            ));
            let believed = left.coverage().filter(|left| *left != label.coverage());
            facts.extend(believed.map(|coverage| ("believed", covers(coverage))));
        }
        facts.extend(history(label.events()));
        let json = json!({
            "subject": subject.to_string(), "found": true, "status": status.to_string(),
            "reason": label.reason().map(|reason| reason.to_string()),
            "issuer": label.issuer().as_str(), "since_index": label.since().get(),
            "not_after": label.not_after().map(|end| end.to_string()),
            "expired": label.is_expired_at(now),
            "covers": covers_json(label.coverage()),
            "cut_off": cut_word(label.cut_off()),
            "believed": believed_json(label.cut_off()),
            "history": history_json(label.events()),
        });
        Self {
            subject: subject.clone(),
            exit,
            word,
            says,
            facts,
            authentic: format!(
                "yes: issued by {}, which was accredited for {} when it did, at entry {}",
                label.issuer(),
                label.label().scheme(),
                label.record().first_index()
            ),
            witnessed: String::new(),
            status: label_status(label.summary(), now),
            as_of: now,
            json,
        }
    }

    fn of_status(subject: &Subject, found: &SubjectStatus) -> Self {
        let status = found.status();
        let (exit, word, says) = match status {
            Status::Active => (Exit::Done, "IN FORCE", in_force(subject)),
            Status::Suspended => (
                Exit::Suspended,
                "SUSPENDED",
                "It may not act until the suspension is lifted.",
            ),
            _ => (Exit::Revoked, "WITHDRAWN", "It may no longer act."),
        };
        let mut facts = Vec::new();
        if let Some(cut) = found.cut() {
            facts.push((
                "cut",
                format!("what it granted from entry {cut} on is in doubt"),
            ));
        }
        facts.extend(history(found.events()));
        let json = json!({
            "subject": subject.to_string(), "found": true,
            "status": if status == Status::Active { "in-force" } else { status.word() },
            "cut": found.cut().map(LeafIndex::get), "history": history_json(found.events()),
        });
        Self {
            subject: subject.clone(),
            exit,
            word: word.into(),
            says: says.into(),
            facts,
            authentic: "yes: its history is signed by whom the genesis and this log allow".into(),
            witnessed: String::new(),
            status: word.to_lowercase(),
            as_of: Time::MAX,
            json,
        }
    }

    fn of_absence(subject: &Subject) -> Self {
        let noun = match subject {
            Subject::Label(_) => "label",
            Subject::Authority(_) => "authority",
            Subject::Scheme(_) => "scheme",
            Subject::Member(_) => "member",
            Subject::Log(_) => "log",
        };
        Self {
            subject: subject.clone(),
            exit: Exit::UnknownLabel,
            word: format!("NO SUCH {}", noun.to_uppercase()),
            says: format!("The log proves that it holds no {noun} of this name."),
            facts: Vec::new(),
            authentic: "nothing to check: nobody signed such a thing".into(),
            witnessed: String::new(),
            status: "absent".into(),
            as_of: Time::MAX,
            json: json!({ "subject": subject.to_string(), "found": false, "status": null }),
        }
    }

    fn witness(&mut self, proved: &VerifiedBundle) {
        let checkpoint = proved.state().checkpoint();
        let names: Vec<&str> = checkpoint.cosigners().iter().map(Cosigner::name).collect();
        let size = proved.state().size();
        self.as_of = proved.as_of();
        self.witnessed = format!(
            "yes, as the trust file asks: {} cosigned size {size} of {}",
            names.join(" "),
            checkpoint.origin()
        );
        self.status.push_str(&format!(" as of {}", self.as_of));
        self.json["as_of"] = json!(self.as_of.to_string());
        self.json["size"] = json!(size.get());
        self.json["origin"] = json!(checkpoint.origin().as_str());
        self.json["cosigners"] = json!(names);
    }
}

/// Every name it is sold under, so that the one on the box is among them.
fn names(product: &Product) -> String {
    let names: Vec<String> = product.names.iter().map(ToString::to_string).collect();
    names.join(" or ")
}

/// Validity and products in one line.
fn covers(coverage: &Coverage) -> String {
    let until = match coverage.valid_until() {
        Some(end) => format!("valid until {end}"),
        None => "no end is set".into(),
    };
    let gtins: Vec<&str> = coverage.gtins().iter().map(Gtin14::as_str).collect();
    match gtins.len() {
        0 => format!("{until}; no product number"),
        _ => format!("{until}; products {}", gtins.join(", ")),
    }
}

fn covers_json(coverage: &Coverage) -> Value {
    json!({
        "valid_until": coverage.valid_until().map(|end| end.to_string()),
        "gtins": coverage.gtins().iter().map(Gtin14::as_str).collect::<Vec<_>>(),
        "aliases": coverage.aliases().iter().map(CanonicalId::as_str).collect::<Vec<_>>(),
    })
}

/// What is left where events are left out; null where none is, or not even the issue.
fn believed_json(cut_off: &CutOff) -> Option<Value> {
    match cut_off {
        CutOff::LeftOut(left) => left.coverage().map(covers_json),
        CutOff::OutOfReach | CutOff::NothingLeftOut => None,
    }
}

fn cut_word(cut: &CutOff) -> &'static str {
    match cut {
        CutOff::OutOfReach => "out-of-reach",
        CutOff::NothingLeftOut => "nothing-left-out",
        CutOff::LeftOut(left) => match left.falls() {
            Falls::IntoDoubt => "left-out",
            Falls::WithItsAuthority => "withdrawn-with-all",
        },
    }
}

fn since(events: &[RecordedEvent], index: LeafIndex) -> String {
    match events.iter().find(|past| past.index() == index) {
        Some(past) => format!("entry {index}, decided {}", past.event().decided_at()),
        None => format!("entry {index}"),
    }
}

fn reason_text(label: &LabelStatus) -> String {
    let event = label
        .events()
        .iter()
        .find(|past| past.index() == label.since());
    let text = event.and_then(|past| past.event().reason()?.text());
    text.map(|text| format!(": {text}")).unwrap_or_default()
}

fn history(events: &[RecordedEvent]) -> impl Iterator<Item = (&'static str, String)> {
    events.iter().enumerate().map(|(at, past)| {
        let name = if at == 0 { "history" } else { "" };
        (
            name,
            format!(
                "entry {}  {}  {}",
                past.index(),
                past.event().kind(),
                past.event().id()
            ),
        )
    })
}

fn history_json(events: &[RecordedEvent]) -> Value {
    events.iter().map(|past| {
        let event = past.event();
        json!({
            "index": past.index().get(), "event": event.id().to_string(), "kind": event.kind().to_string(),
            "decided_at": event.decided_at().to_string(),
            "signers": event.note().signatures().iter().map(|line| line.name().as_str()).collect::<Vec<_>>(),
        })
    }).collect()
}

/// Said with every status, until others than the log compute the state too.
pub(crate) const STATE_IS_THE_LOGS_WORD: &str = "Until state verifiers exist the state is the log's word: provable when wrong, but not prevented.";
