//! Subjects: what an event is about.
//!
//! ```text
//! jp.jc-star/EX-000123          a label: scheme, '/', native id
//! authority:label.jp.example    scheme:jp.jc-star    member:jp    log:labels.g7.example
//! ```
//! At most 128 bytes of `[A-Za-z0-9._:/-]`. The subjects of kinds that this version of the
//! state function does not run are in `docs/spec/event.md`.

use std::fmt;
use std::str::FromStr;

use super::form::{WrongForm, as_json_string};
use super::names::{AuthorityName, MemberCode, NativeId, SchemeId};
use crate::checkpoint::Origin;

/// What an event is about.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Subject {
    /// One label.
    Label(LabelId),
    /// One authority.
    Authority(AuthorityName),
    /// One scheme.
    Scheme(SchemeId),
    /// One member.
    Member(MemberCode),
    /// The log itself.
    Log(Origin),
}

impl FromStr for Subject {
    type Err = WrongForm;

    fn from_str(text: &str) -> Result<Subject, WrongForm> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte);
        if text.len() > MAX_SUBJECT_BYTES || !text.bytes().all(allowed) {
            return Err(WrongForm::new(
                "a subject",
                "at most 128 of A-Z, a-z, 0-9 and . _ : / -",
            ));
        }
        // A scheme id holds no colon, so a colon before the first slash is a prefix.
        let (prefix, rest) = match text.split_once(':') {
            Some((prefix, rest)) if !prefix.contains('/') => (prefix, rest),
            _ => return Ok(Subject::Label(text.parse()?)),
        };
        match prefix {
            "authority" => Ok(Subject::Authority(rest.parse()?)),
            "scheme" => Ok(Subject::Scheme(rest.parse()?)),
            "member" => Ok(Subject::Member(rest.parse()?)),
            "log" => rest
                .parse()
                .map(Subject::Log)
                .map_err(|_| WrongForm::new("an origin", "one line, not empty")),
            _ => Err(WrongForm::new(
                "a subject",
                "<scheme>/<native id>, authority:, scheme:, member: or log:",
            )),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Label(id) => id.fmt(f),
            Subject::Authority(name) => write!(f, "authority:{name}"),
            Subject::Scheme(id) => write!(f, "scheme:{id}"),
            Subject::Member(code) => write!(f, "member:{code}"),
            Subject::Log(origin) => write!(f, "log:{origin}"),
        }
    }
}

/// A label: its scheme and the id that the scheme gave it, as written.
///
/// Two spellings that a scheme's `id_rule` makes equal are two values of this type and one
/// key of the map.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct LabelId {
    scheme: SchemeId,
    native: NativeId,
}

impl LabelId {
    /// The label `native` of `scheme`.
    ///
    /// # Errors
    /// [`WrongForm`] if both together are over 128 bytes.
    pub fn new(scheme: SchemeId, native: NativeId) -> Result<LabelId, WrongForm> {
        if scheme.as_str().len() + 1 + native.as_str().len() > MAX_SUBJECT_BYTES {
            return Err(WrongForm::new("a label", "at most 128 bytes"));
        }
        Ok(LabelId { scheme, native })
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> &SchemeId {
        &self.scheme
    }

    /// The scheme's own id.
    #[must_use]
    pub fn native(&self) -> &NativeId {
        &self.native
    }
}

impl FromStr for LabelId {
    type Err = WrongForm;

    fn from_str(text: &str) -> Result<LabelId, WrongForm> {
        let (scheme, native) = text
            .split_once('/')
            .ok_or(WrongForm::new("a label", "<scheme>/<native id>"))?;
        LabelId::new(scheme.parse()?, native.parse()?)
    }
}

impl fmt::Display for LabelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.scheme, self.native)
    }
}

as_json_string!(Subject, LabelId);

/// A scheme, a slash and a native id fit, but for the longest of both.
const MAX_SUBJECT_BYTES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_written_as_they_are_read() {
        for text in [
            "jp.jc-star/EX-000123",
            "authority:label.jp.example",
            "scheme:jp.jc-star",
            "member:jp",
            "log:labels.g7.example",
            "log:labels.jp.example/2026",
        ] {
            assert_eq!(text.parse::<Subject>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_what_is_no_subject() {
        let long = format!(
            "{}/{}",
            format_args!("jp.{}", "a".repeat(29)),
            "b".repeat(96)
        );
        for text in [
            "",
            "jp",
            "jp.jc-star",
            "jp.jc-star/",
            "/EX-1",
            "jp.jc-star/a/b",
            "jp.jc-star/a:b",
            "jp.jc-star/a b",
            "authority:",
            "authority:x",
            "product:09521234001010",
            "scheme:jp",
            "member:JP",
            "log:",
            "log:a b",
            "log:ä",
            &long,
        ] {
            assert!(text.parse::<Subject>().is_err(), "takes {text:?}");
        }
    }
}
