//! The configuration of `serve`: flags and environment, then a file, then what is usual.
//!
//! ```text
//! dir = "log"                      [limits]  connections = 16384 …          what strangers are granted
//! listen = "127.0.0.1:7380"        [quota]   events_per_second = 20000 …    what each authority is
//! policy = "g7.policy"             [quota.own."label.jp.example"] …         and what one of them is
//! batch_interval = "1s"
//! patience = "30s"
//! ```
//! `docs/samples/log.toml` has every key. A mistake is pointed at, with the key that was most likely meant.

use std::{collections::BTreeMap, fmt::Write as _, net::SocketAddr, path::PathBuf, time::Duration};

use labelproof_core::note::KeyName;
use labelproof_host::{
    config::{Count, Span},
    serve::{Limits, LimitsTable},
};
use serde::Deserialize;

use crate::{
    daemon::Tuning,
    quota::{Allowance, MAX_BURST, MAX_RATE, Quota, Quotas},
};

/// Each batch costs about five syncs, so 50 ms at least; half of the 60 s of a revocation at most.
pub(super) type Interval = Span<50, 30_000>;

/// A submitter who is answered late may have given up; five minutes is what proxies let him wait at most.
type Patience = Span<100, 300_000>;

/// A configuration file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) dir: Option<PathBuf>,
    pub(super) listen: Option<SocketAddr>,
    pub(super) policy: Option<PathBuf>,
    pub(super) batch_interval: Option<Interval>,
    patience: Option<Patience>,
    #[serde(default)]
    limits: LimitsTable,
    #[serde(default)]
    quota: QuotaTable,
}

/// The table `[quota]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuotaTable {
    events_per_second: Option<Rate>,
    burst: Option<Burst>,
    adverse_events_per_second: Option<Rate>,
    adverse_burst: Option<Burst>,
    #[serde(default)]
    own: BTreeMap<Name, QuotaRow>,
}

/// The table `[quota.own."…"]`; what it does not say is as in `[quota]`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuotaRow {
    events_per_second: Option<Rate>,
    burst: Option<Burst>,
    adverse_events_per_second: Option<Rate>,
    adverse_burst: Option<Burst>,
}

type Rate = Count<1, MAX_RATE>;
type Burst = Count<1, MAX_BURST>;

/// The name of an authority, as it stands in signature lines.
#[derive(Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(try_from = "String")]
struct Name(String);

impl TryFrom<String> for Name {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match KeyName::parse(&text) {
            Ok(_) => Ok(Self(text)),
            Err(_) => Err("the name of an authority is wanted here, as label.jp.example"),
        }
    }
}

impl QuotaRow {
    fn or(self, usual: Quota) -> Quota {
        let allowance = |rate: Option<Rate>, burst: Option<Burst>, usual: Allowance| {
            Allowance::new(
                rate.map_or(usual.events_per_second(), Count::get),
                burst.map_or(usual.burst(), Count::get),
            )
        };
        Quota {
            grants: allowance(self.events_per_second, self.burst, usual.grants),
            adverse: allowance(
                self.adverse_events_per_second,
                self.adverse_burst,
                usual.adverse,
            ),
        }
    }
}

impl QuotaTable {
    fn quotas(&self) -> Quotas {
        let row = QuotaRow {
            events_per_second: self.events_per_second,
            burst: self.burst,
            adverse_events_per_second: self.adverse_events_per_second,
            adverse_burst: self.adverse_burst,
        };
        let usual = row.or(Quota::default());
        let own = self.own.iter();
        let own = own.map(|(Name(name), row)| (name.clone(), row.or(usual)));
        Quotas {
            usual,
            own: own.collect(),
        }
    }
}

impl File {
    /// All but what the flags say too.
    pub(super) fn tuning(&self, interval: Duration) -> Tuning {
        let usual = Tuning::default();
        Tuning {
            interval,
            patience: self.patience.map_or(usual.patience, Span::get),
            limits: self.limits.limits(),
            quotas: self.quota.quotas(),
        }
    }
}

/// What is in force, as a file that says all of it.
pub(super) fn written(dir: &str, listen: &str, policy: &str, tuning: &Tuning) -> String {
    let Tuning {
        interval,
        patience,
        limits,
        quotas,
    } = tuning;
    let mut text = String::new();
    for (key, path) in [("dir", dir), ("listen", listen), ("policy", policy)] {
        line(&mut text, key, &basic_string(path));
    }
    line(&mut text, "batch_interval", &time(*interval));
    line(&mut text, "patience", &time(*patience));
    text.push_str("\n[limits]\n");
    let Limits {
        connections,
        head_timeout,
        body_window,
        body_window_bytes,
        body_bytes: _, // Each route of this program has its own.
        write_stall,
        grace,
    } = limits;
    line(&mut text, "connections", &connections.to_string());
    line(&mut text, "head_timeout", &time(*head_timeout));
    line(&mut text, "body_window", &time(*body_window));
    line(
        &mut text,
        "body_window_bytes",
        &body_window_bytes.to_string(),
    );
    line(&mut text, "write_stall", &time(*write_stall));
    line(&mut text, "grace", &time(*grace));
    text.push_str("\n[quota]\n");
    quota(&mut text, &quotas.usual);
    for (name, own) in &quotas.own {
        let _ = writeln!(text, "\n[quota.own.{}]", basic_string(name));
        quota(&mut text, own);
    }
    text
}

fn quota(text: &mut String, quota: &Quota) {
    let Quota { grants, adverse } = quota;
    for (prefix, allowance) in [("", grants), ("adverse_", adverse)] {
        let rate = allowance.events_per_second().to_string();
        line(text, &format!("{prefix}events_per_second"), &rate);
        let burst = allowance.burst().to_string();
        line(text, &format!("{prefix}burst"), &burst);
    }
}

fn line(text: &mut String, key: &str, value: &str) {
    // Writing into a string cannot fail.
    let _ = writeln!(text, "{key} = {value}");
}

fn time(duration: Duration) -> String {
    let ms = duration.as_millis();
    let text = if ms > 0 && ms.is_multiple_of(1_000) {
        format!("{}s", ms / 1_000)
    } else {
        format!("{ms}ms")
    };
    basic_string(&text)
}

/// TOML's basic strings escape as JSON's do.
fn basic_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use labelproof_host::config::parse;
    use serde_json::Value;

    use super::*;

    fn read(text: &str) -> File {
        parse(Path::new("log.toml"), text).unwrap()
    }

    fn refused(text: &str) -> String {
        let read = parse::<File>(Path::new("log.toml"), text);
        read.unwrap_err().to_string()
    }

    #[test]
    fn the_sample_has_every_key_with_its_usual_value() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/samples/log.toml");
        let sample = std::fs::read_to_string(path).unwrap();
        let file = read(&sample);
        let tuning = file.tuning(file.batch_interval.unwrap().get());
        let own = tuning.quotas.own.clone();
        assert_eq!(own.len(), 1, "the sample shows a quota of one authority");
        let usual = Tuning {
            quotas: Quotas {
                own,
                ..Quotas::default()
            },
            ..Tuning::default()
        };
        let all = written("log", "127.0.0.1:7380", "g7.policy", &usual);
        let keys = |text| parse::<Value>(Path::new("log.toml"), text).unwrap();
        assert_eq!(keys(&sample), keys(&all));
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let text = "batch_interval = \"250ms\"\npatience = \"5s\"\n[limits]\nconnections = 9\ngrace = \"1500ms\"\n\
                    [quota]\nevents_per_second = 5\nadverse_burst = 7\n[quota.own.\"label.jp.example\"]\nburst = 3\n";
        let tuning = read(text).tuning(Duration::from_millis(250));
        assert_eq!(tuning.limits.connections, 9);
        assert_eq!(tuning.quotas.usual.grants, Allowance::new(5, 200_000));
        let own = tuning.quotas.own["label.jp.example"];
        assert_eq!(
            (own.grants, own.adverse),
            (Allowance::new(5, 3), tuning.quotas.usual.adverse)
        );
        let all = written("a \"b\"", "127.0.0.1:0", "p", &tuning);
        let again = read(&all);
        assert_eq!(again.dir, Some("a \"b\"".into()));
        let interval = again.batch_interval.unwrap().get();
        assert_eq!(
            written("a \"b\"", "127.0.0.1:0", "p", &again.tuning(interval)),
            all
        );
    }

    #[test]
    fn every_mistake_is_pointed_at() {
        for (text, want) in [
            (
                "batch_intervall = \"1s\"\n",
                "1:1: unknown key `batch_intervall`; did you mean `batch_interval`?",
            ),
            (
                "[limits]\nconections = 5\n",
                "2:1: unknown key `conections`; did you mean `connections`?",
            ),
            (
                "[limits]\nconnections = 0\n",
                "2:15: a number between 1 and 1000000 is wanted here",
            ),
            (
                "[quota]\nburst = \"many\"\n",
                "2:9: invalid type: string \"many\"",
            ),
            ("[quota]\nburst = -1\n", "2:9: invalid value: integer `-1`"),
            (
                "[quotas]\nburst = 1\n",
                "1:2: unknown key `quotas`; did you mean `quota`?",
            ),
            (
                "[quota.own.\"a b\"]\nburst = 1\n",
                "1:12: the name of an authority is wanted here",
            ),
            (
                "[quota.own.\"a.example\"]\nbrust = 1\n",
                "2:1: unknown key `brust`; did you mean `burst`?",
            ),
            (
                "batch_interval = \"49ms\"\n",
                "1:18: a time between 50ms and 30s is wanted here",
            ),
            ("batch_interval = 1\n", "1:18: invalid type: integer `1`"),
            (
                "patience = \"soon\"\n",
                "1:12: a time is a whole number and a unit",
            ),
            ("listen = \"localhost\"\n", "1:10: "),
            ("dir = \"a\"\ndir = \"b\"\n", "2:1: duplicate key"),
            ("dir = \"a\n", "1:"),
        ] {
            let error = refused(text);
            assert!(
                error.starts_with(&format!("log.toml:{want}")),
                "{text}: {error}"
            );
        }
    }
}
