//! The life of a listen key: made, renewed every half hour, replaced when it expires. Pure: says what is needed,
//! and is told what came of it.
//!
//! The key belongs to the account: every process shares it, so it is never ended from here.

use super::backoff::Backoff;
use swarm_core::model::{MINUTE_MS, Millis, Time};

/// A key lives for an hour after its last renewal; half of that leaves time for a lost answer.
const RENEW_MS: Millis = 30 * MINUTE_MS;

/// What the user stream needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// A key: POST.
    Create,
    /// Another hour: PUT.
    Renew,
    /// Nothing before this instant.
    Nothing {
        /// When to ask again.
        until: Time,
    },
}

/// What is known of the key.
#[derive(Clone, Debug)]
pub struct ListenKeyKeeper {
    key: Option<String>,
    /// Whether the key may be dead although nobody said so.
    doubtful: bool,
    due: Time,
    backoff: Backoff,
}

impl ListenKeyKeeper {
    /// Without a key, which is needed at once.
    pub fn new(seed: u64) -> Self {
        Self { key: None, doubtful: false, due: Time(i64::MIN), backoff: Backoff::new(seed) }
    }

    /// The key, if there is one. A secret.
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// What is needed now.
    pub const fn need(&self, now: Time) -> Need {
        if now.0 < self.due.0 {
            Need::Nothing { until: self.due }
        } else if self.key.is_some() && !self.doubtful {
            Need::Renew
        } else {
            Need::Create
        }
    }

    /// POST was answered. Whether the key is another than before, so that the socket must be opened anew.
    pub fn created(&mut self, now: Time, key: String) -> bool {
        let other = self.key.as_ref() != Some(&key);
        self.key = Some(key);
        self.doubtful = false;
        self.due = now.plus(RENEW_MS);
        self.backoff.works(now);
        other
    }

    /// PUT was answered.
    pub fn renewed(&mut self, now: Time) {
        self.due = now.plus(RENEW_MS);
        self.backoff.works(now);
    }

    /// POST or PUT failed. `unknown_key` when the venue does not know the key (-1125): then a new one is needed.
    pub fn failed(&mut self, now: Time, unknown_key: bool) {
        if unknown_key {
            self.key = None;
        }
        self.due = self.backoff.fails(now);
    }

    /// The socket of this key was lost: ask for the key again, which gives the same one if it still lives.
    pub fn doubt(&mut self, now: Time) {
        self.doubtful = true;
        self.due = now;
    }

    /// The venue said that the key has expired: nothing more comes over the socket, although it stays open.
    pub fn expired(&mut self, now: Time) {
        self.key = None;
        self.due = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_renewed_and_replaced() {
        let mut keeper = ListenKeyKeeper::new(1);
        let now = Time(1_000);
        assert_eq!(keeper.need(now), Need::Create);
        assert!(keeper.created(now, "a".to_owned()));
        assert_eq!(keeper.need(now), Need::Nothing { until: now.plus(RENEW_MS) });
        let later = now.plus(RENEW_MS);
        assert_eq!(keeper.need(later), Need::Renew);
        keeper.failed(later, false);
        let Need::Nothing { until } = keeper.need(later) else { panic!("a wait") };
        assert!(until > later && until.since(later) <= 500);
        assert_eq!((keeper.need(until), keeper.key()), (Need::Renew, Some("a")));
        keeper.renewed(until);
        keeper.failed(until, true);
        assert_eq!(keeper.key(), None);
        keeper.expired(until);
        assert_eq!(keeper.need(until), Need::Create);
        assert!(keeper.created(until, "b".to_owned()));
        keeper.doubt(until);
        assert_eq!(keeper.need(until), Need::Create);
        assert!(!keeper.created(until, "b".to_owned()));
        assert!(matches!(keeper.need(until), Need::Nothing { .. }));
    }
}
