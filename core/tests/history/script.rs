//! The seeded writer: who does what next, rightly and wrongly, and what the log makes of it.

mod products;
mod signers;

use std::collections::BTreeMap;

use labelproof_core::event::{Draft, Event, EventId, Kind, Subject};
use labelproof_core::key::SigningKey;
use labelproof_core::merkle::LeafIndex;
use labelproof_core::note::{Note, SignatureLine};
use labelproof_core::state::key::MapName;
use labelproof_core::state::{Replayed, State};
use labelproof_core::time::Time;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::cast::{AUTHORITIES, ORIGIN, SCHEMES, accredit, genesis, issue, key, label};
use crate::cast::{root_vkeys, roots, scheme};

/// What the log made of an entry.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    Head,
    Accepted,
    /// With this code.
    Refused(&'static str),
}

impl Outcome {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Accepted => "accepted",
            Self::Refused(code) => code,
        }
    }
}

/// An event about which nothing is left to chance.
pub(crate) struct Exact<'a> {
    pub(crate) kind: Kind,
    pub(crate) subject: &'a str,
    pub(crate) body: Value,
    pub(crate) hour: u64,
    pub(crate) blind: bool,
}

/// A log that also sequences what it must not: refused events stay in it and do nothing.
pub(crate) struct Script {
    random: ChaCha20Rng,
    state: State,
    entries: Vec<(Vec<u8>, Outcome)>,
    issued: Vec<String>,
    bodies: BTreeMap<String, Value>,
    suspensions: Vec<(String, EventId)>,
    notes: Vec<Vec<u8>>,
    jp_roots: Vec<u8>,
    keys: BTreeMap<&'static str, Vec<u8>>,
    hour: u64,
}

impl Script {
    pub(crate) fn begin(seed: u64) -> Self {
        let draft = Draft::from_json(Kind::LogGenesis, &genesis().to_string()).unwrap();
        let text = draft.text(&ORIGIN.parse().unwrap(), None);
        let mut keys = roots("jp", &[1, 3]);
        keys.extend(roots("gb", &[1]));
        keys.extend(roots("sg", &[1]));
        let entry = sign(&text, &keys);
        Self {
            random: ChaCha20Rng::seed_from_u64(seed),
            state: State::genesis(&entry).unwrap(),
            entries: vec![(entry, Outcome::Accepted)],
            issued: Vec::new(),
            bodies: BTreeMap::new(),
            suspensions: Vec::new(),
            notes: Vec::new(),
            jp_roots: vec![1, 2, 3],
            keys: AUTHORITIES.map(|name| (name, vec![1, 2])).into(),
            hour: 0,
        }
    }

    pub(crate) fn next_index(&self) -> u64 {
        self.entries.len() as u64
    }

    pub(crate) fn entries(&self) -> &[(Vec<u8>, Outcome)] {
        &self.entries
    }

    pub(crate) fn labels(&self) -> &[String] {
        &self.issued
    }

    pub(crate) fn label_names(&self) -> Vec<MapName> {
        let name = |label: &String| self.state.record_name(&label.parse().unwrap());
        self.issued.iter().filter_map(name).collect()
    }

    /// Schemes and authorities, so that the random part has something to work with.
    pub(crate) fn prepare(&mut self) {
        self.close_batch();
        let jp = roots("jp", &[1, 2]);
        let gb = roots("gb", &[1]);
        for (id, rule, by) in [
            ("jp.jc-star", "upper", &jp),
            ("gb.mark", "lower", &gb),
            ("jp.second", "exact", &jp),
        ] {
            self.send(
                Kind::SchemeDefine,
                &format!("scheme:{id}"),
                scheme(id, rule),
                by,
            );
        }
        let limited = json!([{
            "role": "issuer", "schemes": ["jp.jc-star"], "levels": ["star1"],
            "categories": ["router"], "territory": ["JP", "GB"],
        }]);
        let wide = json!([
            {"role": "issuer", "schemes": ["jp.jc-star", "jp.second"]},
            {"role": "market", "schemes": [], "territory": ["JP"]},
        ]);
        let both = json!([
            {"role": "issuer", "schemes": ["gb.mark"]},
            {"role": "supervisor", "schemes": ["gb.mark"]},
        ]);
        let of = |role: &str| json!([{"role": role, "schemes": ["jp.jc-star"]}]);
        for (name, member, grants) in [
            (AUTHORITIES[0], "jp", limited),
            (AUTHORITIES[1], "jp", of("supervisor")),
            (AUTHORITIES[2], "jp", of("lab")),
            (AUTHORITIES[3], "jp", wide),
            (AUTHORITIES[4], "gb", both),
        ] {
            let body = accredit(name, member, &[1, 2], &grants);
            let by = if member == "jp" { &jp } else { &gb };
            self.send(
                Kind::AuthorityAccredit,
                &format!("authority:{name}"),
                body,
                by,
            );
        }
        self.close_batch();
    }

    pub(crate) fn close_batch(&mut self) {
        let head = self
            .state
            .append_head(1_775_000_000_000 + self.hour * 3_600_000);
        self.entries.push((head.to_bytes(), Outcome::Head));
    }

    /// One more event, and often the end of a batch.
    pub(crate) fn step(&mut self) {
        self.hour += 1;
        match self.below(100) {
            0..22 => self.issue(),
            22..35 => self.suspend(),
            35..46 => self.reinstate(),
            46..50 => self.take(Kind::LabelRevoke, json!({})),
            50..57 => self.renew(),
            57..64 => self.amend(),
            64..72 => self.bind(),
            72..77 => self.unbind(),
            77..84 => self.change_key(),
            84..86 if self.hour > 250 => self.withdraw(),
            84..88 => self.accredit(),
            88..91 => self.define(),
            91..93 => self.rotate(),
            93..96 => self.replay(),
            _ => self.malformed(),
        }
        if self.below(7) == 0 {
            self.close_batch();
        }
    }

    fn issue(&mut self) {
        let label = label(self.below(80));
        let (scheme, native) = label.split_once('/').unwrap();
        let level = self.one_of(&["star1", "star1", "star1", "star1", "star2", "star9"]);
        let category = self.one_of(&["router", "router", "router", "router", "camera"]);
        let territory = self.one_of(&["JP", "JP", "GB", "GB", "*"]);
        let mut body = issue(native, level, category, territory);
        body["gtins"] = json!(self.some_gtins(3));
        if self.below(3) == 0 {
            body["aliases"] = json!([self.printed_id()]);
        }
        if self.below(3) > 0 {
            body["valid_until"] = json!("2028-02-03T00:00:00Z");
        }
        if self.below(4) == 0 {
            body["lab"] = json!(self.one_of(&[AUTHORITIES[2], AUTHORITIES[2], AUTHORITIES[0]]));
        }
        if self.below(3) == 0 {
            let other = self.known_label();
            if other.starts_with(&format!("{scheme}/")) && other != label {
                body["supersedes"] = json!(other);
            }
        }
        if self.below(12) == 0 {
            body["page"] = json!("https://other.example/");
        }
        let by = self.label_signers(Kind::LabelIssue, scheme);
        if self.send(Kind::LabelIssue, &label, body.clone(), &by) {
            self.bodies.insert(label.clone(), body);
            self.issued.push(label);
        }
    }

    fn suspend(&mut self) {
        let effect = self.one_of(&["suspended", "none"]);
        self.take(Kind::LabelSuspend, json!({"validity_effect": effect}));
    }

    fn reinstate(&mut self) {
        let (label, id) = match self.suspensions.len() {
            0 => (self.known_label(), EventId::from_bytes([1; 32])),
            some => {
                let newest = some - 1 - self.below(some.min(6));
                self.suspensions[newest].clone()
            }
        };
        let body = json!({"suspension": id.to_string()});
        let scheme = label.split_once('/').unwrap().0;
        let by = self.label_signers(Kind::LabelReinstate, scheme);
        self.send(Kind::LabelReinstate, &label, body, &by);
    }

    fn take(&mut self, kind: Kind, body: Value) {
        let label = self.known_label();
        let by = self.label_signers(kind, label.split_once('/').unwrap().0);
        self.send(kind, &label, body, &by);
    }

    /// Mostly one that was issued.
    fn known_label(&mut self) -> String {
        if self.issued.is_empty() || self.below(8) == 0 {
            return label(self.below(80));
        }
        // The newest ones are most often still where something can happen to them.
        let newest = self.issued.len().min(8);
        let back = 1 + self.below(newest);
        self.issued[self.issued.len() - back].clone()
    }

    fn change_key(&mut self) {
        let name = self.one_of(&AUTHORITIES);
        let number = u8::try_from(1 + self.below(5)).unwrap();
        let id = key(name, number).vkey().id().to_string();
        let next = usize::try_from(self.state.next_index().get()).unwrap();
        let body = match self.below(5) {
            0 | 1 => json!({"add": key(name, number).vkey().to_string()}),
            2 => json!({"retire": id}),
            3 => json!({"revoke": {"key": id}}),
            _ => json!({"revoke": {"key": id, "compromised_from": self.below(next + 3)}}),
        };
        let by = match self.below(3) {
            0 => vec![self.key_in_force(name)],
            _ => self.member_signers(name),
        };
        let adds = body.get("add").is_some();
        if self.send(Kind::AuthorityKey, &format!("authority:{name}"), body, &by) {
            let keys = self.keys.get_mut(name).unwrap();
            keys.retain(|known| *known != number);
            if adds {
                keys.push(number);
            }
        }
    }

    fn withdraw(&mut self) {
        let name = self.one_of(&AUTHORITIES);
        let next = usize::try_from(self.state.next_index().get()).unwrap();
        let effect = match self.below(4) {
            0 => json!("none"),
            1 => json!("no-new"),
            2 => json!({"suspect_from": self.below(next + 3)}),
            _ => json!("all"),
        };
        let mut body = json!({"effect_on_labels": effect});
        let successor = self.one_of(&AUTHORITIES);
        if self.below(2) == 0 && successor != name {
            body["successor"] = json!(successor);
        }
        let by = self.member_signers(name);
        self.send(
            Kind::AuthorityWithdraw,
            &format!("authority:{name}"),
            body,
            &by,
        );
    }

    fn accredit(&mut self) {
        let name = self.one_of(&AUTHORITIES);
        let member = self.one_of(&["jp", "jp", "gb"]);
        let role = self.one_of(&["issuer", "supervisor", "lab", "market"]);
        let mut grant = json!({"role": role, "schemes": [self.one_of(&SCHEMES)]});
        if role == "market" {
            grant["territory"] = json!([self.one_of(&["JP", "GB", "*"])]);
        }
        let body = accredit(name, member, &[1, 2], &json!([grant]));
        let by = self.member_signers(name);
        self.send(
            Kind::AuthorityAccredit,
            &format!("authority:{name}"),
            body,
            &by,
        );
    }

    fn define(&mut self) {
        let id = self.one_of(&["sg.cls", "sg.cls", "jp.second", "fr.mark"]);
        let by = match self.below(2) {
            0 => roots("sg", &[1]),
            _ => roots("gb", &[1]),
        };
        self.send(
            Kind::SchemeDefine,
            &format!("scheme:{id}"),
            scheme(id, "exact"),
            &by,
        );
    }

    fn rotate(&mut self) {
        let first = u8::try_from(1 + self.below(4)).unwrap();
        let fresh = [first, first + 1, first + 2];
        let body = json!({"roots": root_vkeys("jp", &fresh), "threshold": 2});
        let by = self.member_signers(AUTHORITIES[0]);
        let member = self.one_of(&["jp", "jp", "jp", "fr"]);
        if self.send(Kind::MemberRoot, &format!("member:{member}"), body, &by) {
            self.jp_roots = fresh.to_vec();
        }
    }

    /// A note that was sent before, once more.
    fn replay(&mut self) {
        if !self.notes.is_empty() {
            let at = self.below(self.notes.len());
            let note = self.notes[at].clone();
            self.append(note);
        }
    }

    fn malformed(&mut self) {
        let by = self.label_signers(Kind::LabelSuspend, "jp.jc-star");
        let body = json!({"validity_effect": "none"});
        let text = self.text(Kind::LabelSuspend, "jp.jc-star/EX-1", body);
        let wrong = match self.below(8) {
            0 => text.replace("event/v1", "event/v2"),
            1 => text.replace(",\"kind\"", ", \"kind\""),
            2 => text.replace("label.suspend", "label.lapse"),
            3 => text.replace("\"kind\"", "\"kind \""),
            4 => text.replace("{\"body\"", "{\"and\":1,\"body\""),
            5 => format!("{text}\n"),
            6 => return self.second_genesis(),
            _ => text.replace(
                "\"validity_effect\":\"none\"",
                "\"validity_effect\":\"other\"",
            ),
        };
        self.append(sign(&wrong, &by));
    }

    fn second_genesis(&mut self) {
        let genesis = self.entries[0].0.clone();
        self.append(genesis);
    }

    /// Appends exactly this event and demands that the log makes of it what was expected.
    pub(crate) fn exact(&mut self, event: &Exact<'_>, by: &[SigningKey], want: &str) -> Vec<u8> {
        let decided_at = Time::from_unix(1_800_000_000 + event.hour * 3600).unwrap();
        let mut draft = json!({
            "subject": event.subject, "decided_at": decided_at.to_string(), "body": event.body,
        });
        if event.body.get("suspension").is_none() {
            draft["reason"] = json!({"code": "contract"});
        }
        let draft = Draft::from_json(event.kind, &draft.to_string()).unwrap();
        let newest = self.state.newest_event(draft.subject());
        let prev = if event.blind { None } else { newest };
        let entry = sign(&draft.text(&ORIGIN.parse().unwrap(), prev), by);
        self.again(&entry, want);
        entry
    }

    /// Appends an entry and demands that the log makes of it what was expected.
    pub(crate) fn again(&mut self, entry: &[u8], want: &str) {
        self.append(entry.to_vec());
        let (_, outcome) = self.entries.last().unwrap();
        assert_eq!(outcome.word(), want, "{}", String::from_utf8_lossy(entry));
    }

    pub(crate) fn roots_of_jp(&self) -> Vec<SigningKey> {
        roots("jp", &self.jp_roots[..2])
    }

    /// Builds, signs and appends an event; now and then with one thing wrong.
    fn send(&mut self, kind: Kind, subject: &str, body: Value, by: &[SigningKey]) -> bool {
        let text = self.text(kind, subject, body);
        let mut lines: Vec<SignatureLine> = by.iter().map(|key| key.sign_note(&text)).collect();
        if self.below(10) == 0 {
            lines.insert(0, key("nobody.example", 1).sign_note("other text\n"));
        }
        if self.below(25) == 0 && self.entries.len() > 20 {
            // A line of the first signer's key that does not verify.
            lines.push(by[0].sign_note("other text\n"));
        }
        let entry = Note::new(text, lines).unwrap().to_bytes();
        let accepted = self.append(entry.clone());
        self.notes.push(entry.clone());
        if accepted && kind == Kind::LabelSuspend {
            let id = Event::parse(&entry).unwrap().id();
            self.suspensions.push((subject.to_owned(), id));
        }
        accepted
    }

    fn text(&mut self, kind: Kind, subject: &str, body: Value) -> String {
        let behind = u64::try_from(self.below(48)).unwrap();
        let decided = 1_775_000_000 + (self.hour + 48 - behind) * 3600;
        let decided_at = Time::from_unix(decided).unwrap();
        let mut draft = json!({
            "subject": subject, "decided_at": decided_at.to_string(), "body": body,
        });
        let takes_away = matches!(
            kind,
            Kind::LabelUnbind | Kind::LabelSuspend | Kind::LabelRevoke | Kind::AuthorityWithdraw
        ) || draft["body"].get("revoke").is_some();
        if takes_away {
            let reasons = ["vulnerability", "nonconformity", "misuse", "clerical-error"];
            draft["reason"] = json!({"code": self.one_of(&reasons)});
        }
        if self.below(9) == 0 {
            let later = Time::from_unix(decided + 3600).unwrap();
            draft["effective_from"] = json!(later.to_string());
        }
        let draft = Draft::from_json(kind, &draft.to_string()).unwrap_or_else(|refusal| {
            panic!("{kind} {draft}: {refusal}");
        });
        let prev = self.prev(kind, draft.subject());
        let origin = if self.below(40) == 0 && self.entries.len() > 20 {
            "other.example"
        } else {
            ORIGIN
        };
        draft.text(&origin.parse().unwrap(), prev)
    }

    fn prev(&mut self, kind: Kind, subject: &Subject) -> Option<EventId> {
        let newest = self.state.newest_event(subject);
        match self.below(10) {
            0 if self.entries.len() > 20 && self.below(2) == 0 => {
                Some(EventId::from_bytes([2; 32]))
            }
            1..4 if kind.may_be_blind() => None,
            _ if kind.opens_subject() => None,
            _ => newest,
        }
    }

    fn append(&mut self, entry: Vec<u8>) -> bool {
        let outcome = match self.state.replay_entry(&entry).unwrap() {
            Replayed::Accepted(_) => Outcome::Accepted,
            Replayed::Refused(refusal) => Outcome::Refused(refusal.code()),
            Replayed::Head(_) => Outcome::Head,
        };
        self.entries.push((entry, outcome));
        assert_eq!(
            self.state.next_index(),
            LeafIndex::new(self.entries.len() as u64)
        );
        matches!(outcome, Outcome::Accepted)
    }

    fn one_of(&mut self, choices: &[&'static str]) -> &'static str {
        choices[self.below(choices.len())]
    }

    fn below(&mut self, bound: usize) -> usize {
        let wide = self.random.next_u64() % bound as u64;
        usize::try_from(wide).unwrap()
    }
}

fn sign(text: &str, by: &[SigningKey]) -> Vec<u8> {
    let lines = by.iter().map(|key| key.sign_note(text)).collect();
    Note::new(text.to_owned(), lines).unwrap().to_bytes()
}
