//! An account's state as bytes and back, for snapshots. Parameters and instruments are not part of it.
//! Bytes are only good for the version that wrote them.

use super::{Calm, Exchange};
use crate::model::{ExchangeParams, Instrument};
use std::sync::Arc;

impl Exchange {
    /// The state without parameters and instruments.
    pub fn save(&self) -> Vec<u8> {
        let place = (&self.walk, &self.jump, self.now);
        let money = (&self.accounts, &self.held, self.wallet, self.next_trade);
        let state = (&self.markets, money, place, &self.queue, &self.book);
        postcard::to_allocvec(&state).expect("invariant: every list of a state knows its length")
    }

    /// An account in a saved state; none when the bytes are no state of these instruments.
    pub fn restore(params: ExchangeParams, instruments: impl Into<Arc<[Instrument]>>, bytes: &[u8]) -> Option<Self> {
        let (markets, money, place, queue, book) = postcard::from_bytes(bytes).ok()?;
        let (accounts, held, wallet, next_trade) = money;
        let (walk, jump, now) = place;
        let instruments = instruments.into();
        let restored = Self {
            params,
            markets,
            accounts,
            held,
            walk,
            jump,
            now,
            wallet,
            next_trade,
            queue,
            book,
            calm: Calm::Unknown,
            instruments,
        };
        let symbols = restored.instruments.len();
        (restored.markets.len() == symbols && restored.accounts.len() == symbols).then_some(restored)
    }
}
