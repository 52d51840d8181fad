//! `keygen`: a new signing key.

use labelproof_core::key::KeyType;
use labelproof_host::{exit::Exit, keyfile};
use serde_json::json;

use crate::{
    args::Keygen,
    key::vkey_json,
    report::{Failure, Report},
    world::{World, not_written},
};

/// Makes a key file that only its owner can read, and prints the verifier key to hand out.
pub(crate) fn run(args: &Keygen, world: &World) -> Result<Report, Failure> {
    world.must_be_new(&args.out)?;
    let key = keyfile::generate(args.name.clone(), KeyType::Note)
        .map_err(|error| Failure::of(Exit::Internal, &error))?;
    keyfile::create(&args.out, &key).map_err(|error| not_written(&error))?;
    world.note(format!(
        "the secret is in {}; keep a copy where no network reaches",
        args.out.display()
    ));
    let mut result = vkey_json(key.vkey());
    result["file"] = json!(args.out.display().to_string());
    Ok(Report::done(key.vkey().to_string(), result))
}
