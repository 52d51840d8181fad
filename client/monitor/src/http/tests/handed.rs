//! What strangers hand in over real connections.

use std::time::Duration;

use labelproof_core::{
    checkpoint::{Checkpoint, SignedCheckpoint},
    evidence::Evidence,
    merkle::WholeTree,
};
use labelproof_host::serve::Limits;

use super::ask;
use crate::{
    http::{Server, Service},
    promises::tests as promises,
    samples,
};

/// A monitor of the log on paper, with its copy.
fn with_copy() -> (promises::World, Server) {
    let world = promises::World::new(1);
    world.verified(&promises::honest(9));
    let shared = world.shared.clone();
    let poll = Duration::from_secs(5);
    let service = Service::new(shared.board, shared.journal, Vec::new(), shared.clock, poll);
    let service = service.with_keeper(world.keeper.clone());
    let any = "127.0.0.1:0".parse().unwrap();
    (
        world,
        Server::start(service, any, Limits::default()).unwrap(),
    )
}

#[test]
fn whoever_hands_in_a_head_gets_a_verdict() {
    let (world, server) = with_copy();
    let post = |body: &[u8]| ask(server.address(), "POST", "/v1/heads", &[], body);
    let ours = String::from_utf8(promises::note(&promises::honest(9))).unwrap();
    for (leaves, verdict) in [
        (promises::honest(9), "consistent"),
        (promises::honest(4), "consistent"),
        (promises::honest(11), "ahead"),
        (promises::leaves(7, 2), "forked"),
    ] {
        let answer = post(&promises::note(&leaves));
        let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((answer.status, &json["verdict"]), (200, &verdict.into()));
        assert_eq!(json["head"], ours.as_str());
        let evidence = json["evidence"].as_str();
        assert_eq!(evidence.is_some(), verdict == "forked");
        if let Some(file) = evidence {
            Evidence::parse(file.as_bytes()).unwrap();
        }
    }
    assert_eq!(world.told().len(), 1);
    let other = samples::key("labels.g7.example", 9);
    let tree = WholeTree::new(promises::honest(9));
    let body = Checkpoint::new(samples::origin(), tree.head());
    let other = SignedCheckpoint::sign(&body, &other);
    for (body, status, code) in [
        (b"hello".to_vec(), 400, "malformed"),
        (Vec::new(), 400, "malformed"),
        (other.note().to_bytes(), 403, "bad-signature"),
        (vec![b'x'; 10_000_000], 413, "too-large"),
    ] {
        let answer = post(&body);
        let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!((answer.status, &json["title"]), (status, &code.into()));
    }
}

#[test]
fn receipts_are_read_strictly() {
    let (world, server) = with_copy();
    let post = |body: &str| {
        ask(
            server.address(),
            "POST",
            "/v1/receipts",
            &[],
            body.as_bytes(),
        )
    };
    for (body, status, code) in [
        ("", 400, "malformed"),
        ("{}", 400, "malformed"),
        (r#"{"entry":"x","receipt":"y","more":1}"#, 400, "malformed"),
        (r#"{"entry":"x","receipt":"y"}"#, 400, "malformed"),
    ] {
        let answer = post(body);
        let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(
            (answer.status, &json["title"]),
            (status, &code.into()),
            "{body}"
        );
    }
    let plain = samples::logged(3, samples::revoke(3));
    let body = serde_json::json!({
        "entry": plain.event().note().to_string(), "receipt": plain.proof().to_string(),
    });
    assert_eq!(post(&body.to_string()).status, 403, "no promise in it");
    assert!(world.told().is_empty());
    let issue = samples::issue(3);
    let answer = ask(server.address(), "POST", "/v1/adverse", &[], issue.bytes());
    let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(
        (answer.status, &json["title"]),
        (422, &"not-adverse".into())
    );
    let page = ask(server.address(), "GET", "/metrics", &[], b"").body;
    assert!(page.contains("\nlabelproof_monitor_promises 0\n"));
}
