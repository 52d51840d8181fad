//! `sign`: one more signature line on a note, for several roots or an air gap.

use labelproof_core::{checkpoint::Checkpoint, note::Note};
use labelproof_host::exit::Exit;
use serde_json::json;

use crate::{
    args::Sign,
    key::load_note_key,
    report::{Failure, Report},
    world::World,
};

/// Adds the key's line; a note that has it already stays as it is.
pub(crate) fn run(args: &Sign, world: &World) -> Result<Report, Failure> {
    let key = load_note_key(&args.key)?;
    let bytes = world.read(&args.file)?;
    let note = Note::parse(&bytes).map_err(|error| {
        Failure::on(Exit::Malformed, args.file.display(), &error)
            .next("`labelproof event sign` makes a signed note from JSON")
    })?;
    // A log signs its checkpoints itself, after it stored them; one signed by hand could be a fork.
    if Checkpoint::parse(note.text()).is_ok() {
        return Err(Failure::new(
            Exit::Usage,
            format!(
                "{} is a checkpoint; it is not signed by hand",
                args.file.display()
            ),
        ));
    }
    let line = key.sign_note(note.text());
    let had = note.signatures().contains(&line);
    let out = args.out.as_ref().unwrap_or(&args.file);
    let note = match had {
        true => note,
        false => note
            .with_signature(line)
            .map_err(|error| Failure::on(Exit::Malformed, args.file.display(), &error))?,
    };
    if !had || args.out.is_some() {
        world.write(out, &note.to_bytes())?;
    }
    let lines = note.signatures().len();
    let name = key.vkey().name().as_str();
    let said = match had {
        true => format!(
            "{name} had signed {} already; it has {lines} signature line(s)",
            args.file.display()
        ),
        false => format!(
            "{name} signed {}; it has {lines} signature line(s)",
            out.display()
        ),
    };
    let result = json!({
        "file": out.display().to_string(), "signer": name, "key_id": key.vkey().id().to_string(),
        "signatures": lines, "added": !had,
    });
    Ok(Report::done(said, result))
}
