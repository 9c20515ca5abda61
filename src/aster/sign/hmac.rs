//! V1 signatures: HMAC-SHA256 of query text and body text, without anything between them.
//!
//! Source: the venue's V1 documents. Knows no parameter: a text is signed as it stands.

use super::address::{read_hex, write_hex};
use crate::aster::secret::Secret;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt;

/// An API key with its secret. The key goes into a header, the secret nowhere.
#[derive(Clone)]
pub struct ApiKey {
    key: Secret,
    /// Already fed with the secret, so that a signature costs only its text.
    mac: Hmac<Sha256>,
}

impl ApiKey {
    /// From the two texts the venue gave out.
    pub fn new(key: Secret, secret: &Secret) -> Self {
        let mac = Hmac::new_from_slice(secret.expose().as_bytes()).expect("invariant: HMAC takes keys of any length");
        Self { key, mac }
    }

    /// The value of the header `X-MBX-APIKEY`.
    pub const fn key(&self) -> &Secret {
        &self.key
    }

    /// Lower-case hex over the query text followed directly by the body text.
    pub fn sign(&self, query: &str, body: &str) -> String {
        let mut hex = String::with_capacity(64);
        write_hex(&self.mac_of(query, body).finalize().into_bytes(), &mut hex);
        hex
    }

    /// Whether a signature, hex of any case, is of these texts. Takes the same time wherever it differs.
    pub fn verify(&self, query: &str, body: &str, signature: &str) -> bool {
        let mut bytes = [0u8; 32];
        read_hex(signature, &mut bytes).is_some() && self.mac_of(query, body).verify_slice(&bytes).is_ok()
    }

    fn mac_of(&self, query: &str, body: &str) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(query.as_bytes());
        mac.update(body.as_bytes());
        mac
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ApiKey([secret])")
    }
}
