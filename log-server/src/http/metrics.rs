//! `GET /metrics`: what `metrics` counts, for Prometheus.

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use labelproof_host::metrics::CONTENT_TYPE;

use super::{NO_STORE, Service};
use crate::metrics::page;

/// `GET /metrics`: counters and gauges of this process, in Prometheus's text format 0.0.4.
#[utoipa::path(
    get, path = "/metrics", tag = "about", operation_id = "metrics",
    responses((status = 200, description = "Each metric with its meaning; docs/OPERATING.md lists them.", body = String,
        content_type = "text/plain", headers(("cache-control"))))
)]
pub(super) async fn metrics(State(service): State<Service>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, CONTENT_TYPE),
        (header::CACHE_CONTROL, NO_STORE),
    ]
    .map(|(name, value)| (name, HeaderValue::from_static(value)));
    let text = page(&service.log, service.streams.taken());
    (headers, text).into_response()
}
