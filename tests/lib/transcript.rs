//! Commands with the output they must have, as they stand in a README.
//!
//! ````text
//! ```console
//! $ labelproof keygen --name label.jp.example --out label.key
//! label.jp.example+[..]
//! $ cat > note <<'END'
//! > two lines
//! > END
//! ```
//! ````
//! `$ ` begins a command, `> ` goes on with it, all else is its output, standard error included.
//! `[..]` stands for any text within a line, a line `...` for any number of lines. All commands
//! of a file run in one shell, so that variables, folders and background jobs last.

use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// A command, where it stands, and what it must print.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Step {
    line: usize,
    command: String,
    want: Vec<String>,
}

impl Step {
    /// The line of the file on which it begins.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// What is typed.
    #[must_use]
    pub fn command(&self) -> &str {
        &self.command
    }
}

/// The steps of every `console` block of a Markdown text.
#[must_use]
pub fn steps(markdown: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut is_console = false;
    let mut is_open = false;
    for (number, line) in markdown.lines().enumerate() {
        if line.starts_with("```") {
            is_console = !is_console && line == "```console";
            is_open = false;
        } else if !is_console {
        } else if let Some(command) = line.strip_prefix("$ ") {
            let command = command.to_owned();
            steps.push(Step {
                line: number + 1,
                command,
                want: Vec::new(),
            });
            is_open = true;
        } else if let Some(step) = steps.last_mut() {
            match line.strip_prefix("> ").or_else(|| line.strip_prefix('>')) {
                Some(more) if is_open => {
                    step.command.push('\n');
                    step.command.push_str(more);
                }
                _ => {
                    is_open = false;
                    step.want.push(line.to_owned());
                }
            }
        }
    }
    steps
}

/// Runs steps in a shell in `dir`, with `bin` in front of `PATH`.
///
/// # Errors
/// The first step whose output is another, with both.
pub fn run(steps: &[Step], dir: &Path, bin: &Path) -> io::Result<()> {
    let mut shell = Shell::start(dir, bin)?;
    for step in steps {
        let got = shell.run(&step.command)?;
        let got: Vec<&str> = got.lines().collect();
        let want: Vec<&str> = step.want.iter().map(String::as_str).collect();
        if !matches(&want, &got) {
            return Err(io::Error::other(format!(
                "line {}: $ {}\nshould print\n{}\nbut printed\n{}",
                step.line,
                step.command,
                want.join("\n"),
                got.join("\n")
            )));
        }
    }
    Ok(())
}

/// Whether lines are as wanted; `...` takes as few as it can.
fn matches(want: &[&str], got: &[&str]) -> bool {
    match (want.split_first(), got.split_first()) {
        (None, None) => true,
        (Some((&"...", rest)), _) => (0..=got.len()).any(|skip| matches(rest, &got[skip..])),
        (Some((want, more_wanted)), Some((got, more_got))) => {
            line_matches(want, got) && matches(more_wanted, more_got)
        }
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn line_matches(want: &str, got: &str) -> bool {
    let (want, got) = (want.trim_end(), got.trim_end());
    let mut parts = want.split("[..]");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = got.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

/// One `sh` that lives as long as this value, with everything it started.
struct Shell {
    child: Child,
    input: ChildStdin,
    output: Receiver<String>,
    count: usize,
}

impl Shell {
    fn start(dir: &Path, bin: &Path) -> io::Result<Self> {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut child = Command::new("sh")
            .current_dir(dir)
            .env("PATH", format!("{}:{path}", bin.display()))
            .env_remove("LABELPROOF_TRUST")
            .env_remove("LABELPROOF_LOG")
            .env("NO_COLOR", "1")
            // A group of its own, so that background jobs end with it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut input = child.stdin.take().expect("standard input is piped");
        let stdout = child.stdout.take().expect("standard output is piped");
        writeln!(input, "exec 2>&1")?;
        Ok(Self {
            child,
            input,
            output: lines_of(stdout),
            count: 0,
        })
    }

    fn run(&mut self, command: &str) -> io::Result<String> {
        self.count += 1;
        let mark = format!("--- step {} ended ---", self.count);
        // The next command sees the exit of this one in `$?`, as at a prompt.
        writeln!(
            self.input,
            "{command}\nlast=$?; echo; echo '{mark}'; (exit $last)"
        )?;
        self.input.flush()?;
        let mut said = String::new();
        loop {
            match self.output.recv_timeout(LONGEST_STEP) {
                Ok(line) if line == mark => break,
                Ok(line) => {
                    said.push_str(&line);
                    said.push('\n');
                }
                Err(_) => {
                    return Err(io::Error::other(format!(
                        "$ {command}\ndid not end; it printed\n{said}"
                    )));
                }
            }
        }
        // The empty line in front of the mark ends output that has no newline of its own.
        Ok(said.strip_suffix('\n').unwrap_or(&said).to_owned())
    }
}

fn lines_of(stdout: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

impl Drop for Shell {
    fn drop(&mut self) {
        let group = format!("kill -TERM -{}", self.child.id());
        let _ = Command::new("sh").args(["-c", &group]).status();
        let _ = self.child.wait();
    }
}

/// A submitted event waits at most 30 s for its witnesses; twice that, then it hangs.
const LONGEST_STEP: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "text\n```sh\n$ no\n```\n```console\n$ one\nout\n$ two \\\n>   more\n...\nlast [..] of [..].\n```\n";

    #[test]
    fn finds_the_steps_of_console_blocks_only() {
        let steps = steps(TEXT);
        assert_eq!(steps.len(), 2);
        assert_eq!((steps[0].line(), steps[0].command()), (6, "one"));
        assert_eq!(steps[1].command(), "two \\\n  more");
        assert_eq!(steps[1].want, ["...", "last [..] of [..]."]);
    }

    #[test]
    fn wildcards_stand_for_text_within_a_line_and_for_lines() {
        for (want, got, fits) in [
            ("a [..] c", "a b b c", true),
            ("a [..] c", "a b b d", false),
            ("[..]", "", true),
            ("ab[..]ba", "aba", false),
            ("a", "a ", true),
            ("a", "b", false),
        ] {
            assert_eq!(matches(&[want], &[got]), fits, "{want} {got}");
        }
        assert!(matches(&["a", "...", "d"], &["a", "b", "c", "d"]));
        assert!(!matches(&["a", "...", "e"], &["a", "b", "c", "d"]));
        assert!(!matches(&["a"], &["a", "b"]));
    }

    #[test]
    fn one_shell_runs_all_and_a_changed_line_fails() {
        let dir = std::env::temp_dir();
        let good =
            steps("```console\n$ X=7; false\n$ echo $? $X\n1 7\n$ sleep 9 &\n$ printf a\na\n```\n");
        run(&good, &dir, &dir).unwrap();
        let bad = steps("```console\n$ echo 1\n2\n```\n");
        let error = run(&bad, &dir, &dir).unwrap_err().to_string();
        assert!(error.starts_with("line 2: $ echo 1"), "{error}");
    }
}
