//! Nine commands to try: what they are, and a run of them as a person would.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use labelproof_tests::daemon::CHILD_VARIABLE;

use crate::assortment;
use crate::labels::{End, Label};
use crate::registry::{Keys, scheme};
use crate::{monitor, say};

/// A label that no file here issues.
pub(crate) const NEVER_ISSUED: &str = "jp.jc-star/EX-999999";

/// The nine commands, and the line that makes them work.
pub(crate) struct Tour {
    export: String,
    steps: [Step; STEPS],
}

struct Step {
    command: String,
    /// What it shows.
    shows: &'static str,
    /// The exit code that says so.
    code: i32,
}

impl Tour {
    /// Writes the commands for a network in `dir`.
    ///
    /// # Errors
    /// The assortment cannot be written.
    pub(crate) fn new(dir: &Path, bin: &Path, trust: &Path, keys: &Keys) -> io::Result<Tour> {
        let labels = Label::all();
        let first = |end| {
            labels
                .iter()
                .find(|label| label.end() == end)
                .expect("labels.csv: some end in each way")
        };
        let (active, revoked) = (first(End::Active), first(End::Revoked));
        let issuer = scheme(active.id.split('/').next().unwrap_or_default()).issuer;
        let trust = quoted(trust);
        let saved = quoted(&dir.join("active.labelproof"));
        let key = quoted(&keys.file(issuer));
        let out = quoted(&dir.join("revoked"));
        let assortment = quoted(&assortment::write(dir)?);
        let report = quoted(&dir.join("assortment.html"));
        let auditor = quoted(&dir.join("auditor"));
        let config = quoted(&monitor::watch(dir, active.id)?);
        let product = Label::gtin_of_three().trim_start_matches('0');
        let step = |command, shows, code| Step {
            command,
            shows,
            code,
        };
        Ok(Tour {
            export: format!("export PATH={}:$PATH", quoted(bin)),
            steps: [
                step(
                    format!(
                        "labelproof status {} --trust {trust} --save {saved}",
                        active.id
                    ),
                    "an active label, asked of the log; its proof goes into a file",
                    0,
                ),
                step(
                    format!("labelproof verify {saved} --trust {trust}"),
                    "that file, checked without a network",
                    0,
                ),
                step(
                    format!("labelproof status {} --trust {trust}", revoked.id),
                    "a revoked label: exit code 13",
                    13,
                ),
                step(
                    format!("labelproof status {NEVER_ISSUED} --trust {trust}"),
                    "a label that never was, and the proof of it: exit code 17",
                    17,
                ),
                step(
                    format!("labelproof status {product} --trust {trust}"),
                    "a product by its GTIN: three labels, one renewed and one revoked, so exit code 13",
                    13,
                ),
                step(
                    format!(
                        "labelproof check --file {assortment} --trust {trust} --report {report}"
                    ),
                    "a shop's assortment, and a page to open in a browser: exit code 13, its worst row",
                    13,
                ),
                step(
                    format!(
                        "labelproof revoke {} --reason misuse --key {key} --trust {trust} --out {out}",
                        active.id
                    ),
                    "the authority revokes the first one; then ask for it again",
                    0,
                ),
                step(
                    format!(
                        "labelproof-monitor once --trust {trust} --dir {auditor} --config {config} --since 0"
                    ),
                    "an auditor verifies every entry, and is told of that revocation with its proof",
                    0,
                ),
                step(
                    format!("labelproof-demo lie --dir {}", quoted(dir)),
                    "whoever holds the log's key lies with it; the monitor finds out, and anybody can check it",
                    0,
                ),
            ],
        })
    }

    /// Prints `before` and what the commands show, then the ten lines alone.
    ///
    /// # Errors
    /// Nobody reads.
    pub(crate) fn print(&self, before: &str) -> io::Result<()> {
        say(before)?;
        for (number, step) in (1..).zip(&self.steps) {
            say(format_args!("  {number}  {}", step.shows))?;
        }
        say("")?;
        say(&self.export)?;
        for step in &self.steps {
            say(&step.command)?;
        }
        Ok(())
    }

    /// Runs the commands through a shell, in the terminal of the person.
    ///
    /// # Errors
    /// A command ended with another code than it should.
    pub(crate) fn run(&self) -> io::Result<()> {
        for step in &self.steps {
            say(format_args!("$ {}", step.command))?;
            let status = Command::new("sh")
                .arg("-c")
                .arg(format!("{}\n{}\n", self.export, step.command))
                .env_remove(CHILD_VARIABLE)
                .stdin(Stdio::null())
                .status()?;
            let code = status.code().unwrap_or(-1);
            say(format_args!("  exit code {code}\n"))?;
            if code != step.code {
                let what = format!(
                    "the command ended with {code}, not {}: {}",
                    step.code, step.command
                );
                return Err(io::Error::other(what));
            }
        }
        Ok(())
    }
}

/// A path as a shell takes it.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(&b));
    if plain {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// Each shows one thing; more are not read.
const STEPS: usize = 9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_any_path_back() {
        for path in [
            "/tmp/labelproof-a1",
            "/tmp/a b",
            "/tmp/it's",
            "/tmp/$HOME;ls",
        ] {
            let said = Command::new("sh")
                .args(["-c", &format!("printf %s {}", quoted(Path::new(path)))])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(said.stdout).unwrap(), path);
        }
    }
}
