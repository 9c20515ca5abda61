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
use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{All, Message, PublicKey, Secp256k1, SecretKey};
use std::fmt;
use std::sync::LazyLock;
use zeroize::Zeroize;

const DOMAIN_TYPE: &[u8] = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
const MESSAGE_TYPE: &[u8] = b"Message(string msg)";

/// What the library computes with; it holds no key.
static CURVE: LazyLock<Secp256k1<All>> = LazyLock::new(Secp256k1::new);

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
            0 | 27 => RecoveryId::Zero,
            1 | 28 => RecoveryId::One,
            _ => return Err(SignatureError::Parity),
        };
        let signature = RecoverableSignature::from_compact(&bytes[..64], parity).map_err(|_| SignatureError::NoKey)?;
        // Of the two signatures that a key could make with one nonce, only the one with the lower half counts.
        let given = signature.to_standard();
        let mut lower = given;
        lower.normalize_s();
        if lower != given {
            return Err(SignatureError::NoKey);
        }
        let digest = Message::from_digest(self.digest(text));
        let key = CURVE.recover_ecdsa(digest, &signature).map_err(|_| SignatureError::NoKey)?;
        Ok(address_of(&key))
    }
}

/// A wallet's private key, wiped when dropped.
#[derive(Clone)]
pub struct Wallet {
    key: SecretKey,
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
        let key = SecretKey::from_byte_array(bytes);
        bytes.zeroize();
        let key = read.and_then(|()| key.ok()).ok_or(KeyError)?;
        let address = address_of(&PublicKey::from_secret_key(&CURVE, &key));
        Ok(Self { key, address })
    }

    /// Its address.
    pub const fn address(&self) -> Address {
        self.address
    }

    /// Signs a text: `0x`, r, s and 27 or 28, in lower case. Deterministic (RFC 6979), s in the lower half.
    pub fn sign(&self, domain: &Domain, text: &str) -> String {
        let signature = CURVE.sign_ecdsa_recoverable(Message::from_digest(domain.digest(text)), &self.key);
        let (recovery, bytes) = signature.serialize_compact();
        let last = if matches!(recovery, RecoveryId::Zero | RecoveryId::Two) { 27 } else { 28 };
        let mut hex = String::with_capacity(132);
        hex.push_str("0x");
        write_hex(&bytes, &mut hex);
        write_hex(&[last], &mut hex);
        hex
    }
}

impl Drop for Wallet {
    fn drop(&mut self) {
        self.key.non_secure_erase();
    }
}

impl fmt::Debug for Wallet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Wallet({})", self.address)
    }
}

fn address_of(key: &PublicKey) -> Address {
    Address::of_public_key(&key.serialize_uncompressed()[1..])
}
