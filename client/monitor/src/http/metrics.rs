//! `GET /metrics`: board, journal and channels, for Prometheus.

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use labelproof_core::time::Time;
use labelproof_host::{
    metrics::{CONTENT_TYPE, Metric, Page, Sort},
    web::NO_STORE,
};

use super::{Service, health::backlog};
use crate::{board::Standing, promises::keeper::Keeper};

/// `GET /metrics`: gauges and counters in Prometheus's text format 0.0.4.
pub(super) async fn metrics(State(service): State<Service>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, CONTENT_TYPE),
        (header::CACHE_CONTROL, NO_STORE),
    ]
    .map(|(name, value)| (name, HeaderValue::from_static(value)));
    (headers, page(&service)).into_response()
}

fn page(service: &Service) -> String {
    let mut page = Page::default();
    let (logs, now) = (service.board.logs(), service.clock.now());
    for (metric, value) in SIZES {
        let mut samples = page.metric(metric);
        for log in &logs {
            samples.labelled("log", log.origin().as_str(), value(log));
        }
    }
    for (metric, time) in AGES {
        let mut samples = page.metric(metric);
        for log in &logs {
            if let Some(time) = time(log) {
                samples.labelled("log", log.origin().as_str(), now.seconds_since(time));
            }
        }
    }
    let mut cosigned = page.metric(COSIGNED_AGE);
    for log in &logs {
        for (witness, time) in log.cosigned() {
            if let Some(time) = time {
                let labels = [
                    ("log", log.origin().as_str()),
                    ("witness", witness.as_str()),
                ];
                cosigned.labelled_twice(labels, now.seconds_since(*time));
            }
        }
    }
    let mut told = page.metric(ALERTS);
    for (rule, count) in service.journal.counts() {
        told.labelled("rule", &rule.to_string(), count);
    }
    page.metric(DAMAGED).value(service.journal.damaged());
    channels(&mut page, service);
    let promises = service.keeper.as_ref().map_or(0, Keeper::open_promises);
    page.metric(PROMISES).value(promises);
    let mut peers = page.metric(PEER_FAILS);
    for peer in service.peers.iter() {
        peers.labelled("peer", peer.name().as_str(), u64::from(peer.fails()));
    }
    page.metric(STREAMS).value(service.streams.taken());
    page.metric(CONNECTIONS).value(service.connections.get());
    page.into_text()
}

fn channels(page: &mut Page, service: &Service) {
    let channels = (service.channels)();
    for (metric, value) in CHANNELS {
        let mut samples = page.metric(metric);
        for channel in &channels {
            samples.labelled("channel", channel.channel(), value(channel));
        }
    }
}

const fn gauge(name: &'static str, meaning: &'static str) -> Metric {
    let sort = Sort::Gauge;
    Metric {
        name,
        sort,
        meaning,
    }
}

const fn counter(name: &'static str, meaning: &'static str) -> Metric {
    let sort = Sort::Counter;
    Metric {
        name,
        sort,
        meaning,
    }
}

/// A number of each log.
type OfLog = fn(&Standing) -> u64;
const SIZES: [(Metric, OfLog); 6] = [
    (
        gauge(
            "labelproof_monitor_witnessed_entries",
            "Entries under the newest head that was accepted; 0 before the first.",
        ),
        |log| log.witnessed().map_or(0, |head| head.head().size().get()),
    ),
    (
        gauge(
            "labelproof_monitor_downloaded_entries",
            "Entries that are copied.",
        ),
        |log| log.downloaded().get(),
    ),
    (
        gauge(
            "labelproof_monitor_verified_entries",
            "Entries whose signatures and effects are verified.",
        ),
        |log| log.verified().get(),
    ),
    (
        gauge(
            "labelproof_monitor_backlog_entries",
            "Entries that are accepted or copied and not verified yet.",
        ),
        backlog,
    ),
    (
        gauge(
            "labelproof_monitor_blind",
            "1 while the monitor cannot see the log, else 0; silence means nothing then.",
        ),
        |log| u64::from(log.blind().is_some()),
    ),
    (
        counter(
            "labelproof_monitor_verified_entries_total",
            "Entries verified since the program started.",
        ),
        |log| log.entries(),
    ),
];

/// A time of each log.
type TimeOfLog = fn(&Standing) -> Option<Time>;
const AGES: [(Metric, TimeOfLog); 2] = [
    (
        gauge(
            "labelproof_monitor_witnessed_age_seconds",
            "How long ago the witnesses spoke of the newest accepted head; absent before there is one.",
        ),
        |log| log.as_of(),
    ),
    (
        gauge(
            "labelproof_monitor_polled_age_seconds",
            "How long ago the source last gave a checkpoint; absent before it did.",
        ),
        |log| log.polled(),
    ),
];

const COSIGNED_AGE: Metric = gauge(
    "labelproof_monitor_cosigned_age_seconds",
    "How old the newest cosignature of each witness is; absent before one was seen.",
);
const ALERTS: Metric = counter(
    "labelproof_monitor_alerts_total",
    "Alerts in the journal, by rule, since the journal was begun.",
);
const DAMAGED: Metric = gauge(
    "labelproof_monitor_damaged_lines",
    "Lines of the journal that could not be read at the start.",
);
const PROMISES: Metric = gauge(
    "labelproof_monitor_promises",
    "Heads, receipts and adverse events that are watched.",
);
const PEER_FAILS: Metric = gauge(
    "labelproof_monitor_peer_fails",
    "1 while heads cannot be exchanged with the peer, else 0.",
);
const STREAMS: Metric = gauge("labelproof_monitor_streams", "Readers of /v1/stream.");
const CONNECTIONS: Metric = gauge(
    "labelproof_monitor_connections",
    "Connections that are open.",
);

/// A number of each channel.
type OfChannel = fn(&crate::notify::Standing) -> u64;
const CHANNELS: [(Metric, OfChannel); 5] = [
    (
        gauge(
            "labelproof_monitor_channel_waiting_alerts",
            "Alerts that the channel was not brought yet.",
        ),
        crate::notify::Standing::waiting,
    ),
    (
        gauge(
            "labelproof_monitor_channel_failures",
            "How often the channel failed in a row; 0 while it works.",
        ),
        |channel| u64::from(channel.failures()),
    ),
    (
        gauge(
            "labelproof_monitor_channel_gone",
            "1 once the receiver wants no more alerts.",
        ),
        |channel| u64::from(channel.is_gone()),
    ),
    (
        counter(
            "labelproof_monitor_channel_delivered_alerts_total",
            "Alerts that the channel took since the program started.",
        ),
        crate::notify::Standing::delivered,
    ),
    (
        counter(
            "labelproof_monitor_channel_given_up_alerts_total",
            "Alerts that were tried for days in vain.",
        ),
        crate::notify::Standing::given_up,
    ),
];
