//! What webhooks are signed with (Standard Webhooks 1.0.0, "Signature scheme").
//!
//! ```text
//! whsec_<base64 of 24 to 64 bytes>       v1, HMAC-SHA256
//! whsk_<base64 of seed, public key>      v1a, Ed25519, also of the seed alone; the receiver gets whpk_<public key>
//! ```
//! One a line; several sign side by side while one takes the other's place. The file is its owner's alone.

use std::{fmt, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signer as _, SigningKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use labelproof_host::secret::{self, SecretError};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

/// The secrets of one receiver; at least one.
pub struct Secrets(Vec<Secret>);

enum Secret {
    Symmetric(Hmac<Sha256>),
    Asymmetric(SigningKey),
}

impl Secrets {
    /// Reads them from a file that nobody else can read.
    ///
    /// # Errors
    /// [`SecretsError`].
    pub fn read(path: &Path) -> Result<Self, SecretsError> {
        let text = secret::read(path, MAX_FILE_BYTES)?;
        Self::parse(&text).map_err(|line| SecretsError::Line {
            path: path.display().to_string(),
            line,
        })
    }

    /// # Errors
    /// The number of the first line that is no secret.
    fn parse(text: &str) -> Result<Self, usize> {
        let mut secrets = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let secret = Secret::parse(line).filter(|_| at < MAX_SECRETS);
            secrets.push(secret.ok_or(at + 1)?);
        }
        if secrets.is_empty() {
            return Err(1);
        }
        Ok(Self(secrets))
    }

    /// The public keys that a receiver verifies `v1a` signatures with.
    pub fn public_keys(&self) -> impl Iterator<Item = String> {
        self.0.iter().filter_map(|secret| match secret {
            Secret::Symmetric(_) => None,
            Secret::Asymmetric(key) => {
                let key = STANDARD.encode(key.verifying_key().as_bytes());
                Some(format!("{PUBLIC}{key}"))
            }
        })
    }

    /// The value of `webhook-signature`; neither id nor timestamp has a full stop.
    pub(super) fn sign(&self, id: &str, timestamp: &str, body: &str) -> String {
        let content = format!("{id}.{timestamp}.{body}");
        let signatures = self.0.iter().map(|secret| match secret {
            Secret::Symmetric(key) => {
                let mut mac = key.clone();
                mac.update(content.as_bytes());
                format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
            }
            Secret::Asymmetric(key) => {
                let signature = key.sign(content.as_bytes());
                format!("v1a,{}", STANDARD.encode(signature.to_bytes()))
            }
        });
        signatures.collect::<Vec<_>>().join(" ")
    }
}

impl Secret {
    fn parse(line: &str) -> Option<Self> {
        let decode = |text: &str| STANDARD.decode(text).ok().map(Zeroizing::new);
        if let Some(text) = line.strip_prefix(SYMMETRIC) {
            let bytes = decode(text)?;
            // SPEC Standard Webhooks, "Signature scheme": between 24 bytes and 64 bytes.
            let right = (24..=64).contains(&bytes.len());
            let key = right.then(|| Hmac::new_from_slice(&bytes))?.ok()?;
            return Some(Self::Symmetric(key));
        }
        let bytes = decode(line.strip_prefix(ASYMMETRIC)?)?;
        if let Ok(seed) = bytes.as_slice().try_into() {
            return Some(Self::Asymmetric(SigningKey::from_bytes(seed)));
        }
        let pair = bytes.as_slice().try_into().ok()?;
        // Refuses a public key that is another's.
        let key = SigningKey::from_keypair_bytes(pair).ok()?;
        Some(Self::Asymmetric(key))
    }
}

/// How many there are, and nothing of them.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

/// Why there are no secrets.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SecretsError {
    /// The file cannot be read, or others can.
    #[error(transparent)]
    File(#[from] SecretError),
    /// A line is no secret; which, not what.
    #[error(
        "{path}:{line}: not a secret of a webhook; one to {MAX_SECRETS} lines, each {SYMMETRIC}<base64 of 24 to 64 bytes> or \
         {ASYMMETRIC}<base64 of an Ed25519 seed, or of seed and public key>"
    )]
    Line {
        /// The file.
        path: String,
        /// The line, from 1.
        line: usize,
    },
}

const SYMMETRIC: &str = "whsec_";
const ASYMMETRIC: &str = "whsk_";
const PUBLIC: &str = "whpk_";
/// The old one and the new one, of both kinds.
const MAX_SECRETS: usize = 4;
/// Four lines of 94.
const MAX_FILE_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use labelproof_core::key::PublicKey;

    use super::*;

    const PAIR: &str =
        "6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    const HMAC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    /// The signature in the specification's example of headers, with the input it was made of.
    #[test]
    fn signs_as_the_published_vector_of_ed25519() {
        let secrets = Secrets::parse(&format!("whsk_{PAIR}")).unwrap();
        let (id, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", r#"{"test": 2432232314}"#);
        assert_eq!(
            secrets.sign(id, "1614265330", body),
            "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
        );
        let seed = STANDARD.encode(&STANDARD.decode(PAIR).unwrap()[..32]);
        let alone = Secrets::parse(&format!("whsk_{seed}")).unwrap();
        assert!(alone.public_keys().eq(secrets.public_keys()));
        let keys: Vec<String> = secrets.public_keys().collect();
        assert_eq!(keys, ["whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="]);
    }

    #[test]
    fn signs_hmac_as_the_authors_of_the_specification() {
        let judge = standardwebhooks::Webhook::new(HMAC).unwrap();
        let secrets = Secrets::parse(HMAC).unwrap();
        for body in ["", "{}", "{\"name\":\"ü\"}"] {
            let theirs = judge.sign("msg_1", 1_614_265_330, body.as_bytes()).unwrap();
            assert_eq!(secrets.sign("msg_1", "1614265330", body), theirs);
        }
        assert_eq!(secrets.public_keys().count(), 0);
    }

    #[test]
    fn two_secrets_sign_side_by_side() {
        let secrets = Secrets::parse(&format!("{HMAC}\nwhsk_{PAIR}\n")).unwrap();
        let header = secrets.sign("a", "1", "{}");
        let (first, second) = header.split_once(' ').unwrap();
        assert!(first.starts_with("v1,"), "{header}");
        let signature = STANDARD.decode(second.strip_prefix("v1a,").unwrap());
        let public = secrets.public_keys().next().unwrap();
        let public = STANDARD.decode(public.strip_prefix("whpk_").unwrap());
        let key = PublicKey::from_bytes(public.unwrap().try_into().unwrap()).unwrap();
        let signature = signature.unwrap().try_into().unwrap();
        key.verify(b"a.1.{}", &signature).unwrap();
        assert!(key.verify(b"a.2.{}", &signature).is_err());
        assert_eq!(format!("{secrets:?}"), "Secrets(2)");
    }

    #[test]
    fn refuses_what_is_no_secret_at_its_line_and_does_not_repeat_it() {
        let of = |bytes: usize| STANDARD.encode(vec![7; bytes]);
        let long = format!("whsec_{}", of(64));
        assert!(Secrets::parse(&long).is_ok());
        // The public key of another pair.
        let other = PAIR.replace("Kvg==", "Kv0==");
        for (text, line) in [
            (String::new(), 1),
            ("secret".into(), 1),
            ("whsec_".into(), 1),
            (format!("whsec_{}", of(23)), 1),
            (format!("whsec_{}", of(65)), 1),
            (format!("{long}\nwhsec_?"), 2),
            (format!("{long}\n\n{long}"), 2),
            (format!("whsk_{}", of(31)), 1),
            (format!("whsk_{}", of(33)), 1),
            (format!("whsk_{other}"), 1),
            (
                "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=".into(),
                1,
            ),
            ([long.as_str(); 5].join("\n"), 5),
        ] {
            assert_eq!(Secrets::parse(&text).err(), Some(line), "{text}");
        }
    }

    #[test]
    fn the_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, format!("{HMAC}\n")).unwrap();
        let mode = |mode| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(0o644);
        assert!(matches!(Secrets::read(&path), Err(SecretsError::File(_))));
        mode(0o600);
        assert!(Secrets::read(&path).is_ok());
        std::fs::write(&path, "whsec_hidden\n").unwrap();
        let error = Secrets::read(&path).unwrap_err().to_string();
        assert!(
            error.contains("secret:1: ") && !error.contains("hidden"),
            "{error}"
        );
    }
}
