//! Signing requests and verifying them: V3 wallet signatures and V1 keys.
//!
//! One text is built, signed and sent byte for byte; nothing re-encodes or reorders it afterwards. Both sides use
//! this room: a client signs, a venue recovers or verifies over the raw text it received. Keeps no clock.

mod address;
mod eip712;
mod hmac;
mod nonce;
mod pairs;
mod read;

pub use address::{Address, AddressError};
pub use eip712::{Domain, KeyError, SignatureError, Wallet};
pub use hmac::ApiKey;
pub use nonce::{Micros, NonceError, NonceMemory, Nonces, REMEMBERED};
pub use pairs::{Pairs, PairsError};
pub use read::{ReadError, Received, read_pairs, read_request};

use crate::aster::environment::Scheme;
use std::fmt;

/// Header that carries a V1 key.
pub const API_KEY_HEADER: &str = "X-MBX-APIKEY";

/// Who signs, and how.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A wallet: V3.
    Wallet(WalletSigner),
    /// An API key: V1.
    Key(KeySigner),
}

/// Signs V3 requests for an account.
#[derive(Clone, Debug)]
pub struct WalletSigner {
    wallet: Wallet,
    user: Address,
    domain: Domain,
}

/// Signs V1 requests.
#[derive(Clone, Debug)]
pub struct KeySigner {
    key: ApiKey,
    receive_window_ms: u32,
}

/// Credentials of the other scheme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// A wallet where a key is needed.
    #[error("this environment uses V1: give an API key and secret, or choose V3 for a wallet")]
    WalletForV1,
    /// A key where a wallet is needed.
    #[error("this environment uses V3: give a wallet's private key, or choose V1 for an API key")]
    KeyForV3,
    /// A wallet that signs for another chain.
    #[error("the wallet signs for another chain than this environment's: make it with the environment's chain id")]
    OtherChain,
}

/// A complete parameter text with its signature at the end. Its `Debug` output leaves the signature out.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedText(String);

impl SignedText {
    /// The bytes to send, unchanged, as query or as form body.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The text itself.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Debug for SignedText {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.rsplit_once("signature=").map_or(self.0.as_str(), |(text, _)| text);
        write!(out, "{text}signature=[redacted]")
    }
}

impl WalletSigner {
    /// `wallet` signs for the account of `user`, which may be the wallet itself.
    pub fn new(wallet: Wallet, user: Option<Address>, chain_id: u64) -> Self {
        let user = user.unwrap_or(wallet.address());
        Self { wallet, user, domain: Domain::new(chain_id) }
    }

    /// Address whose key signs.
    pub const fn signer(&self) -> Address {
        self.wallet.address()
    }
    /// Address of the account.
    pub const fn user(&self) -> Address {
        self.user
    }

    /// Adds nonce, signer and user, puts all in ASCII order, signs, and appends the signature.
    pub fn sign(&self, mut pairs: Pairs, nonce: Micros) -> SignedText {
        pairs.push("nonce", nonce);
        pairs.push("signer", self.wallet.address());
        pairs.push("user", self.user);
        let text = pairs.into_text();
        let signature = self.wallet.sign(&self.domain, &text);
        SignedText(with_signature(text, &signature))
    }
}

impl KeySigner {
    /// `receive_window_ms` is how late a request may arrive, at most 60,000.
    pub fn new(key: ApiKey, receive_window_ms: u32) -> Self {
        Self { key, receive_window_ms: receive_window_ms.clamp(1, 60_000) }
    }

    /// The key of the header.
    pub const fn key(&self) -> &ApiKey {
        &self.key
    }

    /// Adds time and window, puts all in ASCII order, signs, and appends the signature.
    pub fn sign(&self, mut pairs: Pairs, now_ms: i64) -> SignedText {
        pairs.push("recvWindow", self.receive_window_ms);
        pairs.push("timestamp", now_ms);
        let text = pairs.into_text();
        let signature = self.key.sign(&text, "");
        SignedText(with_signature(text, &signature))
    }
}

impl Credentials {
    /// Whether these credentials are of this scheme: a V3 signature on a V1 path is refused by the venue in a way
    /// that looks like a wrong key.
    ///
    /// # Errors
    /// Says what does not fit.
    pub fn fit(&self, scheme: Scheme) -> Result<(), CredentialsError> {
        match (self, scheme) {
            (Self::Wallet(wallet), Scheme::V3 { chain_id }) if wallet.domain == Domain::new(chain_id) => Ok(()),
            (Self::Wallet(_), Scheme::V3 { .. }) => Err(CredentialsError::OtherChain),
            (Self::Key(_), Scheme::V1) => Ok(()),
            (Self::Wallet(_), Scheme::V1) => Err(CredentialsError::WalletForV1),
            (Self::Key(_), Scheme::V3 { .. }) => Err(CredentialsError::KeyForV3),
        }
    }

    /// Signs a request at this moment of the venue's clock. `nonces` must be this signer's own.
    pub fn sign(&self, pairs: Pairs, nonces: &mut Nonces, now: Micros) -> SignedText {
        match self {
            Self::Wallet(wallet) => wallet.sign(pairs, nonces.next(now)),
            Self::Key(key) => key.sign(pairs, i64::try_from(now / 1_000).unwrap_or(i64::MAX)),
        }
    }
}

fn with_signature(mut text: String, signature: &str) -> String {
    text.reserve(signature.len() + 11);
    if !text.is_empty() {
        text.push('&');
    }
    text.push_str("signature=");
    text.push_str(signature);
    text
}
