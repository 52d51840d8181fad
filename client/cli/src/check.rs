//! `check`: a whole assortment against a pack or the log; a row in, a row out, in the same order.
//!
//! ```text
//! assortment ─rows─┬─ pack, offline ──────────────┐
//!                  └─ GTINs ─▶ log ─▶ a pack ─────┴─▶ report · evidence · exit by the worst row
//! ```
//! Asked of the log, the pack is kept as `REPORT.journal` until the report is complete: a run that was
//! interrupted goes on under the same head, without asking again.

mod entry;
mod sheet;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use labelproof::trust::{TrustFile, store::TrustStore};
use labelproof_core::{event::Gtin14, hands::Hands as _, status::pack::PackSubject};
use labelproof_host::{exit::Exit, hands::Cores};
use serde_json::json;

use crate::{
    age::{Age, Limits},
    args::Check,
    assortment::{AssortmentError, Row, Rows},
    held::{Held, Reading, fetch, only_log},
    product::Verdict,
    publish::destination,
    report::{Failure, Report, Said, Tone, chain, meaning},
    trust,
    world::World,
};
use entry::{Answer, Entry, Tally};
use sheet::{Form, Sheet, Source, Under};

/// Checks every row; the exit is that of the worst.
pub(crate) fn run(args: &Check, world: &World) -> Result<Report, Failure> {
    Form::of(&args.report)?;
    let trust = trust::load(&args.network.trust, world)?;
    let store = TrustStore::beside(&args.network.trust, world.fs());
    let reading = Reading {
        trust: &trust,
        store: &store,
        now: args.age.at.unwrap_or_else(|| world.now()),
        at: args.age.at,
        limits: match &args.pack {
            Some(_) => Limits::pack(args.age.max_age),
            None => Limits::online(args.age.max_age),
        },
        evidence: None,
    };
    let journal = journal_of(&args.report);
    let (held, source) = match &args.pack {
        Some(file) => {
            let name = file.display().to_string();
            let bytes = world.read_pack(file)?;
            let held = Held::from_file(&name, &bytes, &reading, world)?;
            if let Some(evidence) = &args.evidence {
                world.write(evidence, &bytes)?;
            }
            (held, Source::Pack(name))
        }
        None => asked(args, &trust, &reading, &journal, world)?,
    };
    let under = Under {
        file: args.file.display().to_string(),
        checked_at: reading.now,
        origin: held.origin(),
        size: held.size(),
        as_of: held.proved().as_of(),
        cosigners: held.cosigners(),
        age: *held.age(),
        source,
        evidence: args
            .evidence
            .as_ref()
            .map(|file| file.display().to_string()),
    };
    let tally = write(args, &held, &under)?;
    if args.pack.is_none() {
        finished(&journal, args.evidence.as_deref(), world)?;
    }
    // It goes with the process, at once: freeing each of its parts takes as long as writing the report.
    std::mem::forget(held);
    Ok(told(args, &under, &tally))
}

/// One pack of every product in the file: the journal's, or a new one.
fn asked(
    args: &Check,
    trust: &TrustFile,
    reading: &Reading<'_>,
    journal: &Path,
    world: &World,
) -> Result<(Held, Source), Failure> {
    if is_standard_input(&args.file) {
        let what = "standard input is read once, and a log is asked before the rows are judged";
        return Err(
            Failure::new(Exit::Usage, what).next("write it to a file first, or give --pack")
        );
    }
    let log = only_log(trust)?;
    let to = destination(&args.network, log, world)?;
    let source = Source::Log(to.server.url().to_owned());
    let gtins = gtins_of(&args.file, args)?.0;
    if world.exists(journal)? {
        let name = journal.display().to_string();
        let kept = world
            .read_pack(journal)
            .and_then(|bytes| Held::from_file(&name, &bytes, reading, world));
        match kept {
            Ok(held) if matches!(held.age(), Age::Fresh(_)) && gtins.is_subset(&held.gtins()) => {
                world.warn(format!("going on with {name}, which an earlier run left"));
                return Ok((held, source));
            }
            _ => world.note(format!("{name} does not serve any more; asking anew")),
        }
    }
    let subjects: Vec<PackSubject> = gtins.into_iter().map(PackSubject::Product).collect();
    let looked = fetch(&to, &subjects, world)?;
    world.write(journal, looked.bytes())?;
    Ok((Held::from_log(&looked, log, reading)?, source))
}

/// The products of a file, each once, and how many rows hold none.
///
/// # Errors
/// Exit 10 for a file that cannot be read or holds no product, 2 for more products than a pack takes.
pub(crate) fn gtins_of(
    file: &Path,
    args: &impl Assortment,
) -> Result<(BTreeSet<Gtin14>, Vec<String>), Failure> {
    let mut gtins = BTreeSet::new();
    let mut wrong = Vec::new();
    for row in open(file, args, None)? {
        match row.map_err(|error| unreadable(file, &error))?.gtin {
            Ok(gtin) => {
                gtins.insert(gtin);
            }
            Err(error) => wrong.push(chain(&error)),
        }
        if gtins.len() > MAX_PRODUCTS {
            let what = format!(
                "{}: more than {MAX_PRODUCTS} different products, and one pack holds no more",
                file.display()
            );
            return Err(Failure::new(Exit::Usage, what).next("check it in parts"));
        }
    }
    if gtins.is_empty() {
        let what = match wrong.first() {
            Some(first) => format!("{}: no row holds a GTIN; {first}", file.display()),
            None => format!("{}: there is no row in it", file.display()),
        };
        return Err(Failure::new(Exit::Malformed, what));
    }
    Ok((gtins, wrong))
}

/// A command that reads an assortment.
pub(crate) trait Assortment {
    /// The column that was asked for.
    fn column(&self) -> Option<&crate::assortment::Column>;
}

impl Assortment for Check {
    fn column(&self) -> Option<&crate::assortment::Column> {
        self.column.as_ref()
    }
}

/// The rows of a file, or of standard input for `-`.
fn open(
    file: &Path,
    args: &impl Assortment,
    bar: Option<&ProgressBar>,
) -> Result<Rows<Box<dyn std::io::Read>>, Failure> {
    let read: Box<dyn std::io::Read> = if is_standard_input(file) {
        Box::new(std::io::stdin())
    } else {
        let opened = File::open(file).map_err(|error| {
            let what = match error.kind() {
                std::io::ErrorKind::NotFound => format!("there is no file {}", file.display()),
                _ => format!("cannot read {}: {error}", file.display()),
            };
            Failure::new(Exit::Usage, what)
        })?;
        match bar {
            Some(bar) => {
                bar.set_length(opened.metadata().map_or(0, |found| found.len()));
                Box::new(bar.wrap_read(opened))
            }
            None => Box::new(opened),
        }
    };
    Rows::open(read, file, args.column()).map_err(|error| unreadable(file, &error))
}

fn is_standard_input(file: &Path) -> bool {
    file == Path::new("-")
}

fn unreadable(file: &Path, error: &AssortmentError) -> Failure {
    let exit = match error {
        AssortmentError::Files(_) => Exit::Usage,
        _ => Exit::Malformed,
    };
    let failure = Failure::on(exit, file.display(), error);
    match error {
        AssortmentError::NoColumn { .. }
        | AssortmentError::Ambiguous { .. }
        | AssortmentError::NoSuchColumn { .. } => {
            failure.next("choose the column with --column NAME, or --column and its number")
        }
        _ => failure,
    }
}

fn write(args: &Check, held: &Held, under: &Under) -> Result<Tally, Failure> {
    let bar = ProgressBar::new(0).with_style(
        ProgressStyle::with_template("checking {bar:30} {percent} % {eta}")
            .expect("the template is right"),
    );
    let mut tally = Tally::default();
    let mut rows = open(&args.file, args, Some(&bar))?;
    let mut sheet = Sheet::begin(&args.report, under)?;
    loop {
        // Judged on every core, and so many at a time that none has to wait long for the next.
        let some = rows
            .by_ref()
            .take(ROWS_AT_ONCE)
            .collect::<Result<Vec<_>, _>>();
        let some = some.map_err(|error| unreadable(&args.file, &error))?;
        if some.is_empty() {
            break;
        }
        let judge = |row: &Row| row.gtin.as_ref().ok().and_then(|gtin| held.judge(gtin));
        let judged = Cores.in_parts(&some, |part| part.iter().map(judge).collect::<Vec<_>>());
        for (row, judged) in some.iter().zip(judged.iter().flatten()) {
            let error;
            let answer = match (&row.gtin, judged) {
                (Ok(_), Some(judged)) => Answer::Judged(judged),
                (Ok(gtin), None) => Answer::NotInPack(gtin),
                (Err(wrong), _) => {
                    error = chain(wrong);
                    Answer::NotAGtin(&error)
                }
            };
            let entry = Entry {
                line: row.line,
                given: &row.given,
                answer,
            };
            tally.add(entry.verdict());
            sheet.row(&entry)?;
        }
    }
    sheet.end(&tally)?;
    bar.finish_and_clear();
    Ok(tally)
}

/// The pack of a run that is complete becomes its evidence, or goes.
fn finished(journal: &Path, evidence: Option<&Path>, world: &World) -> Result<(), Failure> {
    if let Some(evidence) = evidence {
        let bytes = world.read_pack(journal)?;
        world.write(evidence, &bytes)?;
    }
    let fs = world.fs();
    fs.remove(journal)
        .map_err(|error| Failure::of(Exit::Internal, &error))
}

fn journal_of(report: &Path) -> PathBuf {
    let mut name = report.as_os_str().to_owned();
    name.push(".journal");
    name.into()
}

fn told(args: &Check, under: &Under, tally: &Tally) -> Report {
    let exit = tally.exit();
    let worst = tally
        .iter()
        .map(|(verdict, _)| verdict)
        .max_by_key(|verdict| verdict.exit().severity());
    let word = match worst {
        None => "NO ROWS",
        Some(Verdict::Active) => "ALL ACTIVE",
        Some(_) => "CHECKED",
    };
    let mut body = String::new();
    for (verdict, rows) in tally.iter() {
        body.push_str(&format!("  {rows:>7}  {}\n", verdict.shown()));
    }
    body.push_str(&format!(
        "  as of {}. {}\n  report    {}\n",
        under.as_of,
        under.age.says(),
        args.report.display()
    ));
    if let Some(evidence) = &under.evidence {
        body.push_str(&format!("  evidence  {evidence}\n"));
    }
    let tone = match exit {
        Exit::Done => Tone::Good,
        Exit::TooOld | Exit::Undecidable | Exit::UnknownLabel => Tone::Unsure,
        _ => Tone::Bad,
    };
    let mut result = under.json();
    result["counts"] = tally.json();
    result["row_count"] = json!(tally.rows());
    result["report"] = json!(args.report.display().to_string());
    result["worst"] = json!(meaning(exit));
    Report {
        exit,
        said: vec![Said::Answer {
            tone,
            word: word.into(),
            about: format!("{} rows of {}", tally.rows(), args.file.display()),
            body,
        }],
        result,
    }
}

/// What a log takes in one request (docs/spec/state.md, packs).
const MAX_PRODUCTS: usize = 100_000;
const ROWS_AT_ONCE: usize = 4_096;
