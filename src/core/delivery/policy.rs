//! Times, limits and policies of a desk. Values with their reasons; no behaviour.

use crate::model::{DifferenceKind, DifferencePolicy, MINUTE_MS, Millis, SECOND_MS, Usd};

/// Orders that are final and told are kept for late events, at most so many: the oldest are forgotten first.
/// What is told of a forgotten order is still booked; only repetitions of old words are then not recognised
/// by the order but by their trade numbers.
pub const FINISHED_KEPT: usize = 512;
/// Trade numbers kept for each contract. Below the smallest kept everything counts as known.
pub const TRADES_KEPT: usize = 4_096;
/// Order numbers whose owner is remembered.
pub const OWNERS_KEPT: usize = 4_096;
/// Funding and transfer rows remembered.
pub const INCOME_KEPT: usize = 4_096;
/// Orders of others that were reported are remembered, so that each is reported once.
pub const STRANGERS_KEPT: usize = 1_024;

/// How long after the k-th fruitless ask comes the next; the last goes on.
pub const ASK_AGAIN_MS: [Millis; 5] = [SECOND_MS, 2 * SECOND_MS, 5 * SECOND_MS, 10 * SECOND_MS, 15 * SECOND_MS];
/// An event that is learned of late counts from when it is known, less this: what it sets off (a naked
/// position's time-out, an expiry) can be acted upon only then. Earlier events keep their order.
pub const LATE_MS: Millis = SECOND_MS;
/// Between a fill's announcement and asking for its trade: the stream mostly brings it in time.
pub const TRADE_GRACE_MS: Millis = 300;
/// A stop that its entry brings along shows within this long of the entry's first fill, or counts as not placed:
/// then there is time left for another before the position counts as naked. One that shows later is cancelled.
pub const DRIVEN_MS: Millis = 800;
/// The orders of a strategy that the venue took show within this long.
pub const STRATEGY_SETTLES_MS: Millis = 5 * SECOND_MS;
/// An order that rested and is not found is asked for so often before it counts as gone.
pub const MISSING_LOOKS: u32 = 3;
/// A mismatch of amounts is looked at again after this long before it counts as a difference: fills may be
/// on their way.
pub const CONFIRM_MS: Millis = 2 * SECOND_MS;
/// Income is asked for from this long before the last row booked, since rows may be listed late.
pub const INCOME_OVERLAP_MS: Millis = 10 * MINUTE_MS;
/// Trades are asked for from this long before an order left, where no trade number is known. Longer than a
/// clock is ever wrong unnoticed: rows that are known already cost nothing.
pub const CLOCK_MARGIN_MS: Millis = 2 * MINUTE_MS;

/// What a desk is told once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// A request is valid at the venue for this long on either side of its nonce. AsterDEX has named 5, 10
    /// and 60 s; the longest is right under any of them.
    pub nonce_window_ms: Millis,
    /// On top of it, for clocks and queues.
    pub nonce_margin_ms: Millis,
    /// Once a noop has used up an order's nonce, the order cannot arrive any more; what arrived before shows
    /// within this long. `None`: noops are not used.
    pub noop_settles_ms: Option<Millis>,
    /// A request without an answer for this long is asked about.
    pub overdue_ms: Millis,
    /// An entry that could not be sent for this long is not wanted any more.
    pub entry_life_ms: Millis,
    /// Between reconciliations while the user stream is up.
    pub period_ms: Millis,
    /// Between looks at the account while it is down.
    pub down_period_ms: Millis,
    /// Wallet differences up to this are rounding, in USDT.
    pub balance_tolerance: Usd,
    /// Positions of this portfolio must have a stop.
    pub expects_stop: bool,
    /// How each kind of difference is met.
    pub differences: Differences,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            nonce_window_ms: MINUTE_MS,
            nonce_margin_ms: 5 * SECOND_MS,
            noop_settles_ms: Some(5 * SECOND_MS),
            overdue_ms: 3 * SECOND_MS,
            entry_life_ms: 5 * SECOND_MS,
            period_ms: MINUTE_MS,
            down_period_ms: 5 * SECOND_MS,
            balance_tolerance: Usd(Usd::ONE.0 / 100),
            expects_stop: false,
            differences: Differences::default(),
        }
    }
}

impl Policy {
    /// After this long a request that has not arrived at the venue will not.
    pub const fn valid_ms(&self) -> Millis {
        self.nonce_window_ms + self.nonce_margin_ms
    }
}

/// A policy for each kind of difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Differences([DifferencePolicy; DifferenceKind::ALL.len()]);

/// A policy that makes no sense for a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` cannot be met by `{}`: use {}", .kind.label(), .policy.label(), choices(*.kind))]
pub struct PolicyError {
    /// The kind.
    pub kind: DifferenceKind,
    /// What was asked for.
    pub policy: DifferencePolicy,
}

fn choices(kind: DifferenceKind) -> String {
    let labels: Vec<_> = Differences::allowed(kind).iter().map(|policy| policy.label()).collect();
    labels.join(" or ")
}

impl Default for Differences {
    /// The first of [`allowed`](Self::allowed) for each kind.
    fn default() -> Self {
        Self(DifferenceKind::ALL.map(|kind| Self::allowed(kind)[0]))
    }
}

impl Differences {
    /// What a kind can be met by, the default first.
    pub const fn allowed(kind: DifferenceKind) -> &'static [DifferencePolicy] {
        use DifferencePolicy::{Adopt, Close, Halt};
        match kind {
            // What somebody else made is not touched without a person's word.
            DifferenceKind::UnknownOrder => &[Halt, Close, Adopt],
            DifferenceKind::UnknownPosition => &[Halt, Close],
            // The guard places anew what a position needs.
            DifferenceKind::MissingOrder | DifferenceKind::NoStop => &[Adopt, Halt],
            // The books follow.
            DifferenceKind::PositionSize | DifferenceKind::Balance | DifferenceKind::Leverage => &[Adopt, Halt],
            // Everything would be booked wrongly.
            DifferenceKind::Mode => &[Halt],
        }
    }

    /// How a kind is met.
    pub fn of(&self, kind: DifferenceKind) -> DifferencePolicy {
        self.0[kind as usize]
    }

    /// Sets how a kind is met.
    ///
    /// # Errors
    /// When the kind cannot be met so.
    pub fn set(&mut self, kind: DifferenceKind, policy: DifferencePolicy) -> Result<(), PolicyError> {
        if !Self::allowed(kind).contains(&policy) {
            return Err(PolicyError { kind, policy });
        }
        self.0[kind as usize] = policy;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_own_place_and_takes_only_what_makes_sense() {
        for (index, kind) in DifferenceKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index);
            for policy in [DifferencePolicy::Adopt, DifferencePolicy::Close, DifferencePolicy::Halt] {
                let mut differences = Differences::default();
                let set = differences.set(kind, policy);
                assert_eq!(set.is_ok(), Differences::allowed(kind).contains(&policy), "{kind:?} {policy:?}");
                assert_eq!(differences.of(kind) == policy, set.is_ok() || Differences::allowed(kind)[0] == policy);
            }
        }
        let mut differences = Differences::default();
        let error = differences.set(DifferenceKind::Mode, DifferencePolicy::Adopt).unwrap_err();
        assert_eq!(error.to_string(), "`mode` cannot be met by `adopt`: use halt");
    }

    #[test]
    fn what_others_made_is_not_touched_unless_that_is_asked_for() {
        let differences = Differences::default();
        for kind in DifferenceKind::ALL {
            assert_ne!(differences.of(kind), DifferencePolicy::Close, "{kind:?}");
        }
        for kind in [DifferenceKind::UnknownOrder, DifferenceKind::UnknownPosition, DifferenceKind::Mode] {
            assert_eq!(differences.of(kind), DifferencePolicy::Halt, "{kind:?}");
        }
    }
}
