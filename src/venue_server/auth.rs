//! Who asks: signatures over the raw text received, nonces and times. Knows no endpoint.

use super::refusal::Refusal;
use super::venue::{Request, Venue};
use crate::aster::environment::Version;
use crate::aster::sign::{Address, Micros, Received, read_pairs};
use crate::aster::wire::Security;

/// How far a nonce may be from the venue's clock, either side: what the documents said before the window grew.
const NONCE_WINDOW_US: Micros = 10_000_000;
/// How late a V1 request may arrive where it does not say.
const RECEIVE_WINDOW_MS: i64 = 5_000;
/// The most it may say.
const MAX_RECEIVE_WINDOW_MS: i64 = 60_000;
/// How far a V1 time may be ahead.
const AHEAD_MS: i64 = 1_000;

/// Parameters, decoded.
pub(super) type Parameters = Vec<(String, String)>;

pub(super) fn find<'a>(parameters: &'a Parameters, name: &str) -> Option<&'a str> {
    parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// All parameters of a request: of the query, then of the body; the query wins under V1.
pub(super) fn parameters(version: Version, request: &Request) -> Result<Parameters, Refusal> {
    if version == Version::V3 && !request.query.is_empty() && !request.body.is_empty() {
        return Err(Refusal::new(-1101, "Parameters must be sent in the query or in the body, not in both."));
    }
    let mut all = read_pairs(&request.query)?;
    for (key, value) in read_pairs(&request.body)? {
        if !all.iter().any(|(other, _)| *other == key) {
            all.push((key, value));
        }
    }
    if let Some((name, _)) = all.iter().find(|(_, value)| value.is_empty()) {
        return Err(Refusal::new(-1105, format!("Parameter '{name}' was empty.")));
    }
    Ok(all)
}

impl Venue {
    /// The account that a request speaks for.
    pub(super) fn authenticate(
        &mut self,
        version: Version,
        security: Security,
        request: &Request,
        parameters: &Parameters,
        now: Micros,
    ) -> Result<usize, Refusal> {
        let account = match version {
            Version::V3 => self.wallet_of(request, parameters, now)?,
            Version::V1 => self.key_of(security, request, parameters, now)?,
        };
        if version == Version::V3 && self.accounts[account].never_funded() {
            return Err(Refusal::new(-5050, "Please deposit first."));
        }
        Ok(account)
    }

    fn wallet_of(&mut self, request: &Request, parameters: &Parameters, now: Micros) -> Result<usize, Refusal> {
        let received = Received::split(request.signed_text());
        let signature = received.signature.ok_or_else(|| Refusal::parameter("signature"))?;
        let address = |name: &str| -> Result<Address, Refusal> {
            find(parameters, name).and_then(|text| text.parse().ok()).ok_or_else(|| Refusal::parameter(name))
        };
        let signer = address("signer")?;
        let nonce: Micros =
            find(parameters, "nonce").and_then(|text| text.parse().ok()).ok_or_else(|| Refusal::parameter("nonce"))?;
        let is_signed = request.signature.unwrap_or_else(|| self.wallets.is_signed(received.text, signature, signer));
        if !is_signed {
            return Err(Refusal::new(-1022, "Signature for this request is not valid."));
        }
        let unknown = || Refusal::with_status(401, -2015, "Invalid API-key, IP, or permissions for action.");
        let index =
            self.accounts.iter().position(|account| account.spec.signers.contains(&signer)).ok_or_else(unknown)?;
        if find(parameters, "user").is_some() && address("user")? != self.accounts[index].spec.user {
            return Err(unknown());
        }
        let memory = self.accounts[index].nonces.entry(signer).or_default();
        memory
            .accept(nonce, now, NONCE_WINDOW_US)
            .map_err(|error| Refusal::new(-4225, format!("Nonce Expired: {error}.")))?;
        Ok(index)
    }

    fn key_of(
        &self,
        security: Security,
        request: &Request,
        parameters: &Parameters,
        now: Micros,
    ) -> Result<usize, Refusal> {
        let key = request.key.as_deref().ok_or_else(|| Refusal::with_status(401, -2014, "API-key format invalid."))?;
        let index = self
            .accounts
            .iter()
            .position(|account| account.spec.key.key().expose() == key)
            .ok_or_else(|| Refusal::with_status(401, -2015, "Invalid API-key, IP, or permissions for action."))?;
        if security == Security::UserStream {
            return Ok(index);
        }
        // The signature is last of the query or last of the body; what is signed is the rest of both, one behind the other.
        let body = Received::split(&request.body);
        let query = match body.signature {
            Some(_) => Received { text: &request.query, signature: None },
            None => Received::split(&request.query),
        };
        let signature = body.signature.or(query.signature).ok_or_else(|| Refusal::parameter("signature"))?;
        if !self.accounts[index].spec.key.verify(query.text, body.text, signature) {
            return Err(Refusal::new(-1022, "Signature for this request is not valid."));
        }
        let number = |name: &str| find(parameters, name).map(|text| text.parse::<i64>());
        let sent = match number("timestamp") {
            Some(Ok(sent)) => sent,
            _ => return Err(Refusal::parameter("timestamp")),
        };
        let window = match number("recvWindow") {
            None => RECEIVE_WINDOW_MS,
            Some(Ok(window)) if (1..=MAX_RECEIVE_WINDOW_MS).contains(&window) => window,
            Some(_) => return Err(Refusal::value("recvWindow", "it must be 1 to 60000")),
        };
        let now_ms = i64::try_from(now / 1_000).unwrap_or(i64::MAX);
        if sent >= now_ms.saturating_add(AHEAD_MS) {
            let msg = "Timestamp for this request was 1000ms ahead of the server's time.";
            return Err(Refusal::new(-1021, msg));
        }
        if now_ms.saturating_sub(sent) > window {
            return Err(Refusal::new(-1021, "Timestamp for this request is outside of the recvWindow."));
        }
        Ok(index)
    }
}
