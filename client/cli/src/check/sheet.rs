//! Reports as they are written: row after row into a file that takes its name when it is complete.
//!
//! ```text
//! out.json · out.csv · out.html       the ending chooses the form (docs/spec/check.md)
//! out.json.tmp                        until the last row is written
//! ```

mod csv;
mod html;
mod json;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use labelproof_core::time::Time;
use labelproof_host::exit::Exit;
use serde_json::{Value, json};

use super::entry::{Entry, Tally};
use crate::age::Age;
use crate::report::Failure;
use crate::world::not_written;

/// What is true of all rows: they stand under one head.
#[derive(Clone, Debug)]
pub(super) struct Under {
    pub(super) file: String,
    pub(super) checked_at: Time,
    pub(super) origin: String,
    pub(super) size: u64,
    pub(super) as_of: Time,
    pub(super) cosigners: Vec<String>,
    pub(super) age: Age,
    pub(super) source: Source,
    pub(super) evidence: Option<String>,
}

/// Where the answers are from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A pack, without a network.
    Pack(String),
    /// The log, asked now.
    Log(String),
}

impl Under {
    pub(super) fn json(&self) -> Value {
        let (source, from) = match &self.source {
            Source::Pack(file) => ("pack", file),
            Source::Log(url) => ("log", url),
        };
        json!({
            "file": self.file,
            "checked_at": self.checked_at.to_string(),
            "source": source,
            "from": from,
            "origin": self.origin,
            "size": self.size,
            "as_of": self.as_of.to_string(),
            "age": self.age.json(),
            "cosigners": self.cosigners,
            "evidence": self.evidence,
            "territory": null,
            "policy": null,
        })
    }
}

/// A form of report.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Form {
    Csv,
    Html,
    Json,
}

impl Form {
    /// By the ending of the file's name.
    ///
    /// # Errors
    /// Exit 2 for any other.
    pub(super) fn of(path: &Path) -> Result<Self, Failure> {
        let ending = path.extension().and_then(|ending| ending.to_str());
        match ending.map(str::to_ascii_lowercase).as_deref() {
            Some("csv") => Ok(Self::Csv),
            Some("html" | "htm") => Ok(Self::Html),
            Some("json") => Ok(Self::Json),
            _ => Err(Failure::new(
                Exit::Usage,
                format!("{}: no form of report has this ending", path.display()),
            )
            .next("name it .json, .csv or .html")),
        }
    }
}

/// A report being written.
pub(super) struct Sheet<'a> {
    out: BufWriter<File>,
    under: &'a Under,
    form: Form,
    path: PathBuf,
    temp: PathBuf,
    rows: u64,
    /// Rows of an HTML page wait here, for its counts come first.
    waiting: Option<Waiting>,
}

struct Waiting {
    file: BufWriter<File>,
    path: PathBuf,
}

impl<'a> Sheet<'a> {
    /// Begins the report `path`; what had the name stays until this one is complete.
    pub(super) fn begin(path: &Path, under: &'a Under) -> Result<Self, Failure> {
        let form = Form::of(path)?;
        let named = |ending: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        };
        let temp = named(".tmp");
        let failed = |error: io::Error| unwritten(path, &error);
        let mut out = BufWriter::new(File::create(&temp).map_err(failed)?);
        let mut waiting = None;
        match form {
            Form::Csv => csv::begin(&mut out),
            Form::Json => json::begin(&mut out, under),
            Form::Html => {
                let path = named(".rows.tmp");
                let file = File::options()
                    .create(true)
                    .truncate(true)
                    .read(true)
                    .write(true)
                    .open(&path);
                file.map(|file| {
                    let file = BufWriter::new(file);
                    waiting = Some(Waiting { file, path });
                })
            }
        }
        .map_err(failed)?;
        Ok(Self {
            out,
            under,
            form,
            path: path.to_owned(),
            temp,
            rows: 0,
            waiting,
        })
    }

    /// Adds a row.
    pub(super) fn row(&mut self, entry: &Entry<'_>) -> Result<(), Failure> {
        let written = match (self.form, &mut self.waiting) {
            (Form::Csv, _) => csv::row(&mut self.out, entry, self.under),
            (Form::Json, _) => json::row(&mut self.out, entry, self.under, self.rows == 0),
            (Form::Html, Some(waiting)) => html::row(&mut waiting.file, entry),
            (Form::Html, None) => unreachable!("the rows of a page have their file"),
        };
        self.rows += 1;
        written.map_err(|error| unwritten(&self.path, &error))
    }

    /// Completes it and gives it its name.
    pub(super) fn end(mut self, tally: &Tally) -> Result<(), Failure> {
        let path = self.path.clone();
        self.finish(tally).map_err(|error| unwritten(&path, &error))
    }

    fn finish(&mut self, tally: &Tally) -> io::Result<()> {
        match self.waiting.take() {
            Some(waiting) => {
                let mut rows = waiting.file.into_inner()?;
                io::Seek::rewind(&mut rows)?;
                html::page(&mut self.out, &mut rows, self.under, tally)?;
                drop(rows);
                std::fs::remove_file(&waiting.path)?;
            }
            None if self.form == Form::Json => json::end(&mut self.out, tally)?,
            None => {}
        }
        self.out.flush()?;
        self.out.get_ref().sync_all()?;
        std::fs::rename(&self.temp, &self.path)
    }
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    let failure = not_written(error);
    Failure::new(
        failure.exit(),
        format!("cannot write {}: {error}", path.display()),
    )
    .next(
        failure
            .next_step()
            .unwrap_or("see whether the disk is full"),
    )
}
