//! Wallet addresses, and hex as both sides of the venue write it. Knows no key.

use sha3::{Digest, Keccak256};
use std::fmt;
use std::str::FromStr;

/// The address of a wallet: the last 20 bytes of the Keccak-256 of its public key. Written in lower case, so that
/// the text that is signed and the text that is sent cannot differ in case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(pub [u8; 20]);

/// A text that is not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a wallet address: expected 0x and 40 hex digits")]
pub struct AddressError(pub String);

impl Address {
    /// Of an uncompressed public key, its leading 0x04 left out.
    pub(super) fn of_public_key(point: &[u8]) -> Self {
        let hash = keccak256(point);
        let mut address = [0; 20];
        address.copy_from_slice(&hash[12..]);
        Self(address)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("0x")?;
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl FromStr for Address {
    type Err = AddressError;
    /// Any case, with or without `0x`; the mixed-case checksum is not checked, as the venue does not either.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let mut address = [0; 20];
        read_hex(text, &mut address)
            .map(|()| Self(address))
            .ok_or_else(|| AddressError(text.chars().take(60).collect()))
    }
}

impl serde::Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Address {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Keccak-256, the hash of Ethereum (not SHA3-256, which pads differently).
pub(super) fn keccak256(bytes: &[u8]) -> [u8; 32] {
    Keccak256::digest(bytes).into()
}

/// Fills `into` from hex of any case, with or without `0x`; `None` unless it is exactly as long.
pub(super) fn read_hex(text: &str, into: &mut [u8]) -> Option<()> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text).as_bytes();
    if digits.len() != into.len() * 2 {
        return None;
    }
    for (byte, pair) in into.iter_mut().zip(digits.chunks_exact(2)) {
        let value = |digit: u8| char::from(digit).to_digit(16);
        *byte = u8::try_from(value(pair[0])? * 16 + value(pair[1])?).ok()?;
    }
    Some(())
}

/// Appends lower-case hex.
pub(super) fn write_hex(bytes: &[u8], out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_any_case_and_written_in_lower_case() {
        let lower = "0x1a642f0e3c3af545e7acbd38b07251b3990914f1";
        for text in [lower, "0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1", &lower[2..]] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), lower);
        }
        for text in ["", "0x", "0x1a", &format!("{lower}00"), "0xzz642f0e3c3af545e7acbd38b07251b3990914f1", "0x1ä"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_hash_is_keccak_and_not_sha3() {
        let mut hex = String::new();
        write_hex(&keccak256(b""), &mut hex);
        assert_eq!(hex, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    }
}
