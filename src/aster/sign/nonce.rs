//! Nonces of V3 requests, both sides: what a client counts up and what a venue remembers.
//!
//! Pure: the time is passed in, corrected for the difference to the venue's clock by whoever passes it.

use std::collections::BTreeSet;

/// Microseconds since 1970-01-01T00:00:00Z.
pub type Micros = u64;

/// How many nonces the venue remembers for each signer.
pub const REMEMBERED: usize = 100;

/// Makes the nonces of one signer, strictly increasing. One of these for each private key: two would collide.
#[derive(Clone, Debug, Default)]
pub struct Nonces {
    last: Micros,
}

impl Nonces {
    /// A generator that has made none.
    pub const fn new() -> Self {
        Self { last: 0 }
    }

    /// The present moment, or one more than the last nonce where the clock stood still or was set back.
    pub fn next(&mut self, now: Micros) -> Micros {
        self.last = now.max(self.last.saturating_add(1));
        self.last
    }

    /// How far the last nonce is ahead of the clock. Beyond the venue's window (5 to 60 s) requests are refused
    /// until the clock has caught up.
    pub const fn ahead(&self, now: Micros) -> Micros {
        self.last.saturating_sub(now)
    }
}

/// Why a venue refuses a nonce. All of them are error -4225.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NonceError {
    /// Outside of the window around the venue's clock.
    #[error("the nonce is not within the window around the server's time")]
    OutsideWindow,
    /// Used before.
    #[error("the nonce was used before")]
    Used,
    /// Smaller than the smallest of those remembered, so it cannot be known to be new.
    #[error("the nonce is older than the {REMEMBERED} that are remembered")]
    TooOld,
}

/// What a venue remembers of one signer.
#[derive(Clone, Debug, Default)]
pub struct NonceMemory {
    seen: BTreeSet<Micros>,
}

impl NonceMemory {
    /// Takes a nonce if it is new and within `window` of `now` on either side.
    ///
    /// # Errors
    /// Says why not; then nothing is remembered.
    pub fn accept(&mut self, nonce: Micros, now: Micros, window: Micros) -> Result<(), NonceError> {
        if nonce.abs_diff(now) > window {
            return Err(NonceError::OutsideWindow);
        }
        if self.seen.contains(&nonce) {
            return Err(NonceError::Used);
        }
        if self.seen.len() >= REMEMBERED {
            if self.seen.first().is_some_and(|&smallest| nonce < smallest) {
                return Err(NonceError::TooOld);
            }
            self.seen.pop_first();
        }
        self.seen.insert(nonce);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn nonces_strictly_increase_whatever_the_clock_does(
            clock in proptest::collection::vec(0u64..5_000, 1..200)
        ) {
            let (mut nonces, mut last) = (Nonces::new(), None);
            for now in clock {
                let next = nonces.next(now);
                proptest::prop_assert!(last.is_none_or(|last| next > last) && next >= now);
                proptest::prop_assert_eq!(nonces.ahead(now), next - now);
                last = Some(next);
            }
        }

        #[test]
        fn a_venue_takes_no_nonce_twice(order in proptest::collection::vec(0u64..300, 0..600)) {
            let (mut memory, mut taken) = (NonceMemory::default(), BTreeSet::new());
            for nonce in order {
                if memory.accept(nonce, 150, 200).is_ok() {
                    proptest::prop_assert!(taken.insert(nonce), "{} was taken twice", nonce);
                }
            }
        }
    }

    #[test]
    fn a_venue_remembers_a_hundred_and_keeps_to_its_window() {
        let mut memory = NonceMemory::default();
        for nonce in 1_000..1_100 {
            assert_eq!(memory.accept(nonce, 1_000, 500), Ok(()));
        }
        assert_eq!(memory.accept(1_050, 1_000, 500), Err(NonceError::Used));
        assert_eq!(memory.accept(999, 1_000, 500), Err(NonceError::TooOld));
        assert_eq!(memory.accept(1_100, 1_000, 500), Ok(()));
        assert_eq!(memory.accept(1_000, 1_000, 500), Err(NonceError::TooOld));
        for outside in [1_501, 499] {
            assert_eq!(memory.accept(outside, 1_000, 500), Err(NonceError::OutsideWindow));
        }
    }
}
