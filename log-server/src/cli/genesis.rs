//! `genesis`: entry 0, which says who the members are.
//!
//! ```toml
//! decided_at = "2026-01-01T00:00:00Z"
//!
//! [[members]]
//! id = "jp"
//! name = "Japan"
//! roots = ["root.jp.example+a248428c+Aa2d…"]
//! threshold = 1
//! territories = ["JP"]
//! domains = ["jp.example"]
//! associate = false
//! ```
//! The same members as JSON do as well. One root signs when the note is made, the others with
//! `labelproof sign`; every member's threshold must be met before the genesis is sealed.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};
use labelproof_core::{
    checkpoint::Origin,
    entry_bundle::MAX_ENTRY_BYTES,
    event::{Body, Draft, Event, EventKey, Kind, Member},
    merkle::LeafHash,
    note::{KeyName, Note},
    state::{State, head::Rules},
};
use labelproof_host::{
    clock::SystemClock,
    config::{self, ConfigError},
    exit::Exit,
    fs::{RealFs, write_atomic},
    keyfile,
    lock::DirLock,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Failure, Outcome};
use crate::store::{Store, draw_instance};

/// Make, check or seal entry 0.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make the genesis from a description of the members, signed by a first root.
    #[command(
        after_help = "Example:\n  labelproof-log genesis new --origin labels.g7.example --members members.toml --key root.jp.key --out genesis.note\n  labelproof sign --key root.de.key genesis.note"
    )]
    New(New),
    /// Check that a genesis is complete, and print the hash that clients pin.
    #[command(after_help = "Example:\n  labelproof-log genesis check genesis.note")]
    Check(Check),
    /// Put a genesis into a store that was made without one.
    #[command(after_help = "Example:\n  labelproof-log genesis seal --dir log genesis.note")]
    Seal(Seal),
}

#[derive(Args, Debug)]
pub(super) struct New {
    /// The origin of the log.
    #[arg(long)]
    origin: String,
    /// The members, as TOML or (by its suffix) as JSON.
    #[arg(long)]
    members: PathBuf,
    /// The root key that signs first.
    #[arg(long)]
    key: PathBuf,
    /// Where the signed note goes; must not be there yet.
    #[arg(long)]
    out: PathBuf,
}

#[derive(Args, Debug)]
pub(super) struct Check {
    /// The signed note.
    file: PathBuf,
    /// The log it must be for.
    #[arg(long)]
    origin: Option<String>,
}

#[derive(Args, Debug)]
pub(super) struct Seal {
    /// The store.
    #[arg(long, env = "LABELPROOF_LOG_DIR")]
    dir: PathBuf,
    /// The signed note.
    file: PathBuf,
}

/// A description of the members; their own fields are checked as an event's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    decided_at: String,
    members: Vec<Value>,
}

pub(super) fn run(command: &Command) -> Outcome {
    match command {
        Command::New(options) => new(options),
        Command::Check(options) => check(options),
        Command::Seal(options) => seal(options),
    }
}

fn new(options: &New) -> Outcome {
    let name = KeyName::parse(&options.origin).map_err(Failure::usage)?;
    let origin = Origin::from(&name);
    let key = keyfile::read(&options.key).map_err(Failure::usage)?;
    let description = describe(&options.members)?;
    let draft = json!({
        "subject": format!("log:{origin}"),
        "decided_at": description.decided_at,
        "body": { "rules": Rules::CURRENT.to_string(), "members": description.members },
    });
    let draft = Draft::from_json(Kind::LogGenesis, &draft.to_string()).map_err(|refusal| {
        Failure::malformed(format!("{}: {refusal}", options.members.display()))
    })?;
    let text = draft.text(&origin, None);
    let line = key.sign_note(&text);
    let note = Note::new(text, vec![line]).map_err(Failure::malformed)?;
    let out = options.out.display();
    if options.out.exists() {
        return Err(Failure::usage(format!("{out} is there already")));
    }
    write_atomic(&RealFs::new(), &options.out, &note.to_bytes()).map_err(Failure::internal)?;
    println!("wrote {out}; the other roots sign it with: labelproof sign --key FILE {out}");
    Ok(Exit::Done)
}

fn describe(path: &Path) -> Result<Description, Failure> {
    if path.extension().is_some_and(|suffix| suffix == "json") {
        let bytes = read_at_most(MAX_DESCRIPTION_BYTES, path)?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Failure::malformed(format!("{}: {error}", path.display())))
    } else {
        config::load(&RealFs::new(), path).map_err(|error| match error {
            ConfigError::Unreadable(error) => Failure::usage(error),
            error => Failure::malformed(error),
        })
    }
}

fn check(options: &Check) -> Outcome {
    let name = options
        .origin
        .as_deref()
        .map(KeyName::parse)
        .transpose()
        .map_err(Failure::usage)?;
    let genesis = read(&options.file, name.as_ref().map(Origin::from).as_ref())?;
    println!("{}", LeafHash::of_entry(&genesis));
    Ok(Exit::Done)
}

fn seal(options: &Seal) -> Outcome {
    let store = Store::at(&options.dir);
    let _lock =
        DirLock::take(&options.dir, "labelproof-log genesis seal").map_err(Failure::usage)?;
    let key = keyfile::read(&store.key_path()).map_err(Failure::usage)?;
    let genesis = read(&options.file, Some(&Origin::from(key.vkey().name())))?;
    let hash = LeafHash::of_entry(&genesis);
    let instance = draw_instance().map_err(Failure::internal)?;
    store
        .seal(key, genesis, &SystemClock, instance)
        .map_err(Failure::usage)?;
    println!("{hash}");
    Ok(Exit::Done)
}

/// Reads a genesis that the state function takes: every member has signed by its threshold.
pub(super) fn read(path: &Path, origin: Option<&Origin>) -> Result<Vec<u8>, Failure> {
    let bytes = read_at_most(MAX_ENTRY_BYTES, path)?;
    let file = path.display();
    let state = State::genesis(&bytes).map_err(|refusal| match refusal.code() {
        "bad-signature" | "unknown-authority" => {
            let why = match lacking(&bytes).as_slice() {
                [] => format!("a root's line does not verify: {refusal}"),
                lacking => lacking.join(", "),
            };
            Failure::new(
                Exit::NotSigned,
                format!(
                    "{file}: {why}; a root adds its line with: labelproof sign --key FILE {file}"
                ),
            )
        }
        "unknown-subject" => Failure::malformed(format!(
            "{file} is no genesis; make one with `labelproof-log genesis new`"
        )),
        _ => Failure::malformed(format!("{file}: {refusal}")),
    })?;
    match origin {
        Some(origin) if origin != state.origin() => {
            let found = state.origin();
            Err(Failure::malformed(format!(
                "{} is the genesis of {found}, not of {origin}",
                path.display()
            )))
        }
        _ => Ok(bytes),
    }
}

/// Which members lack signatures under a genesis, and how many each has.
fn lacking(genesis: &[u8]) -> Vec<String> {
    let Ok(event) = Event::parse(genesis) else {
        return Vec::new();
    };
    let Body::LogGenesis(body) = event.body() else {
        return Vec::new();
    };
    let lacks = |member: &Member| {
        // Roots have distinct public keys, so that each counts once.
        let roots = member.roots.iter().map(EventKey::vkey);
        let signed = roots.filter(|root| {
            let mut lines = event.note().signatures().iter();
            lines.any(|line| root.verify_line(event.note().text(), line).is_ok())
        });
        let (signed, needed) = (signed.count() as u64, member.threshold.get());
        (signed < needed).then(|| {
            let code = member.id.as_str();
            format!("signed by {signed} of {needed} keys of {code}")
        })
    };
    body.members.iter().filter_map(lacks).collect()
}

/// Reads a file of at most `limit` bytes; of a device without end, one byte more.
fn read_at_most(limit: usize, path: &Path) -> Result<Vec<u8>, Failure> {
    let cannot = |error| Failure::usage(format!("cannot read {}: {error}", path.display()));
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(cannot)?;
    file.take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot)?;
    if bytes.len() > limit {
        return Err(Failure::malformed(format!(
            "{} has more than {limit} bytes, the most it may have",
            path.display()
        )));
    }
    Ok(bytes)
}

/// What becomes an entry, with room for indentation and for signs written as escapes.
const MAX_DESCRIPTION_BYTES: usize = 8 * MAX_ENTRY_BYTES;

#[cfg(test)]
mod tests {
    use labelproof_core::key::{KeyType, SigningKey};

    use super::*;

    #[test]
    fn members_that_are_not_there_are_a_mistake_of_the_command_line() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["members.toml", "members.json"] {
            let Err(failure) = describe(&folder.path().join(name)) else {
                panic!("{name} was read");
            };
            assert_eq!(failure.exit, Exit::Usage, "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_without_end_is_read_no_further_than_an_entry() {
        let failure = read(Path::new("/dev/zero"), None).unwrap_err();
        assert_eq!(failure.exit, Exit::Malformed);
        assert!(failure.error.to_string().contains("more than 16384 bytes"));
    }

    #[test]
    fn a_genesis_that_lacks_signatures_names_the_members_that_owe_them() {
        let root = |name: &str, seed: u8| {
            let name = KeyName::parse(name).unwrap();
            SigningKey::from_seed(name, KeyType::Note, [seed; 32])
        };
        let japan = [root("root.jp.example", 1), root("root-2.jp.example", 2)];
        let germany = root("root.de.example", 3);
        let member = |code: &str, roots: &[&SigningKey]| {
            json!({
                "associate": false,
                "domains": [format!("{code}.example")],
                "id": code,
                "name": code,
                "roots": roots.iter().map(|root| root.vkey().to_string()).collect::<Vec<_>>(),
                "territories": [code.to_uppercase()],
                "threshold": roots.len(),
            })
        };
        let draft = json!({
            "subject": "log:labels.g7.example",
            "decided_at": "2026-01-01T00:00:00Z",
            "body": {
                "rules": Rules::CURRENT.to_string(),
                "members": [member("jp", &[&japan[0], &japan[1]]), member("de", &[&germany])],
            },
        });
        let origin = Origin::from(&KeyName::parse("labels.g7.example").unwrap());
        let text = Draft::from_json(Kind::LogGenesis, &draft.to_string())
            .unwrap()
            .text(&origin, None);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("genesis.note");
        let read_signed_by = |keys: &[&SigningKey]| {
            let lines = keys.iter().map(|key| key.sign_note(&text)).collect();
            let note = Note::new(text.clone(), lines).unwrap();
            std::fs::write(&path, note.to_bytes()).unwrap();
            read(&path, Some(&origin))
        };
        let stranger = root("root.jp.example", 9);
        for (keys, want) in [
            (vec![&germany], "signed by 0 of 2 keys of jp; "),
            (vec![&japan[0], &germany], "signed by 1 of 2 keys of jp; "),
            (
                vec![&stranger],
                "signed by 0 of 2 keys of jp, signed by 0 of 1 keys of de; ",
            ),
        ] {
            let failure = read_signed_by(&keys).unwrap_err();
            assert_eq!(failure.exit, Exit::NotSigned);
            let said = failure.error.to_string();
            assert!(said.contains(want), "{said}");
        }
        assert!(read_signed_by(&[&germany, &japan[1], &japan[0]]).is_ok());
    }
}
