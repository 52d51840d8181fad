//! What any reader of a C2SP log asks for, and single events and proofs.

use std::{io::Read as _, path::Path, sync::Arc};

use axum::{
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use flate2::read::GzDecoder;
use labelproof_core::{
    checkpoint::SignedCheckpoint, entry_bundle::EntryBundle, merkle::LeafHash, note::Note,
    tile::Width, time::Time, tlog_proof::TlogProof,
};
use labelproof_host::fs::{Fs, SimulatedFs};

use super::{Got, ask, get, router, world};
use crate::world::{Ledger, NOW_MS, World, found, genesis, id_of, issue, log_key, policy};

#[tokio::test]
async fn the_checkpoint_is_the_witnessed_one_and_is_not_kept() {
    let world = world();
    let got = get(&router(&world), "/checkpoint").await;
    assert_eq!(got.status, StatusCode::OK);
    assert_eq!(
        got.header(header::CONTENT_TYPE),
        "text/plain; charset=utf-8"
    );
    assert_eq!(got.header(header::CACHE_CONTROL), "no-store");
    assert_eq!(got.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "*");
    let note = Note::parse(&got.body).unwrap();
    let signed = SignedCheckpoint::open(note, log_key().vkey()).unwrap();
    assert_eq!(signed.head().size().get(), 10);
    policy()
        .accept(signed, Time::from_unix(NOW_MS / 1_000).unwrap())
        .unwrap();
}

#[tokio::test]
async fn tiles_and_bundles_are_what_the_checkpoint_implies() {
    let world = world();
    let router = router(&world);
    let entries = get(&router, "/tile/entries/000.p/10").await;
    assert_eq!(
        entries.header(header::CONTENT_TYPE),
        "application/octet-stream"
    );
    assert!(entries.header(header::CACHE_CONTROL).contains("immutable"));
    let bundle = EntryBundle::parse(&entries.body, Width::new(10).unwrap()).unwrap();
    assert_eq!(bundle.entries()[0], genesis());
    let hashes = get(&router, "/tile/0/000.p/10").await.body;
    let leaves: Vec<u8> = bundle
        .leaf_hashes()
        .flat_map(|leaf| *leaf.as_bytes())
        .collect();
    assert_eq!(hashes, leaves);
    let narrower = get(&router, "/tile/0/000.p/3").await.body;
    assert_eq!(narrower, leaves[..96]);
}

#[tokio::test]
async fn tiles_that_no_checkpoint_implies_are_not_there() {
    let world = world();
    let router = router(&world);
    let paths = [
        "/tile/0/000",
        "/tile/0/000.p/11",
        "/tile/0/000.p/0",
        "/tile/0/000.p/256",
        "/tile/0/001.p/1",
        "/tile/1/000.p/1",
        "/tile/64/000.p/1",
        "/tile/00/000.p/1",
        "/tile/0/0.p/1",
        "/tile/0/x000/000.p/1",
        "/tile/entries/000.p/11",
        "/tile/entries/../../key",
        "/tile/%2e%2e/key",
        "/tile/0/..%2f..%2fkey",
        "/tile/0/000.p/+1",
        "/tile/0/000.p/01",
        "/tile/",
        "/tile/0/000.p/10/",
        "/tile/0/000%00",
        "/tile/0/%ff",
    ];
    for path in paths {
        let got = get(&router, path).await;
        assert_eq!(got.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(got.header(header::CACHE_CONTROL), "no-store", "{path}");
    }
}

#[tokio::test]
async fn an_address_that_is_no_text_is_a_problem_like_any_other() {
    let world = world();
    let router = router(&world);
    for path in [
        "/v1/events/%ff",
        "/v1/proof/%ff",
        "/v1/status/label/jp.jc-star/%ff",
        "/v1/status/member/%ff",
    ] {
        let got = get(&router, path).await;
        assert_eq!(got.status, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(
            got.header(header::CONTENT_TYPE),
            "application/problem+json",
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_reader_who_has_it_is_told_that_nothing_changed() {
    let world = world();
    let router = router(&world);
    for path in ["/checkpoint", "/tile/0/000.p/10", "/v1/status/member/jp"] {
        let first = get(&router, path).await;
        let tag = first.header(header::ETAG).to_owned();
        for known in [tag.clone(), format!("\"x\", W/{tag}"), "*".to_owned()] {
            let request = Request::get(path)
                .header(header::IF_NONE_MATCH, &known)
                .body(Body::empty())
                .unwrap();
            let again = ask(&router, request).await;
            assert_eq!(
                (again.status, again.body.len()),
                (StatusCode::NOT_MODIFIED, 0),
                "{path} {known}"
            );
        }
        let request = Request::head(path).body(Body::empty()).unwrap();
        let head = ask(&router, request).await;
        assert_eq!(
            (head.status, head.body.len()),
            (StatusCode::OK, 0),
            "{path}"
        );
        assert_eq!(head.header(header::ETAG), tag);
    }
}

#[tokio::test]
async fn an_event_and_its_proof_are_found_by_id_and_index() {
    let world = world();
    let router = router(&world);
    let got = get(&router, &format!("/v1/events/{}", id_of(&issue(2)))).await;
    assert_eq!(got.body, issue(2));
    assert_eq!(
        got.header(header::LINK),
        "</v1/proof/6>; rel=\"describedby\""
    );
    let proof = TlogProof::parse(&get(&router, "/v1/proof/6").await.body).unwrap();
    let signed = SignedCheckpoint::open(proof.note().clone(), log_key().vkey()).unwrap();
    proof
        .verify(LeafHash::of_entry(&issue(2)), &signed)
        .unwrap();
    assert_eq!(
        get(&router, &format!("/v1/events/{}", id_of(&issue(77))))
            .await
            .status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn before_anything_is_witnessed_nothing_is_shown() {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    found(&fs);
    let world = World::load(&fs, &Ledger::default()).unwrap();
    let router = router(&world);
    assert_eq!(
        get(&router, "/checkpoint").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        get(&router, "/v1/status/member/jp").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(
        get(&router, "/v1/proof/0").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
}

async fn ask_encoded(method: Method, path: &str, accepted: &str) -> Got {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::ACCEPT_ENCODING, accepted);
    ask(&router(&world()), request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn bundles_are_compressed_for_those_who_accept_gzip() {
    let plain = get(&router(&world()), BUNDLE).await;
    assert!(!plain.headers.contains_key(header::CONTENT_ENCODING));
    assert_eq!(plain.header(header::VARY), "accept-encoding");
    for accepted in ["gzip", "br, gzip;q=0.5", "deflate, zstd, gzip, *;q=0"] {
        let got = ask_encoded(Method::GET, BUNDLE, accepted).await;
        assert_eq!(got.status, StatusCode::OK);
        assert_eq!(got.header(header::CONTENT_ENCODING), "gzip", "{accepted}");
        assert_eq!(got.header(header::VARY), "accept-encoding");
        let length = got.body.len().to_string();
        assert_eq!(
            got.header(header::CONTENT_LENGTH),
            length,
            "of what is sent"
        );
        assert!(got.body.len() < plain.body.len());
        let mut unpacked = Vec::new();
        let mut decoder = GzDecoder::new(got.body.as_slice());
        decoder.read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain.body);
        for same in [
            header::CONTENT_TYPE,
            header::CACHE_CONTROL,
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
        ] {
            assert_eq!(got.header(same.clone()), plain.header(same));
        }
    }
    for accepted in ["identity", "gzip;q=0", "br, deflate, zstd", ""] {
        let got = ask_encoded(Method::GET, BUNDLE, accepted).await;
        assert!(!got.headers.contains_key(header::CONTENT_ENCODING));
        assert_eq!(got.body, plain.body, "{accepted}");
        assert_eq!(got.header(header::VARY), "accept-encoding");
    }
}

#[tokio::test]
async fn both_encodings_of_a_bundle_share_a_weak_tag() {
    let router = router(&world());
    let plain = get(&router, BUNDLE).await;
    let tag = plain.header(header::ETAG);
    assert!(tag.starts_with("W/\""), "{tag}");
    let packed = ask_encoded(Method::GET, BUNDLE, "gzip").await;
    assert_eq!(packed.header(header::ETAG), tag);
    for accepted in ["gzip", "identity"] {
        let request = Request::get(BUNDLE)
            .header(header::ACCEPT_ENCODING, accepted)
            .header(header::IF_NONE_MATCH, tag);
        let again = ask(&router, request.body(Body::empty()).unwrap()).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED);
        assert!(again.body.is_empty());
        assert!(!again.headers.contains_key(header::CONTENT_ENCODING));
        assert_eq!(again.header(header::ETAG), tag);
        assert_eq!(again.header(header::VARY), "accept-encoding");
    }
}

#[tokio::test]
async fn head_of_a_bundle_says_what_get_would() {
    for accepted in ["gzip", "identity"] {
        let got = ask_encoded(Method::GET, BUNDLE, accepted).await;
        let head = ask_encoded(Method::HEAD, BUNDLE, accepted).await;
        assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
        assert_eq!(head.headers, got.headers, "{accepted}");
    }
}

#[tokio::test]
async fn nothing_but_bundles_is_compressed() {
    for path in ["/checkpoint", "/tile/0/000.p/10", "/v1/log", "/v1/proof/6"] {
        let got = ask_encoded(Method::GET, path, "gzip").await;
        assert_eq!(got.status, StatusCode::OK, "{path}");
        assert!(
            !got.headers.contains_key(header::CONTENT_ENCODING),
            "{path}"
        );
        assert!(!got.headers.contains_key(header::VARY), "{path}");
    }
    let missing = ask_encoded(Method::GET, "/tile/entries/000.p/11", "gzip").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert_eq!(missing.header(header::CACHE_CONTROL), "no-store");
}

#[tokio::test]
async fn full_tiles_and_compressed_bundles_are_kept_and_partial_ones_are_not() {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    let world = World::of_many_labels(&fs, 260);
    let router = router(&world);
    let packed = async |path: &str| {
        let request = Request::get(path).header(header::ACCEPT_ENCODING, "gzip");
        ask(&router, request.body(Body::empty()).unwrap()).await
    };
    let tiles = ["/tile/0/000", "/tile/0/000.p/9", "/tile/0/001.p/2"];
    let bundles = ["/tile/entries/000", "/tile/entries/001.p/2"];
    let mut before = Vec::new();
    for path in tiles {
        before.push(get(&router, path).await.body);
    }
    for path in bundles {
        before.push(packed(path).await.body);
    }
    let bundle = get(&router, bundles[0]).await.body;
    let mut unpacked = Vec::new();
    let mut decoder = GzDecoder::new(before[3].as_slice());
    decoder.read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, bundle);
    assert_eq!(
        (before[0].len(), &before[0][..288]),
        (8_192, &before[1][..])
    );

    // Whoever asks the store again sees it, whoever does not sees what was there.
    for (path, bytes) in [
        ("0/000", vec![7; 8_192]),
        ("0/001", vec![7; 8_192]),
        ("entries/000", vec![0; 512]),
        ("entries/001", vec![0; 512]),
    ] {
        let file = Path::new("/log/tile").join(path);
        fs.write(&file, &bytes).unwrap();
    }
    let mut after = Vec::new();
    for path in tiles {
        after.push(get(&router, path).await.body);
    }
    for path in bundles {
        after.push(packed(path).await.body);
    }
    let same: Vec<bool> = before.iter().zip(&after).map(|(a, b)| a == b).collect();
    assert_eq!(same, [true, false, false, true, false]);
    assert_eq!(get(&router, bundles[0]).await.body, [0; 512], "not kept");
}

/// The ten entries of the sample log.
const BUNDLE: &str = "/tile/entries/000.p/10";
