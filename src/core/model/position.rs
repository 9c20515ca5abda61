//! The arithmetic of a position: what is held, what was paid for it, and what closing a part of it
//! realises. Knows no fees, no funding, no margin and no owner: those are booked beside it.
//!
//! The cost is carried instead of an average price, so that no rounding of an average accumulates:
//! over the life of a position the realised profits sum to exactly what was received less what was
//! paid, and closing all of it leaves a cost of exactly 0.

use super::{Price, Qty, Round, Side, Usd, mul_div};
use serde::{Deserialize, Serialize};

/// A net position in one contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// Held quantity in base units, long positive, short negative.
    pub qty: Qty,
    /// What was paid for it, in USDT: signed like `qty`, negative is received. Without fees.
    pub cost: Usd,
}

impl Holding {
    /// Nothing held.
    pub const FLAT: Self = Self { qty: Qty::ZERO, cost: Usd::ZERO };

    /// Whether nothing is held.
    #[inline]
    pub const fn is_flat(&self) -> bool {
        self.qty.is_zero()
    }

    /// Books an execution of `qty` (positive) at `price` and returns the profit it realises, in USDT
    /// and before fees: 0 when it opens or adds, and for the closed part otherwise. What goes beyond
    /// the held quantity opens the other side at `price`.
    ///
    /// Every product is rounded against the account ([`Round::Up`] on money paid). A partial close
    /// takes its share of the cost, rounded up; a full close takes all of it.
    pub fn apply(&mut self, side: Side, qty: Qty, price: Price) -> Usd {
        let closing = self.qty.0 * side.sign() < 0;
        let closed = if closing { Qty(self.qty.0.abs().min(qty.0)) } else { Qty::ZERO };
        let mut realized = Usd::ZERO;
        if closed > Qty::ZERO {
            let released = if closed == self.qty.abs() {
                self.cost
            } else {
                Usd(mul_div(self.cost.0, closed.0, self.qty.0.abs(), Round::Up))
            };
            let paid = Usd::notional(price, side.signed(closed), Round::Up);
            realized = -(paid + released);
            self.qty += side.signed(closed);
            self.cost -= released;
        }
        let opened = qty - closed;
        if opened > Qty::ZERO {
            self.qty += side.signed(opened);
            self.cost += Usd::notional(price, side.signed(opened), Round::Up);
        }
        realized
    }

    /// Open profit at `price`, in USDT, before fees; rounded against the account.
    #[inline]
    pub fn unrealized(&self, price: Price) -> Usd {
        Usd::notional(price, self.qty, Round::Down) - self.cost
    }

    /// Size at `price` in USDT, never negative; rounded up.
    #[inline]
    pub fn notional(&self, price: Price) -> Usd {
        Usd::notional(price, self.qty.abs(), Round::Up)
    }

    /// Average price paid, rounded to the nearest mantissa, for views and distances: money is
    /// computed from the cost. `None` when flat.
    pub fn entry_price(&self) -> Option<Price> {
        (!self.is_flat()).then(|| Price(super::div(self.cost.0, self.qty.0, Round::Nearest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(trades: &[(Side, &str, &str)], realized: &str, qty: &str, cost: &str) {
        let mut holding = Holding::FLAT;
        let mut sum = Usd::ZERO;
        for (side, qty, price) in trades {
            sum += holding.apply(*side, qty.parse().unwrap(), price.parse().unwrap());
        }
        assert_eq!(sum, realized.parse().unwrap(), "realized of {trades:?}");
        assert_eq!(holding, Holding { qty: qty.parse().unwrap(), cost: cost.parse().unwrap() }, "{trades:?}");
    }

    #[test]
    fn closing_realises_and_opening_does_not() {
        use Side::{Buy, Sell};
        check(&[(Buy, "2", "100")], "0", "2", "200");
        check(&[(Buy, "2", "100"), (Buy, "1", "130")], "0", "3", "330");
        check(&[(Buy, "2", "100"), (Sell, "1", "110")], "10", "1", "100");
        check(&[(Buy, "2", "100"), (Sell, "2", "90")], "-20", "0", "0");
        check(&[(Sell, "2", "100"), (Buy, "0.5", "90")], "5", "-1.5", "-150");
        check(&[(Sell, "2", "100"), (Buy, "2", "105")], "-10", "0", "0");
    }

    #[test]
    fn going_through_zero_closes_then_opens_the_other_side() {
        check(&[(Side::Buy, "2", "100"), (Side::Sell, "5", "110")], "20", "-3", "-330");
        check(&[(Side::Sell, "1", "100"), (Side::Buy, "1.5", "80")], "20", "0.5", "40");
    }

    #[test]
    fn an_entry_price_is_the_average_of_what_was_paid() {
        let mut holding = Holding::FLAT;
        assert_eq!(holding.entry_price(), None);
        holding.apply(Side::Sell, Qty::whole(1), Price::whole(100));
        holding.apply(Side::Sell, Qty::whole(3), Price::whole(120));
        assert_eq!(holding.entry_price(), Some(Price::whole(115)));
        assert_eq!(holding.unrealized(Price::whole(100)), Usd::whole(60));
        assert_eq!(holding.notional(Price::whole(100)), Usd::whole(400));
    }

    proptest! {
        #[test]
        fn realised_profit_is_received_less_paid_once_flat(
            trades in prop::collection::vec((any::<bool>(), 1i64..1_000_000_000, 1i64..1_000_000_000_000), 1..20)
        ) {
            let mut holding = Holding::FLAT;
            let (mut realized, mut exact, mut products) = (Usd::ZERO, 0i128, 0i128);
            let mut trade = |holding: &mut Holding, side: Side, qty: Qty, price: Price| {
                realized += holding.apply(side, qty, price);
                exact -= i128::from(side.signed(qty).0) * i128::from(price.0);
                products += 2; // a flip is two products
            };
            for (buy, qty, price) in trades {
                trade(&mut holding, if buy { Side::Buy } else { Side::Sell }, Qty(qty), Price(price));
            }
            let rest = holding.qty;
            if !rest.is_zero() {
                trade(&mut holding, Side::of(rest).opposite(), rest.abs(), Price(777_777_777));
            }
            prop_assert_eq!(holding, Holding::FLAT);
            let lost = exact - i128::from(realized.0) * i128::from(super::super::ONE);
            // Rounding is against the account, and by less than one mantissa a product.
            prop_assert!((0..products * i128::from(super::super::ONE)).contains(&lost), "lost {}", lost);
        }

        #[test]
        fn a_partial_close_changes_equity_by_no_more_than_rounding(
            qty in 2i64..1_000_000_000, part in 1i64..1_000_000_000, entry in 1i64..1_000_000_000_000, price in 1i64..1_000_000_000_000,
            long in any::<bool>(),
        ) {
            let part = part % (qty - 1) + 1;
            let side = if long { Side::Buy } else { Side::Sell };
            let mut holding = Holding::FLAT;
            holding.apply(side, Qty(qty), Price(entry));
            let before = holding.unrealized(Price(price));
            let realized = holding.apply(side.opposite(), Qty(part), Price(price));
            let after = realized + holding.unrealized(Price(price));
            prop_assert!((before - after).0.abs() <= 1, "{} became {}", before, after);
            prop_assert_eq!(holding.qty.0.signum(), side.sign() * i64::from(part < qty));
        }
    }
}
