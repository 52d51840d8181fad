//! Logs that lie, and `labelproof verify` that convicts them; honest ones that it does not.

use std::sync::{Arc, OnceLock};

use labelproof::evidence::{self, Compared, compare};
use labelproof_core::checkpoint::SignedCheckpoint;
use labelproof_core::evidence::{Claim, Evidence};
use labelproof_core::key::Vkey;
use labelproof_core::merkle::{LeafHash, LeafIndex, NodeHash};
use labelproof_core::receipt::Receipt;
use labelproof_core::state::head::StateHead;
use labelproof_core::status::ReadLog as _;
use labelproof_core::time::Time;
use labelproof_core::tlog_proof::TlogProof;
use labelproof_host::fs::RealFs;
use labelproof_host::tiles::{DirTiles, TileReader};
use labelproof_tests::network::Ended;
use labelproof_tests::paper_log::{PaperLog, Parrot, log_key};
use labelproof_tests::world;

use crate::client::offline::{has, network_calls};
use crate::client::{Desk, json_of, now};

const COPY: &str = "copy";

/// A log that was only founded; all are so at one time, for they begin alike.
fn founded() -> PaperLog {
    static TIME: OnceLock<Time> = OnceLock::new();
    PaperLog::founded(*TIME.get_or_init(now))
}

/// Three batches with three labels.
fn honest() -> PaperLog {
    let mut log = founded();
    log.append(&[issue("EX-1")]);
    log.append(&[issue("EX-2"), issue("EX-3")]);
    log
}

fn issue(id: &str) -> Vec<u8> {
    world::issue(&format!("jp.jc-star/{id}"), "label.jp.example")
}

fn last(log: &PaperLog) -> LeafIndex {
    LeafIndex::new(log.size() - 1)
}

/// The newest head with one line replaced, in its place.
fn lie_in_head(log: &mut PaperLog, line: usize, value: &str) {
    let at = last(log);
    let head = String::from_utf8(log.entry(at).unwrap()).unwrap();
    let mut lines: Vec<&str> = head.lines().collect();
    lines[line] = value;
    log.lie(at, (lines.join("\n") + "\n").into_bytes());
}

/// A desk with a copy of `log`, and tiles of that copy.
struct Bench {
    desk: Desk,
    checkpoint: SignedCheckpoint,
    tiles: TileReader<DirTiles>,
}

impl Bench {
    fn copying(log: &PaperLog) -> Self {
        let parrot = Parrot::start(log.answers(&[])).unwrap();
        let desk = Desk::trusting(parrot.url());
        let copied = desk.run(&["mirror", "--dir", COPY, "--trust", "trust.toml"]);
        assert_eq!(copied.code, 0, "{copied:?}");
        let checkpoint = log.checkpoint(&[]);
        let source = DirTiles::new(Arc::new(RealFs::new()), desk.path(COPY));
        Self {
            tiles: TileReader::new(source, &checkpoint),
            desk,
            checkpoint,
        }
    }

    fn verify(&self, evidence: &Evidence, more: &[&str]) -> Ended {
        self.desk.write("a.evidence", &evidence.to_bytes());
        let args = ["verify", "a.evidence", "--trust", "trust.toml"];
        self.desk.run(&[&args[..], more].concat())
    }

    /// What it comes to without a copy and with one; with one it is convicted or not.
    fn judged(&self, evidence: &Evidence) -> Ended {
        let without = self.verify(evidence, &[]);
        assert_eq!(without.code, 19, "{without:?}");
        assert!(without.stdout.contains("--mirror"), "{without:?}");
        self.verify(evidence, &["--mirror", COPY])
    }

    fn wrong_head(&self, at: LeafIndex) -> Evidence {
        evidence::wrong_head(&self.tiles, &self.checkpoint, at).unwrap()
    }

    fn bad_entry(&self, at: LeafIndex) -> Evidence {
        evidence::bad_entry(&self.tiles, &self.checkpoint, at).unwrap()
    }
}

fn convicts(ended: &Ended, words: &[&str]) {
    assert_eq!(ended.code, 20, "{ended:?}");
    assert!(
        ended.stdout.starts_with("THE LOG MISBEHAVED"),
        "{}",
        ended.stdout
    );
    for word in words {
        assert!(
            ended.stdout.contains(word),
            "{word} is not in:\n{}",
            ended.stdout
        );
    }
}

fn convicts_nobody(ended: &Ended) {
    assert_eq!(ended.code, 11, "{ended:?}");
    assert!(ended.stdout.contains("NOT VERIFIED"), "{}", ended.stdout);
    assert!(ended.stdout.contains("as it should be"), "{}", ended.stdout);
}

#[test]
fn a_wrong_state_head_is_convicted_by_a_copy_of_the_log() {
    let other = NodeHash::from_bytes([1; 32]).to_string();
    let mut lying = honest();
    lie_in_head(&mut lying, 4, &other);
    let bench = Bench::copying(&lying);
    let evidence = bench.wrong_head(last(&lying));
    let ended = bench.judged(&evidence);
    convicts(&ended, &["wrong-head", "map root", &other, "entries give"]);
    let json = json_of(&bench.verify(&evidence, &["--mirror", COPY, "--json"]));
    let input = &json["result"]["inputs"][0];
    assert_eq!(json["exit"], 20);
    assert_eq!(input["claim"], "wrong-head");
    assert_eq!(input["entry"]["index"], last(&lying).get());
    assert_eq!(input["differs"][0]["what"], "map root");
    assert_eq!(input["differs"][0]["says"], other);

    let honest = honest();
    let bench = Bench::copying(&honest);
    convicts_nobody(&bench.judged(&bench.wrong_head(last(&honest))));
}

#[test]
fn an_entry_that_breaks_a_rule_is_convicted_by_a_copy_of_the_log() {
    let at = |log: &PaperLog| LeafIndex::new(log.size() - 2);
    for (entry, words) in [
        (
            issue("EX-1"),
            &["duplicate-label", "label.issue jp.jc-star/EX-1"][..],
        ),
        (b"junk".to_vec(), &["malformed"][..]),
    ] {
        let mut lying = honest();
        lying.lie(at(&lying), entry);
        let bench = Bench::copying(&lying);
        let ended = bench.judged(&bench.bad_entry(at(&lying)));
        convicts(&ended, words);
    }
    let honest = honest();
    let bench = Bench::copying(&honest);
    convicts_nobody(&bench.judged(&bench.bad_entry(at(&honest))));
}

#[test]
fn a_checkpoint_without_a_state_head_is_convicted() {
    let mut lying = honest();
    lying.lie(last(&lying), issue("EX-4"));
    let bench = Bench::copying(&lying);
    let ended = bench.judged(&bench.bad_entry(last(&lying)));
    convicts(&ended, &["bad-entry", "where the state head must stand"]);
}

#[test]
fn a_back_dated_head_is_convicted_by_the_file() {
    let mut lying = honest();
    lie_in_head(&mut lying, 8, "1775033400123");
    let bench = Bench::copying(&lying);
    let evidence = evidence::back_dated(&bench.tiles, &bench.checkpoint, last(&lying)).unwrap();
    assert_eq!(evidence.claim(), Claim::BackDated);
    let ended = bench.verify(&evidence, &[]);
    convicts(&ended, &["back-dated", "2026-04-01T08:50:00Z", "earlier"]);

    let honest = honest();
    let bench = Bench::copying(&honest);
    let none = evidence::back_dated(&bench.tiles, &bench.checkpoint, last(&honest));
    assert!(none.is_err(), "{none:?}");
}

#[test]
fn a_receipt_that_was_not_kept_is_a_fork() {
    // The event is promised, and in its place another one is shown.
    let mut promised = founded();
    promised.append(&[issue("EX-1")]);
    let event = issue("EX-1");
    let index = promised.index_of(&event).unwrap();
    let receipt = promised.receipt(index);
    let receipt = Receipt::open(&receipt, LeafHash::of_entry(&event), log_key().vkey()).unwrap();
    let mut shown = founded();
    shown.append(&[issue("EX-9")]);
    shown.append(&[issue("EX-8")]);
    let bench = Bench::copying(&shown);
    let compared = compare(&bench.tiles, &bench.checkpoint, receipt.checkpoint()).unwrap();
    let Compared::Forked(evidence) = compared else {
        panic!("{compared:?}");
    };
    convicts(
        &bench.verify(&evidence, &[]),
        &["fork", "does not begin with the smaller one"],
    );

    let kept = honest();
    let bench = Bench::copying(&kept);
    let kept = compare(&bench.tiles, &bench.checkpoint, receipt.checkpoint()).unwrap();
    assert!(matches!(kept, Compared::Consistent), "{kept:?}");
    // What is larger than ours is no fork, and not yet consistent either.
    let small = founded();
    let bench = Bench::copying(&small);
    let ahead = compare(&bench.tiles, &bench.checkpoint, receipt.checkpoint()).unwrap();
    assert!(matches!(ahead, Compared::Ahead), "{ahead:?}");
}

#[test]
fn another_copy_convicts_nobody_or_proves_a_fork() {
    let mut lying = honest();
    lie_in_head(&mut lying, 6, "7");
    let evidence = Bench::copying(&lying).wrong_head(last(&lying));
    // A copy that ends before the accused entry.
    let bench = Bench::copying(&founded());
    let small = bench.verify(&evidence, &["--mirror", COPY]);
    assert_eq!(small.code, 19, "{small:?}");
    assert!(
        small.stdout.contains("labelproof mirror"),
        "{}",
        small.stdout
    );
    // No copy at all.
    for dir in ["bin", "nowhere"] {
        let none = bench.verify(&evidence, &["--mirror", dir]);
        assert_eq!(none.code, 19, "{none:?}");
        assert!(none.stdout.contains("--mirror"), "{}", none.stdout);
    }
    // A copy that ends with the entry before the accused one is enough.
    let mut before = honest();
    before.leave_out_from(last(&lying));
    let enough = Bench::copying(&before).verify(&evidence, &["--mirror", COPY]);
    convicts(&enough, &["issues", "7"]);
    // A copy of another history of the same log: each convicts the other, and not of a wrong head.
    let mut other = founded();
    other.append(&[issue("EX-5"), issue("EX-6"), issue("EX-7")]);
    other.append(&[issue("EX-8")]);
    let bench = Bench::copying(&other);
    let forked = bench.verify(&evidence, &["--mirror", COPY, "--evidence", "b.evidence"]);
    assert_eq!(forked.code, 20, "{forked:?}");
    assert!(forked.stdout.contains("two histories"), "{}", forked.stdout);
    let again = bench
        .desk
        .run(&["verify", "b.evidence", "--trust", "trust.toml"]);
    convicts(&again, &["fork"]);
}

#[test]
fn a_copy_that_is_not_whole_decides_nothing() {
    let mut lying = honest();
    lie_in_head(&mut lying, 6, "7");
    let bench = Bench::copying(&lying);
    let evidence = bench.wrong_head(last(&lying));
    convicts(&bench.verify(&evidence, &["--mirror", COPY]), &["issues"]);
    for part in ["tile/entries", "tile"] {
        std::fs::remove_dir_all(bench.desk.path(COPY).join(part)).unwrap();
        let torn = bench.verify(&evidence, &["--mirror", COPY]);
        assert_eq!(torn.code, 19, "without {part}: {torn:?}");
        let next = "labelproof mirror --check";
        assert!(torn.stdout.contains(next), "{}", torn.stdout);
    }
}

#[test]
fn evidence_against_others_and_changed_evidence_convict_nobody() {
    let mut lying = honest();
    lie_in_head(&mut lying, 8, "1");
    let bench = Bench::copying(&lying);
    let evidence = evidence::back_dated(&bench.tiles, &bench.checkpoint, last(&lying)).unwrap();
    let bytes = evidence.to_bytes();
    for at in [0, bytes.len() / 3, bytes.len() / 2, bytes.len() - 2] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        bench.desk.write("b.evidence", &changed);
        let ended = bench
            .desk
            .run(&["verify", "b.evidence", "--trust", "trust.toml"]);
        assert_eq!(ended.code, 10, "byte {at}: {ended:?}");
    }
    // Signed by somebody else under the log's name.
    let stranger = world::further_key(world::ORIGIN, 2);
    let forged = |at: u64| {
        let index = LeafIndex::new(at);
        let note = SignedCheckpoint::sign(bench.checkpoint.checkpoint(), &stranger);
        let proof = lying.proof_by(index, &[]);
        let entry = lying.entry(index).unwrap();
        let path = proof.path().to_vec();
        TlogProof::new(Some(entry), index, path, note.note().clone()).unwrap()
    };
    let heads: Vec<u64> = (0..lying.size())
        .filter(|at| StateHead::is_head(&lying.entry(LeafIndex::new(*at)).unwrap()))
        .collect();
    let [.., earlier, later] = heads[..] else {
        panic!("several heads")
    };
    let file = sealed("back-dated", &[forged(earlier), forged(later)]);
    bench.desk.write("b.evidence", &file);
    let ended = bench
        .desk
        .run(&["verify", "b.evidence", "--trust", "trust.toml"]);
    assert_eq!(ended.code, 12, "{ended:?}");
    assert!(Evidence::parse(&file).is_ok());
    let key: &Vkey = stranger.vkey();
    let by_itself = Evidence::parse(&file).unwrap();
    assert!(by_itself.verify(std::slice::from_ref(key)).is_ok());
}

/// A file of evidence with these proofs.
fn sealed(claim: &str, proofs: &[TlogProof]) -> Vec<u8> {
    use base64::Engine as _;
    use sha2::{Digest as _, Sha256};
    let base64 = base64::engine::general_purpose::STANDARD;
    let mut text = format!(
        "labelproof-evidence/v1\nclaim {claim}\norigin {}\n",
        world::ORIGIN
    );
    for proof in proofs {
        text += &format!("proof {}\n", base64.encode(proof.to_bytes()));
    }
    let digest: String = Sha256::digest(&text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{text}sha256 {digest}\n").into_bytes()
}

#[test]
fn judging_by_a_copy_opens_no_socket_and_writes_nothing() {
    let mut lying = honest();
    lie_in_head(&mut lying, 6, "7");
    let bench = Bench::copying(&lying);
    let evidence = bench.wrong_head(last(&lying));
    bench.desk.write("a.evidence", &evidence.to_bytes());
    // Another program may hold the copy meanwhile.
    let _held = labelproof_host::lock::DirLock::take(&bench.desk.path(COPY), "a test").unwrap();
    let args = [
        "verify",
        "a.evidence",
        "--trust",
        "trust.toml",
        "--mirror",
        COPY,
    ];
    convicts(&bench.desk.run(&args), &["wrong-head"]);
    if has("strace", &["-f", "-o", "/dev/null", "true"]) {
        let calls = network_calls(&bench.desk, &args, 20);
        assert_eq!(calls, Vec::<String>::new());
    }
}
