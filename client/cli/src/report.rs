//! What a command has to say, for people and for programs.
//!
//! ```text
//! {"version":1,"command":"status","exit":13,"meaning":"revoked","result":{…}}
//! {"version":1,"command":"status","exit":69,"meaning":"unreachable","error":"…","next":"…"}
//! ```
//! `version` rises when a member changes its meaning or goes; new members do not raise it.

use std::{
    env,
    error::Error,
    io::{self, IsTerminal, Write},
};

use labelproof_host::exit::Exit;
use serde_json::{Map, Value, json};

/// A command came to its end; the exit says whether what it found is good.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) exit: Exit,
    pub(crate) said: Vec<Said>,
    pub(crate) result: Value,
}

impl Report {
    /// All went well, and `text` is the whole answer.
    pub(crate) fn done(text: impl Into<String>, result: Value) -> Self {
        Self {
            exit: Exit::Done,
            said: vec![Said::Plain(text.into())],
            result,
        }
    }
}

/// One piece of the text for people.
#[derive(Debug)]
pub(crate) enum Said {
    /// As it is.
    Plain(String),
    /// Bytes for a file or another program, not one changed.
    Raw(Vec<u8>),
    /// A word that is the answer, what it is about, and lines under it.
    Answer {
        /// How it is coloured on a terminal; the word says the same without colour.
        tone: Tone,
        /// Such as `REVOKED`.
        word: String,
        /// The rest of the first line.
        about: String,
        /// The lines below.
        body: String,
    },
}

/// What an answer means for the reader.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Tone {
    /// Rely on it.
    Good,
    /// Ask first.
    Unsure,
    /// Do not rely on it.
    Bad,
}

/// A command could not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    what: String,
    next: Option<String>,
    result: Option<Value>,
}

impl Failure {
    /// Says what failed, on what.
    pub(crate) fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self {
            exit,
            what: what.into(),
            next: None,
            result: None,
        }
    }

    /// Says what failed from an error and everything that caused it.
    pub(crate) fn of(exit: Exit, error: &dyn Error) -> Self {
        Self::new(exit, chain(error))
    }

    /// The same, with the file or address it is about in front.
    pub(crate) fn on(exit: Exit, subject: impl std::fmt::Display, error: &dyn Error) -> Self {
        Self::new(exit, format!("{subject}: {}", chain(error)))
    }

    /// Says what to do next.
    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Adds what is known for programs.
    pub(crate) fn with(mut self, result: Value) -> Self {
        self.result = Some(result);
        self
    }

    /// The exit it ends with.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// What to do next.
    pub(crate) fn next_step(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// What is known for programs.
    pub(crate) fn result(&self) -> Option<&Value> {
        self.result.as_ref()
    }

    /// What failed, on what.
    pub(crate) fn what(&self) -> &str {
        &self.what
    }
}

/// Writes a command's end to standard output and error, and gives its exit.
pub(crate) fn tell(
    command: &str,
    end: Result<Report, Failure>,
    form: Form,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Exit {
    let (exit, written) = match end {
        Ok(report) => {
            let written = match form {
                Form::Json => {
                    let object = json!({
                        "version": JSON_VERSION, "command": command, "exit": report.exit.code(),
                        "meaning": meaning(report.exit), "result": report.result,
                    });
                    writeln!(out, "{object}").and_then(|()| say(&report.said, Paint::None, err))
                }
                Form::Text(paint) => say(&report.said, paint, out),
            };
            (report.exit, written)
        }
        Err(failure) => {
            let object = match form {
                Form::Json => {
                    let mut object = Map::new();
                    object.insert("version".into(), JSON_VERSION.into());
                    object.insert("command".into(), command.into());
                    object.insert("exit".into(), failure.exit.code().into());
                    object.insert("meaning".into(), meaning(failure.exit).into());
                    object.insert("error".into(), failure.what.clone().into());
                    object.insert("next".into(), failure.next.clone().into());
                    object.insert("result".into(), failure.result.unwrap_or(Value::Null));
                    writeln!(out, "{}", Value::Object(object))
                }
                Form::Text(_) => Ok(()),
            };
            let text = writeln!(err, "error: {}", shown(&failure.what));
            let next = failure
                .next
                .map_or(Ok(()), |next| writeln!(err, "  next: {}", shown(&next)));
            (failure.exit, object.and(text).and(next))
        }
    };
    // A reader that went away (`| head`) changes nothing about the answer; a full disk does.
    match written.and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => exit.worse(Exit::Internal),
        _ => exit,
    }
}

/// How the answer is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// One object.
    Json,
    /// Lines.
    Text(Paint),
}

/// Whether words are coloured.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Paint {
    /// Not at all.
    None,
    /// With ANSI sequences.
    Ansi,
}

impl Paint {
    /// Colours only on a terminal, and not against `NO_COLOR` (<https://no-color.org>).
    pub(crate) fn of_stdout() -> Self {
        let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        match io::stdout().is_terminal() && !unwanted {
            true => Self::Ansi,
            false => Self::None,
        }
    }

    fn word(self, tone: Tone, word: &str) -> String {
        let colour = match tone {
            Tone::Good => 32,
            Tone::Unsure => 33,
            Tone::Bad => 31,
        };
        match self {
            Self::None => word.into(),
            Self::Ansi => format!("\x1b[1;{colour}m{word}\x1b[0m"),
        }
    }
}

fn say(said: &[Said], paint: Paint, to: &mut dyn Write) -> io::Result<()> {
    for (at, piece) in said.iter().enumerate() {
        match piece {
            Said::Plain(text) if text.is_empty() => {}
            Said::Raw(bytes) => to.write_all(bytes)?,
            Said::Plain(text) => {
                writeln!(to, "{}", shown(text.strip_suffix('\n').unwrap_or(text)))?;
            }
            Said::Answer {
                tone,
                word,
                about,
                body,
            } => {
                if at > 0 {
                    writeln!(to)?;
                }
                let (word, about) = (shown(word), shown(about));
                writeln!(to, "{}  {about}", paint.word(*tone, &word))?;
                write!(to, "{}", shown(body))?;
            }
        }
    }
    Ok(())
}

/// Text for a terminal: what could move its cursor or turn letters around is written as `\u{1b}`.
///
/// A log refuses such characters, but what is shown comes from a log that may have taken them.
fn shown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\n' | '\t' => safe.push(char),
            '\u{61C}'
            | '\u{200E}'
            | '\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2066}'..='\u{2069}' => safe.extend(char.escape_unicode()),
            _ if char.is_control() => safe.extend(char.escape_unicode()),
            _ => safe.push(char),
        }
    }
    safe
}

/// The same for a text of others within a line of ours: it must not begin a line of its own.
pub(crate) fn in_line(text: &str) -> String {
    shown(text).replace('\n', "\\u{a}").replace('\t', "\\u{9}")
}

/// An error and its causes, in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    // No chain of ours is deeper than its modules.
    for _ in 0..MAX_CAUSES {
        let Some(error) = cause else { break };
        let said = error.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = error.source();
    }
    text
}

/// The exit in a word, for programs.
pub(crate) fn meaning(exit: Exit) -> &'static str {
    match exit {
        Exit::Done => "done",
        Exit::Internal => "internal",
        Exit::Usage => "usage",
        Exit::Malformed => "malformed",
        Exit::NotInLog => "not-in-log",
        Exit::NotSigned => "not-signed",
        Exit::Revoked => "revoked",
        Exit::Expired => "expired",
        Exit::Suspended => "suspended",
        Exit::TooOld => "too-old",
        Exit::UnknownLabel => "unknown-label",
        Exit::PolicyRefused => "policy-refused",
        Exit::Undecidable => "undecidable",
        Exit::LogMisbehaved => "log-misbehaved",
        Exit::StoreOlder => "store-older",
        Exit::Unreachable => "unreachable",
    }
}

/// The shape of the `--json` object.
const JSON_VERSION: u64 = 1;

const MAX_CAUSES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_shown_moves_the_cursor_or_turns_letters_around() {
        let evil = "a\u{1b}[2J\r\u{9b}1A\u{202e}b\nc";
        let safe = r"a\u{1b}[2J\u{d}\u{9b}1A\u{202e}b";
        assert_eq!(shown(evil), format!("{safe}\nc"));
        assert_eq!(in_line(evil), format!(r"{safe}\u{{a}}c"));
        let answer = Said::Answer {
            tone: Tone::Bad,
            word: "REVOKED".into(),
            about: evil.into(),
            body: evil.into(),
        };
        let ends = [
            Ok(Report {
                exit: Exit::Revoked,
                said: vec![Said::Plain(evil.into()), answer],
                result: Value::Null,
            }),
            Err(Failure::new(Exit::Malformed, evil).next(evil)),
        ];
        for end in ends {
            let (mut out, mut err) = (Vec::new(), Vec::new());
            tell("status", end, Form::Text(Paint::None), &mut out, &mut err);
            let text = String::from_utf8([out, err].concat()).unwrap();
            assert!(text.contains(safe), "{text:?}");
            assert!(
                !text.contains(['\u{1b}', '\r', '\u{9b}', '\u{202e}']),
                "{text:?}"
            );
        }
    }
}
