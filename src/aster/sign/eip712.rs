//! V3 signatures: EIP-712 typed data with one text field, signed with secp256k1; and the way back from a
//! signature to the address that made it.
//!
//! ```text
//! digest = keccak256(0x19 0x01 ++ domain separator ++ keccak256(type hash ++ keccak256(text)))
//! domain = name "AsterSignTransaction", version "1", chain id, verifying contract 0
//! ```
//! Source: EIP-712 and the venue's V3 documents. Knows no parameter: a text is signed as it stands.

use super::address::{Address, keccak256, read_hex, write_hex};
use crate::aster::secret::Secret;
use k256::ecdsa::{Signature, SigningKey, VerifyingKey};
use k256::elliptic_curve::PrimeField;
use k256::elliptic_curve::ops::{Invert, LinearCombination, Reduce};
use k256::elliptic_curve::point::DecompressPoint;
use k256::{AffinePoint, ProjectivePoint, Scalar, U256};
use std::fmt;
use zeroize::Zeroize;

const DOMAIN_TYPE: &[u8] = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
const MESSAGE_TYPE: &[u8] = b"Message(string msg)";

/// Separates signatures of one chain from those of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Domain {
    separator: [u8; 32],
    message_type: [u8; 32],
}

/// A signature that cannot be told an address from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not 65 bytes of hex.
    #[error("a signature is 65 bytes of hex")]
    Form,
    /// The last byte is none of 0, 1, 27, 28.
    #[error("the last byte of a signature is 27 or 28 (or 0 or 1)")]
    Parity,
    /// No public key fits.
    #[error("the signature belongs to no key")]
    NoKey,
}

/// A private key that is none. Does not quote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the private key is not 32 bytes of hex within the curve's order: check the variable or file it comes from")]
pub struct KeyError;

impl Domain {
    /// Of a chain.
    pub fn new(chain_id: u64) -> Self {
        let mut words = [0u8; 160];
        words[..32].copy_from_slice(&keccak256(DOMAIN_TYPE));
        words[32..64].copy_from_slice(&keccak256(b"AsterSignTransaction"));
        words[64..96].copy_from_slice(&keccak256(b"1"));
        words[120..128].copy_from_slice(&chain_id.to_be_bytes());
        // The last word, the verifying contract, is the zero address.
        Self { separator: keccak256(&words), message_type: keccak256(MESSAGE_TYPE) }
    }

    /// The separator itself.
    pub const fn separator(&self) -> &[u8; 32] {
        &self.separator
    }

    /// What is signed for a text.
    pub fn digest(&self, text: &str) -> [u8; 32] {
        let mut message = [0u8; 64];
        message[..32].copy_from_slice(&self.message_type);
        message[32..].copy_from_slice(&keccak256(text.as_bytes()));
        let mut whole = [0u8; 66];
        whole[..2].copy_from_slice(&[0x19, 0x01]);
        whole[2..34].copy_from_slice(&self.separator);
        whole[34..].copy_from_slice(&keccak256(&message));
        keccak256(&whole)
    }

    /// The address whose key signed this text. Takes hex of any case with or without `0x`, and a last byte of
    /// 27, 28, 0 or 1: all of these come from clients that work.
    ///
    /// # Errors
    /// Fails on a signature without the form of one, or that fits no key.
    pub fn recover(&self, text: &str, signature: &str) -> Result<Address, SignatureError> {
        let mut bytes = [0u8; 65];
        read_hex(signature, &mut bytes).ok_or(SignatureError::Form)?;
        let parity = match bytes[64] {
            0 | 27 => 0,
            1 | 28 => 1,
            _ => return Err(SignatureError::Parity),
        };
        let signature = Signature::from_slice(&bytes[..64]).map_err(|_| SignatureError::NoKey)?;
        // Of the two signatures that a key could make with one nonce, only the one with the lower half counts.
        if signature.normalize_s().is_some() {
            return Err(SignatureError::NoKey);
        }
        let key = public_key(&self.digest(text), &signature, parity).ok_or(SignatureError::NoKey)?;
        Ok(address_of(&key))
    }
}

/// The only key that a signature can be of (SEC 1, section 4.1.6): `(s R - z G) / r`, where R is the point with the
/// x-coordinate r and this parity. There is no need to verify with it: it was solved for from what verifying asks.
fn public_key(digest: &[u8; 32], signature: &Signature, parity: u8) -> Option<VerifyingKey> {
    let (r, s) = signature.split_scalars();
    let point = Option::<AffinePoint>::from(AffinePoint::decompress(&r.to_repr(), parity.into()))?;
    let inverse = Option::<Scalar>::from(<Scalar as Invert>::invert_vartime(&r))?;
    let z = <Scalar as Reduce<U256>>::reduce_bytes(&(*digest).into());
    let (of_generator, of_point) = (-(inverse * z), inverse * *s);
    let key = ProjectivePoint::lincomb(&ProjectivePoint::GENERATOR, &of_generator, &point.into(), &of_point);
    VerifyingKey::from_affine(key.to_affine()).ok()
}

/// A wallet's private key, wiped when dropped.
#[derive(Clone)]
pub struct Wallet {
    key: SigningKey,
    address: Address,
}

impl Wallet {
    /// From 32 bytes of hex, with or without `0x`.
    ///
    /// # Errors
    /// Fails on anything else.
    pub fn new(secret: &Secret) -> Result<Self, KeyError> {
        let mut bytes = [0u8; 32];
        let read = read_hex(secret.expose(), &mut bytes);
        let key = SigningKey::from_slice(&bytes);
        bytes.zeroize();
        let key = read.and_then(|()| key.ok()).ok_or(KeyError)?;
        let address = address_of(key.verifying_key());
        Ok(Self { key, address })
    }

    /// Its address.
    pub const fn address(&self) -> Address {
        self.address
    }

    /// Signs a text: `0x`, r, s and 27 or 28, in lower case. Deterministic (RFC 6979), s in the lower half.
    pub fn sign(&self, domain: &Domain, text: &str) -> String {
        let (signature, recovery) = self
            .key
            .sign_prehash_recoverable(&domain.digest(text))
            .expect("invariant: a digest of 32 bytes can be signed");
        let mut hex = String::with_capacity(132);
        hex.push_str("0x");
        write_hex(&signature.to_bytes(), &mut hex);
        write_hex(&[27 + recovery.to_byte()], &mut hex);
        hex
    }
}

impl fmt::Debug for Wallet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Wallet({})", self.address)
    }
}

fn address_of(key: &VerifyingKey) -> Address {
    Address::of_public_key(&key.to_encoded_point(false).as_bytes()[1..])
}
