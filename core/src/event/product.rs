//! Parts of a label's body: the product, its models, its makers, its support.
//!
//! ```text
//! product      {"category":"router","line":"Kawa","names":["Kawa One"],"use":"consumer"}
//! model        {"hw":["A1"],"number":"KW-1","variant":"white"}
//! firmware     "any" | {"min":"2.1"} | {"list":["2.1","2.2"]}
//! support_end  "2031-03-31" | "2031-03" | "unsupported" | "unknown"
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::form::{List, Sha256, Text, WrongForm, as_json_string, words};
use super::identifiers::{OrganisationId, WebUri};
use super::names::{Category, CountryCode};
use crate::time::Time;

/// An organisation; never a person.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    /// Where it is registered.
    pub country: CountryCode,
    /// All its ids that are known.
    pub ids: List<OrganisationId, 0, 8>,
    /// Its registered name.
    pub name: Text<256>,
}

/// What is sold.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// The kind of product.
    pub category: Category,
    /// The product line.
    pub line: Text<128>,
    /// The names it is sold under.
    pub names: List<Text<128>, 1, 16>,
    /// Whom it is made for.
    #[serde(rename = "use")]
    pub made_for: MadeFor,
}

words! {
    /// Whom a product is made for.
    MadeFor, "a use":
    /// Households.
    Consumer = "consumer",
    /// Offices.
    Enterprise = "enterprise",
    /// Plants.
    Industrial = "industrial",
}

/// One model of the family.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Hardware revisions.
    pub hw: List<Text<32>, 0, 16>,
    /// The model number.
    pub number: Text<64>,
    /// What sets it apart: colour, plug, memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<Text<64>>,
}

/// A standard and its edition.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Standard {
    /// The edition, as the body writes it.
    pub edition: Text<64>,
    /// The standard: `ETSI EN 303 645`.
    pub id: Text<64>,
}

/// Which firmware the label covers.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Firmware {
    /// Every version.
    Any,
    /// This version and later ones.
    Min(Text<64>),
    /// These versions and no others.
    List(List<Text<64>, 1, 64>),
}

words! {
    /// What a label covers.
    Component, "a component":
    /// The device.
    Device = "device",
    /// The app that goes with it.
    App = "app",
    /// The service behind it.
    Cloud = "cloud",
    /// The hub between.
    Hub = "hub",
}

/// How a product is updated.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Updates {
    /// Who starts an update.
    pub mode: UpdateMode,
    /// The page about updates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<WebUri>,
}

words! {
    /// Who starts an update.
    UpdateMode, "an update mode":
    /// The product itself.
    Automatic = "automatic",
    /// The product, after it asked.
    Prompted = "prompted",
    /// The user.
    Manual = "manual",
    /// Nobody: there are none.
    None = "none",
}

/// A document outside the log: its hash, and perhaps its page.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The hash of its bytes.
    pub sha256: Sha256,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<WebUri>,
}

/// Until when the maker supports a product.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SupportEnd {
    /// Through this day or month, as written.
    Through(SupportDate),
    /// Not at all.
    Unsupported,
    /// The maker does not say.
    Unknown,
}

/// `YYYY-MM-DD` or `YYYY-MM`, a day or month that exists.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SupportDate(String);

impl SupportDate {
    /// The date as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SupportEnd {
    type Err = WrongForm;

    fn from_str(text: &str) -> Result<SupportEnd, WrongForm> {
        match text {
            "unsupported" => return Ok(SupportEnd::Unsupported),
            "unknown" => return Ok(SupportEnd::Unknown),
            _ => {}
        }
        // The parser of instants knows the calendar; fill the rest in with its first day, midnight.
        let instant = match text.len() {
            10 => format!("{text}T00:00:00Z"),
            7 => format!("{text}-01T00:00:00Z"),
            _ => String::new(),
        };
        match instant.parse::<Time>() {
            Ok(_) => Ok(SupportEnd::Through(SupportDate(text.to_owned()))),
            Err(_) => Err(WrongForm::new(
                "an end of support",
                "YYYY-MM-DD, YYYY-MM, unsupported or unknown",
            )),
        }
    }
}

impl fmt::Display for SupportEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SupportEnd::Through(date) => &date.0,
            SupportEnd::Unsupported => "unsupported",
            SupportEnd::Unknown => "unknown",
        })
    }
}

as_json_string!(SupportEnd);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_support_are_days_months_or_words() {
        for text in [
            "2031-03-31",
            "2031-03",
            "2028-02-29",
            "unsupported",
            "unknown",
        ] {
            assert_eq!(text.parse::<SupportEnd>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "2031",
            "2031-3",
            "2031-13",
            "2031-02-30",
            "2027-02-29",
            "2031-03-31T00:00:00Z",
            "Unknown",
        ] {
            assert!(text.parse::<SupportEnd>().is_err(), "takes {text:?}");
        }
    }
}
