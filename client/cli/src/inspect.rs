//! `inspect`: what a file says, without checking that it is true.

use std::path::Path;

use labelproof_core::{
    bundle::Bundle,
    checkpoint::Checkpoint,
    event::{Event, Kind},
    key::Vkey,
    note::{Note, SignatureLine},
    policy::{Policy, PolicyWitness},
    state::{head::StateHead, record::Record},
    tlog_proof::TlogProof,
};
use labelproof_host::exit::Exit;
use serde_json::{Value, json};

use crate::{
    event::event_json,
    files::{FileKind, events_of},
    key::{purpose, vkey_json},
    report::{Failure, Report},
    trust,
    world::World,
};

/// Explains a file; says that it verified nothing.
pub(crate) fn run(file: &Path, world: &World) -> Result<Report, Failure> {
    let bytes = world.read(file)?;
    let name = file.display().to_string();
    let kind = FileKind::of(&bytes).ok_or_else(|| {
        Failure::new(Exit::Malformed, format!("{name}: not a file of ours"))
            .next("we know notes, events, checkpoints, bundles, proofs, evidence, keys, policies and trust files")
    })?;
    let (what, lines, result) = explained(kind, &name, &bytes, file, world)?;
    let text = format!(
        "{name}: {what}\n{lines}\nNothing was verified: no signature, no proof, no quorum."
    );
    let result = json!({ "file": name, "kind": what, "verified": false, "content": result });
    Ok(Report::done(text, result))
}

type Explained = (&'static str, String, Value);

fn explained(
    kind: FileKind,
    name: &str,
    bytes: &[u8],
    file: &Path,
    world: &World,
) -> Result<Explained, Failure> {
    let malformed = |error: &dyn std::error::Error| Failure::on(Exit::Malformed, name, error);
    let text = String::from_utf8_lossy(bytes);
    Ok(match kind {
        FileKind::Bundle => {
            let bundle = Bundle::parse(bytes).map_err(|error| malformed(&error))?;
            let (lines, content) = bundle_lines(&bundle);
            ("a bundle: proof of where subjects stand", lines, content)
        }
        FileKind::Checkpoint => {
            let note = Note::parse(bytes).map_err(|error| malformed(&error))?;
            let (lines, content) = checkpoint_lines(&note).map_err(|error| malformed(&error))?;
            ("a checkpoint: a log's size and root", lines, content)
        }
        FileKind::Draft => {
            let value: Value = serde_json::from_slice(bytes).map_err(|error| malformed(&error))?;
            let subject = value["subject"].as_str().unwrap_or("none");
            (
                "JSON, perhaps the draft of an event",
                format!("  subject    {subject}\n"),
                value,
            )
        }
        FileKind::Event | FileKind::Events => {
            let events = events_of(name, bytes)?;
            let lines = events
                .iter()
                .map(event_lines)
                .collect::<Vec<_>>()
                .join("\n");
            let content = events.iter().map(event_json).collect();
            let what = if kind == FileKind::Event {
                "a signed event"
            } else {
                "signed events, one a line"
            };
            (what, lines, content)
        }
        FileKind::Evidence => {
            let evidence = labelproof_core::evidence::Evidence::parse(bytes)
                .map_err(|error| malformed(&error))?;
            let lines = format!(
                "  claim      {}\n  log        {}\n",
                evidence.claim(),
                evidence.origin()
            );
            (
                "evidence against a log",
                lines,
                json!({
                    "claim": evidence.claim().to_string(), "origin": evidence.origin().as_str(),
                }),
            )
        }
        FileKind::Note => {
            let note = Note::parse(bytes).map_err(|error| malformed(&error))?;
            let lines = format!(
                "{}{}",
                indented(note.text()),
                signature_lines(note.signatures())
            );
            ("a signed note", lines, note_json(&note))
        }
        FileKind::Policy => {
            let policy = Policy::parse(bytes).map_err(|error| malformed(&error))?;
            let names: Vec<&str> = policy.witnesses().iter().map(PolicyWitness::name).collect();
            let lines = format!(
                "  logs       {}\n  witnesses  {}: {}\n  overlap    any two quorums share at least {} of them\n",
                policy.logs().len(),
                names.len(),
                names.join(" "),
                policy.smallest_overlap()
            );
            (
                "a policy (c2sp.org/tlog-policy): whose signatures a checkpoint needs",
                lines,
                json!({
                    "logs": policy.logs().iter().map(|log| log.vkey().to_string()).collect::<Vec<_>>(),
                    "witnesses": names, "smallest_overlap": policy.smallest_overlap(),
                }),
            )
        }
        FileKind::SigningKey => {
            let key = crate::key::load(file)?;
            (
                "a signing key; keep it secret",
                vkey_lines(key.vkey()),
                vkey_json(key.vkey()),
            )
        }
        FileKind::StateHead => {
            let head = StateHead::parse(bytes).map_err(|error| malformed(&error))?;
            let (lines, content) = head_lines(&head);
            (
                "a state head: what a log says of all its subjects",
                lines,
                content,
            )
        }
        FileKind::TlogProof => {
            let proof = TlogProof::parse(bytes).map_err(|error| malformed(&error))?;
            let (lines, mut content) =
                checkpoint_lines(proof.note()).map_err(|error| malformed(&error))?;
            content["index"] = json!(proof.index().get());
            let what = match proof.extra() {
                None => "a proof (c2sp.org/tlog-proof) that an entry is in a log",
                Some(_) => "a receipt: a log's promise to publish an entry",
            };
            (
                what,
                format!("  entry      {}\n{lines}", proof.index()),
                content,
            )
        }
        FileKind::Trust => {
            let report = trust::check(file, world)?;
            (
                "a trust file: whom a client believes",
                String::new(),
                report.result,
            )
        }
        FileKind::Vkey => {
            let vkey: Vkey = text.trim_end().parse().map_err(|error| malformed(&error))?;
            (
                "a verifier key; hand it out",
                vkey_lines(&vkey),
                vkey_json(&vkey),
            )
        }
    })
}

fn vkey_lines(vkey: &Vkey) -> String {
    format!(
        "  name       {}\n  key id     {}\n  purpose    {}\n  vkey       {vkey}\n",
        vkey.name(),
        vkey.id(),
        purpose(vkey.key_type())
    )
}

/// What an event says, for people.
pub(crate) fn event_lines(event: &Event) -> String {
    let mut lines = format!(
        "  kind       {}\n  subject    {}\n  decided    {}\n",
        event.kind(),
        event.subject(),
        event.decided_at()
    );
    if let Some(reason) = event.reason() {
        let text = reason
            .text()
            .map(|text| format!(": {text}"))
            .unwrap_or_default();
        lines.push_str(&format!("  reason     {}{text}\n", reason.code()));
    }
    match event.prev() {
        Some(prev) => lines.push_str(&format!("  after      {prev}\n")),
        None if event.kind() == Kind::LabelSuspend || event.kind() == Kind::LabelRevoke => {
            lines.push_str("  after      any event of the label (sent blind)\n");
        }
        None => lines.push_str("  after      nothing; the first of its subject\n"),
    }
    lines.push_str(&format!(
        "  id         {}\n  for log    {}\n",
        event.id(),
        event.origin()
    ));
    lines.push_str(&signature_lines(event.note().signatures()));
    lines
}

fn checkpoint_lines(
    note: &Note,
) -> Result<(String, Value), labelproof_core::checkpoint::CheckpointError> {
    let checkpoint = Checkpoint::parse(note.text())?;
    let head = checkpoint.head();
    let mut lines = format!(
        "  log        {}\n  size       {}\n  root       {}\n",
        checkpoint.origin(),
        head.size(),
        head.root()
    );
    for line in checkpoint.extensions() {
        lines.push_str(&format!("  extension  {line}\n"));
    }
    lines.push_str(&signature_lines(note.signatures()));
    let mut content = note_json(note);
    content["origin"] = json!(checkpoint.origin().as_str());
    content["size"] = json!(head.size().get());
    content["root"] = json!(head.root().to_string());
    Ok((lines, content))
}

/// What a bundle claims of each subject, and the entries it brings.
fn bundle_lines(bundle: &Bundle) -> (String, Value) {
    let mut lines = String::new();
    let mut claims = Vec::new();
    for (name, record) in bundle.answers().iter() {
        let (says, value) = match record {
            None => ("absent".to_owned(), Value::Null),
            Some(Record::State(state)) => {
                let says = format!("{}, {} event(s)", state.status(), state.event_count());
                let value = json!({
                    "status": state.status().to_string(), "events": state.event_count(),
                    "first_index": state.first_index().get(), "last_index": state.last_index().get(),
                });
                (says, value)
            }
            Some(Record::Index(index)) => (
                format!("{} event(s)", index.count()),
                json!({ "events": index.count() }),
            ),
        };
        lines.push_str(&format!("  claims     {name}: {says}\n"));
        claims.push(json!({ "name": name.to_string(), "record": value }));
    }
    let mut entries = Vec::new();
    for entry in bundle.entries() {
        let what = match Event::parse(entry.bytes()) {
            Ok(event) => format!("{} {}", event.kind(), event.subject()),
            Err(_) if StateHead::is_head(entry.bytes()) => "state head".into(),
            Err(_) => "not an event of this version".into(),
        };
        lines.push_str(&format!("  entry      {} {what}\n", entry.index()));
        entries.push(json!({ "index": entry.index().get(), "what": what }));
    }
    let mut content = json!({ "claims": claims, "entries": entries });
    if let Ok((checkpoint, value)) = checkpoint_lines(bundle.proof().note()) {
        lines.push_str(&checkpoint);
        content["checkpoint"] = value;
    }
    (lines, content)
}

/// What a state head says, for people and for programs.
pub(crate) fn head_lines(head: &StateHead) -> (String, Value) {
    let lines = format!(
        "  log        {}\n  genesis    {}\n  covers     entries 0 to {}\n  labels     {} issued so far\n  rules      {}\n",
        head.origin(),
        head.genesis(),
        head.index().get().saturating_sub(1),
        head.issues(),
        head.rules()
    );
    let content = json!({
        "origin": head.origin().as_str(), "genesis": head.genesis().to_string(), "n": head.index().get(),
        "map_root": head.map_root().to_string(), "list_root": head.list_root().to_string(),
        "issues": head.issues(), "rules": head.rules().to_string(), "clock_ms": head.clock_ms(),
    });
    (lines, content)
}

fn signature_lines(signatures: &[SignatureLine]) -> String {
    let each =
        |line: &SignatureLine| format!("  signed by  {} (key id {})\n", line.name(), line.id());
    signatures.iter().map(each).collect()
}

fn note_json(note: &Note) -> Value {
    let signatures: Vec<Value> = note
        .signatures()
        .iter()
        .map(|line| json!({ "name": line.name().as_str(), "key_id": line.id().to_string() }))
        .collect();
    json!({ "text": note.text(), "signatures": signatures })
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
