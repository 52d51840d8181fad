//! Many at once: no two roots for one size, and no step back.

use std::collections::BTreeMap;
use std::sync::Arc;

use labelproof_core::cosignature::verify_cosignature;
use labelproof_core::merkle::RootHash;
use labelproof_core::note::SignatureLine;
use labelproof_host::fs::{Fs, SimulatedFs};

use super::log::Log;
use super::script::{post, send, serve};
use super::{folder, set_up, witness_key};

const SIZE: usize = 40;

/// 64 clients push an honest log and its fork from wherever the witness stands.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_clients_on_one_origin_see_one_log() {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    let logs = [SIZE, 5].map(|fork| Arc::new(Log::new("labels.g7.example", SIZE, fork)));
    let router = serve(set_up(fs, &folder(), &[logs[0].key().vkey().clone()]));
    let mut clients = Vec::new();
    for client in 0..64_usize {
        let (router, log) = (router.clone(), Arc::clone(&logs[client % 2]));
        clients.push(tokio::spawn(async move {
            let (mut signed, mut old) = (Vec::new(), 0);
            for round in 0..10 {
                let new = (old + 1 + (client + round) % 3).min(SIZE);
                let answer = post(&router, log.body(old, new)).await;
                match answer.status {
                    200 => {
                        signed.push((new, log.head(new).root(), answer.body));
                        old = new;
                    }
                    409 => old = answer.body.trim_end().parse().unwrap(),
                    422 => {}
                    other => panic!("{other}: {}", answer.body),
                }
            }
            signed
        }));
    }
    let mut roots: BTreeMap<usize, RootHash> = BTreeMap::new();
    let mut answers = 0;
    for client in clients {
        let signed = client.await.unwrap();
        let sizes: Vec<usize> = signed.iter().map(|(size, ..)| *size).collect();
        assert!(sizes.is_sorted(), "one client saw sizes {sizes:?}");
        for (size, root, body) in signed {
            assert_eq!(
                *roots.entry(size).or_insert(root),
                root,
                "two roots for size {size}"
            );
            let line = SignatureLine::parse(body.trim_end()).unwrap();
            let text = format!("labels.g7.example\n{size}\n{root}\n");
            assert!(verify_cosignature(witness_key().vkey(), &text, &line).is_ok());
            answers += 1;
        }
    }
    assert!(answers >= SIZE / 3, "{answers} answers");
    // All signed heads lie on one of the two logs.
    let on = |log: &Log| {
        roots
            .iter()
            .all(|(size, root)| log.head(*size).root() == *root)
    };
    assert!(on(&logs[0]) || on(&logs[1]));
    let metrics = send(&router, "GET", "/metrics", vec![]).await.body;
    assert!(
        metrics.contains(&format!("status=\"200\"}} {answers}\n")),
        "{metrics}"
    );
}

/// The race in the specification: two requests that were both right when they were sent.
#[tokio::test]
async fn of_two_requests_from_one_size_the_second_meets_a_conflict() {
    let fs: Arc<dyn Fs> = Arc::new(SimulatedFs::new(1));
    let log = Log::new("labels.g7.example", 9, 9);
    let router = serve(set_up(fs, &folder(), &[log.key().vkey().clone()]));
    assert_eq!(post(&router, log.body(0, 4)).await.status, 200);
    let (small, large) = (log.body(4, 6), log.body(4, 9));
    let (small, large) = tokio::join!(post(&router, small), post(&router, large));
    let mut statuses = [small.status, large.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}
