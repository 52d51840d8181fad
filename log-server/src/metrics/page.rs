//! The page: each metric once, with its name, what sort it is, and what it means.

use labelproof_core::merkle::TreeSize;
use labelproof_host::metrics::{Metric, Page, Sort};

use super::{CLASSES, class_word};
use crate::log::Log;

/// The page of a log that so many readers follow.
pub(crate) fn page(log: &Log, streams: usize) -> String {
    let metrics = &log.setting().metrics;
    let mut page = Page::default();
    growth(&mut page, log);

    let mut admissions = page.metric(ADMISSIONS);
    for (result, counter) in &metrics.admissions {
        admissions.labelled("result", result, counter.get());
    }
    let mut refusals = page.metric(QUOTA_REFUSALS);
    for (class, counter) in &metrics.quota_refusals {
        refusals.labelled("class", class_word(*class), counter.get());
    }
    let fill = {
        let tip = log.tip();
        CLASSES.map(|class| (class, tip.pool.fill(class)))
    };
    let mut pool = page.metric(POOL_FILL);
    for (class, fill) in fill {
        pool.labelled("class", class_word(class), fill);
    }
    page.metric(BATCH_ENTRIES).histogram(&metrics.batch_entries);
    page.metric(COMMIT_SECONDS)
        .histogram(&metrics.commit_seconds);

    witnesses(&mut page, log);

    let mut errors = page.metric(STORAGE_ERRORS);
    for (work, counter) in &metrics.storage_errors {
        errors.labelled("during", work.word(), counter.get());
    }
    let mut broken = page.metric(SHOULD_BE_ZERO);
    for (invariant, counter) in &metrics.broken {
        broken.labelled("invariant", invariant.word(), counter.get());
    }
    page.metric(CONNECTIONS).value(metrics.connections.get());
    page.metric(STREAMS).value(streams);
    page.into_text()
}

/// How far the log is, and its index.
fn growth(page: &mut Page, log: &Log) {
    let progress = log.standing();
    let setting = log.setting();
    let acknowledged = progress.acknowledged();
    page.metric(ACKNOWLEDGED).value(acknowledged);
    page.metric(PUBLISHED).value(progress.published());
    page.metric(UNPUBLISHED).value(log.unpublished());
    let mut age = page.metric(AGE);
    if let Some(published) = log.published() {
        let now = setting.clock.unix_ms() / 1_000;
        age.value(now.saturating_sub(published.witnessed.as_of().unix()));
    }
    let indexed = setting.index.watermark().size();
    page.metric(INDEX_LAG).value(missing(indexed, acknowledged));
}

/// What each witness answers, and how far behind it is.
fn witnesses(page: &mut Page, log: &Log) {
    let acknowledged = log.standing().acknowledged();
    let witnesses = log.witnesses();
    let mut answers = page.metric(WITNESS_ANSWERS);
    for witness in &witnesses {
        let counts = witness.answers;
        for (result, count) in [
            ("cosigned", counts.cosigned),
            ("conflict", counts.conflicts),
            ("failed", counts.failed),
        ] {
            answers.labelled_twice([("witness", &witness.name), ("result", result)], count);
        }
    }
    let mut lag = page.metric(WITNESS_LAG);
    for witness in &witnesses {
        if let Some(size) = witness.size {
            lag.labelled("witness", &witness.name, missing(size, acknowledged));
        }
    }
}

fn missing(size: TreeSize, of: TreeSize) -> u64 {
    of.get().saturating_sub(size.get())
}

const ACKNOWLEDGED: Metric = Metric {
    name: "labelproof_log_acknowledged_entries",
    sort: Sort::Gauge,
    meaning: "Entries that are durable and signed.",
};
const PUBLISHED: Metric = Metric {
    name: "labelproof_log_published_entries",
    sort: Sort::Gauge,
    meaning: "Entries under the newest witnessed head.",
};
const UNPUBLISHED: Metric = Metric {
    name: "labelproof_log_unpublished_batches",
    sort: Sort::Gauge,
    meaning: "Batches that wait for the witnesses.",
};
const AGE: Metric = Metric {
    name: "labelproof_log_witnessed_age_seconds",
    sort: Sort::Gauge,
    meaning: "How long ago the witnesses spoke of the published head; absent before there is one.",
};
const INDEX_LAG: Metric = Metric {
    name: "labelproof_log_index_lag_entries",
    sort: Sort::Gauge,
    meaning: "Acknowledged entries that the index does not have yet.",
};
const ADMISSIONS: Metric = Metric {
    name: "labelproof_log_admissions_total",
    sort: Sort::Counter,
    meaning: "Events sent, by result: new, known, tried in a dry run, or the code of the problem.",
};
const QUOTA_REFUSALS: Metric = Metric {
    name: "labelproof_log_quota_refusals_total",
    sort: Sort::Counter,
    meaning: "Times an event found the quota of its signer used up, by class; a line of a batch tries again.",
};
const POOL_FILL: Metric = Metric {
    name: "labelproof_log_pool_fill_ratio",
    sort: Sort::Gauge,
    meaning: "Part of the room for waiting events of a class that is taken; at 1 they are refused.",
};
const BATCH_ENTRIES: Metric = Metric {
    name: "labelproof_log_batch_entries",
    sort: Sort::Histogram,
    meaning: "Entries in a batch, its state head included.",
};
const COMMIT_SECONDS: Metric = Metric {
    name: "labelproof_log_commit_seconds",
    sort: Sort::Histogram,
    meaning: "How long a batch took from the pool to durable and signed.",
};
const WITNESS_ANSWERS: Metric = Metric {
    name: "labelproof_log_witness_answers_total",
    sort: Sort::Counter,
    meaning: "Answers of each witness of the policy: cosigned, conflict, failed.",
};
const WITNESS_LAG: Metric = Metric {
    name: "labelproof_log_witness_lag_entries",
    sort: Sort::Gauge,
    meaning: "Acknowledged entries that a witness does not hold; absent before it answered.",
};
const STORAGE_ERRORS: Metric = Metric {
    name: "labelproof_log_storage_errors_total",
    sort: Sort::Counter,
    meaning: "Failures of store or index, by what was done: sequencing, reload, publishing, housekeeping, request.",
};
const SHOULD_BE_ZERO: Metric = Metric {
    name: "labelproof_log_should_be_zero_total",
    sort: Sort::Counter,
    meaning: "Times an invariant was seen broken; look into anything but 0.",
};
const CONNECTIONS: Metric = Metric {
    name: "labelproof_log_connections",
    sort: Sort::Gauge,
    meaning: "Connections that are open.",
};
const STREAMS: Metric = Metric {
    name: "labelproof_log_streams",
    sort: Sort::Gauge,
    meaning: "Readers of /v1/stream.",
};
