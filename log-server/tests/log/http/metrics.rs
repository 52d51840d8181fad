//! The page of counters: its form, line by line; that it moves; and the table in docs that explains it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use labelproof_core::merkle::TreeSize;
use labelproof_log::{
    feeder::{Action, Answer, Feeder, Input},
    quota::{Allowance, Quota, Quotas},
};

use super::*;
use crate::world::{line, policy, revoke};

/// A page that is read.
#[derive(Debug, Default)]
struct Scrape {
    /// Sort and meaning of each metric.
    metrics: BTreeMap<String, (String, String)>,
    /// Each sample by its name with its labels, as written.
    samples: BTreeMap<String, f64>,
}

impl Scrape {
    fn value(&self, sample: &str) -> f64 {
        *self
            .samples
            .get(sample)
            .unwrap_or_else(|| panic!("there is no {sample} in {self:#?}"))
    }
}

async fn scrape(router: &Router) -> Scrape {
    let got = get(router, "/metrics").await;
    assert_eq!(got.status, StatusCode::OK);
    assert_eq!(
        got.header(header::CONTENT_TYPE),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    assert_eq!(got.header(header::CACHE_CONTROL), "no-store");
    parse(&String::from_utf8(got.body).unwrap())
}

/// Reads a page as strictly as the format can be read; what is not in it panics.
fn parse(text: &str) -> Scrape {
    let mut scrape = Scrape::default();
    let mut lines = text.strip_suffix('\n').unwrap().split('\n').peekable();
    while let Some(head) = lines.next() {
        let (name, meaning) = head
            .strip_prefix("# HELP ")
            .and_then(|head| head.split_once(' '))
            .unwrap_or_else(|| panic!("{head:?} begins no metric"));
        assert!(
            is_name(name) && name.starts_with("labelproof_log_"),
            "{name}"
        );
        assert!(meaning.ends_with('.') && !meaning.contains('\\'), "{head}");
        let sort = lines
            .next()
            .and_then(|line| line.strip_prefix(&format!("# TYPE {name} ")))
            .unwrap_or_else(|| panic!("{name} has no type"));
        assert!(["counter", "gauge", "histogram"].contains(&sort), "{sort}");
        assert_eq!(sort == "counter", name.ends_with("_total"), "{name}");
        while let Some(sample) = lines.next_if(|line| !line.starts_with('#')) {
            let (key, value) = sample.rsplit_once(' ').unwrap();
            let (of, labels) = split(key);
            let suffix = of.strip_prefix(name).unwrap();
            let suffixes: &[&str] = match sort {
                "histogram" => &["_bucket", "_sum", "_count"],
                _ => &[""],
            };
            assert!(suffixes.contains(&suffix), "{sample}");
            assert_eq!(labels.contains_key("le"), suffix == "_bucket", "{sample}");
            let value: f64 = value.parse().unwrap();
            assert!(value.is_finite() && value >= 0.0, "{sample}");
            assert!(
                scrape.samples.insert(key.to_owned(), value).is_none(),
                "{key} comes twice"
            );
        }
        if sort == "histogram" {
            check_histogram(&scrape, name);
        }
        let facts = (sort.to_owned(), meaning.to_owned());
        assert!(
            scrape.metrics.insert(name.to_owned(), facts).is_none(),
            "{name} comes twice"
        );
    }
    scrape
}

/// Splits `name{label="value",…}`; no value of ours holds a quote or a comma.
fn split(key: &str) -> (&str, BTreeMap<&str, &str>) {
    let Some((name, rest)) = key.split_once('{') else {
        return (key, BTreeMap::new());
    };
    let inner = rest.strip_suffix('}').unwrap();
    let labels = inner.split(',').map(|label| {
        let (label, value) = label.split_once("=\"").unwrap();
        let value = value.strip_suffix('"').unwrap();
        assert!(is_name(label) && !value.contains(['"', '\\']), "{key}");
        (label, value)
    });
    let count = inner.split(',').count();
    let labels: BTreeMap<&str, &str> = labels.collect();
    assert_eq!(labels.len(), count, "{key}");
    (name, labels)
}

fn is_name(name: &str) -> bool {
    let mut letters = name.bytes();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_lowercase())
        && letters
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'_')
}

/// Buckets only grow, with their bounds; the last holds all.
fn check_histogram(scrape: &Scrape, name: &str) {
    let prefix = format!("{name}_bucket{{le=\"");
    let mut buckets: Vec<(f64, f64)> = scrape
        .samples
        .iter()
        .filter_map(|(key, count)| {
            let bound = key.strip_prefix(&prefix)?.strip_suffix("\"}")?;
            Some((bound.parse().unwrap(), *count))
        })
        .collect();
    buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
    assert!(buckets.len() > 2, "{name}");
    assert!(
        buckets.is_sorted_by(|one, other| one.1 <= other.1),
        "{name}"
    );
    let (above, all) = buckets[buckets.len() - 1];
    assert!(above.is_infinite(), "{name}");
    assert_eq!(all, scrape.value(&format!("{name}_count")));
    assert!(scrape.samples.contains_key(&format!("{name}_sum")));
}

fn admissions(result: &str) -> String {
    format!("labelproof_log_admissions_total{{result=\"{result}\"}}")
}

#[tokio::test]
async fn an_event_that_is_taken_and_one_that_is_not_are_counted() {
    let mut world = world();
    let router = router(&world);
    let before = scrape(&router).await;
    let entries = before.value("labelproof_log_acknowledged_entries");
    assert_eq!(entries, before.value("labelproof_log_published_entries"));
    assert_eq!(before.value("labelproof_log_witnessed_age_seconds"), 0.0);

    let asynchronous = [("prefer", "respond-async")];
    assert_eq!(
        post(&router, &asynchronous, issue(9)).await.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "nobody sequences yet"
    );
    let waiting = scrape(&router).await;
    for (class, room) in [("grants", 7_500.0), ("takes-away", 10_000.0)] {
        let fill = waiting.value(&format!(
            "labelproof_log_pool_fill_ratio{{class=\"{class}\"}}"
        ));
        assert!((1.0 / room..0.01).contains(&fill), "{class} {fill}");
    }
    assert!(world.step());
    world.clock.advance(7_000);
    assert_eq!(
        post(&router, &asynchronous, issue(9)).await.status,
        StatusCode::OK
    );
    assert_eq!(
        post_to(&router, "/v1/events?dry-run", &[], issue(10))
            .await
            .status,
        StatusCode::OK
    );
    assert_eq!(
        post(&router, &[], revoke(7, None)).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let junk = post_to(
        &router,
        "/v1/events:batch",
        &[],
        b"\"junk\"\n\"junk\"\n".to_vec(),
    )
    .await;
    assert_eq!(junk.status, StatusCode::OK);

    let after = scrape(&router).await;
    for (result, more) in [
        ("new", 1.0),
        ("known", 1.0),
        ("tried", 1.0),
        ("unknown-subject", 1.0),
        ("malformed", 2.0),
        ("quota", 0.0),
    ] {
        let key = admissions(result);
        assert_eq!(after.value(&key) - before.value(&key), more, "{result}");
    }
    let moved = |name: &str| after.value(name) - before.value(name);
    assert_eq!(moved("labelproof_log_acknowledged_entries"), 2.0);
    assert_eq!(moved("labelproof_log_published_entries"), 0.0);
    assert_eq!(moved("labelproof_log_unpublished_batches"), 1.0);
    assert_eq!(moved("labelproof_log_witnessed_age_seconds"), 7.0);
    assert_eq!(moved("labelproof_log_batch_entries_count"), 1.0);
    assert_eq!(moved("labelproof_log_batch_entries_sum"), 2.0);
    assert_eq!(moved("labelproof_log_commit_seconds_count"), 1.0);
    assert_eq!(after.value("labelproof_log_index_lag_entries"), 0.0);
    for (sample, value) in &after.samples {
        assert!(
            !sample.contains("should_be_zero") || *value == 0.0,
            "{sample}"
        );
    }
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_counted_by_class() {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    found(&fs);
    let usual = Quota {
        grants: Allowance::new(1, 1),
        adverse: Allowance::new(1, 1),
    };
    let quotas = Quotas {
        own: BTreeMap::from([("label.jp.example".to_owned(), usual)]),
        ..Quotas::default()
    };
    let mut world = World::load_under(&fs, &Ledger::default(), quotas).unwrap();
    world.furnish();
    world.witness();
    let router = router(&world);
    let _ = post(&router, &[], issue(1)).await;
    assert_eq!(
        post(&router, &[], issue(2)).await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
    let page = scrape(&router).await;
    assert_eq!(page.value(&admissions("quota")), 1.0);
    for (class, count) in [("grants", 1.0), ("takes-away", 0.0)] {
        let key = format!("labelproof_log_quota_refusals_total{{class=\"{class}\"}}");
        assert_eq!(page.value(&key), count, "{class}");
    }
}

#[tokio::test]
async fn a_clock_that_steps_back_is_counted_once_each_time() {
    let mut world = world();
    let router = router(&world);
    let key = "labelproof_log_should_be_zero_total{invariant=\"clock-forward\"}";
    for times in [1.0, 2.0] {
        let now = world.log.setting().clock.unix_ms();
        world.clock.set(now - 10_000);
        for _ in 0..3 {
            assert!(!world.step());
        }
        assert_eq!(scrape(&router).await.value(key), times);
        world.clock.set(now + 1_000);
        assert!(!world.step(), "nothing waits");
    }
}

#[test]
fn what_a_witness_answers_is_counted_under_its_name() {
    let world = world();
    let newest = world.log.newest().unwrap();
    let mut feeder = Feeder::new(policy());
    let asked = feeder.handle(Input::Head(newest.signed().clone()), crate::world::NOW_MS);
    let asked = asked.into_iter().filter_map(|action| match action {
        Action::Send { witness, .. } => Some(witness),
        _ => None,
    });
    let now_s = crate::world::NOW_MS / 1_000;
    let body = format!("{}\n", line(0, newest.signed(), now_s)).into_bytes();
    let answers = [
        Answer::Cosigned(body),
        Answer::Failed("it answered 500".to_owned()),
        Answer::Conflict(TreeSize::new(1)),
    ];
    for (witness, answer) in asked.zip(answers) {
        feeder.handle(Input::Answer { witness, answer }, crate::world::NOW_MS);
    }
    let counts: Vec<_> = feeder
        .report()
        .iter()
        .map(|report| {
            let answers = report.answers;
            (answers.cosigned, answers.failed, answers.conflicts)
        })
        .collect();
    assert_eq!(counts, [(1, 0, 0), (0, 1, 0), (0, 0, 1)]);
}

#[tokio::test]
async fn the_table_for_operators_is_the_page() {
    let page = scrape(&router(&world())).await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/OPERATING.md");
    let text = fs::read_to_string(path).unwrap();
    let rows = text.lines().filter_map(|row| {
        let cells = row.strip_prefix("| `labelproof_log_")?.strip_suffix(" |")?;
        let mut cells = cells.split(" | ");
        let name = cells.next()?.strip_suffix('`')?;
        let sort = cells.next()?;
        let meaning = cells.next()?;
        assert_eq!(cells.next(), None, "{row}");
        let name = format!("labelproof_log_{name}");
        Some((name, (sort.to_owned(), meaning.to_owned())))
    });
    let rows: Vec<_> = rows.collect();
    let written: BTreeMap<_, _> = rows.iter().cloned().collect();
    assert_eq!(rows.len(), written.len(), "a row comes twice");
    assert_eq!(written, page.metrics);

    let invariants = "labelproof_log_should_be_zero_total{invariant=\"";
    let counted: BTreeSet<&str> = page
        .samples
        .keys()
        .filter_map(|sample| sample.strip_prefix(invariants)?.strip_suffix("\"}"))
        .collect();
    let (_, explained) = text.split_once("| invariant |").unwrap();
    let explained: BTreeSet<&str> = explained
        .lines()
        .skip(2)
        .map_while(|row| row.strip_prefix("| `")?.split('`').next())
        .collect();
    assert_eq!(explained, counted);
}
