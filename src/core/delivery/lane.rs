//! What a desk knows of one contract: what the account holds by the trades it knows, which trades those
//! are, and which trades it has no owner for. Knows no order.

use super::policy::TRADES_KEPT;
use super::poll::Poll;
use super::talk::TradeRow;
use crate::model::{Holding, Qty, Side, Usd};
use std::collections::{BTreeMap, BTreeSet};

/// Trades of an order whose owner is being asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Unowned {
    pub(super) rows: Vec<TradeRow>,
    pub(super) poll: Poll,
    pub(super) denials: u32,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lane {
    /// By the trades that are booked.
    pub(super) holding: Holding,
    /// As last set or told.
    pub(super) leverage: Option<u32>,
    pub(super) set_leverage: Poll,
    pub(super) trades: Poll,
    /// Numbers of booked trades.
    known: BTreeSet<u64>,
    /// At or below it everything counts as booked.
    floor: u64,
    /// Up to here all trades are known for certain: the highest when nothing was at work.
    pub(super) settled: Option<u64>,
    /// By the order's number.
    pub(super) unowned: BTreeMap<u64, Unowned>,
    /// Quantity that the stream told last.
    pub(super) hinted: Option<Qty>,
}

impl Lane {
    /// Takes an execution for known without booking it.
    pub(super) fn pass_over(&mut self, trade: u64) {
        self.known.insert(trade);
        if self.known.len() > TRADES_KEPT {
            self.floor = self.known.pop_first().unwrap_or(self.floor);
        }
    }

    pub(super) fn knows(&self, trade: u64) -> bool {
        trade <= self.floor || self.known.contains(&trade)
    }

    /// Books an execution: the profit it realises, in USDT before fees.
    pub(super) fn book(&mut self, trade: u64, side: Side, qty: Qty, price: crate::model::Price) -> Usd {
        if trade > 0 {
            self.known.insert(trade);
        }
        if self.known.len() > TRADES_KEPT
            && let Some(oldest) = self.known.pop_first()
        {
            self.floor = oldest;
        }
        self.holding.apply(side, qty, price)
    }

    /// Nothing is at work on the contract, so no trade below the highest known is missing.
    pub(super) fn settle(&mut self) {
        if self.unowned.is_empty() {
            self.settled = self.known.last().copied().or(self.settled);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Price;

    #[test]
    fn trades_are_remembered_up_to_a_limit_and_below_it_all_count_as_known() {
        let mut lane = Lane::default();
        for trade in 1..=TRADES_KEPT as u64 + 10 {
            assert!(!lane.knows(trade * 2));
            lane.book(trade * 2, Side::Buy, Qty(1), Price::ONE);
        }
        assert!(lane.knows(2) && lane.knows(3) && lane.knows(20), "forgotten ones count as known");
        assert!(!lane.knows(23) && lane.knows(24));
        let held = lane.holding;
        lane.pass_over(9_001);
        assert!(lane.knows(9_001) && lane.holding == held && lane.known.len() == TRADES_KEPT);
        assert_eq!(lane.known.len(), TRADES_KEPT);
    }
}
