//! The routes, asked without a socket.

mod batch;
mod failing;
mod follow;
mod label;
mod labels;
mod metrics;
mod openapi;
mod pack;
mod read;
mod status;
mod submit;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use http_body_util::BodyExt as _;
use labelproof_host::fs::{Fs, SimulatedFs};
use labelproof_log::http::{Service, app};
use serde_json::Value;
use tower::ServiceExt as _;

use crate::world::{Ledger, World, found, id_of, issue, revoke};

/// A log with three labels, the last revoked, all witnessed.
fn world() -> World {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    found(&fs);
    let mut world = World::load(&fs, &Ledger::default()).unwrap();
    world.furnish();
    for number in 1..4 {
        world.log.admit(&issue(number)).unwrap();
    }
    world.log.admit(&revoke(3, Some(id_of(&issue(3))))).unwrap();
    assert!(world.step());
    world.witness();
    world
}

pub(crate) fn router(world: &World) -> Router {
    app(Service::new(world.log.clone(), Duration::from_secs(1))
        .with_patience(Duration::from_millis(20)))
}

pub(crate) struct Got {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: header::HeaderName) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

async fn ask(router: &Router, request: Request<Body>) -> Got {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    Got {
        status: parts.status,
        headers: parts.headers,
        body: body.collect().await.unwrap().to_bytes().to_vec(),
    }
}

pub(crate) async fn get(router: &Router, path: &str) -> Got {
    ask(router, Request::get(path).body(Body::empty()).unwrap()).await
}

async fn post(router: &Router, headers: &[(&str, &str)], body: Vec<u8>) -> Got {
    post_to(router, "/v1/events", headers, body).await
}

async fn post_to(router: &Router, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Got {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    ask(router, request.body(Body::from(body)).unwrap()).await
}
