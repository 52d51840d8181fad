//! `log`: what a log is; verified against a trust file, or said to be the log's own word.

use labelproof::{
    head::newest_head,
    log_server::{Description, LogServer, ServerError},
    patience::AtOnce,
    trust::store::Standing,
};
use labelproof_core::{
    checkpoint::{Origin, SignedCheckpoint},
    key::Vkey,
    policy::{Policy, WitnessedCheckpoint},
    time::Time,
};
use labelproof_host::exit::Exit;
use serde_json::{Value, json};

use crate::{
    args::Log,
    duration::Spoken,
    outcome::server_failed,
    reading::{head_failed, source},
    report::{Failure, Report, Said, Tone},
    trust,
    world::World,
};

/// Describes the log.
pub(crate) fn run(args: &Log, world: &World) -> Result<Report, Failure> {
    match &args.trust {
        Some(_) => verified(args, world),
        None => unverified(args, world),
    }
}

fn verified(args: &Log, world: &World) -> Result<Report, Failure> {
    let file = args.trust.as_deref().expect("the caller has looked");
    let trust = trust::load(file, world)?;
    let from = source(args.log.as_deref(), file, &trust, world)?;
    let (server, log) = (&from.server, from.log);
    let now = world.now();
    let seen = newest_head(server, log, &from.store, &AtOnce, now)
        .map_err(|error| head_failed(server, &error, world))?;
    let description = match server.describe() {
        Ok(description) => Some(description),
        // A mirror on a file server says nothing of itself.
        Err(ServerError::Status { status: 404, .. }) => None,
        Err(error) => return Err(server_failed(server, &error)),
    };
    let key = seen.head().signed().log_key().to_string();
    let mut remarks = Vec::new();
    if let Some(said) = &description {
        if said.origin() != log.origin().as_str() {
            let what = format!(
                "{} says that it is log {}, and shows the head of {}",
                server.url(),
                said.origin(),
                log.origin()
            );
            return Err(Failure::new(Exit::NotInLog, what).next("ask its operator which it is"));
        }
        if said.genesis() != Some(&log.genesis().to_string()) {
            remarks.push("it names another genesis than the one its entry 0 has");
        }
        if !said.vkeys().contains(&key) {
            remarks.push("it does not name the key that signs its head");
        }
        let theirs = Policy::parse(said.policy().as_bytes()).ok();
        if theirs.is_none_or(|theirs| !same_witnesses(&theirs, log.policy())) {
            remarks.push("it publishes under other witnesses than the trust file asks for");
        }
    } else {
        remarks.push("it says nothing of itself, as a mirror on a file server");
    }
    if seen.standing() == Standing::Older {
        remarks.push("it is behind the newest head that was accepted from this log");
    }
    let facts = Facts {
        server,
        origin: log.origin().to_string(),
        genesis: Some(log.genesis().to_string()),
        vkeys: vec![key],
        policy: log.policy(),
        head: Some(seen.head()),
        description: description.as_ref(),
        now,
    };
    let mut body = facts.lines();
    for remark in &remarks {
        body.push_str(&format!("  remark     {remark}\n"));
    }
    let mut result = facts.json();
    result["verified"] = json!(true);
    result["remarks"] = json!(remarks);
    Ok(answer(Tone::Good, "VERIFIED", &facts.origin, body, result))
}

fn unverified(args: &Log, world: &World) -> Result<Report, Failure> {
    let url = args.log.as_deref().unwrap_or_default();
    let server = world.server(url)?;
    let said = server
        .describe()
        .map_err(|error| server_failed(&server, &error))?;
    let policy = Policy::parse(said.policy().as_bytes())
        .map_err(|error| Failure::on(Exit::Malformed, server.url(), &error))?;
    let now = world.now();
    let head = match server.checkpoint() {
        Ok(note) => {
            let keys: Vec<Vkey> = said
                .vkeys()
                .iter()
                .filter_map(|key| key.parse().ok())
                .collect();
            let origin: Option<Origin> = said.origin().parse().ok();
            origin
                .and_then(|origin| SignedCheckpoint::open_as(note, &origin, &keys).ok())
                .and_then(|signed| policy.accept(signed, now).ok())
        }
        Err(ServerError::Status { status: 404, .. }) => None,
        Err(error) => return Err(server_failed(&server, &error)),
    };
    let facts = Facts {
        server: &server,
        origin: said.origin().to_owned(),
        genesis: said.genesis().map(str::to_owned),
        vkeys: said.vkeys().to_vec(),
        policy: &policy,
        head: head.as_ref(),
        description: Some(&said),
        now,
    };
    let mut body = facts.lines();
    if head.is_none() {
        body.push_str("  remark     no head of it meets the policy that it names\n");
    }
    body.push_str(
        "\nAll of this is the log's word. Take a trust file from somebody you trust, and say --trust.\n",
    );
    let mut result = facts.json();
    result["verified"] = json!(false);
    Ok(answer(
        Tone::Unsure,
        "UNVERIFIED",
        &facts.origin,
        body,
        result,
    ))
}

/// Whether two policies ask the same witnesses, by key.
fn same_witnesses(one: &Policy, other: &Policy) -> bool {
    let keys = |policy: &Policy| {
        let mut keys: Vec<String> = policy
            .witnesses()
            .iter()
            .map(|witness| witness.vkey().to_string())
            .collect();
        keys.sort();
        keys
    };
    keys(one) == keys(other)
}

/// What there is to say of a log.
struct Facts<'a> {
    server: &'a LogServer,
    origin: String,
    genesis: Option<String>,
    vkeys: Vec<String>,
    policy: &'a Policy,
    head: Option<&'a WitnessedCheckpoint>,
    description: Option<&'a Description>,
    now: Time,
}

impl Facts<'_> {
    fn lines(&self) -> String {
        let genesis = self.genesis.as_deref().unwrap_or("none yet");
        let mut lines = format!(
            "  address    {}\n  genesis    {genesis}\n",
            self.server.url()
        );
        for vkey in &self.vkeys {
            lines.push_str(&format!("  key        {vkey}\n"));
        }
        if let Some(head) = self.head {
            let age = self.now.seconds_since(head.as_of());
            lines.push_str(&format!(
                "  size       {} entries, root {}\n  as of      {} ({} ago)\n",
                head.head().size(),
                head.head().root(),
                head.as_of(),
                Spoken(age)
            ));
        }
        lines.push_str(&format!(
            "  policy     any two quorums share at least {} of {} witnesses\n",
            self.policy.smallest_overlap(),
            self.policy.witnesses().len()
        ));
        for witness in self.policy.witnesses() {
            let said = match self.age_of(witness.name()) {
                Some(age) => format!("cosigned {} ago", Spoken(age)),
                None => "not on this head".into(),
            };
            lines.push_str(&format!("  witness    {}  {said}\n", witness.name()));
        }
        if let Some(said) = self.description {
            if let Some(rules) = said.rules() {
                lines.push_str(&format!("  rules      {rules}\n"));
            }
            if let Some(interval) = said.interval_ms() {
                lines.push_str(&format!("  interval   {interval} ms\n"));
            }
            for (name, limit) in said.limits() {
                lines.push_str(&format!("  limit      {name} {limit}\n"));
            }
        }
        lines
    }

    fn json(&self) -> Value {
        let witnesses: Vec<Value> = self
            .policy
            .witnesses()
            .iter()
            .map(|witness| {
                json!({
                    "name": witness.name(), "vkey": witness.vkey().to_string(),
                    "age_seconds": self.age_of(witness.name()),
                })
            })
            .collect();
        json!({
            "url": self.server.url(),
            "origin": self.origin,
            "genesis": self.genesis,
            "vkeys": self.vkeys,
            "size": self.head.map(|head| head.head().size().get()),
            "root": self.head.map(|head| head.head().root().to_string()),
            "as_of": self.head.map(|head| head.as_of().to_string()),
            "age_seconds": self.head.map(|head| self.now.seconds_since(head.as_of())),
            "policy": String::from_utf8_lossy(self.policy.to_bytes()),
            "witnesses": witnesses,
            "rules": self.description.and_then(Description::rules),
            "interval_ms": self.description.and_then(Description::interval_ms),
            "limits": self.description.map(Description::limits),
        })
    }

    /// Seconds since a witness cosigned the head.
    fn age_of(&self, name: &str) -> Option<u64> {
        let cosigners = self.head?.cosigners();
        let cosigner = cosigners.iter().find(|cosigner| cosigner.name() == name)?;
        let time = Time::from_unix(cosigner.time().unix())?;
        Some(self.now.seconds_since(time))
    }
}

fn answer(tone: Tone, word: &str, origin: &str, body: String, result: Value) -> Report {
    let said = Said::Answer {
        tone,
        word: word.into(),
        about: origin.into(),
        body,
    };
    Report {
        exit: Exit::Done,
        said: vec![said],
        result,
    }
}
