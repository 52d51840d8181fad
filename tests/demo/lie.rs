//! `lie`: the key of the demo's log signs a second list, and its two signatures convict it.
//!
//! ```text
//! DIR/lie/shown-to-one.note        the head that the log published
//! DIR/lie/shown-to-another.note    one of the same size, over a list in which a label was never revoked
//! DIR/lie/fork.evidence            the two together
//! ```
//! Only who holds the log's key can do this. The demo's monitor is handed the second head, and alerts; the log that
//! runs goes on as it was.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use labelproof::evidence::{Compared, compare};
use labelproof_core::checkpoint::{Checkpoint, SignedCheckpoint};
use labelproof_core::event::{Event, Kind};
use labelproof_core::evidence::Evidence;
use labelproof_core::key::SigningKey;
use labelproof_core::merkle::{LeafHash, LeafIndex, WholeTree};
use labelproof_core::note::Note;
use labelproof_host::exit::Exit;
use labelproof_host::fs::RealFs;
use labelproof_host::keyfile;
use labelproof_host::tiles::{DirTiles, TileReader, TilesError};
use labelproof_tests::programs::Program;

use crate::tour::quoted;
use crate::{monitor, say};

/// Lies with the key of the demo in `dir`, and shows how that ends.
///
/// # Errors
/// `dir` is no demo's, or the lie does not end with 20.
pub(crate) fn tell(dir: &Path) -> io::Result<()> {
    let log = dir.join("log");
    let key = keyfile::read(&log.join("key")).map_err(|error| {
        let what = format!(
            "{}: no demo's log is here; start one with `labelproof-demo --dir DIR`\n  {error}",
            dir.display()
        );
        io::Error::other(what)
    })?;
    let published = Note::parse(&fs::read(log.join("checkpoint"))?).map_err(io::Error::other)?;
    let honest = SignedCheckpoint::open(published, key.vkey()).map_err(io::Error::other)?;
    let source = DirTiles::new(Arc::new(RealFs::new()), log);
    let tiles = TileReader::new(source, &honest);
    let size = honest.head().size();
    say(format_args!("The log has published {size} entries."))?;
    let lie = Lie::about(&tiles, &key)?;
    say(format_args!(
        "Entry {} revokes {}. Whoever holds the log's key signs a second list of {size}, without it:",
        lie.index, lie.subject
    ))?;
    let evidence = match compare(&tiles, &honest, &lie.head).map_err(io::Error::other)? {
        Compared::Forked(evidence) => *evidence,
        Compared::Consistent | Compared::Ahead => {
            return Err(io::Error::other("the second list is not another one"));
        }
    };
    let folder = dir.join("lie");
    fs::create_dir_all(&folder)?;
    for (name, head) in [
        ("shown-to-one.note", &honest),
        ("shown-to-another.note", &lie.head),
    ] {
        let file = folder.join(name);
        fs::write(&file, head.note().to_bytes())?;
        let root = head.head().root();
        say(format_args!("  {}  root {root}", file.display()))?;
    }
    say("No witness cosigns the second one.")?;
    monitor::hand_in(dir, &lie.head)?;
    say("Two who were shown one each can also lay them together themselves:")?;
    convict(dir, &folder.join("fork.evidence"), &evidence)
}

/// A list in which one revocation never was, and the head that stands for it.
struct Lie {
    index: LeafIndex,
    subject: String,
    head: SignedCheckpoint,
}

impl Lie {
    fn about(tiles: &TileReader<DirTiles>, key: &SigningKey) -> io::Result<Self> {
        let size = tiles.head().size().get();
        let (mut leaves, mut revoked) = (Vec::new(), None);
        let all = LeafIndex::new(0)..LeafIndex::new(size);
        let read = tiles.entries(all, |index, entry| {
            leaves.push(LeafHash::of_entry(entry));
            match Event::parse(entry) {
                Ok(event) if event.kind() == Kind::LabelRevoke => {
                    revoked = Some((index, event.subject().to_string()));
                }
                Ok(_) | Err(_) => {}
            }
            Ok::<(), TilesError>(())
        });
        read.map_err(io::Error::other)?;
        let (index, subject) =
            revoked.ok_or_else(|| io::Error::other("no label was revoked yet"))?;
        let at = usize::try_from(index.get()).map_err(io::Error::other)?;
        leaves[at] = LeafHash::of_entry(b"nothing happened here");
        let origin = key.vkey().name().into();
        let checkpoint = Checkpoint::new(origin, WholeTree::new(leaves).head());
        Ok(Self {
            index,
            subject,
            head: SignedCheckpoint::sign(&checkpoint, key),
        })
    }
}

/// Writes the evidence, and runs the program that judges it, in the terminal of the person.
fn convict(dir: &Path, file: &Path, evidence: &Evidence) -> io::Result<()> {
    fs::write(file, evidence.to_bytes())?;
    let trust = dir.join("trust.toml");
    say(format_args!(
        "\n  $ labelproof verify {} --trust {}",
        quoted(file),
        quoted(&trust)
    ))?;
    let status = Command::new(dir.join("bin").join(Program::Client.name()))
        .arg("verify")
        .arg(file)
        .arg("--trust")
        .arg(&trust)
        .stdin(Stdio::null())
        .status()?;
    let code = status.code().unwrap_or(-1);
    say(format_args!("    exit code {code}"))?;
    if code != i32::from(Exit::LogMisbehaved.code()) {
        return Err(io::Error::other("the evidence convicts nobody"));
    }
    say(
        "\nThe file is all that anybody needs, offline: the two signatures are the log's own.\n\
         Change a byte of it and it convicts nobody. The log that runs knows nothing of this.",
    )
}
