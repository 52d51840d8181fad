//! `renew`, `amend`, `bind`, `unbind`, `canary` as typed, and what they share with `suspend`, `revoke`, `reinstate`.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use labelproof_core::{
    event::{Gtin14, LabelId, ReasonCode},
    time::Time,
};
use serde_json::{Value, json};

use super::{Network, Publish};

/// `renew`.
#[derive(Args, Debug)]
pub(crate) struct Renew {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Up to this instant, which is outside.
    #[arg(
        long,
        value_name = "TIME",
        conflicts_with = "file",
        required_unless_present_any = ["file", "open_ended"]
    )]
    pub(crate) until: Option<Time>,
    /// Without an end.
    #[arg(long, conflicts_with_all = ["file", "until"])]
    pub(crate) open_ended: bool,
    /// A further id printed on the product; once for each.
    #[arg(long, value_name = "ID", conflicts_with = "file")]
    pub(crate) alias: Vec<String>,
    #[command(flatten)]
    pub(crate) publish: Publish,
}

/// `amend`.
#[derive(Args, Debug)]
pub(crate) struct Amend {
    /// The whole new event as JSON, without `kind` and `prev`; or many, as CSV or JSON lines.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) publish: Publish,
}

/// `bind`.
#[derive(Args, Debug)]
pub(crate) struct Bind {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) products: Products,
    #[command(flatten)]
    pub(crate) publish: Publish,
}

/// `unbind`.
#[derive(Args, Debug)]
pub(crate) struct Unbind {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) products: Products,
    #[command(flatten)]
    pub(crate) why: Why,
    #[command(flatten)]
    pub(crate) publish: Publish,
}

/// `canary`.
#[derive(Args, Debug)]
pub(crate) struct Canary {
    #[command(flatten)]
    pub(crate) network: Network,
    /// The authority's key.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) key: PathBuf,
    /// Scheme and beginning of the label's id; date and time follow.
    #[arg(long, value_name = "SCHEME/PREFIX")]
    pub(crate) label: LabelId,
    /// The product number of the test product, which nobody sells.
    #[arg(
        long,
        value_name = "GTIN",
        value_parser = Gtin14::from_digits,
        default_value = "09521234009993"
    )]
    pub(crate) gtin: Gtin14,
    /// Beginning of the names of the files written; the prefix with dots if absent.
    #[arg(long, value_name = "NAME", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
}

/// What is bound or unbound.
#[derive(Args, Debug)]
pub(crate) struct Products {
    /// A product number of 8, 12, 13 or 14 digits; once for each.
    #[arg(
        long,
        value_name = "GTIN",
        value_parser = Gtin14::from_digits,
        conflicts_with = "file",
        required_unless_present_any = ["file", "model"]
    )]
    pub(crate) gtin: Vec<Gtin14>,
    /// A model by its number alone; once for each. With variant or hardware: --file.
    #[arg(long, value_name = "NUMBER", conflicts_with = "file")]
    pub(crate) model: Vec<String>,
}

/// The label that an event is about and when it was decided, or a file instead of all flags.
#[derive(Args, Debug)]
pub(crate) struct Target {
    /// The label, such as jp.jc-star/EX-000123.
    #[arg(
        value_name = "LABEL",
        required_unless_present = "file",
        conflicts_with = "file"
    )]
    pub(crate) label: Option<LabelId>,
    /// The event as JSON, without `kind` and `prev`, instead of the flags; or many, as CSV or JSON lines.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,
    /// When it was decided; now if absent.
    #[arg(long, value_name = "TIME", conflicts_with = "file")]
    pub(crate) decided_at: Option<Time>,
}

impl Target {
    /// The event that the flags begin, without a body.
    pub(crate) fn flags(&self, now: Time) -> Value {
        json!({
            "subject": self.label.as_ref().map(ToString::to_string),
            "decided_at": self.decided_at.unwrap_or(now).to_string(),
        })
    }
}

/// Why something is taken away.
#[derive(Args, Debug)]
pub(crate) struct Why {
    /// Why: a code such as vulnerability.
    #[arg(
        long,
        value_name = "CODE",
        required_unless_present = "file",
        conflicts_with = "file"
    )]
    pub(crate) reason: Option<ReasonCode>,
    /// Why, in a sentence; it is public for ever.
    #[arg(long, value_name = "TEXT", conflicts_with = "file")]
    pub(crate) text: Option<String>,
}

impl Why {
    /// The member `reason` of the event.
    pub(crate) fn flags(&self) -> Value {
        let mut reason = json!({ "code": self.reason.map(|code| code.to_string()) });
        if let Some(text) = &self.text {
            reason["text"] = json!(text);
        }
        reason
    }
}
