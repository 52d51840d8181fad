//! Ed25519 with one answer everywhere (RFC 8032, narrowed).
//!
//! A signature `R ‖ S` of `M` by `A` is valid iff `S < L`; `A` and `R` are canonical encodings and not of
//! small order; and the encoding of `[S]B − [k]A`, `k = SHA-512(R ‖ A ‖ M) mod L`, equals `R` byte for byte.
//! No cofactor, no batch. A key is taken only if also `[L]A = 0`.

use std::fmt;

use thiserror::Error;

use super::BadSignature;
use crate::text::to_base64;

/// A public key: a canonical encoding of a point of prime order.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct PublicKey(ed25519_dalek::VerifyingKey);

impl PublicKey {
    /// Reads 32 bytes (RFC 8032, section 5.1.2).
    ///
    /// # Errors
    /// [`BadKey`] unless the bytes are the one encoding of a point of prime order.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, BadKey> {
        let key = canonical_point(&bytes)?;
        // The neutral element is torsion-free too; small order is asked first.
        if key.to_edwards().is_torsion_free() {
            Ok(Self(key))
        } else {
            Err(BadKey::MixedOrder)
        }
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Checks a signature over a message.
    ///
    /// # Errors
    /// [`BadSignature::Invalid`] if any rule of this file is broken.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), BadSignature> {
        verify(&self.0, message, signature)
    }
}

/// Checks a signature by a key that was never taken: all rules of this file but `[L]A = 0`.
///
/// For comparing with other implementations; everything else holds a [`PublicKey`].
///
/// # Errors
/// [`BadSignature::Invalid`] if any rule but that is broken.
pub fn verify_unregistered(
    key: &[u8; 32],
    message: &[u8],
    signature: &[u8; 64],
) -> Result<(), BadSignature> {
    let key = canonical_point(key).map_err(|_| BadSignature::Invalid)?;
    verify(&key, message, signature)
}

fn verify(
    key: &ed25519_dalek::VerifyingKey,
    message: &[u8],
    signature: &[u8; 64],
) -> Result<(), BadSignature> {
    // `verify_strict` refuses S ≥ L and small order, and compares R as bytes, so R is canonical.
    let signature = ed25519_dalek::Signature::from_bytes(signature);
    let verified = key.verify_strict(message, &signature);
    verified.map_err(|_| BadSignature::Invalid)
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", to_base64(self.as_bytes()))
    }
}

/// Decodes a point, asks that it encodes to the same bytes and is not of small order.
fn canonical_point(bytes: &[u8; 32]) -> Result<ed25519_dalek::VerifyingKey, BadKey> {
    let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| BadKey::NotAPoint)?;
    if key.to_edwards().compress().as_bytes() != bytes {
        Err(BadKey::NotCanonical)
    } else if key.is_weak() {
        Err(BadKey::SmallOrder)
    } else {
        Ok(key)
    }
}

/// Why 32 bytes are no public key.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum BadKey {
    /// No point has this encoding.
    #[error("no point of the curve")]
    NotAPoint,
    /// The point has another, shorter or cleaner encoding.
    #[error("not the canonical encoding of its point")]
    NotCanonical,
    /// A point of order 1, 2, 4 or 8: its signatures prove nothing.
    #[error("a point of small order")]
    SmallOrder,
    /// `[L]A ≠ 0`: implementations differ on such keys.
    #[error("a point outside the prime-order group")]
    MixedOrder,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_the_vector_on_which_libraries_differ() {
        let key = "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8";
        let key: [u8; 32] = hex::decode(key).unwrap().try_into().unwrap();
        let mut signature = [0; 64];
        signature[0] = 1;
        let s = "cdac051ef29d64c1833cafac10f4907436c6a0ae9fafcb61cae765978bb10e0b";
        signature[32..].copy_from_slice(&hex::decode(s).unwrap());
        let message = b"labelproof-event/v1\n";

        let key = PublicKey::from_bytes(key).unwrap();
        assert_eq!(key.verify(message, &signature), Err(BadSignature::Invalid));
        // Only small order stands between this signature and "valid": the loose check takes it.
        use ed25519_dalek::Verifier as _;
        let loose = ed25519_dalek::Signature::from_bytes(&signature);
        assert!(key.0.verify(message, &loose).is_ok());
    }

    #[test]
    fn refuses_keys_that_are_no_points_of_prime_order() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(PublicKey::from_bytes(identity), Err(BadKey::SmallOrder));
        // y = p + 1 is the identity again.
        let mut above = [0xff; 32];
        (above[0], above[31]) = (0xee, 0x7f);
        assert_eq!(PublicKey::from_bytes(above), Err(BadKey::NotCanonical));
        let mut two = [0; 32];
        two[0] = 2;
        assert_eq!(PublicKey::from_bytes(two), Err(BadKey::NotAPoint));
    }

    #[test]
    fn refuses_every_bit_flip() {
        let secret = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
        let key = PublicKey::from_bytes(secret.verifying_key().to_bytes()).unwrap();
        use ed25519_dalek::Signer as _;
        let good = secret.sign(b"message").to_bytes();
        assert_eq!(key.verify(b"message", &good), Ok(()));
        for bit in 0..512 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(key.verify(b"message", &bad).is_err(), "bit {bit}");
        }
    }
}
