//! A pack or bundle that was checked, ready to answer for products: offline from a file, or fresh from the log.
//!
//! ```text
//! file ─verify, compare with the newest head seen─▶ Held ─GTIN─▶ Judged
//! log  ─POST /v1/pack, verify, advance the store──▶ Held
//! ```
//! Whether a product is in it is told apart from whether a product has a label.

use std::collections::BTreeSet;
use std::path::Path;

use labelproof::{
    lookup::Looked,
    pack,
    proof::log_of_note,
    trust::{
        TrustFile, TrustedLog,
        store::{Standing, TrustStore, relate},
    },
};
use labelproof_core::{
    event::{Gtin14, LabelId, SchemeId, Subject},
    policy::Cosigner,
    state::key::MapType,
    status::{Finding, VerifiedBundle, pack::PackSubject},
    time::Time,
};
use labelproof_host::exit::Exit;
use serde_json::{Value, json};

use crate::{
    age::{Age, Limits},
    deliver::Destination,
    lookup::{failed, forked_offline, not_home, unverified_exit},
    outcome::store_failed,
    product::{Dates, Judged},
    report::Failure,
    world::World,
};

/// Checked answers under one head, with their age.
#[derive(Debug)]
pub(crate) struct Held {
    proved: VerifiedBundle,
    dates: Dates,
    age: Age,
    now: Time,
}

/// How a file is read: whom to trust, when it is, and how old it may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) trust: &'a TrustFile,
    pub(crate) store: &'a TrustStore,
    pub(crate) now: Time,
    /// Whether `now` is a time that a person named.
    pub(crate) at: Option<Time>,
    pub(crate) limits: Limits,
    /// Where proof of a fork goes.
    pub(crate) evidence: Option<&'a Path>,
}

impl Held {
    /// Checks a file without a network.
    ///
    /// # Errors
    /// As `verify` ends.
    pub(crate) fn from_file(
        name: &str,
        bytes: &[u8],
        reading: &Reading<'_>,
        world: &World,
    ) -> Result<Self, Failure> {
        let bundle =
            pack::read(bytes).map_err(|error| Failure::on(Exit::Malformed, name, &error))?;
        let log = log_of_note(bundle.proof().note(), reading.trust).ok_or_else(|| {
            let what =
                format!("{name}: its checkpoint is of a log that the trust file does not name");
            Failure::new(Exit::NotSigned, what)
        })?;
        let proved = pack::verify(&bundle, log, reading.now)
            .map_err(|error| Failure::on(unverified_exit(&error), name, &error))?;
        let newest = reading
            .store
            .newest(log)
            .map_err(|error| store_failed(&error))?;
        if let Some(newest) = &newest {
            relate(newest, proved.state().checkpoint())
                .map_err(|fork| forked_offline(&fork, reading.evidence, world))?;
        }
        let newest = newest.as_ref().filter(|_| reading.at.is_none());
        let age = Age::measure(proved.as_of(), reading.now, reading.limits, newest);
        Self::of(name, proved, age, log, reading.trust, reading.now)
    }

    /// Takes what the log answered and was checked already.
    ///
    /// # Errors
    /// Exit 12 if the log is not the home of a scheme in it, 2 if the trust file names other logs too.
    pub(crate) fn from_log(
        looked: &Looked,
        log: &TrustedLog,
        reading: &Reading<'_>,
    ) -> Result<Self, Failure> {
        let proved = looked.proved().clone();
        let before = looked.before().filter(|_| reading.at.is_none());
        let mut age = Age::measure(proved.as_of(), reading.now, reading.limits, before);
        if let (Standing::Older, Some(before)) = (looked.standing(), looked.before()) {
            age = age.behind(before.checkpoint().head().size().get());
        }
        Self::of(
            log.origin().as_str(),
            proved,
            age,
            log,
            reading.trust,
            reading.now,
        )
    }

    fn of(
        name: &str,
        proved: VerifiedBundle,
        age: Age,
        log: &TrustedLog,
        trust: &TrustFile,
        now: Time,
    ) -> Result<Self, Failure> {
        log.check_home(&proved)
            .map_err(|error| not_home(name, &error))?;
        // One log answers for a product only where it is the only one.
        if proved
            .findings()
            .any(|(name, _)| name.kind() == MapType::Product)
        {
            only_log(trust)?;
        }
        Ok(Self {
            dates: Dates::of(&proved),
            proved,
            age,
            now,
        })
    }

    /// What it says of a product; `None` if nothing.
    pub(crate) fn judge(&self, gtin: &Gtin14) -> Option<Judged> {
        let status = self.proved.product(gtin).ok()?;
        Some(Judged::of(&status, &self.dates, self.now).aged(&self.age))
    }

    /// The products it speaks of, also those without a label.
    pub(crate) fn gtins(&self) -> BTreeSet<Gtin14> {
        let products = self
            .proved
            .findings()
            .filter(|(name, _)| name.kind() == MapType::Product);
        products
            .filter_map(|(name, _)| name.fields().get(1)?.parse().ok())
            .collect()
    }

    /// Everything that another pack must be asked for to say as much.
    pub(crate) fn subjects(&self) -> Vec<PackSubject> {
        let gtins = self.gtins().into_iter().map(PackSubject::Product);
        // Labels that no product in it names were asked for by name.
        let named: BTreeSet<LabelId> = self
            .proved
            .findings()
            .filter(|(name, _)| name.kind() == MapType::Product)
            .flat_map(|(_, finding)| finding.events())
            .filter_map(|past| match past.event().subject() {
                Subject::Label(label) => Some(label.clone()),
                _ => None,
            })
            .collect();
        let alone = self
            .proved
            .summaries()
            .map(|label| label.label().clone())
            .filter(|label| !named.contains(label))
            .map(PackSubject::Label);
        gtins.chain(alone).collect()
    }

    pub(crate) fn proved(&self) -> &VerifiedBundle {
        &self.proved
    }

    pub(crate) fn age(&self) -> &Age {
        &self.age
    }

    pub(crate) fn size(&self) -> u64 {
        self.proved.state().size().get()
    }

    pub(crate) fn origin(&self) -> String {
        self.proved.state().checkpoint().origin().to_string()
    }

    pub(crate) fn cosigners(&self) -> Vec<String> {
        let checkpoint = self.proved.state().checkpoint();
        let names = checkpoint.cosigners().iter().map(Cosigner::name);
        names.map(str::to_owned).collect()
    }

    /// The schemes of its labels.
    pub(crate) fn schemes(&self) -> BTreeSet<SchemeId> {
        schemes_of(&self.proved)
    }

    /// What it holds, for programs.
    pub(crate) fn json(&self) -> Value {
        let gtins = self.gtins();
        json!({
            "gtins": gtins.len(),
            "without_label": self.without_label(),
            "labels": self.proved.summaries().count(),
            "schemes": self.schemes().iter().map(SchemeId::as_str).collect::<Vec<_>>(),
            "origin": self.origin(),
            "size": self.size(),
            "as_of": self.proved.as_of().to_string(),
            "age": self.age.json(),
            "cosigners": self.cosigners(),
        })
    }

    /// The same, for people.
    pub(crate) fn text(&self) -> String {
        let schemes: Vec<String> = self.schemes().iter().map(ToString::to_string).collect();
        format!(
            "  products   {}, of which {} have no label\n  labels     {}, of {}\n  log        {}, size {}\n  \
             witnessed  yes, as the trust file asks: {}\n  as of      {}. {}\n",
            self.gtins().len(),
            self.without_label(),
            self.proved.summaries().count(),
            if schemes.is_empty() {
                "no scheme".into()
            } else {
                schemes.join(" ")
            },
            self.origin(),
            self.size(),
            self.cosigners().join(" "),
            self.proved.as_of(),
            self.age.says(),
        )
    }

    fn without_label(&self) -> usize {
        let products = self
            .proved
            .findings()
            .filter(|(name, _)| name.kind() == MapType::Product);
        products
            .filter(|(_, finding)| matches!(finding, Finding::Absent))
            .count()
    }
}

/// Asks the log for one pack of all `subjects`, checks it and takes its head into the store.
///
/// # Errors
/// As `status` ends.
pub(crate) fn fetch(
    to: &Destination<'_>,
    subjects: &[PackSubject],
    world: &World,
) -> Result<Looked, Failure> {
    world.note(format!(
        "asking {} for a pack of {} subjects",
        to.server.url(),
        subjects.len()
    ));
    pack::fetch(&to.server, to.log, &to.store, subjects, world.now())
        .map_err(|error| failed(&to.server, &error, world))
}

/// The only log of a trust file, which answers for all products.
///
/// # Errors
/// Exit 2 if there are several: a product's labels may be in each.
pub(crate) fn only_log(trust: &TrustFile) -> Result<&TrustedLog, Failure> {
    trust.only_log().ok_or_else(|| {
        Failure::new(
            Exit::Usage,
            "the trust file names several logs, and a product may have labels in each",
        )
        .next("ask with a trust file for each log")
    })
}

fn schemes_of(proved: &VerifiedBundle) -> BTreeSet<SchemeId> {
    let labels = proved.summaries();
    labels.map(|label| label.label().scheme().clone()).collect()
}
