//! Command lines of those who sell: `check` and `pack`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use labelproof_core::time::Time;

use super::Network;
use crate::{assortment::Column, duration::MaxAge};

/// `check`.
#[derive(Args, Debug)]
pub(crate) struct Check {
    /// The products: CSV with a column gtin, ean, upc, jan or barcode, one column without a header, or JSON lines.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// The column with the GTINs, by name or by its number.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) column: Option<Column>,
    /// A pack to answer from; then no log is asked, whatever --log or LABELPROOF_LOG says.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) pack: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) network: Network,
    /// Where the report goes; .json, .csv or .html chooses its form.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) report: PathBuf,
    /// Where the proofs of all rows go, in one file that `verify` takes.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) evidence: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) age: PackAge,
}

/// How old the answers of a pack may be.
#[derive(Args, Debug)]
pub(crate) struct PackAge {
    /// The oldest answer that still counts; else 24 h for the log, 48 h for a pack, with conditions 7 days.
    #[arg(long, value_name = "AGE")]
    pub(crate) max_age: Option<MaxAge>,
    /// Judge as if it were this time, for old evidence.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Time>,
}

/// `pack …`.
#[derive(Debug, Subcommand)]
pub(crate) enum PackCommand {
    /// Fetch the proofs of all products of a file, check them and keep them in one file.
    #[command(
        after_help = "Example:\n  labelproof pack make --file assortment.csv --trust trust.toml --out retail.labelproof"
    )]
    Make(PackMake),
    /// Fetch the proofs of a pack's products anew; the file never gets older.
    #[command(
        after_help = "Example:\n  labelproof pack update retail.labelproof --trust trust.toml"
    )]
    Update(PackUpdate),
    /// Check a pack and say how old it is and what it holds; opens no socket.
    #[command(
        after_help = "Example:\n  labelproof pack verify retail.labelproof --trust trust.toml"
    )]
    Verify(PackVerify),
}

/// `pack make`.
#[derive(Args, Debug)]
pub(crate) struct PackMake {
    /// The products, as `check` takes them, or a GTIN a line; - is standard input.
    #[arg(long, visible_alias = "gtins", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// The column with the GTINs, by name or by its number.
    #[arg(long, value_name = "COLUMN")]
    pub(crate) column: Option<Column>,
    #[command(flatten)]
    pub(crate) network: Network,
    /// Where the pack goes; a file that is there is replaced at once.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: PathBuf,
}

/// `pack update`.
#[derive(Args, Debug)]
pub(crate) struct PackUpdate {
    /// The pack; replaced at once by the new one.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) network: Network,
}

/// `pack verify`.
#[derive(Args, Debug)]
pub(crate) struct PackVerify {
    /// The pack.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// The trust file.
    #[arg(long, value_name = "FILE", env = "LABELPROOF_TRUST", value_hint = ValueHint::FilePath)]
    pub(crate) trust: PathBuf,
    #[command(flatten)]
    pub(crate) age: PackAge,
}
