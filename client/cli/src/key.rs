//! `key show`: the public half of a key.

use std::path::Path;

use labelproof_core::key::{KeyType, SigningKey, Vkey};
use labelproof_host::{exit::Exit, keyfile};
use serde_json::{Value, json};

use crate::{
    report::{Failure, Report},
    world::World,
};

/// Prints the verifier key of a key file, or of a file that holds one.
pub(crate) fn show(file: &Path, world: &World) -> Result<Report, Failure> {
    let text = world.read_text(file)?;
    let vkey = match text.trim_end().parse::<Vkey>() {
        Ok(vkey) => vkey,
        Err(_) if text.starts_with("PRIVATE+KEY+") => load(file)?.vkey().clone(),
        Err(error) => {
            return Err(Failure::on(Exit::Malformed, file.display(), &error).next(
                "give a key file that `labelproof keygen` wrote, or a file with one verifier key",
            ));
        }
    };
    world.note(format!(
        "{}, key id {}, {}",
        vkey.name(),
        vkey.id(),
        purpose(vkey.key_type())
    ));
    Ok(Report::done(vkey.to_string(), vkey_json(&vkey)))
}

/// Reads a signing key from a file that only its owner can read.
pub(crate) fn load(file: &Path) -> Result<SigningKey, Failure> {
    keyfile::read(file).map_err(|error| Failure::of(Exit::Usage, &error))
}

/// Reads a key that signs notes: events are signed with note type 0x01 only.
pub(crate) fn load_note_key(file: &Path) -> Result<SigningKey, Failure> {
    let key = load(file)?;
    match key.vkey().key_type() {
        KeyType::Note => Ok(key),
        KeyType::Cosignature => Err(Failure::new(
            Exit::Usage,
            format!(
                "{} is the key of a witness; it signs no notes",
                file.display()
            ),
        )
        .next("make a key with `labelproof keygen`")),
    }
}

/// A verifier key for programs.
pub(crate) fn vkey_json(vkey: &Vkey) -> Value {
    json!({
        "vkey": vkey.to_string(), "name": vkey.name().as_str(), "key_id": vkey.id().to_string(),
        "purpose": purpose(vkey.key_type()),
    })
}

/// What a key may sign.
pub(crate) fn purpose(key_type: KeyType) -> &'static str {
    match key_type {
        KeyType::Note => "signs notes",
        KeyType::Cosignature => "cosigns checkpoints",
    }
}
