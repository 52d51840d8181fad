//! A bundle from a file: every check, then the answer for each subject.

use labelproof::{
    lookup::freshness,
    pack,
    proof::log_of_note,
    trust::{
        TrustedLog,
        store::{Standing, relate},
    },
};
use labelproof_core::{
    event::{Event, Subject},
    state::key::MapType,
    status::{Finding as Proved, VerifiedBundle},
};
use labelproof_host::exit::Exit;
use serde_json::json;

use super::Bench;
use crate::{
    finding::{Finding, STATE_IS_THE_LOGS_WORD},
    lookup::{forked_offline, unverified_exit},
    outcome::store_failed,
    report::{Failure, Report, Said},
};

impl Bench<'_> {
    pub(super) fn bundle(&self, name: &str, bytes: &[u8]) -> Result<Report, Failure> {
        let bundle =
            pack::read(bytes).map_err(|error| Failure::on(Exit::Malformed, name, &error))?;
        let asks_products = self.args.gtin.is_some()
            || self.args.subject.is_none()
                && bundle
                    .answers()
                    .iter()
                    .any(|(about, _)| about.kind() == MapType::Product);
        if asks_products {
            return self.products(name, bytes);
        }
        let log = log_of_note(bundle.proof().note(), &self.trust).ok_or_else(|| not_ours(name))?;
        let proved = pack::verify(&bundle, log, self.now)
            .map_err(|error| Failure::on(unverified_exit(&error), name, &error))?;
        let standing = self.standing(log, &proved)?;
        let subjects = self.subjects(name, log, &proved)?;
        if let Some(events) = &self.events {
            holds_all(name, events, &proved)?;
        }
        let newest = self
            .store
            .newest(log)
            .map_err(|error| store_failed(&error))?;
        let age = freshness(
            proved.as_of(),
            self.now,
            self.args.age.max_age.duration(),
            newest.as_ref().filter(|_| self.args.age.at.is_none()),
        );
        let mut findings = Vec::new();
        for subject in &subjects {
            let finding = Finding::of(&proved, subject, self.now).ok_or_else(|| {
                Failure::new(
                    Exit::NotInLog,
                    format!("{name}: proves nothing about {subject}"),
                )
            })?;
            findings.push(finding.aged(age));
        }
        let exit = Exit::worst(findings.iter().map(Finding::exit)).unwrap_or(Exit::Malformed);
        let mut said = vec![Said::Plain(self.made(name, &subjects, &proved, standing))];
        said.extend(findings.iter().map(Finding::said));
        let result = json!({
            "kind": "bundle",
            "proved": findings.iter().map(Finding::json).collect::<Vec<_>>(),
            "checks": checks(&proved),
            "head": standing_word(standing),
            "remark": STATE_IS_THE_LOGS_WORD,
        });
        Ok(Report { exit, said, result })
    }

    /// Compares the head with the newest one seen before; offline, so a larger one stays unlinked.
    fn standing(&self, log: &TrustedLog, proved: &VerifiedBundle) -> Result<Standing, Failure> {
        let newest = self
            .store
            .newest(log)
            .map_err(|error| store_failed(&error))?;
        let Some(newest) = newest else {
            return Ok(Standing::First);
        };
        relate(&newest, proved.state().checkpoint())
            .map_err(|fork| forked_offline(&fork, self.args.evidence.as_deref(), self.world))
    }

    /// Whom the answer is about: the one named, else each label, else each other subject.
    fn subjects(
        &self,
        name: &str,
        log: &TrustedLog,
        proved: &VerifiedBundle,
    ) -> Result<Vec<Subject>, Failure> {
        let subjects = match &self.args.subject {
            Some(subject) => {
                if proved.find(subject).is_err() {
                    return Err(Failure::new(
                        Exit::NotInLog,
                        format!("{name}: proves nothing about {subject}"),
                    )
                    .next("`labelproof inspect` shows what the file is about"));
                }
                vec![subject.clone()]
            }
            None => named(proved),
        };
        if subjects.is_empty() {
            return Err(Failure::new(
                Exit::Usage,
                format!("{name}: proves that something does not exist"),
            )
            .next("say what you hold with --subject, or the absence may be that of anything"));
        }
        for subject in &subjects {
            // A log that is not the home of a scheme can say nothing of its labels; an authority or a member
            // may stand in several logs, and one of them does not answer for the others.
            let home = self
                .trust
                .home_of(subject)
                .map_err(|error| Failure::on(Exit::NotSigned, name, &error))?;
            if home.origin() != log.origin() {
                let what = format!(
                    "{name}: {} is not the home of {subject}, {} is",
                    log.origin(),
                    home.origin()
                );
                return Err(Failure::new(Exit::NotSigned, what));
            }
        }
        Ok(subjects)
    }

    fn made(
        &self,
        name: &str,
        subjects: &[Subject],
        proved: &VerifiedBundle,
        standing: Standing,
    ) -> String {
        let named: Vec<String> = subjects.iter().map(ToString::to_string).collect();
        let mut text = format!("{name} proves something about {}\n", named.join(", "));
        for check in proved.checks() {
            text.push_str(&format!("  checked    {check}\n"));
        }
        text.push_str(&format!("  head       {}\n", standing_text(standing)));
        text
    }
}

/// Each label, or where there is none each other subject that exists and is not only on the way.
fn named(proved: &VerifiedBundle) -> Vec<Subject> {
    let labels: Vec<Subject> = proved
        .summaries()
        .map(|label| Subject::Label(label.label().clone()))
        .collect();
    // Beside an absence the others are only there to show where the name belongs.
    let absent = proved
        .findings()
        .any(|(_, finding)| matches!(finding, Proved::Absent));
    if !labels.is_empty() || absent {
        return labels;
    }
    let subjects = proved.findings().filter_map(|(_, finding)| match finding {
        Proved::Subject(status) => Some(status.subject().clone()),
        _ => None,
    });
    subjects.collect()
}

fn holds_all(name: &str, events: &[Event], proved: &VerifiedBundle) -> Result<(), Failure> {
    let held = |event: &&Event| {
        let history = match proved.find(event.subject()) {
            Ok(Proved::Label(label)) => label.events(),
            Ok(Proved::Subject(status)) => status.events(),
            _ => &[],
        };
        history.iter().any(|past| past.event().id() == event.id())
    };
    match events.iter().find(|event| !held(event)) {
        None => Ok(()),
        Some(event) => Err(Failure::new(
            Exit::NotInLog,
            format!(
                "{name}: does not hold event {} ({})",
                event.id(),
                event.kind()
            ),
        )),
    }
}

fn not_ours(name: &str) -> Failure {
    Failure::new(
        Exit::NotSigned,
        format!("{name}: its checkpoint is of a log that the trust file does not name"),
    )
    .next("`labelproof inspect` shows which log it is")
}

fn checks(proved: &VerifiedBundle) -> serde_json::Value {
    proved
        .checks()
        .iter()
        .map(|check| json!({ "step": check.step().word(), "found": check.text() }))
        .collect()
}

fn standing_word(standing: Standing) -> &'static str {
    match standing {
        Standing::First => "first",
        Standing::Older => "older",
        Standing::Same => "same",
        Standing::Newer => "newer-unlinked",
    }
}

fn standing_text(standing: Standing) -> &'static str {
    match standing {
        Standing::First => "the first seen of this log; nothing to compare it with",
        Standing::Older => "older than the newest seen; its age decides",
        Standing::Same => "the newest seen",
        Standing::Newer => {
            "newer than any seen; accepted on its quorum, not linked to it (`labelproof status` links)"
        }
    }
}
