//! One position over its life: the exact holding plus what its trade has earned and paid so far.
//! Knows neither its owner nor its orders.

use crate::model::{Fill, Holding, Price, Qty, Rate, Round, Side, Time, Usd, div};
use serde::{Deserialize, Serialize};

/// A part of an execution: all of it, or what one position gets of it when it closes one position and
/// opens another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Buy or sell.
    pub side: Side,
    /// Executed at.
    pub price: Price,
    /// Quantity of this part, positive.
    pub qty: Qty,
    /// Fee of this part in USDT, positive is paid.
    pub fee: Usd,
    /// Slippage of this part in USDT.
    pub slippage: Usd,
}

impl Part {
    /// All of a fill.
    pub const fn whole(fill: &Fill) -> Self {
        Self { side: fill.side, price: fill.price, qty: fill.qty, fee: fill.fee, slippage: fill.slippage }
    }

    /// Splits `qty` off, with its share of fee and slippage (rounded down); the rest keeps the rest, so
    /// that nothing is lost. `None` when nothing would be split off.
    pub fn split_off(&mut self, qty: Qty) -> Option<Self> {
        if qty <= Qty::ZERO || self.qty <= Qty::ZERO {
            return None;
        }
        if qty >= self.qty {
            let all = *self;
            *self = Self { qty: Qty::ZERO, fee: Usd::ZERO, slippage: Usd::ZERO, ..all };
            return Some(all);
        }
        let share = Rate(div(qty.0, self.qty.0, Round::Down));
        let part = Self {
            qty,
            fee: self.fee.times(share, Round::Down),
            slippage: self.slippage.times(share, Round::Down),
            ..*self
        };
        self.qty -= part.qty;
        self.fee -= part.fee;
        self.slippage -= part.slippage;
        Some(part)
    }
}

/// What booking a part did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Booking {
    /// Profit realised before fees, in USDT.
    pub realized: Usd,
    /// The position is flat by it.
    pub closed: bool,
}

/// A position and the sums of its trade. The default is flat.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// What is held and what was paid for it.
    pub holding: Holding,
    /// First fill of the present trade.
    pub opened_at: Time,
    /// Equity of the portfolio at that fill, in USDT.
    pub opening_equity: Usd,
    /// Quantity entered.
    pub entered: Qty,
    /// Paid for it, unsigned, in USDT.
    pub entry_value: Usd,
    /// Quantity left.
    pub exited: Qty,
    /// Received for it, unsigned, in USDT.
    pub exit_value: Usd,
    /// Realised so far, before fees.
    pub gross: Usd,
    /// Fees so far.
    pub fees: Usd,
    /// Funding so far, positive is received.
    pub funding: Usd,
    /// Slippage so far.
    pub slippage: Usd,
    /// Latest mark.
    mark: Price,
    /// Open profit at it: kept, since it is asked for several times a mark.
    unrealized: Usd,
    /// Mark at the end of the last step, the same after a restart.
    pub settled_mark: Price,
    /// Average entry price, zero when flat: kept, since it is asked for at every candle and changes with fills only.
    entry_price: Price,
}

impl Position {
    /// Whether something is held.
    #[inline]
    pub const fn is_open(&self) -> bool {
        !self.holding.is_flat()
    }

    /// Latest mark.
    #[inline]
    pub const fn mark(&self) -> Price {
        self.mark
    }

    /// Takes a new mark.
    #[inline]
    pub fn set_mark(&mut self, mark: Price) {
        self.mark = mark;
        self.unrealized = if self.holding.is_flat() { Usd::ZERO } else { self.holding.unrealized(mark) };
    }

    /// Open profit at the latest mark, before fees.
    #[inline]
    pub const fn unrealized(&self) -> Usd {
        self.unrealized
    }

    /// Open profit at a price, before fees; at the latest mark where there is none.
    #[inline]
    pub fn unrealized_at(&self, price: Option<Price>) -> Usd {
        match price {
            Some(price) if self.is_open() => self.holding.unrealized(price),
            _ => self.unrealized,
        }
    }

    /// No less than [`notional`](Self::notional), and by no more than a mantissa; costs no product.
    #[inline]
    pub fn notional_at_most(&self) -> Usd {
        (self.unrealized + self.holding.cost).abs() + Usd(1)
    }

    /// Size at the latest mark in USDT, never negative.
    #[inline]
    pub fn notional(&self) -> Usd {
        self.holding.notional(self.mark)
    }

    /// Average entry price; zero when flat.
    #[inline]
    pub const fn entry_price(&self) -> Price {
        self.entry_price
    }

    /// Books a part. One part either opens or closes: a fill that does both is split before.
    /// `equity` is the portfolio's before the first fill.
    pub fn book(&mut self, at: Time, part: &Part, equity: Usd) -> Booking {
        let opening = self.holding.is_flat();
        let reducing = self.holding.qty.0 * part.side.sign() < 0;
        debug_assert!(!reducing || part.qty <= self.holding.qty.abs(), "invariant: a part does not turn a position");
        if opening {
            *self = Self {
                opened_at: at,
                opening_equity: equity,
                mark: part.price,
                settled_mark: part.price,
                ..Self::default()
            };
        }
        let realized = self.holding.apply(part.side, part.qty, part.price);
        self.entry_price = self.holding.entry_price().unwrap_or(Price::ZERO);
        let value = Usd::notional(part.price, part.qty, Round::Nearest);
        if reducing {
            self.exited += part.qty;
            self.exit_value += value;
        } else {
            self.entered += part.qty;
            self.entry_value += value;
        }
        self.gross += realized;
        self.fees += part.fee;
        self.slippage += part.slippage;
        let closed = reducing && self.holding.is_flat();
        if closed {
            // A closed position has no use for marks; what is left of them must not depend on them.
            (self.mark, self.settled_mark) = (part.price, part.price);
        }
        self.set_mark(self.mark);
        Booking { realized, closed }
    }

    /// Net profit of the trade so far, without open profit.
    pub fn net(&self) -> Usd {
        self.gross - self.fees + self.funding
    }

    /// Notional entered over the equity at the first fill; 0 when that was not positive.
    pub fn leverage(&self) -> Rate {
        if self.opening_equity <= Usd::ZERO {
            return Rate::ZERO;
        }
        self.entry_value.ratio_to(self.opening_equity, Round::Nearest).unwrap_or(Rate::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part(side: Side, qty: i64, price: i64, fee: i64) -> Part {
        Part { side, price: Price::whole(price), qty: Qty::whole(qty), fee: Usd::whole(fee), slippage: Usd::whole(1) }
    }

    #[test]
    fn a_trade_sums_what_its_fills_earned_and_cost() {
        let mut position = Position::default();
        let equity = Usd::whole(1_000);
        assert_eq!(position.book(Time(5), &part(Side::Sell, 2, 100, 1), equity).realized, Usd::ZERO);
        position.set_mark(Price::whole(95));
        assert_eq!(position.unrealized(), Usd::whole(10));
        assert_eq!(position.notional_at_most() - position.notional(), Usd(1));
        let half = position.book(Time(6), &part(Side::Buy, 1, 90, 1), equity);
        assert_eq!(half, Booking { realized: Usd::whole(10), closed: false });
        position.funding += Usd::whole(3);
        let rest = position.book(Time(7), &part(Side::Buy, 1, 110, 1), equity);
        assert_eq!(rest, Booking { realized: Usd::whole(-10), closed: true });
        assert_eq!((position.gross, position.net()), (Usd::ZERO, Usd::ZERO));
        assert_eq!((position.entered, position.exited), (Qty::whole(2), Qty::whole(2)));
        assert_eq!(position.leverage(), "0.2".parse().unwrap());
        assert_eq!((position.slippage, position.opened_at), (Usd::whole(3), Time(5)));
    }

    proptest! {
        #[test]
        fn splitting_a_part_loses_nothing(qty in 1i64..1_000_000, off in 0i64..2_000_000, fee in -1000i64..1_000_000, slippage in -1000i64..1_000_000) {
            let whole = Part { side: Side::Buy, price: Price::ONE, qty: Qty(qty), fee: Usd(fee), slippage: Usd(slippage) };
            let mut rest = whole;
            let part = rest.split_off(Qty(off));
            let (q, f, s) = part.map_or((Qty::ZERO, Usd::ZERO, Usd::ZERO), |part| (part.qty, part.fee, part.slippage));
            prop_assert_eq!((q + rest.qty, f + rest.fee, s + rest.slippage), (whole.qty, whole.fee, whole.slippage));
            prop_assert_eq!(q, Qty(off.min(qty)));
        }
    }
}
