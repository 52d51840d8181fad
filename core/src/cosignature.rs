//! Cosignatures: a cosigner's dated statement that a checkpoint only appends (c2sp.org/tlog-cosignature).
//!
//! ```text
//! cosignature/v1              signed message: header,
//! time 1679315147             POSIX seconds,
//! labels.g7.example           and the whole body of the checkpoint
//! …
//! — witness.example/w1 base64(4-byte key id ‖ u64 time ‖ 64-byte Ed25519 signature)
//! ```
//! Whose cosignatures suffice belongs to `policy`.

use crate::key::{BadSignature, KeyType, SigningKey, Vkey};
use crate::note::SignatureLine;
use crate::time::Time;

/// The time in a cosignature that counts, in Unix seconds: 1 to 2^63 − 1.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CosignatureTime(u64);

impl CosignatureTime {
    /// Takes Unix seconds; `None` for 0 and above 2^63 − 1.
    #[must_use]
    pub fn new(seconds: u64) -> Option<Self> {
        // SPEC tlog-cosignature: "It MUST NOT exceed 2^63 - 1"; 0 makes no statement about time.
        (1..=MAX_SECONDS)
            .contains(&seconds)
            .then_some(Self(seconds))
    }

    /// Unix seconds.
    #[must_use]
    pub fn unix(self) -> u64 {
        self.0
    }
}

/// Cosigns the text of a checkpoint.
///
/// # Panics
/// If the key is not of type [`KeyType::Cosignature`].
#[must_use]
pub fn cosign(key: &SigningKey, checkpoint_text: &str, time: CosignatureTime) -> SignatureLine {
    let key_type = key.vkey().key_type();
    assert_eq!(key_type, KeyType::Cosignature, "not a cosigner's key");
    let mut signature = time.0.to_be_bytes().to_vec();
    signature.extend_from_slice(&key.sign(&message(checkpoint_text, time.0)));
    key.line(signature)
}

/// Checks a cosigner's line over the text of a checkpoint.
///
/// # Errors
/// [`BadSignature`]; [`BadSignature::Timestamp`] only if the signature itself is right.
pub fn verify_cosignature(
    key: &Vkey,
    checkpoint_text: &str,
    line: &SignatureLine,
) -> Result<CosignatureTime, BadSignature> {
    key.expect_line(KeyType::Cosignature, line)?;
    let wrong_length = BadSignature::WrongLength {
        got: line.signature().len(),
        want: LENGTH,
    };
    let Some((time, signature)) = line.signature().split_first_chunk::<8>() else {
        return Err(wrong_length);
    };
    let signature: &[u8; 64] = signature.try_into().map_err(|_| wrong_length)?;
    let timestamp = u64::from_be_bytes(*time);
    key.public_key()
        .verify(&message(checkpoint_text, timestamp), signature)?;
    CosignatureTime::new(timestamp).ok_or(BadSignature::Timestamp { timestamp })
}

impl TryFrom<Time> for CosignatureTime {
    type Error = BadSignature;

    fn try_from(time: Time) -> Result<Self, BadSignature> {
        let timestamp = time.unix();
        Self::new(timestamp).ok_or(BadSignature::Timestamp { timestamp })
    }
}

fn message(checkpoint_text: &str, timestamp: u64) -> Vec<u8> {
    format!("cosignature/v1\ntime {timestamp}\n{checkpoint_text}").into_bytes()
}

const MAX_SECONDS: u64 = (1 << 63) - 1;

/// A time and a signature.
const LENGTH: usize = 8 + 64;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{KeyType, SigningKey};
    use crate::note::KeyName;

    const TEXT: &str = "labels.g7.example\n1\nbaFzSV2BHZwHxUKDMdFbZXS1S3Kkj3ZcnN6UGVcIM9s=\n";

    fn key() -> SigningKey {
        let name = KeyName::parse("witness.example/w1").unwrap();
        SigningKey::from_seed(name, KeyType::Cosignature, [9; 32])
    }

    #[test]
    fn a_cosignature_tells_its_time() {
        let time = CosignatureTime::new(1_679_315_147).unwrap();
        let line = cosign(&key(), TEXT, time);
        let read = SignatureLine::parse(&line.to_string()).unwrap();
        assert_eq!(verify_cosignature(key().vkey(), TEXT, &read), Ok(time));
    }

    #[test]
    fn refuses_every_bit_flip_and_length() {
        let line = cosign(&key(), TEXT, CosignatureTime::new(1).unwrap());
        let make = |bytes: &[u8]| {
            SignatureLine::new(line.name().clone(), line.id(), bytes.to_vec()).unwrap()
        };
        let good = line.signature();
        for bit in 0..good.len() * 8 {
            let mut bad = good.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(verify_cosignature(key().vkey(), TEXT, &make(&bad)).is_err());
        }
        for bad in [&good[..good.len() - 1], &[good, &[0]].concat(), &good[..7]] {
            assert!(matches!(
                verify_cosignature(key().vkey(), TEXT, &make(bad)),
                Err(BadSignature::WrongLength { want: 72, .. })
            ));
        }
    }

    #[test]
    fn times_that_never_count_are_told_from_wrong_signatures() {
        for timestamp in [0, 1 << 63, u64::MAX] {
            assert_eq!(CosignatureTime::new(timestamp), None);
            let mut signature = timestamp.to_be_bytes().to_vec();
            signature.extend_from_slice(&key().sign(&message(TEXT, timestamp)));
            let line = key().line(signature);
            assert_eq!(
                verify_cosignature(key().vkey(), TEXT, &line),
                Err(BadSignature::Timestamp { timestamp })
            );
            assert_eq!(
                verify_cosignature(key().vkey(), "other\n", &line),
                Err(BadSignature::Invalid)
            );
        }
    }

    #[test]
    fn a_note_key_makes_no_cosignature() {
        let name = KeyName::parse("labels.g7.example").unwrap();
        let log = SigningKey::from_seed(name, KeyType::Note, [1; 32]);
        let line = log.sign_note(TEXT);
        assert_eq!(
            verify_cosignature(log.vkey(), TEXT, &line),
            Err(BadSignature::WrongType)
        );
    }
}
