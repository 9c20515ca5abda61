//! The market's time between events: the newest time that the venue has stamped, carried on by this machine's
//! steady clock. So it does not depend on whether this machine's calendar is right. Knows no venue.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use swarm_core::model::{Millis, Time};

/// The market's clock; clones are one.
#[derive(Clone, Debug)]
pub struct MarketClock {
    born: Instant,
    anchor: Arc<Mutex<(Time, Instant)>>,
}

impl MarketClock {
    /// A clock that shows `at` now.
    pub fn new(at: Time) -> Self {
        let now = Instant::now();
        Self { born: now, anchor: Arc::new(Mutex::new((at, now))) }
    }

    /// The venue stamped something with this time. The clock is never set back.
    pub fn saw(&self, at: Time) {
        let now = Instant::now();
        let mut anchor = self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        if at > carried(*anchor, now) {
            *anchor = (at, now);
        }
    }

    /// The market's time.
    pub fn now(&self) -> Time {
        carried(*self.anchor.lock().unwrap_or_else(PoisonError::into_inner), Instant::now())
    }

    /// Milliseconds since this clock was made: for measuring waits.
    pub fn steady(&self) -> Millis {
        millis(self.born, Instant::now())
    }
}

fn carried((at, since): (Time, Instant), now: Instant) -> Time {
    at.plus(millis(since, now))
}

fn millis(from: Instant, to: Instant) -> Millis {
    i64::try_from(to.saturating_duration_since(from).as_millis()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_between_stamps_and_never_back() {
        let clock = MarketClock::new(Time(1_000_000));
        assert!(clock.now() >= Time(1_000_000));
        clock.saw(Time(5_000_000));
        let seen = clock.now();
        assert!(seen >= Time(5_000_000));
        clock.clone().saw(Time(2_000_000));
        assert!(clock.now() >= seen);
        let (at, since) = (Time(7), Instant::now());
        assert_eq!(carried((at, since), since + std::time::Duration::from_millis(250)), Time(257));
    }
}
