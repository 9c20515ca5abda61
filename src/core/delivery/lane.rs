//! What a desk knows of one contract: what the account holds by the trades it knows, which trades those
//! are, and which trades it has no owner for. Knows no order.

use super::policy::TRADES_KEPT;
use super::poll::Poll;
use super::talk::TradeRow;
use crate::model::{Holding, Price, Qty, Side, Usd};
use crate::planted::{Bug, is_planted};
use std::collections::{BTreeMap, BTreeSet};

/// Trades of an order whose owner is being asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Unowned {
    pub(super) rows: Vec<TradeRow>,
    pub(super) poll: Poll,
    pub(super) denials: u32,
}

/// A trade as far as it moves the holding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Booked {
    /// 0 for what no trade explains.
    trade: u64,
    side: Side,
    qty: Qty,
    price: Price,
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lane {
    /// By the trades that are booked.
    pub(super) holding: Holding,
    /// The holding before the trades in `recent`, and what these realised.
    before: Holding,
    realized: Usd,
    /// Trades since nothing was last at work, in the venue's order.
    recent: Vec<Booked>,
    /// As last set or told.
    pub(super) leverage: Option<u32>,
    pub(super) set_leverage: Poll,
    pub(super) trades: Poll,
    /// Numbers of booked trades.
    known: BTreeSet<u64>,
    /// At or below it everything counts as booked.
    floor: u64,
    /// Up to here all trades are known for certain: the highest when nothing was at work.
    settled: Option<u64>,
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
        !is_planted(Bug::BookTwice) && (trade <= self.floor || self.known.contains(&trade))
    }

    /// The highest trade up to which none needs to be asked for, if there is one: they are known, or count as known.
    pub(super) fn complete_to(&self) -> Option<u64> {
        self.settled.max(Some(self.floor).filter(|floor| *floor > 0))
    }

    /// Books an execution: the profit it realises, in USDT before fees. One that is learned of late takes its
    /// place among the others, since what each of them realises depends on their order: what comes back is by
    /// how much all of them together realise more.
    pub(super) fn book(&mut self, trade: u64, side: Side, qty: Qty, price: Price) -> Usd {
        if trade > 0 {
            self.known.insert(trade);
        }
        if self.known.len() > TRADES_KEPT
            && let Some(oldest) = self.known.pop_first()
        {
            self.floor = oldest;
        }
        let booked = Booked { trade, side, qty, price };
        self.forget_oldest();
        let later = self.recent.iter().rev().take_while(|one| trade > 0 && one.trade > trade).count();
        self.recent.insert(self.recent.len() - later, booked);
        if later == 0 {
            let realized = self.holding.apply(side, qty, price);
            self.realized += realized;
            return realized;
        }
        let known = std::mem::take(&mut self.realized);
        self.holding = self.before;
        for one in &self.recent {
            self.realized += self.holding.apply(one.side, one.qty, one.price);
        }
        self.realized - known
    }

    /// Where something is always at work the trades since then would grow without end. The oldest of as many as
    /// numbers are known can only be followed by others, not preceded: what is below counts as booked.
    fn forget_oldest(&mut self) {
        if self.recent.len() >= TRADES_KEPT {
            let oldest = self.recent.remove(0);
            self.realized -= self.before.apply(oldest.side, oldest.qty, oldest.price);
        }
    }

    /// Nothing is at work on the contract, so no trade below the highest known is missing.
    pub(super) fn settle(&mut self) {
        if self.unowned.is_empty() {
            (self.before, self.realized) = (self.holding, Usd::ZERO);
            self.recent.clear();
            self.settled = self.known.last().copied().or(self.settled);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trades_that_are_learned_of_out_of_order_realise_what_they_do_in_order() {
        let trades = [(1, Side::Buy, 4, 100), (2, Side::Sell, 3, 110), (3, Side::Buy, 3, 130), (4, Side::Sell, 2, 90)];
        let book = |order: [usize; 4]| {
            let mut lane = Lane::default();
            let realized: Usd = order
                .map(|index| trades[index])
                .map(|(trade, side, qty, price)| lane.book(trade, side, Qty::whole(qty), Price::whole(price)))
                .into_iter()
                .sum();
            (realized, lane.holding)
        };
        let in_order = book([0, 1, 2, 3]);
        for order in [[3, 2, 1, 0], [1, 0, 3, 2], [0, 2, 1, 3], [2, 3, 0, 1]] {
            assert_eq!(book(order), in_order, "{order:?}");
        }
    }

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

    #[test]
    fn a_contract_that_never_comes_to_rest_keeps_so_many_trades_and_no_more() {
        let (mut lane, mut plain, mut realized) = (Lane::default(), Holding::FLAT, Usd::ZERO);
        let (count, late) = (3 * TRADES_KEPT as u64, 3 * TRADES_KEPT as u64 - 9);
        let trade = |number: u64| {
            let side = if number.is_multiple_of(3) { Side::Sell } else { Side::Buy };
            (side, Qty::whole(1 + number as i64 % 5), Price::whole(100 + number as i64 % 7))
        };
        for number in (1..=count).filter(|number| *number != late).chain([late]) {
            let (side, qty, price) = trade(number);
            realized += lane.book(number, side, qty, price);
            assert!(lane.recent.len() <= TRADES_KEPT && lane.known.len() <= TRADES_KEPT);
        }
        let expected: Usd = (1..=count).map(trade).map(|(side, qty, price)| plain.apply(side, qty, price)).sum();
        assert_eq!((lane.holding, realized), (plain, expected), "one that was late among them");
        assert_eq!(lane.complete_to(), Some(count - TRADES_KEPT as u64), "trades are asked for from there on");
        lane.settle();
        assert_eq!((lane.recent.len(), lane.complete_to()), (0, Some(count)));
    }
}
