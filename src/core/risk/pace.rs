//! How fast one level enters and how it has been losing: entry rate and loss run.

use crate::ledger::Trade;
use crate::model::{Limits, LossRun, MINUTE_MS, Time, Usd};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The pace of one level.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pace {
    /// Approvals of entries, oldest first; no more of them than the limit counts.
    approvals: VecDeque<Time>,
    /// Trades lost in a row.
    losses: u32,
    last_loss_at: Time,
}

impl Pace {
    /// An entry was approved.
    pub(super) fn approved(&mut self, at: Time, limits: &Limits) {
        let Some(limit) = limits.entries_per_minute else { return };
        self.approvals.push_back(at);
        while self.approvals.len() > limit as usize {
            self.approvals.pop_front();
        }
    }

    /// A trade was closed.
    pub(super) fn closed(&mut self, trade: &Trade) {
        if trade.net < Usd::ZERO {
            self.losses = self.losses.saturating_add(1);
            self.last_loss_at = trade.closed_at;
        } else {
            self.losses = 0;
        }
    }

    /// Entries approved within the last 60 seconds, as far as the limit needs them counted.
    pub(super) fn entries_within_a_minute(&self, now: Time) -> u32 {
        self.approvals.iter().filter(|at| now.since(**at) < MINUTE_MS).count() as u32
    }

    /// Losses in a row, while they cool down.
    pub(super) fn cooling(&self, now: Time, rule: &LossRun) -> Option<u32> {
        let hot = self.losses >= rule.losses.max(1) && now.since(self.last_loss_at) < rule.cool_down_ms;
        hot.then_some(self.losses)
    }
}
