//! Alerts by e-mail (RFC 5321, RFC 5322): one mail an alert, with the alert and what proves it attached.
//!
//! ```text
//! Subject: [labelproof warning] label.revoke jp.jc-star/EX-000123: vulnerability
//! Message-ID: <id of the alert@domain of the sender>     the same each time it is tried
//! Auto-Submitted: auto-generated
//!   text · alert.json · entry.note, entry.tlog-proof | fork.evidence | receipt.tlog-proof | seen-1.note …
//! ```
//! Each address is a channel of its own, so that a mailbox that is full holds up no other. TLS is asked of every server
//! but one on this machine: from the first byte on port 465, by STARTTLS elsewhere, and without it nothing is said.

use std::{
    fmt,
    net::IpAddr,
    str::FromStr,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use labelproof_host::clock::Clock;
use lettre::{
    Message, SmtpTransport, Transport as _,
    message::{
        Attachment, Mailbox, MultiPart, SinglePart,
        header::{ContentType, HeaderName, HeaderValue},
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
    },
};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use super::Outcome;
use crate::alert::{Alert, Numbered};

/// A mailbox that gets alerts.
#[derive(Debug)]
pub struct Mail {
    transport: SmtpTransport,
    from: Address,
    to: Address,
    target: String,
    clock: Arc<dyn Clock>,
}

impl Mail {
    /// Sends from one address to another by this server, as this user with this password if there is one; a
    /// certificate of `authority`, PEM, is believed beside those of the public authorities.
    ///
    /// # Errors
    /// [`MailError::Server`] if the name of the server cannot be in a certificate; [`MailError::NoCertificate`].
    pub fn new(
        server: &MailServer,
        authority: Option<&[u8]>,
        login: Option<(String, String)>,
        from: Address,
        to: Address,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, MailError> {
        let tls = asked_of(server, authority)?;
        Ok(Self::over(tls, server, login, from, to, clock))
    }

    fn over(
        tls: Tls,
        server: &MailServer,
        login: Option<(String, String)>,
        from: Address,
        to: Address,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let mut transport = SmtpTransport::builder_dangerous(server.host.as_str())
            .port(server.port)
            .tls(tls)
            .timeout(Some(TIMEOUT));
        if let Some((user, password)) = login {
            transport = transport.credentials(Credentials::new(user, password));
        }
        Self {
            transport: transport.build(),
            target: format!("{server} {}", to.0.email),
            from,
            to,
            clock,
        }
    }

    /// Tells one mailbox from another, by whatever name it is written, and strangers on a status page nothing of it.
    pub(crate) fn label(&self) -> String {
        let address: &str = self.to.0.email.as_ref();
        let hash = hex::encode(Sha256::digest(address));
        hash[..LABEL_DIGITS].to_owned()
    }

    /// What tells it from another under the same name.
    pub(crate) fn target(&self) -> String {
        self.target.clone()
    }

    pub(crate) fn send(&self, alert: &Numbered) -> Result<(), MailError> {
        let message = self.message(alert).map_err(MailError::Message)?;
        self.transport.send(&message).map_err(MailError::Smtp)?;
        Ok(())
    }

    fn message(&self, numbered: &Numbered) -> Result<Message, lettre::error::Error> {
        let alert = numbered.alert();
        let domain = self.from.0.email.domain();
        // SPEC RFC 3834, 5: so that no holiday answers it.
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        let mut parts = MultiPart::mixed().singlepart(SinglePart::plain(text(numbered)));
        for (name, bytes) in attachments(numbered) {
            parts = parts.singlepart(Attachment::new(name).body(bytes, content_type()));
        }
        Message::builder()
            .from(self.from.0.clone())
            .to(self.to.0.clone())
            .date(UNIX_EPOCH + Duration::from_millis(self.clock.unix_ms()))
            .message_id(Some(format!("<{}@{domain}>", alert.id())))
            .subject(subject(alert))
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .multipart(parts)
    }
}

/// The TLS without which nothing is said to a server.
fn asked_of(server: &MailServer, authority: Option<&[u8]>) -> Result<Tls, MailError> {
    Ok(match server.port {
        _ if server.is_here() => Tls::None,
        IMPLICIT_TLS => Tls::Wrapper(tls(server, authority)?),
        _ => Tls::Required(tls(server, authority)?),
    })
}

fn tls(server: &MailServer, authority: Option<&[u8]>) -> Result<TlsParameters, MailError> {
    let mut parameters = TlsParameters::builder(server.host.clone());
    if let Some(pem) = authority {
        // The reader takes a file without any for a file with none to add.
        if !pem.windows(PEM.len()).any(|part| part == PEM) {
            return Err(MailError::NoCertificate);
        }
        let certificate = Certificate::from_pem(pem).map_err(MailError::Server)?;
        parameters = parameters.add_root_certificate(certificate);
    }
    parameters.build().map_err(MailError::Server)
}

fn subject(alert: &Alert) -> String {
    let title = plain(alert.title());
    let title: String = title.chars().take(MAX_SUBJECT).collect();
    format!("[labelproof {}] {title}", alert.severity())
}

/// Without line ends and whatever else a program might obey.
fn plain(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}

fn text(numbered: &Numbered) -> String {
    let alert = numbered.alert();
    let log = alert.origin().map(|origin| format!("log       {origin}\n"));
    let entry = alert.index().map(|index| format!("entry     {index}\n"));
    format!(
        "{}\n\n{}\n\nrule      {}\nseverity  {}\n{}{}time      {}\nalert     {}, number {} of this monitor\n\n\
         Attached are the alert as the monitor keeps it, and what proves it: you need not believe this mail.\n",
        plain(alert.title()),
        plain(alert.detail()),
        alert.rule(),
        alert.severity(),
        log.unwrap_or_default(),
        entry.unwrap_or_default(),
        alert.at(),
        alert.id(),
        numbered.number(),
    )
}

/// Names and contents of what goes with an alert.
fn attachments(numbered: &Numbered) -> Vec<(String, Vec<u8>)> {
    let line = format!("{}\n", numbered.to_json());
    let mut files = vec![("alert.json".to_owned(), line.into_bytes())];
    files.extend(numbered.alert().proof().files());
    files
}

/// Kept byte by byte, whatever a mail server does to texts.
fn content_type() -> ContentType {
    ContentType::parse("application/octet-stream").expect("a media type")
}

/// An address of a person or a program, perhaps with a name: `Desk <desk@authority.example>`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub struct Address(Mailbox);

impl TryFrom<String> for Address {
    type Error = BadMail;

    fn try_from(text: String) -> Result<Self, BadMail> {
        let mailbox: Mailbox = text.parse().map_err(|_| BadMail::Address)?;
        let name = mailbox.name.as_deref().unwrap_or_default();
        let is_plain = !name.chars().any(char::is_control);
        is_plain.then_some(Self(mailbox)).ok_or(BadMail::Address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A mail server: `mail.authority.example:587`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub struct MailServer {
    host: String,
    port: u16,
}

impl MailServer {
    /// Whether it is on this machine, to which nobody can listen in.
    fn is_here(&self) -> bool {
        self.host == "localhost" || self.host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
    }
}

impl FromStr for MailServer {
    type Err = BadMail;

    fn from_str(text: &str) -> Result<Self, BadMail> {
        let (host, port) = text.rsplit_once(':').ok_or(BadMail::Server)?;
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let host = bare.unwrap_or(host);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
        let is_name = !host.is_empty() && host.bytes().all(allowed);
        let is_address = bare.is_some() && host.parse::<IpAddr>().is_ok();
        let port = port.parse().map_err(|_| BadMail::Server)?;
        if port == 0 || (bare.is_none() && !is_name) || (bare.is_some() && !is_address) {
            return Err(BadMail::Server);
        }
        let host = host.to_owned();
        Ok(Self { host, port })
    }
}

impl TryFrom<String> for MailServer {
    type Error = BadMail;

    fn try_from(text: String) -> Result<Self, BadMail> {
        text.parse()
    }
}

impl fmt::Display for MailServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// What is no part of a mail.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum BadMail {
    /// No address.
    #[error(
        "an address of e-mail is wanted here, as `desk@authority.example` or `Desk <desk@authority.example>`"
    )]
    Address,
    /// No server.
    #[error("a mail server is wanted here, as `mail.authority.example:587`")]
    Server,
}

/// Why a mail was not sent.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MailError {
    /// The alert cannot be written as a mail.
    #[error("cannot write the mail")]
    Message(#[source] lettre::error::Error),
    /// The file of the authority is no certificate.
    #[error("ca_file holds no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----")]
    NoCertificate,
    /// The server's name is none that a certificate can have.
    #[error("no TLS with this mail server")]
    Server(#[source] lettre::transport::smtp::Error),
    /// The server does not answer, or does not take it.
    #[error("the mail server does not take it")]
    Smtp(#[source] lettre::transport::smtp::Error),
}

impl MailError {
    pub(crate) fn outcome(&self) -> Outcome {
        let status = match self {
            Self::Message(_) => return Outcome::Refused,
            Self::Server(_) | Self::NoCertificate => None,
            Self::Smtp(error) => error.status().map(u16::from),
        };
        match status {
            // SPEC RFC 5321, 4.2.3: the mail is too large, or not liked. What is said of mailboxes, users and the
            // session is said of every mail.
            Some(552 | 554) => Outcome::Refused,
            _ => Outcome::Down { after: None },
        }
    }
}

const PEM: &[u8] = b"-----BEGIN CERTIFICATE-----";
/// SPEC RFC 8314, 7.3: submissions over implicit TLS.
const IMPLICIT_TLS: u16 = 465;
/// For each answer of a server; RFC 5321 grants minutes, a server that works takes seconds.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Fits the list of a mail program.
const MAX_SUBJECT: usize = 150;
/// 32 bits: a person has a handful of mailboxes.
const LABEL_DIGITS: usize = 8;

#[cfg(test)]
mod tests;
