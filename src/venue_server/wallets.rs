//! Whose wallet signed a request: public keys from signatures, by chain. Knows no account; hosts may ask it on any
//! thread before they ask the venue.

use super::venue::Request;
use crate::aster::sign::{Address, Domain, Received};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Chains that signatures may be for.
#[derive(Debug)]
pub struct Wallets {
    domains: Vec<Domain>,
    /// The chain of the latest good signature: most clients stay with one, and each look costs a key.
    latest: AtomicUsize,
}

impl Wallets {
    pub(super) fn new(chain_ids: &[u64]) -> Self {
        Self { domains: chain_ids.iter().map(|id| Domain::new(*id)).collect(), latest: AtomicUsize::new(0) }
    }

    /// Whether a text was signed by a wallet, for any of the chains. A signature that was made for another chain
    /// gives somebody else's address.
    pub(super) fn is_signed(&self, text: &str, signature: &str, signer: Address) -> bool {
        let latest = self.latest.load(Ordering::Relaxed);
        let mut order = (0..self.domains.len()).map(|place| (place + latest) % self.domains.len());
        let found =
            order.find(|place| self.domains[*place].recover(text, signature).is_ok_and(|found| found == signer));
        if let Some(place) = found {
            self.latest.store(place, Ordering::Relaxed);
        }
        found.is_some()
    }

    /// Looks at a signed request of V3; `None` at everything else.
    pub fn look(&self, request: &Request) -> Option<bool> {
        if !request.path.starts_with("/fapi/v3/") {
            return None;
        }
        let received = Received::split(request.signed_text());
        let signer = received.text.split('&').find_map(|pair| pair.strip_prefix("signer="))?.parse().ok()?;
        Some(self.is_signed(received.text, received.signature?, signer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aster::secret::Secret;
    use crate::aster::sign::Wallet;

    #[test]
    fn a_look_tells_the_wallet_that_signed_from_others_and_takes_each_chain() {
        let wallet = |number: &str| Wallet::new(&Secret::new(number.repeat(32))).unwrap();
        let wallets = Wallets::new(&[1, 2]);
        let look = |signs: &Wallet, claimed: &Wallet, chain: u64| {
            let text = format!("symbol=A&signer={}", claimed.address());
            let signature = signs.sign(&Domain::new(chain), &text);
            let query = format!("{text}&signature={signature}");
            wallets.look(&Request { path: "/fapi/v3/order".into(), query, ..Request::default() })
        };
        let (one, two) = (wallet("01"), wallet("02"));
        for chain in [1, 2, 2, 1] {
            assert_eq!(look(&one, &one, chain), Some(true));
            assert_eq!(look(&two, &one, chain), Some(false));
        }
        assert_eq!(look(&one, &one, 3), Some(false));
        let public = Request { path: "/fapi/v3/time".into(), ..Request::default() };
        assert_eq!(wallets.look(&public), None);
    }
}
