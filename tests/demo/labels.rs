//! The labels of the demo: rows of `labels.csv`, and the events that each row stands for.
//!
//! ```text
//! label,level,name,category,model,maker,country,gln,gtin,issued_days_ago,valid_days,then
//! jp.jc-star/EX-000204,star1,Aosagi Elm Speaker,…,402,730,suspend:nonconformity reinstate
//! ```
//! `then` is what happened afterwards, in order; a `valid_days` of 0 is open-ended. A `renew:ID`
//! gives as many days again, and another printed id. Days count back from the start of the demo,
//! so that its labels are always of an age that fits. One product has labels of three schemes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use labelproof_core::event::{Event, EventId, Kind};
use labelproof_core::time::Time;
use serde_json::{Value, json};

use crate::registry::{Keys, scheme};

/// One row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label {
    pub(crate) id: &'static str,
    level: &'static str,
    pub(crate) name: &'static str,
    category: &'static str,
    model: &'static str,
    maker: &'static str,
    country: &'static str,
    gln: &'static str,
    pub(crate) gtin: &'static str,
    issued_days_ago: u64,
    valid_days: u64,
    then: &'static str,
}

/// Where a row ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    Active,
    Expired,
    Suspended,
    Reinstated,
    Revoked,
}

impl Label {
    /// Every row of the file.
    pub(crate) fn all() -> Vec<Label> {
        include_str!("labels.csv")
            .lines()
            .skip(1)
            .map(Label::read)
            .collect()
    }

    fn read(row: &'static str) -> Label {
        let fields: Vec<_> = row.split(',').collect();
        let [
            id,
            level,
            name,
            category,
            model,
            maker,
            country,
            gln,
            gtin,
            issued,
            valid,
            then,
        ] = fields[..]
        else {
            panic!("labels.csv: a row has twelve fields: {row}");
        };
        let days = |text: &str| text.parse().expect("labels.csv: days are a number");
        let (issued_days_ago, valid_days) = (days(issued), days(valid));
        Label {
            id,
            level,
            name,
            category,
            model,
            maker,
            country,
            gln,
            gtin,
            issued_days_ago,
            valid_days,
            then,
        }
    }

    /// The product that has three labels.
    pub(crate) fn gtin_of_three() -> &'static str {
        let labels = Label::all();
        let times = |label: &&Label| {
            labels
                .iter()
                .filter(|other| other.gtin == label.gtin)
                .count()
        };
        let found = labels.iter().find(|label| times(label) == 3);
        found.expect("labels.csv: a product has three labels").gtin
    }

    /// Where it ends.
    pub(crate) fn end(&self) -> End {
        match self.then.split(' ').next_back().unwrap_or_default() {
            "" if self.valid_days != 0 && self.issued_days_ago >= self.valid_days => End::Expired,
            "" => End::Active,
            "reinstate" => End::Reinstated,
            last if last.starts_with("renew:") => End::Active,
            last if last.starts_with("suspend:") => End::Suspended,
            last if last.starts_with("revoke:") => End::Revoked,
            last => panic!("labels.csv: {last} is no step"),
        }
    }

    /// Its events, in order: the issue, then what `then` says.
    pub(crate) fn events(&self, keys: &Keys, now: Time) -> Vec<Event> {
        let issuer = scheme(self.id.split('/').next().unwrap_or_default()).issuer;
        let mut events = vec![keys.sign(issuer, Kind::LabelIssue, &self.issue(now), None)];
        let mut suspension: Option<EventId> = None;
        let steps: Vec<_> = self.then.split_whitespace().collect();
        for (place, step) in steps.iter().enumerate() {
            // Spread over the label's life so far, the last one some days ago.
            let days =
                self.issued_days_ago * (steps.len() - place) as u64 / (steps.len() + 1) as u64;
            let mut draft = json!({ "subject": self.id, "decided_at": days_before(now, days) });
            let kind = match step.split_once(':') {
                Some(("suspend", reason)) => {
                    draft["reason"] = json!({ "code": reason });
                    draft["body"] = json!({ "validity_effect": "suspended" });
                    Kind::LabelSuspend
                }
                Some(("revoke", reason)) => {
                    draft["reason"] = json!({ "code": reason });
                    draft["body"] = json!({});
                    Kind::LabelRevoke
                }
                Some(("renew", printed)) => {
                    let until = self.ends(now, 2);
                    draft["body"] = json!({ "aliases": [printed], "valid_until": until });
                    Kind::LabelRenew
                }
                _ => {
                    draft["body"] = json!({ "suspension": suspension.expect("labels.csv: suspended before").to_string() });
                    Kind::LabelReinstate
                }
            };
            let event = keys.sign(issuer, kind, &draft, events.last().map(Event::id));
            if kind == Kind::LabelSuspend {
                suspension = Some(event.id());
            }
            events.push(event);
        }
        events
    }

    fn issue(&self, now: Time) -> Value {
        let (scheme_id, native_id) = self
            .id
            .split_once('/')
            .expect("labels.csv: a label has a scheme");
        let scheme = scheme(scheme_id);
        let issued = days_before(now, self.issued_days_ago);
        let maker = json!({ "name": self.maker, "country": self.country, "ids": [format!("gln:{}", self.gln)] });
        let site = format!(
            "https://{}.example",
            self.maker.to_lowercase().replace(' ', "-")
        );
        let mut draft = json!({
            "subject": self.id,
            "decided_at": issued,
            "body": {
                "native_id": native_id,
                "aliases": [],
                "scheme_version": scheme.version,
                "level": self.level,
                "assurance": scheme.assurance,
                "standards": [{ "id": "ETSI EN 303 645", "edition": "3.1.3" }],
                "holder": maker,
                "manufacturer": maker,
                "product": {
                    "line": self.name.rsplit_once(' ').map_or(self.name, |(line, _)| line),
                    "names": [self.name],
                    "category": self.category,
                    "use": "consumer",
                },
                "models": [{ "number": self.model, "hw": [] }],
                "firmware": "any",
                "components": ["device"],
                "gtins": [self.gtin],
                "territory": [scheme.territory],
                "valid_from": issued,
                "validity_reference": scheme.validity_reference,
                "support_end": "2032-03",
                "updates": { "mode": "automatic", "uri": format!("{site}/updates") },
                "password_uri": format!("{site}/{}/password", self.model.to_lowercase()),
                "contact": format!("{site}/security"),
                "page": format!("https://{}/{native_id}", scheme.host),
            },
        });
        if self.valid_days != 0 {
            draft["body"]["valid_until"] = json!(self.ends(now, 1));
        }
        draft
    }

    /// The end of its validity when that was given `times` times.
    fn ends(&self, now: Time, times: u64) -> String {
        let valid = times * self.valid_days * DAY_SECONDS;
        time_at(now.unix() - self.issued_days_ago * DAY_SECONDS + valid)
    }
}

/// The present, to the second.
pub(crate) fn now() -> Time {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    Time::from_unix(since.as_secs()).expect("a clock before the year 10000")
}

/// The time some days before `now`.
pub(crate) fn days_before(now: Time, days: u64) -> String {
    time_at(now.unix().saturating_sub(days * DAY_SECONDS))
}

fn time_at(unix: u64) -> String {
    Time::from_unix(unix)
        .expect("a time before the year 10000")
        .to_string()
}

const DAY_SECONDS: u64 = 24 * 60 * 60;

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use labelproof_core::event::admission::admit;

    use super::*;

    #[test]
    fn every_row_makes_events_that_are_admitted() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Keys::make(folder.path()).unwrap();
        let now = now();
        for label in Label::all() {
            for event in label.events(&keys, now) {
                assert_eq!(admit(&event, now), Ok(()), "{}", label.id);
            }
        }
    }

    #[test]
    fn some_labels_end_in_each_way() {
        let labels = Label::all();
        let count = |end| labels.iter().filter(|label| label.end() == end).count();
        assert_eq!(labels.len(), 200);
        assert_eq!(count(End::Active), 154);
        assert_eq!(count(End::Expired), 2);
        assert_eq!(count(End::Suspended), 16);
        assert_eq!(count(End::Reinstated), 12);
        assert_eq!(count(End::Revoked), 16);
    }

    #[test]
    fn the_sample_of_the_documents_is_left_for_people_to_issue() {
        let sample: Value =
            serde_json::from_str(include_str!("../../docs/samples/label.json")).unwrap();
        let gtin = &sample["body"]["gtins"][0];
        assert!(
            Label::all()
                .iter()
                .all(|label| sample["subject"] != label.id && *gtin != label.gtin)
        );
    }

    #[test]
    fn no_two_rows_share_an_id() {
        let labels = Label::all();
        let ids: BTreeSet<_> = labels.iter().map(|label| label.id).collect();
        assert_eq!(ids.len(), labels.len());
    }

    #[test]
    fn one_product_alone_has_several_labels_one_of_each_scheme_and_end() {
        let mut products: BTreeMap<_, Vec<Label>> = BTreeMap::new();
        for label in Label::all() {
            products.entry(label.gtin).or_default().push(label);
        }
        let several: Vec<_> = products.values().filter(|rows| rows.len() > 1).collect();
        let [rows] = several.as_slice() else {
            panic!("{several:?}");
        };
        assert_eq!(rows[0].gtin, Label::gtin_of_three());
        let ends: Vec<_> = rows
            .iter()
            .map(|row| (row.id.split('/').next().unwrap(), row.end(), row.then))
            .collect();
        let want = [
            ("jp.jc-star", End::Active, ""),
            ("de.it-sik", End::Revoked, "revoke:misuse"),
            ("sg.cls", End::Active, "renew:CLS-0102-R1"),
        ];
        assert_eq!(ends, want);
        assert!(
            rows.iter()
                .all(|row| row.model == rows[0].model && row.gln == rows[0].gln)
        );
    }
}
