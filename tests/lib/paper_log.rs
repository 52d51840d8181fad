//! A log on paper: entries, state, heads and bundles in memory, and a server that says what it is told to.
//!
//! For tests of readers: here a log can be asked to lie. The real one is `labelproof-log`.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use labelproof_core::checkpoint::{Checkpoint, SignedCheckpoint};
use labelproof_core::cosignature::{CosignatureTime, cosign};
use labelproof_core::entry_bundle::EntryBundle;
use labelproof_core::event::{Event, Subject};
use labelproof_core::key::SigningKey;
use labelproof_core::merkle::{LeafHash, LeafIndex, TreeSize, WholeTree};
use labelproof_core::receipt::Receipt;
use labelproof_core::state::head::StateHead;
use labelproof_core::state::key::MapKey;
use labelproof_core::state::{Replayed, SignatureMemo, State, StateView};
use labelproof_core::status::pack::{self, PackSubject};
use labelproof_core::status::{self, Opening, ReadLog};
use labelproof_core::tile::TileEdge;
use labelproof_core::time::Time;
use labelproof_core::tlog_proof::TlogProof;

use crate::world;

/// A log whose every part can be looked at.
#[derive(Debug)]
pub struct PaperLog {
    state: State,
    entries: Vec<Vec<u8>>,
    head: (StateHead, StateView),
    time: Time,
}

impl PaperLog {
    /// The foundation of the samples, and its head; witnesses cosign at `time`.
    ///
    /// # Panics
    /// If the state function refuses the samples.
    #[must_use]
    pub fn founded(time: Time) -> Self {
        let genesis = world::genesis();
        let mut state = State::genesis(&genesis).expect("the sample genesis is one");
        let view = state.view();
        let head = state.append_head(time.unix() * 1_000);
        let entries = vec![genesis, head.to_bytes()];
        let mut log = Self {
            state,
            entries,
            head: (head, view),
            time,
        };
        log.append(&world::foundation());
        log
    }

    /// Takes a batch of events and closes it with a head.
    ///
    /// # Panics
    /// If an event is refused.
    pub fn append(&mut self, batch: &[Vec<u8>]) {
        for entry in batch {
            let event = Event::parse(entry).expect("the entry is an event");
            let keys = self.state.candidate_keys(&event);
            let memo = SignatureMemo::verify(&event, &keys);
            if let Err(refusal) = self.state.apply(&event, &memo) {
                panic!("{}: {refusal}", event.json());
            }
            self.entries.push(entry.clone());
        }
        let view = self.state.view();
        let head = self.state.append_head(self.time.unix() * 1_000);
        self.entries.push(head.to_bytes());
        self.head = (head, view);
    }

    /// Takes an entry that no honest log takes; the state goes on without it.
    ///
    /// # Panics
    /// If the state function accepts it.
    pub fn take_bad(&mut self, entry: Vec<u8>) {
        let replayed = self.state.replay_entry(&entry);
        assert!(matches!(replayed, Ok(Replayed::Refused(_))), "{replayed:?}");
        self.entries.push(entry);
    }

    /// Moves the time at which witnesses cosign.
    pub fn set_time(&mut self, time: Time) {
        self.time = time;
    }

    /// Puts another entry in the place of one: from here on the log lies. Its state and its newest head stay.
    ///
    /// # Panics
    /// If there is no such entry.
    pub fn lie(&mut self, at: LeafIndex, entry: Vec<u8>) {
        let at = usize::try_from(at.get()).expect("the log fits into memory");
        self.entries[at] = entry;
    }

    /// Leaves out an entry and all after it.
    ///
    /// # Panics
    /// If the log does not fit into memory.
    pub fn leave_out_from(&mut self, at: LeafIndex) {
        let at = usize::try_from(at.get()).expect("the log fits into memory");
        self.entries.truncate(at);
    }

    /// Number of entries.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.entries.len() as u64
    }

    /// The checkpoint of everything, by the log and these witnesses.
    #[must_use]
    pub fn checkpoint(&self, witnesses: &[&str]) -> SignedCheckpoint {
        let checkpoint = Checkpoint::new(world::origin(), self.tree().head());
        let mut signed = SignedCheckpoint::sign(&checkpoint, &log_key());
        let time =
            CosignatureTime::new(self.time.unix()).expect("the time is one of a cosignature");
        for code in witnesses {
            let key = world::witness_key(code);
            let line = cosign(&key, &checkpoint.text(), time);
            signed = signed
                .with_cosignature(key.vkey(), line)
                .expect("the line was just made");
        }
        signed
    }

    /// The bundle of a subject under the newest head, cosigned by these witnesses.
    ///
    /// # Panics
    /// If `subject` is none.
    #[must_use]
    pub fn bundle_by(&self, subject: &str, witnesses: &[&str]) -> Vec<u8> {
        let subject: Subject = subject.parse().expect("a subject");
        let last = LeafIndex::new(self.size() - 1);
        let proof = self.proof_by(last, witnesses);
        let (head, view) = &self.head;
        let opening = Opening::new(head.clone(), proof).expect("the proof is the head's");
        status::build(view, self, &subject, &opening).expect("the log knows all its events")
    }

    /// The same by all seven witnesses.
    #[must_use]
    pub fn bundle(&self, subject: &str) -> Vec<u8> {
        self.bundle_by(subject, &world::WITNESSES)
    }

    /// The bundle of all labels of a product.
    ///
    /// # Panics
    /// If `gtin` is none.
    #[must_use]
    pub fn product_bundle(&self, gtin: &str) -> Vec<u8> {
        let gtin = gtin.parse().expect("a GTIN");
        let (head, view) = &self.head;
        let proof = self.proof_by(head.index(), &world::WITNESSES);
        let opening = Opening::new(head.clone(), proof).expect("the proof is the head's");
        let bundle = status::build_product(view, self, &gtin, &opening);
        bundle.expect("the log knows all its events")
    }

    /// The pack of these subjects, each `gtin …` or `label …`.
    ///
    /// # Panics
    /// If a subject is none.
    #[must_use]
    pub fn pack(&self, subjects: &[String]) -> Vec<u8> {
        let subjects: Vec<PackSubject> = subjects
            .iter()
            .map(|line| line.parse().expect("a subject of a pack"))
            .collect();
        let (head, view) = &self.head;
        let proof = self.proof_by(head.index(), &world::WITNESSES);
        let draft = pack::build(view, self, &subjects, head, proof);
        let draft = draft.expect("the log knows all its events");
        draft.pieces(self).flatten().flatten().collect()
    }

    /// The tlog-proof of an entry, cosigned by these witnesses.
    ///
    /// # Panics
    /// If there is no such entry.
    #[must_use]
    pub fn proof_by(&self, index: LeafIndex, witnesses: &[&str]) -> TlogProof {
        let path = self.tree().path(index).expect("the entry exists");
        let note = self.checkpoint(witnesses).note().clone();
        TlogProof::new(None, index, path, note).expect("a path is short enough")
    }

    /// The receipt of an entry under the log's own signature.
    ///
    /// # Panics
    /// If there is no such entry.
    #[must_use]
    pub fn receipt(&self, index: LeafIndex) -> TlogProof {
        let tree = self.tree();
        let path = tree.path(index).expect("the entry exists");
        let head_path = tree.path(self.head.0.index()).expect("the head exists");
        Receipt::write(&self.checkpoint(&[]), index, path, &self.head.0, &head_path)
            .expect("a path is short enough")
    }

    /// Where an entry stands.
    #[must_use]
    pub fn index_of(&self, entry: &[u8]) -> Option<LeafIndex> {
        let at = self.entries.iter().position(|other| other == entry)?;
        Some(LeafIndex::new(at as u64))
    }

    /// What an honest server would answer: path to body. Status is there for `subjects`.
    ///
    /// # Panics
    /// If a subject is none.
    #[must_use]
    pub fn answers(&self, subjects: &[&str]) -> BTreeMap<String, Vec<u8>> {
        let mut answers = BTreeMap::new();
        let leaves = self.entries.iter().map(|entry| LeafHash::of_entry(entry));
        for (path, tile) in TileEdge::new().grow(leaves) {
            answers.insert(format!("/{path}"), tile.to_bytes());
        }
        for (path, bundle) in EntryBundle::grow(TreeSize::EMPTY, None, self.entries.iter().cloned())
        {
            answers.insert(format!("/{path}"), bundle.to_bytes());
        }
        let checkpoint = self.checkpoint(&world::WITNESSES);
        answers.insert("/checkpoint".to_owned(), checkpoint.note().to_bytes());
        for subject in subjects {
            answers.insert(status_path(subject), self.bundle(subject));
        }
        answers
    }

    fn tree(&self) -> WholeTree {
        WholeTree::new(self.entries.iter().map(|entry| LeafHash::of_entry(entry)))
    }
}

impl ReadLog for PaperLog {
    type Error = Infallible;

    fn entry(&self, index: LeafIndex) -> Result<Vec<u8>, Infallible> {
        let at = usize::try_from(index.get()).expect("the log fits into memory");
        Ok(self.entries[at].clone())
    }

    fn events_of(&self, subject: &Subject, _: &MapKey) -> Result<Vec<LeafIndex>, Infallible> {
        Ok(self.state.subject_indices(subject).unwrap_or_default())
    }

    fn events_under(&self, key: &MapKey) -> Result<Vec<LeafIndex>, Infallible> {
        let is_under = |entry: &[u8]| {
            Event::parse(entry).is_ok_and(|event| self.state.index_keys(&event).contains(key))
        };
        let numbered = (0..).map(LeafIndex::new).zip(&self.entries);
        let under = numbered.filter(|(_, entry)| is_under(entry));
        Ok(under.map(|(index, _)| index).collect())
    }
}

/// The key of the log, which is named as its origin.
#[must_use]
pub fn log_key() -> SigningKey {
    world::key(world::ORIGIN)
}

/// Five of the seven witnesses, and the log at `url`.
#[must_use]
pub fn policy(url: &str) -> String {
    let mut text = format!("log {} {url}\n", log_key().vkey());
    for code in world::WITNESSES {
        let key = world::witness_key(code);
        text.push_str(&format!("witness {code} {}\n", key.vkey()));
    }
    let names = world::WITNESSES.join(" ");
    text.push_str(&format!("group members 5 {names}\nquorum members\n"));
    text
}

/// The path of a subject's status.
#[must_use]
pub fn status_path(subject: &str) -> String {
    match subject.split_once(':') {
        Some((kind, name)) => format!("/v1/status/{kind}/{name}"),
        None => format!("/v1/status/label/{subject}"),
    }
}

/// A server on loopback that gives each path the answer it was told; 404 for all else.
#[derive(Debug)]
pub struct Parrot {
    url: String,
    answers: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl Parrot {
    /// Listens on a free port until the process ends.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(answers: BTreeMap<String, Vec<u8>>) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let answers = Arc::new(Mutex::new(answers));
        let shared = Arc::clone(&answers);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // A caller that goes away is its own affair.
                let _ = answer(stream, &shared);
            }
        });
        Ok(Self { url, answers })
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Says something else from now on.
    ///
    /// # Panics
    /// If the serving thread panicked.
    pub fn say(&self, answers: BTreeMap<String, Vec<u8>>) {
        *self.answers.lock().expect("the server runs") = answers;
    }

    /// Says something else under one path.
    ///
    /// # Panics
    /// If the serving thread panicked.
    pub fn say_at(&self, path: &str, body: Option<Vec<u8>>) {
        let mut answers = self.answers.lock().expect("the server runs");
        match body {
            Some(body) => answers.insert(path.to_owned(), body),
            None => answers.remove(path),
        };
    }
}

fn answer(stream: TcpStream, answers: &Mutex<BTreeMap<String, Vec<u8>>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink())?;
    let path = first.split(' ').nth(1).unwrap_or_default();
    let body = answers.lock().expect("no caller panics").get(path).cloned();
    let status = if body.is_some() {
        "200 OK"
    } else {
        "404 Not Found"
    };
    let body = body.unwrap_or_default();
    let mut stream = reader.into_inner();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}
