//! The life of an agent as a state machine, in market time. It knows no rule and no thread: hosts tell
//! it of panics and ask it when to start again.

use crate::model::{Millis, Time};
use serde::{Deserialize, Serialize};

/// How often and how soon a rule that panicked is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartPolicy {
    /// Panics within `window_ms` after which the agent stays down.
    pub max_restarts: u32,
    /// Over which the panics are counted.
    pub window_ms: Millis,
    /// Wait before the first restart; doubles with each further panic within the window.
    pub back_off_ms: Millis,
    /// The wait never grows beyond this.
    pub max_back_off_ms: Millis,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self { max_restarts: 5, window_ms: 86_400_000, back_off_ms: 60_000, max_back_off_ms: 3_600_000 }
    }
}

/// Where an agent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LifeState {
    /// Decides on every closed candle.
    Running,
    /// An operator stopped it.
    Stopped,
    /// Its rule panicked; it is started again at the first step at or after this time.
    Restarting(Time),
    /// Its rule panicked too often.
    Failed,
}

/// One agent's life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    state: LifeState,
    restarts: u32,
    panics: Vec<Time>,
}

/// What a panic led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterPanic {
    /// It will be started again.
    Restart,
    /// It stays down.
    Fail,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self { state: LifeState::Running, restarts: 0, panics: Vec::new() }
    }
}

impl Lifecycle {
    /// Where it stands.
    pub const fn state(&self) -> LifeState {
        self.state
    }
    /// Restarts after panics so far.
    pub const fn restarts(&self) -> u32 {
        self.restarts
    }
    /// Decides on closed candles?
    pub const fn runs(&self) -> bool {
        matches!(self.state, LifeState::Running)
    }
    /// Waits for its next start after a panic?
    pub const fn is_restarting(&self) -> bool {
        matches!(self.state, LifeState::Restarting(_))
    }
    /// An operator started it: earlier panics are forgiven.
    pub fn started(&mut self) {
        self.state = LifeState::Running;
        self.panics.clear();
    }
    /// An operator stopped it.
    pub fn stopped(&mut self) {
        self.state = LifeState::Stopped;
    }
    /// Its rule panicked at `now`.
    pub fn panicked(&mut self, now: Time, policy: &RestartPolicy) -> AfterPanic {
        self.panics.retain(|at| now.since(*at) < policy.window_ms);
        self.panics.push(now);
        let panics = u32::try_from(self.panics.len()).unwrap_or(u32::MAX);
        if panics > policy.max_restarts {
            self.state = LifeState::Failed;
            return AfterPanic::Fail;
        }
        let doublings = (panics - 1).min(32);
        let wait = policy.back_off_ms.saturating_mul(1 << doublings).min(policy.max_back_off_ms);
        self.state = LifeState::Restarting(now.plus(wait));
        AfterPanic::Restart
    }
    /// Whether its back-off is over at `now`; if so it runs again.
    pub fn restart_if_due(&mut self, now: Time) -> bool {
        let due = matches!(self.state, LifeState::Restarting(at) if now >= at);
        if due {
            self.state = LifeState::Running;
            self.restarts += 1;
        }
        due
    }
    /// Takes a state that the journal tells, after a restart of the process.
    pub fn resume(&mut self, state: LifeState, restarts: u32) {
        self.state = state;
        self.restarts = restarts;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RestartPolicy =
        RestartPolicy { max_restarts: 2, window_ms: 1_000, back_off_ms: 10, max_back_off_ms: 15 };

    #[test]
    fn a_panic_waits_longer_each_time_and_too_many_end_it() {
        let mut life = Lifecycle::default();
        assert_eq!(life.panicked(Time(0), &POLICY), AfterPanic::Restart);
        assert_eq!(life.state(), LifeState::Restarting(Time(10)));
        assert!(!life.restart_if_due(Time(9)) && life.restart_if_due(Time(10)) && life.runs());
        assert_eq!(life.panicked(Time(20), &POLICY), AfterPanic::Restart);
        assert_eq!(life.state(), LifeState::Restarting(Time(35)), "doubled, but capped");
        assert!(life.restart_if_due(Time(40)));
        assert_eq!(life.panicked(Time(50), &POLICY), AfterPanic::Fail);
        assert_eq!((life.state(), life.restarts()), (LifeState::Failed, 2));
        assert!(!life.restart_if_due(Time(i64::MAX)), "failed stays down");
    }

    #[test]
    fn panics_outside_the_window_and_before_a_start_by_hand_are_forgiven() {
        let mut life = Lifecycle::default();
        for at in [0, 2_000, 4_000, 6_000] {
            assert_eq!(life.panicked(Time(at), &POLICY), AfterPanic::Restart);
            assert!(life.restart_if_due(Time(at + 10)));
        }
        life.stopped();
        assert!(!life.runs() && !life.restart_if_due(Time(i64::MAX)));
        life.started();
        assert!(life.runs());
    }
}
