//! Request weight and orders by minute, and bans. Time is passed in: the venue's wall clock.

use super::refusal::Refusal;
use crate::aster::sign::Micros;
use std::collections::BTreeMap;

/// Request weight of an address in a minute.
pub(super) const WEIGHT: u32 = 2_400;
/// Orders of an account in a minute.
pub(super) const ORDERS: u32 = 1_200;
/// Refusals with 429 that are shrugged off before an address is banned.
const PATIENCE: u32 = 50;
/// First ban.
const BAN_SECONDS: u64 = 120;
/// Addresses remembered at most.
const MAX_ADDRESSES: usize = 10_000;
const MINUTE_US: Micros = 60_000_000;
const SECOND_US: Micros = 1_000_000;

/// What was used in the present minute.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    minute: Micros,
    /// Used.
    pub used: u32,
    refused: u32,
    banned_until: Micros,
}

impl Window {
    fn roll(&mut self, now: Micros) {
        let minute = now / MINUTE_US;
        if self.minute != minute {
            (self.minute, self.used, self.refused) = (minute, 0, 0);
        }
    }
    fn seconds_left(now: Micros) -> u64 {
        (MINUTE_US - now % MINUTE_US).div_ceil(SECOND_US)
    }
    /// Takes from the orders of a minute; with `limits` no more than there are.
    pub fn order(&mut self, now: Micros, count: u32, limits: bool) -> Result<(), Refusal> {
        self.roll(now);
        if limits && self.used.saturating_add(count) > ORDERS {
            return Err(Refusal::with_status(
                429,
                -1015,
                format!("Too many new orders; current limit is {ORDERS} orders per MINUTE."),
            ));
        }
        self.used = self.used.saturating_add(count);
        Ok(())
    }
}

/// Weights by address.
#[derive(Debug, Default)]
pub(super) struct Weights {
    windows: BTreeMap<String, Window>,
}

/// Why an address has to wait, and how long.
pub(super) struct Wait {
    pub refusal: Refusal,
    pub seconds: u64,
}

impl Weights {
    /// Takes a request's weight; gives what is used. With `limits` no more than there is.
    pub fn take(&mut self, now: Micros, peer: &str, weight: u32, limits: bool) -> Result<u32, Wait> {
        if !self.windows.contains_key(peer) && self.windows.len() >= MAX_ADDRESSES {
            self.windows.retain(|_, window| window.banned_until > now);
        }
        if !self.windows.contains_key(peer) {
            self.windows.insert(peer.to_owned(), Window::default());
        }
        let window = self.windows.get_mut(peer).expect("invariant: it was just put there");
        window.roll(now);
        if limits && window.banned_until > now {
            return Err(ban(window.banned_until, now));
        }
        if limits && window.used.saturating_add(weight) > WEIGHT {
            window.refused += 1;
            if window.refused > PATIENCE {
                window.banned_until = now + BAN_SECONDS * SECOND_US;
                return Err(ban(window.banned_until, now));
            }
            let msg = format!("Too many requests; current limit is {WEIGHT} request weight per MINUTE.");
            let refusal = Refusal::with_status(429, -1003, msg);
            return Err(Wait { refusal, seconds: Window::seconds_left(now) });
        }
        window.used = window.used.saturating_add(weight);
        Ok(window.used)
    }
}

fn ban(until: Micros, now: Micros) -> Wait {
    let msg = format!("Way too many requests; IP banned until {}.", until / 1_000);
    Wait { refusal: Refusal::with_status(418, -1003, msg), seconds: (until - now).div_ceil(SECOND_US) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_on_after_429_ends_in_418_and_the_ban_ends() {
        let mut weights = Weights::default();
        let now = 600 * MINUTE_US;
        assert_eq!(weights.take(now, "a", WEIGHT, true).ok(), Some(WEIGHT));
        for _ in 0..PATIENCE {
            assert_eq!(weights.take(now, "a", 1, true).map_err(|wait| wait.refusal.status), Err(429));
        }
        assert_eq!(weights.take(now, "a", 1, true).map_err(|wait| wait.refusal.status), Err(418));
        assert_eq!(weights.take(now + MINUTE_US, "a", 1, true).map_err(|wait| wait.seconds), Err(60));
        assert_eq!(weights.take(now + 3 * MINUTE_US, "a", 1, true).ok(), Some(1));
        assert_eq!(weights.take(now, "b", 1, true).ok(), Some(1), "another address has its own weight");
    }

    #[test]
    fn orders_are_counted_by_the_minute() {
        let mut window = Window::default();
        assert!(window.order(0, ORDERS, true).is_ok());
        assert_eq!(window.order(1, 1, true).map_err(|refusal| refusal.code), Err(-1015));
        assert!(window.order(MINUTE_US, 1, true).is_ok());
    }
}
