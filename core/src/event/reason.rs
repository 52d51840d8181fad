//! Reasons: why something was taken away; a numbered, closed enumeration.
//!
//! ```text
//! {"code":"vulnerability","text":"…"}     text at most 1 KiB, optional
//! ```
//! State records hold the number; 0 there says that no reason applies, so it is no code here.

use serde::{Deserialize, Serialize};

use super::form::{Text, words};

words! {
    /// Why something was taken away.
    ReasonCode, "a reason":
    /// None of the others, or not said.
    Unspecified = "unspecified",
    /// A weakness that can be used.
    Vulnerability = "vulnerability",
    /// The product does not meet the requirements.
    Nonconformity = "nonconformity",
    /// The declaration was untrue.
    FalseDeclaration = "false-declaration",
    /// The holder asked for it.
    HolderRequest = "holder-request",
    /// Another label took its place.
    Superseded = "superseded",
    /// The label was used for what it does not cover.
    Misuse = "misuse",
    /// The contract with the holder ended or was broken.
    Contract = "contract",
    /// A key was in the wrong hands.
    KeyCompromised = "key-compromised",
    /// The issuer is no longer accredited.
    IssuerWithdrawn = "issuer-withdrawn",
    /// The requirements changed.
    RequirementChanged = "requirement-changed",
    /// The maker no longer supports the product.
    SupportEnded = "support-ended",
    /// The scheme ended.
    SchemeEnded = "scheme-ended",
    /// A court ordered it.
    CourtOrder = "court-order",
    /// A mistake in the office.
    ClericalError = "clerical-error",
}

impl ReasonCode {
    /// The number in a state record, 1 to 15.
    #[must_use]
    pub fn number(self) -> u8 {
        let place = Self::ALL
            .iter()
            .position(|code| *code == self)
            .expect("every code is in the list");
        u8::try_from(place + 1).expect("fifteen codes")
    }

    /// The code with this number; none for 0 and above 15.
    #[must_use]
    pub fn from_number(number: u8) -> Option<ReasonCode> {
        Self::ALL.get(usize::from(number).checked_sub(1)?).copied()
    }
}

/// Why something was taken away, with a short text for people.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    code: ReasonCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text<MAX_REASON_BYTES>>,
}

impl Reason {
    /// The code.
    #[must_use]
    pub fn code(&self) -> ReasonCode {
        self.code
    }

    /// The text for people.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        self.text.as_ref().map(Text::as_str)
    }
}

/// A paragraph; more belongs into a document whose hash is in `evidence`.
const MAX_REASON_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_for_ever() {
        let numbered: Vec<_> = ReasonCode::ALL
            .iter()
            .map(|code| (code.number(), code.as_str()))
            .collect();
        assert_eq!(
            numbered,
            [
                (1, "unspecified"),
                (2, "vulnerability"),
                (3, "nonconformity"),
                (4, "false-declaration"),
                (5, "holder-request"),
                (6, "superseded"),
                (7, "misuse"),
                (8, "contract"),
                (9, "key-compromised"),
                (10, "issuer-withdrawn"),
                (11, "requirement-changed"),
                (12, "support-ended"),
                (13, "scheme-ended"),
                (14, "court-order"),
                (15, "clerical-error"),
            ]
        );
    }

    #[test]
    fn zero_and_sixteen_are_no_reasons() {
        assert_eq!(ReasonCode::from_number(0), None);
        assert_eq!(ReasonCode::from_number(16), None);
        assert!(
            ReasonCode::ALL
                .iter()
                .all(|code| ReasonCode::from_number(code.number()) == Some(*code))
        );
    }
}
