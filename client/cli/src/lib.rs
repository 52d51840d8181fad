//! The command line of Labelproof.
//!
//! One file a command; `args` is the command line as typed, `report` what comes back. Proofs are
//! `labelproof_core`'s, lookups and the trust store `labelproof`'s.

mod age;
mod args;
mod asked;
mod assortment;
mod bulk;
mod canary;
mod change;
mod check;
mod deliver;
mod duration;
mod event;
mod files;
mod finding;
mod get;
mod held;
mod inspect;
mod issue;
mod key;
mod keygen;
mod log;
mod lookup;
mod mirror;
mod outcome;
mod pack;
mod product;
mod publish;
mod reading;
mod reinstate;
mod report;
mod schema;
mod sign;
mod status;
mod submit;
mod table;
mod tail;
mod take_away;
mod trust;
mod verify;
mod world;

use std::{
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
};

use clap::{CommandFactory, Parser, error::ErrorKind};
use labelproof_host::exit::Exit;

use crate::{
    args::{Cli, Command, EventCommand, KeyCommand, PackCommand, TrustCommand},
    report::{Failure, Form, Paint, Report, tell},
    world::World,
};

/// Runs the program with its arguments, the name first, as it is run from a shell.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let paint = Paint::of_stdout();
    run(
        args,
        paint,
        &mut io::stdout().lock(),
        &mut io::stderr().lock(),
    )
    .into()
}

/// The same with the outputs as arguments.
fn run(
    args: impl IntoIterator<Item = OsString>,
    paint: Paint,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Exit {
    let args: Vec<OsString> = args.into_iter().collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => return not_parsed(&args, &error, out, err),
    };
    let form = if cli.global.json {
        Form::Json
    } else {
        Form::Text(paint)
    };
    let world = World::real(cli.global.verbose);
    let (name, end) = dispatch(cli.command, form, &world);
    tell(name, end, form, out, err)
}

fn dispatch(
    command: Command,
    form: Form,
    world: &World,
) -> (&'static str, Result<Report, Failure>) {
    match command {
        Command::Keygen(args) => ("keygen", keygen::run(&args, world)),
        Command::Key(KeyCommand::Show { file }) => ("key show", key::show(&file, world)),
        Command::Event(EventCommand::New { kind, csv }) => ("event new", event::new(kind, csv)),
        Command::Event(EventCommand::Kinds) => ("event kinds", Ok(event::kinds())),
        Command::Event(EventCommand::Schema { kind }) => ("event schema", Ok(event::schema(kind))),
        Command::Event(EventCommand::Sign(args)) => ("event sign", event::sign(&args, world)),
        Command::Sign(args) => ("sign", sign::run(&args, world)),
        Command::Issue(args) => ("issue", issue::run(&args, world)),
        Command::Renew(args) => ("renew", change::renew(&args, world)),
        Command::Amend(args) => ("amend", change::amend(&args, world)),
        Command::Bind(args) => ("bind", change::bind(&args, world)),
        Command::Unbind(args) => ("unbind", change::unbind(&args, world)),
        Command::Suspend(args) => ("suspend", take_away::suspend(&args, world)),
        Command::Reinstate(args) => ("reinstate", reinstate::run(&args, world)),
        Command::Revoke(args) => ("revoke", take_away::revoke(&args, world)),
        Command::Canary(args) => ("canary", canary::run(args, world)),
        Command::Submit(args) => ("submit", submit::run(&args, world)),
        Command::Status(args) => ("status", status::run(&args, world)),
        Command::Verify(args) => ("verify", verify::run(&args, world)),
        Command::Check(args) => ("check", check::run(&args, world)),
        Command::Pack(PackCommand::Make(args)) => ("pack make", pack::make(&args, world)),
        Command::Pack(PackCommand::Update(args)) => ("pack update", pack::update(&args, world)),
        Command::Pack(PackCommand::Verify(args)) => ("pack verify", pack::verify(&args, world)),
        Command::Inspect(args) => ("inspect", inspect::run(&args.file, world)),
        Command::Log(args) => ("log", log::run(&args, world)),
        Command::Get(args) => ("get", get::run(&args, world)),
        Command::Tail(args) => ("tail", tail::run(&args, form, world)),
        Command::Mirror(args) => ("mirror", mirror::run(&args, world)),
        Command::Trust(TrustCommand::Init(args)) => ("trust init", trust::init(&args, world)),
        Command::Trust(TrustCommand::Show { trust }) => ("trust show", trust::show(&trust, world)),
        Command::Trust(TrustCommand::Check { file }) => ("trust check", trust::check(&file, world)),
        Command::Completions(args) => ("completions", Ok(completions(args.shell))),
    }
}

fn completions(shell: clap_complete::Shell) -> Report {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "labelproof", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    let result = serde_json::json!({ "shell": shell.to_string(), "script": script });
    Report::done(script, result)
}

/// Help and version are answers; everything else that clap says is a wrong command line.
fn not_parsed(
    args: &[OsString],
    error: &clap::Error,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Exit {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        // Printed by clap, which knows what the terminal can show.
        return if error.print().is_ok() {
            Exit::Done
        } else {
            Exit::Internal
        };
    }
    if !args.iter().any(|arg| arg == "--json") {
        return if error.print().is_ok() {
            Exit::Usage
        } else {
            Exit::Internal
        };
    }
    let text = error.render().to_string();
    let what = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
    let failure = Failure::new(Exit::Usage, what).next("run `labelproof help`");
    tell("labelproof", Err(failure), Form::Json, out, err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn each_command_shows_an_example() {
        fn look(command: &mut clap::Command) {
            let help = command.render_long_help().to_string();
            let group = command.has_subcommands() && command.get_name() != "labelproof";
            assert!(
                group || help.contains("Example:\n"),
                "{} has no example",
                command.get_name()
            );
            for inner in command
                .get_subcommands_mut()
                .filter(|inner| inner.get_name() != "help")
            {
                look(inner);
            }
        }
        look(&mut Cli::command());
    }
}
