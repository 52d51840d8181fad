//! The command line as typed; each command's own file turns it into what is meant.
//!
//! Names and flags here are promises to scripts: one that is removed or changes its meaning breaks somebody.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueHint};
use clap_complete::Shell;
use labelproof_core::{
    checkpoint::Origin,
    event::{EventId, Kind},
    merkle::LeafHash,
    note::KeyName,
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
  labelproof inspect jp.jc-star.EX-000123.labelproof

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
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Say more about what is done; twice for each request.
    #[arg(short, long, global = true, action = ArgAction::Count)]
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
    /// Explain a file without checking it.
    #[command(after_help = "Example:\n  labelproof inspect jp.jc-star.EX-000123.labelproof")]
    Inspect(Inspect),
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
    },
    /// Sign an event from a file and print the note; opens no socket.
    #[command(
        after_help = "Example:\n  labelproof event sign scheme.define --key jp-root.key --origin labels.g7.example --file scheme.json > scheme.note"
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
        after_help = "Example:\n  labelproof trust init --log https://labels.g7.example --genesis 3q2+7w…= --policy g7.policy --out trust.toml"
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
