//! `init`: a key and an empty store, in a directory that is empty or not there.

use std::path::PathBuf;

use clap::Args;
use labelproof_core::{checkpoint::Origin, key::KeyType, note::KeyName};
use labelproof_host::{clock::SystemClock, exit::Exit, keyfile, lock::DirLock};

use super::{Failure, Outcome, genesis};
use crate::store::{Store, draw_instance};

/// Make a key and an empty store.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  labelproof-log init --origin labels.g7.example --dir log --genesis genesis.note"
)]
pub(super) struct Options {
    /// The name of the log and of its key: a host and perhaps a path, without scheme.
    #[arg(long)]
    origin: String,
    /// Where key and store go; empty, or not there yet.
    #[arg(long, env = "LABELPROOF_LOG_DIR")]
    dir: PathBuf,
    /// The signed genesis, to be sealed as entry 0.
    #[arg(long)]
    genesis: Option<PathBuf>,
}

pub(super) fn run(options: &Options) -> Outcome {
    let name = KeyName::parse(&options.origin).map_err(Failure::usage)?;
    if options.origin.contains("://") {
        // SPEC tlog-checkpoint: the origin is a URL without its scheme.
        return Err(Failure::usage(format!(
            "{} has a scheme; the origin is what follows it, as labels.g7.example",
            options.origin
        )));
    }
    let origin = Origin::from(&name);
    // What can be wrong is looked at before anything is made.
    let sealed = options
        .genesis
        .as_ref()
        .map(|path| genesis::read(path, Some(&origin)))
        .transpose()?;
    let store = Store::at(&options.dir);
    store.make_directory().map_err(Failure::usage)?;
    let _lock = DirLock::take(&options.dir, "labelproof-log init").map_err(Failure::usage)?;
    let instance = draw_instance().map_err(Failure::internal)?;
    let key = keyfile::generate(name, KeyType::Note).map_err(Failure::internal)?;
    keyfile::create(&store.key_path(), &key).map_err(Failure::internal)?;
    store.create(&origin, instance).map_err(Failure::internal)?;
    let vkey = key.vkey().clone();
    if let Some(genesis) = sealed {
        store
            .seal(key, genesis, &SystemClock, instance)
            .map_err(Failure::internal)?;
    }
    println!("{vkey}");
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_with_a_scheme_makes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            origin: "https://labels.g7.example".to_owned(),
            dir: folder.path().join("log"),
            genesis: None,
        };
        let failure = run(&options).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
}
