//! Evidence from a file: whether a log of the trust file misbehaved, and what that means.

use std::path::Path;

use labelproof::{
    evidence::{VerifyError, verify},
    mirror::{Folder, FolderError},
    trust::TrustedLog,
};
use labelproof_core::{
    checkpoint::SignedCheckpoint,
    event::Event,
    evidence::{
        Claim, Evidence, EvidenceError, Fault, JudgeError, Proven, ProvenBackDated, ProvenBadEntry,
        ProvenFork, ProvenWrongHead, SignedEntry,
    },
    state::head::StateHead,
    time::Time,
};
use labelproof_host::exit::Exit;
use serde_json::{Value, json};

use super::Bench;
use crate::{
    lookup::forked_offline,
    mirror::Bar,
    outcome::tiles_exit,
    report::{Failure, Report, Said, Tone},
    world::World,
};

impl Bench<'_> {
    /// Judges what a log signed by its own signatures; of two claims, by a mirror's entries too.
    pub(super) fn evidence(&self, name: &str, bytes: &[u8]) -> Result<Report, Failure> {
        let evidence =
            Evidence::parse(bytes).map_err(|error| Failure::on(Exit::Malformed, name, &error))?;
        let log = self.trust.log(evidence.origin()).ok_or_else(|| {
            let what = format!(
                "{name}: log {} is not in the trust file, so its key is unknown",
                evidence.origin()
            );
            Failure::new(Exit::NotSigned, what)
        })?;
        let mirror = match &self.args.mirror {
            Some(dir) if is_judged_by_entries(evidence.claim()) => {
                Some(opened(dir, log, self.world)?)
            }
            Some(_) | None => None,
        };
        let bar = Bar::new("judged", "entries");
        let proven = verify(&evidence, log, mirror.as_ref(), self.now, &|progress| {
            bar.at(progress);
        });
        bar.end();
        let proven = proven.map_err(|error| self.unproven(name, &error))?;
        let (body, mut result) = explained(&proven);
        result["kind"] = json!("evidence");
        result["claim"] = json!(evidence.claim().to_string());
        result["origin"] = json!(evidence.origin().as_str());
        let said = Said::Answer {
            tone: Tone::Bad,
            word: "THE LOG MISBEHAVED".into(),
            about: evidence.origin().to_string(),
            body,
        };
        Ok(Report {
            exit: Exit::LogMisbehaved,
            said: vec![said],
            result,
        })
    }

    fn unproven(&self, name: &str, error: &VerifyError) -> Failure {
        let on = |exit| Failure::on(exit, name, error);
        match error {
            VerifyError::Evidence(source) => on(evidence_exit(source)),
            VerifyError::Folder(source) => folder_failed(source),
            VerifyError::Forked(fork) => {
                forked_offline(fork, self.args.evidence.as_deref(), self.world)
            }
            VerifyError::Judge(source) => judge_failed(on(judge_exit(source)), source),
            VerifyError::MirrorTooSmall { .. } => on(Exit::Undecidable)
                .next("run `labelproof mirror` until it holds as many, and repeat"),
            VerifyError::NeedsMirror { .. } => on(Exit::Undecidable).next(
                "copy the log with `labelproof mirror --dir DIR`, and repeat with --mirror DIR",
            ),
            // A copy that is not whole says nothing of the log.
            VerifyError::Tiles(source) => on(match tiles_exit(source) {
                Exit::Unreachable => Exit::Undecidable,
                other => other,
            })
            .next("see what is wrong with `labelproof mirror --check`"),
            _ => on(Exit::Internal),
        }
    }
}

fn is_judged_by_entries(claim: Claim) -> bool {
    match claim {
        Claim::WrongHead | Claim::BadEntry => true,
        Claim::Fork | Claim::BackDated => false,
    }
}

fn opened(dir: &Path, log: &TrustedLog, world: &World) -> Result<Folder, Failure> {
    Folder::open_to_read(world.fs(), dir, log).map_err(|error| folder_failed(&error))
}

fn folder_failed(error: &FolderError) -> Failure {
    match error {
        FolderError::NotAMirror { .. } | FolderError::OtherLog { .. } => {
            Failure::of(Exit::Undecidable, error)
                .next("name a copy of the accused log with --mirror; `labelproof mirror` makes one")
        }
        FolderError::BadCheckpoint { .. } => {
            Failure::of(Exit::NotSigned, error).next("copy the log anew with `labelproof mirror`")
        }
        _ => Failure::of(Exit::Internal, error),
    }
}

fn evidence_exit(error: &EvidenceError) -> Exit {
    match error {
        EvidenceError::Malformed { .. }
        | EvidenceError::Digest
        | EvidenceError::NoEntry
        | EvidenceError::Order
        | EvidenceError::Rules(_)
        | EvidenceError::Sizes => Exit::Malformed,
        EvidenceError::Checkpoint(_) | EvidenceError::OtherLog => Exit::NotSigned,
        EvidenceError::Clocks { .. }
        | EvidenceError::Entry(_)
        | EvidenceError::Genesis
        | EvidenceError::IsAHead { .. }
        | EvidenceError::NoFork
        | EvidenceError::NotAHead { .. }
        | EvidenceError::Proof(_) => Exit::NotInLog,
        _ => Exit::Internal,
    }
}

fn judge_exit(error: &JudgeError) -> Exit {
    match error {
        JudgeError::Earlier { .. } => Exit::Undecidable,
        JudgeError::Genesis { .. } => Exit::Malformed,
        JudgeError::NotProven { .. } | JudgeError::OtherEntries { .. } => Exit::NotInLog,
        _ => Exit::Internal,
    }
}

fn judge_failed(failure: Failure, error: &JudgeError) -> Failure {
    match error {
        JudgeError::Earlier { .. } => failure.next(
            "that head is the first thing to prove: ask a monitor for evidence of it",
        ),
        JudgeError::Genesis { .. } => {
            failure.next("use the version of this program that knows the rules of that log")
        }
        JudgeError::NotProven { .. } => {
            failure.next("the log is not convicted by this file; ask whoever made it")
        }
        JudgeError::OtherEntries { .. } => {
            failure.next("the mirror is of another history than the accused checkpoint; name another with --mirror")
        }
        _ => failure,
    }
}

/// For people, and for programs.
fn explained(proven: &Proven) -> (String, Value) {
    let (body, result) = match proven {
        Proven::Fork(fork) => of_fork(fork),
        Proven::BackDated(heads) => of_clocks(heads),
        Proven::WrongHead(head) => of_head(head),
        Proven::BadEntry(entry) => of_entry(entry),
    };
    let next = "  next       rely on nothing that this log says; give this file to the witnesses and to whoever runs it.\n             \
                Anybody can check it as you did\n";
    (body + next, result)
}

fn of_fork(fork: &ProvenFork) -> (String, Value) {
    let (smaller, larger) = (fork.smaller().head(), fork.larger().head());
    let means = if smaller.size() == larger.size() {
        "for one number of entries it vouched for two different lists"
    } else {
        "the larger list does not begin with the smaller one"
    };
    let body = format!(
        "  claim      fork: it signed heads that no one log can have\n  size {:>6} root {}\n  size {:>6} root {}\n  \
         means      {means}: who asked it was not told what others were\n",
        smaller.size(),
        smaller.root(),
        larger.size(),
        larger.root()
    );
    let result = json!({
        "heads": [
            { "size": smaller.size().get(), "root": smaller.root().to_string() },
            { "size": larger.size().get(), "root": larger.root().to_string() },
        ],
    });
    (body, result)
}

fn of_clocks(heads: &ProvenBackDated) -> (String, Value) {
    let (earlier, later) = (heads.earlier_clock_ms(), heads.later_clock_ms());
    let body = format!(
        "  claim      back-dated: the clock of a state head runs back\n{}  its clock  {}\n{}  its clock  {}, {} ms earlier\n  \
         means      what it took between the two can pass for older than it is\n",
        where_it_is(heads.earlier()),
        clock(earlier),
        where_it_is(heads.later()),
        clock(later),
        earlier - later,
    );
    let head = |entry: &SignedEntry, clock_ms: u64| {
        let mut head = entry_json(entry);
        head["clock_ms"] = json!(clock_ms);
        head
    };
    let result = json!({
        "heads": [head(heads.earlier(), earlier), head(heads.later(), later)],
    });
    (body, result)
}

fn of_head(head: &ProvenWrongHead) -> (String, Value) {
    let mut body = format!(
        "  claim      wrong-head: it signed a state head that its own entries do not give\n{}",
        where_it_is(head.entry())
    );
    let gives = lines_of(head.gives());
    let mut differs = Vec::new();
    match head.claimed() {
        None => body.push_str("  it says    nothing that can be read as a state head\n"),
        Some(claimed) => {
            for ((what, says), (_, gives)) in lines_of(claimed).into_iter().zip(&gives) {
                if says != *gives {
                    body.push_str(&format!(
                        "  {what:<10} it says  {says}\n             entries give  {gives}\n"
                    ));
                    differs.push(json!({ "what": what, "says": says, "entries_give": gives }));
                }
            }
        }
    }
    body.push_str(
        "  means      a status proved under this head need not be what the log's entries say\n",
    );
    let mut result = json!({ "entry": entry_json(head.entry()) });
    result["differs"] = json!(differs);
    (body, result)
}

fn of_entry(bad: &ProvenBadEntry) -> (String, Value) {
    let mut body = format!(
        "  claim      bad-entry: it holds an entry that no honest log takes\n{}",
        where_it_is(bad.entry())
    );
    let mut result = json!({ "entry": entry_json(bad.entry()) });
    if let Ok(event) = Event::parse(bad.entry().bytes()) {
        body.push_str(&format!(
            "  event      {} {}\n",
            event.kind(),
            event.subject()
        ));
        result["kind_of_event"] = json!(event.kind());
        result["subject"] = json!(event.subject());
    }
    match bad.fault() {
        Fault::NoHead => {
            body.push_str("  fault      it is the last entry under its checkpoint, where the state head must stand\n");
            result["fault"] = json!("no-head");
        }
        Fault::Refused(refusal) => {
            body.push_str(&format!("  refused    {}: {refusal}\n", refusal.code()));
            result["fault"] = json!(refusal.code());
        }
    }
    body.push_str(
        "  means      the log took what its rules forbid; the entry changes no status, but readers may be shown it\n",
    );
    (body, result)
}

fn where_it_is(entry: &SignedEntry) -> String {
    let checkpoint: &SignedCheckpoint = entry.checkpoint();
    format!(
        "  entry      {}, under the signed head of size {}\n",
        entry.index(),
        checkpoint.head().size()
    )
}

fn entry_json(entry: &SignedEntry) -> Value {
    let head = entry.checkpoint().head();
    json!({
        "index": entry.index().get(), "size": head.size().get(), "root": head.root().to_string(),
    })
}

/// What of a state head follows from the entries before it.
fn lines_of(head: &StateHead) -> [(&'static str, String); 7] {
    [
        ("log", head.origin().to_string()),
        ("genesis", head.genesis().to_string()),
        ("covers", head.index().to_string()),
        ("map root", head.map_root().to_string()),
        ("list root", head.list_root().to_string()),
        ("issues", head.issues().to_string()),
        ("rules", head.rules().to_string()),
    ]
}

fn clock(unix_ms: u64) -> String {
    let time = Time::from_unix(unix_ms / 1_000).unwrap_or(Time::MAX);
    format!("{time} and {} ms", unix_ms % 1_000)
}
