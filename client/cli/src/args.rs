//! The command line as typed; each command's own file turns it into what is meant.
//!
//! Names and flags here are promises to scripts: one that is removed or changes its meaning breaks somebody.

mod reading;
mod retail;

mod change;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueHint};
use clap_complete::Shell;
use labelproof_core::{
    checkpoint::Origin,
    event::{EventId, Kind, Subject},
    merkle::LeafHash,
    note::KeyName,
    time::Time,
};

pub(crate) use reading::{EntryName, Get, KindFilter, Log, Mirror, Tail};

pub(crate) use change::{Amend, Bind, Canary, Products, Renew, Target, Unbind, Why};
pub(crate) use retail::{Check, PackCommand, PackMake, PackUpdate, PackVerify};

use crate::{
    asked::{Asked, Product},
    duration::MaxAge,
};

/// Sign, look up and check product labels in a witnessed log.
#[derive(Debug, Parser)]
#[command(
    name = "labelproof",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "\
Example:
  labelproof status jp.jc-star/EX-000123 --trust trust.toml

Exit codes: 0 every requirement held, 2 usage, 10 malformed, 11 wrong proof, 12 signature or quorum,
  13 revoked, 14 expired, 15 suspended, 16 too old to say, 17 unknown label, 20 the log misbehaved,
  69 unreachable. What could not be learnt is never \"valid\"."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command takes.
#[derive(Args, Debug)]
pub(crate) struct Global {
    /// Print one JSON object on standard output, also on failure; text goes to standard error.
    #[arg(long, global = true, display_order = 900)]
    pub(crate) json: bool,
    /// Say more about what is done; twice for each request.
    #[arg(short, long, global = true, display_order = 901, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a signing key and print its verifier key.
    #[command(after_help = "Example:\n  labelproof keygen --name label.jp.example --out label.key")]
    Keygen(Keygen),
    /// Look at keys.
    #[command(subcommand, arg_required_else_help = true)]
    Key(KeyCommand),
    /// Write and sign events by hand.
    #[command(subcommand, arg_required_else_help = true)]
    Event(EventCommand),
    /// Add a signature line to a note, for instance as one of several member roots.
    #[command(after_help = "Example:\n  labelproof sign --key jp-root.key genesis.note")]
    Sign(Sign),
    /// Sign a new label, log it, and keep the proof that it is there.
    #[command(
        after_help = "Example:\n  labelproof event new label.issue > label.json\n  labelproof issue --key label.key --trust trust.toml --file label.json\n\n\
            Many labels, one a row; a re-run sends what is missing:\n  labelproof event new label.issue --csv > labels.csv\n  labelproof issue --key label.key --trust trust.toml --file labels.csv"
    )]
    Issue(Issue),
    /// Lengthen a label's validity, perhaps under a further printed id.
    #[command(
        after_help = "Example:\n  labelproof renew jp.jc-star/EX-000123 --until 2030-02-03T00:00:00Z \\\n      --alias EX-000123-R1 --key label.key --trust trust.toml"
    )]
    Renew(Renew),
    /// Say anew what a label says, but for scheme, id, level, validity and product numbers.
    #[command(
        after_help = "Example:\n  labelproof event new label.amend > new.json\n  labelproof amend --key label.key --trust trust.toml --file new.json"
    )]
    Amend(Amend),
    /// Add products and models to a label.
    #[command(
        after_help = "Example:\n  labelproof bind jp.jc-star/EX-000123 --gtin 09521234001027 \\\n      --key label.key --trust trust.toml"
    )]
    Bind(Bind),
    /// Take products and models from a label.
    #[command(
        after_help = "Example:\n  labelproof unbind jp.jc-star/EX-000123 --gtin 09521234001027 \\\n      --reason holder-request --key label.key --trust trust.toml"
    )]
    Unbind(Unbind),
    /// Suspend a label.
    #[command(
        after_help = "Example:\n  labelproof suspend jp.jc-star/EX-000123 --reason vulnerability \\\n      --key label.key --trust trust.toml"
    )]
    Suspend(TakeAway),
    /// Lift a suspension.
    #[command(
        after_help = "Example:\n  labelproof reinstate jp.jc-star/EX-000123 --key label.key \\\n      --trust trust.toml"
    )]
    Reinstate(Reinstate),
    /// Revoke a label for good.
    #[command(
        after_help = "Example:\n  labelproof revoke jp.jc-star/EX-000123 --reason nonconformity \\\n      --key label.key --trust trust.toml"
    )]
    Revoke(TakeAway),
    /// Issue and revoke a label of a test product, so that whoever watches the log can tell that alarms arrive.
    #[command(
        after_help = "Example:\n  labelproof canary --label jp.jc-star/CANARY- --key label.key --trust trust.toml\n\n\
            For a timer, once a day; a monitor with [canary] tells when it stays away."
    )]
    Canary(Canary),
    /// Send signed events to the log and wait until their effect is proved.
    #[command(
        after_help = "Example:\n  labelproof submit jp.jc-star.EX-000123.events.jsonl --trust trust.toml"
    )]
    Submit(Submit),
    /// Ask the log where a label, a product, an authority, a scheme or a member stands, and check the answer.
    #[command(
        after_help = "Example:\n  labelproof status jp.jc-star/EX-000123 --trust trust.toml --max-age 1h\n  labelproof status 9521234001010 --trust trust.toml\n  labelproof status https://shop.example/01/09521234001010"
    )]
    Status(Status),
    /// Check proofs from files; opens no socket.
    #[command(
        after_help = "Example:\n  labelproof verify jp.jc-star.EX-000123.labelproof --trust trust.toml \\\n      --subject jp.jc-star/EX-000123\n  labelproof verify wrong-head.evidence --trust trust.toml --mirror DIR"
    )]
    Verify(Verify),
    /// Check a whole assortment, against a pack without a network, or asking the log once.
    #[command(
        after_help = "Example:\n  labelproof check --file assortment.csv --pack retail.labelproof --trust trust.toml \\\n      --report labels.html"
    )]
    Check(Check),
    /// Make, refresh and check packs: the proofs of a shop's products for use without a network.
    #[command(subcommand, arg_required_else_help = true)]
    Pack(PackCommand),
    /// Explain a file without checking it.
    #[command(after_help = "Example:\n  labelproof inspect jp.jc-star.EX-000123.labelproof")]
    Inspect(Inspect),
    /// Say what a log is: its origin, keys, policy, size, age and witnesses.
    #[command(
        after_help = "Example:\n  labelproof log --log https://labels.g7.example --trust trust.toml"
    )]
    Log(Log),
    /// Show one entry of the log, proved.
    #[command(
        after_help = "Example:\n  labelproof get 4711 --trust trust.toml --out entry.note\n  labelproof verify entry.note.tlog-proof --event entry.note --trust trust.toml"
    )]
    Get(Get),
    /// Show the log's newest entries, and go on as they come; each is proved before it is shown.
    #[command(
        after_help = "Example:\n  labelproof tail --follow --kind label.revoke --trust trust.toml"
    )]
    Tail(Tail),
    /// Copy the log into a folder that any file server can serve; a run that was killed goes on.
    #[command(
        after_help = "Example:\n  labelproof mirror --dir mirror --trust trust.toml\n  labelproof mirror --dir mirror --trust trust.toml --check"
    )]
    Mirror(Mirror),
    /// Make and look at the file that says whom to trust.
    #[command(subcommand, arg_required_else_help = true)]
    Trust(TrustCommand),
    /// Print a completion script for a shell.
    #[command(
        after_help = "Example:\n  labelproof completions bash > /etc/bash_completion.d/labelproof"
    )]
    Completions(Completions),
}

/// `keygen`.
#[derive(Args, Debug)]
pub(crate) struct Keygen {
    /// Name of the key: for an authority its own name, under a domain of its member.
    #[arg(long, value_name = "NAME")]
    pub(crate) name: KeyName,
    /// Where the key goes, mode 0600; an existing file is never overwritten.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: PathBuf,
}

/// `key …`.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Print the verifier key of a key file; the secret is never shown.
    #[command(after_help = "Example:\n  labelproof key show label.key")]
    Show {
        /// A key file, or a file that holds a verifier key.
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
}

/// `event …`.
#[derive(Debug, Subcommand)]
pub(crate) enum EventCommand {
    /// Print a template of an event, without `kind` and `prev`.
    #[command(after_help = "Example:\n  labelproof event new label.issue > label.json")]
    New {
        /// The kind, such as label.issue.
        #[arg(value_name = "KIND")]
        kind: Kind,
        /// As a table for many labels: a header of dotted paths, and a row to fill in.
        #[arg(long)]
        csv: bool,
    },
    /// List the kinds of events.
    #[command(after_help = "Example:\n  labelproof event kinds")]
    Kinds,
    /// Print the JSON Schema of a kind.
    #[command(after_help = "Example:\n  labelproof event schema label.issue > label.issue.json")]
    Schema {
        /// The kind, such as label.issue.
        #[arg(value_name = "KIND")]
        kind: Kind,
    },
    /// Sign an event from a file and print the note; opens no socket.
    #[command(
        after_help = "Example:\n  labelproof event sign scheme.define --key jp-root.key \\\n      --origin labels.g7.example --file scheme.json > scheme.note"
    )]
    Sign(EventSign),
}

/// `event sign`.
#[derive(Args, Debug)]
pub(crate) struct EventSign {
    /// The kind, such as scheme.define.
    #[arg(value_name = "KIND")]
    pub(crate) kind: Kind,
    /// The key that signs.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) key: PathBuf,
    /// The origin of the log the event is meant for; it is valid in no other.
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) origin: Origin,
    /// The event as JSON, without `kind` and `prev`.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// Id of the subject's newest event, 64 hex digits; absent for a subject's first.
    #[arg(long, value_name = "ID")]
    pub(crate) prev: Option<EventId>,
    /// Where the note goes; standard output if absent.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
}

/// `sign`.
#[derive(Args, Debug)]
pub(crate) struct Sign {
    /// The key that signs.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) key: PathBuf,
    /// The note; rewritten in one step unless --out is given.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// Where the note with the new line goes instead.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
}

/// Whom to trust, and where the log is.
#[derive(Args, Debug)]
pub(crate) struct Network {
    /// The trust file; never guessed, so that a folder from elsewhere cannot bring its own.
    #[arg(long, value_name = "FILE", env = "LABELPROOF_TRUST", value_hint = ValueHint::FilePath)]
    pub(crate) trust: PathBuf,
    /// Address of the log, if not the one in the trust file.
    #[arg(long, value_name = "URL", env = "LABELPROOF_LOG", value_hint = ValueHint::Url)]
    pub(crate) log: Option<String>,
}

/// What every command that makes an event takes.
#[derive(Args, Debug)]
pub(crate) struct Publish {
    #[command(flatten)]
    pub(crate) network: Network,
    /// The authority's key.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) key: PathBuf,
    /// Beginning of the names of the files written; the label's id with dots if absent, for many the file's name.
    #[arg(long, value_name = "NAME", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
    /// Sign only, for a machine without a network; send later with `submit`.
    #[arg(long)]
    pub(crate) no_submit: bool,
    /// Log nothing and keep nothing: only ask whether the log would take it; with --no-submit the rules alone.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `issue`.
#[derive(Args, Debug)]
pub(crate) struct Issue {
    /// The event as JSON, without `kind` and `prev`; or many, as CSV or JSON lines.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) publish: Publish,
}

/// `suspend` and `revoke`.
#[derive(Args, Debug)]
pub(crate) struct TakeAway {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) why: Why,
    #[command(flatten)]
    pub(crate) publish: Publish,
}

/// `reinstate`.
#[derive(Args, Debug)]
pub(crate) struct Reinstate {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Id of the suspension to lift; the newest if absent.
    #[arg(long, value_name = "ID", conflicts_with = "file")]
    pub(crate) suspension: Option<EventId>,
    #[command(flatten)]
    pub(crate) publish: Publish,
}

/// `submit`.
#[derive(Args, Debug)]
pub(crate) struct Submit {
    /// Signed notes, or files of them (`.events.jsonl`), sent in the order given; a refused one keeps no other back.
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) network: Network,
}

/// How old an answer may be.
#[derive(Args, Debug)]
pub(crate) struct Age {
    /// The oldest answer that still counts, such as 15min, 24h or 7d.
    #[arg(long, value_name = "AGE", default_value = "24h")]
    pub(crate) max_age: MaxAge,
    /// Judge as if it were this time, for old evidence.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Time>,
}

/// `status`.
#[derive(Args, Debug)]
pub(crate) struct Status {
    /// A label such as jp.jc-star/EX-000123 or under an id printed on it, a GTIN, a GS1 link or element string,
    /// authority:…, scheme:… or member:….
    #[arg(value_name = "WHAT")]
    pub(crate) what: Asked,
    #[command(flatten)]
    pub(crate) network: Network,
    #[command(flatten)]
    pub(crate) age: Age,
    /// Keep the checked answer in this file, for `verify`.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) save: Option<PathBuf>,
}

/// `verify`.
#[derive(Args, Debug)]
pub(crate) struct Verify {
    /// Bundles, tlog-proofs, receipts or evidence.
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    /// The trust file.
    #[arg(long, value_name = "FILE", env = "LABELPROOF_TRUST", value_hint = ValueHint::FilePath)]
    pub(crate) trust: PathBuf,
    #[command(flatten)]
    pub(crate) age: Age,
    /// The subject in hand: each file must speak of it. Required to prove an absence.
    #[arg(long, value_name = "SUBJECT")]
    pub(crate) subject: Option<Subject>,
    /// The product in hand, as its code says: each file must speak of it. Required to prove an absence.
    #[arg(long, value_name = "GTIN", conflicts_with = "subject")]
    pub(crate) gtin: Option<Product>,
    /// The signed event in hand: each file must prove it.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) event: Option<PathBuf>,
    /// A copy of the log that `labelproof mirror` made: evidence of a wrong head or a bad entry is judged by its entries.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) mirror: Option<PathBuf>,
    /// Where to write proof of a fork, should a file and the trust store or the mirror disagree.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) evidence: Option<PathBuf>,
}

/// `inspect`.
#[derive(Args, Debug)]
pub(crate) struct Inspect {
    /// A note, event, checkpoint, bundle, proof, key, policy or trust file.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
}

/// `trust …`.
#[derive(Debug, Subcommand)]
pub(crate) enum TrustCommand {
    /// Make a trust file for one log from its genesis hash and a policy.
    #[command(
        after_help = "Example:\n  labelproof trust init --log https://labels.g7.example \\\n      --genesis 3q2+7w…= --policy g7.policy --out trust.toml"
    )]
    Init(TrustInit),
    /// Show whom a trust file trusts and what was last accepted.
    #[command(after_help = "Example:\n  labelproof trust show --trust trust.toml")]
    Show {
        /// The trust file.
        #[arg(long, value_name = "FILE", env = "LABELPROOF_TRUST", value_hint = ValueHint::FilePath)]
        trust: PathBuf,
    },
    /// Explain a trust file and say what is wrong with it; opens no socket.
    #[command(after_help = "Example:\n  labelproof trust check trust.toml")]
    Check {
        /// The trust file.
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
}

/// `trust init`.
#[derive(Args, Debug)]
pub(crate) struct TrustInit {
    /// Address of the log.
    #[arg(long, value_name = "URL", env = "LABELPROOF_LOG", value_hint = ValueHint::Url)]
    pub(crate) log: String,
    /// Leaf hash of entry 0 in base64, from a source other than the log.
    #[arg(long, value_name = "HASH")]
    pub(crate) genesis: LeafHash,
    /// The tlog-policy: the log's key, the witnesses and the quorum.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) policy: PathBuf,
    /// Where the trust file goes; an existing one is never overwritten.
    #[arg(long, value_name = "FILE", default_value = "trust.toml", value_hint = ValueHint::FilePath)]
    pub(crate) out: PathBuf,
}

/// `completions`.
#[derive(Args, Debug)]
pub(crate) struct Completions {
    /// The shell.
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}
