//! How large an entry may be: caps of all levels, free margin and the venue's filters, in this order.
//! A size is only ever cut, never raised.

use super::engagement::margin;
use super::tiers::Tier;
use crate::model::{
    Entry, EntryOrder, Figure, Instrument, Level, ONE, Price, Qty, Rate, Refusal, RefusalReason, Round, Size, Usd,
};

/// Largest notional an intent may name, in USDT: beyond it, sums of money would not fit.
const MAX_SANE_NOTIONAL: Usd = Usd::whole(1_000_000_000);

/// `amount * times`, rounded down, and capped where money ends instead of failing: for limits only.
pub(crate) fn times_capped(amount: Usd, times: Rate) -> Usd {
    let product = (i128::from(amount.0) * i128::from(times.0)).div_euclid(i128::from(ONE));
    Usd(i64::try_from(product).unwrap_or(if product < 0 { i64::MIN / 2 } else { i64::MAX / 2 }))
}

/// What an entry is sized by.
pub(super) struct Sizing<'a> {
    pub(super) tiers: &'a [Tier<'a>; 3],
    pub(super) instrument: &'a Instrument,
    /// Price the notional is measured at, the higher of asked and market.
    pub(super) price: Price,
    /// The lower of asked and market, for the venue's smallest notional.
    pub(super) low_price: Price,
    /// Equity of the portfolio less margin used and reserved, in USDT.
    pub(super) free_margin: Usd,
    /// Taker fee.
    pub(super) fee: Rate,
}

/// An entry cut to size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sized {
    pub(super) qty: Qty,
    pub(super) leverage: u32,
    /// The last cap that made it smaller, if one did.
    pub(super) cut: Option<Refusal>,
}

/// The quantity asked for, or `None` when the numbers are past all sense.
pub(super) fn asked_qty(size: Size, reference: Price, price: Price) -> Option<Qty> {
    let qty = match size {
        Size::Qty(qty) => qty,
        Size::Notional(notional) => {
            let qty = i128::from(notional.0) * i128::from(ONE) / i128::from(reference.0);
            Qty(i64::try_from(qty).ok()?)
        }
    };
    let notional = i128::from(qty.0) * i128::from(price.0) / i128::from(ONE);
    (notional <= i128::from(MAX_SANE_NOTIONAL.0)).then_some(qty)
}

/// A running size with the cap that cut it last.
struct Running {
    qty: Qty,
    price: Price,
    cut: Option<Refusal>,
}

impl Running {
    fn notional(&self) -> Usd {
        Usd::notional(self.price, self.qty, Round::Up)
    }

    /// Cuts to a notional, if it is above it.
    fn cap(
        &mut self,
        reason: RefusalReason,
        level: Level,
        cap: Usd,
        limit: Figure,
        seen: Figure,
    ) -> Result<(), Refusal> {
        if self.notional() <= cap {
            return Ok(());
        }
        let refusal = Refusal { reason, level, limit, seen };
        if cap <= Usd::ZERO {
            return Err(refusal);
        }
        self.qty = Qty::worth(cap, self.price, Round::Down);
        self.cut = Some(refusal);
        Ok(())
    }
}

impl Sizing<'_> {
    /// Cuts `qty` to what all levels, the margin and the venue allow, or says what leaves nothing.
    pub(super) fn size(&self, entry: &Entry, qty: Qty) -> Result<Sized, Refusal> {
        let mut running = Running { qty, price: self.price, cut: None };
        self.cap_notional(&mut running)?;
        let leverage = self.cap_order_leverage(entry.leverage, &mut running);
        self.cap_gross(&mut running)?;
        let leverage = self.cap_bracket(leverage, &mut running);
        self.cap_margin(leverage, &mut running)?;
        self.venue_filters(entry, &mut running)?;
        Ok(Sized { qty: running.qty, leverage, cut: running.cut })
    }

    fn cap_notional(&self, running: &mut Running) -> Result<(), Refusal> {
        for tier in self.tiers {
            if let Some(cap) = tier.limits.max_notional {
                let seen = Figure::Usd(running.notional());
                running.cap(RefusalReason::MaxNotional, tier.level, cap, Figure::Usd(cap), seen)?;
            }
        }
        Ok(())
    }

    fn cap_order_leverage(&self, asked: Rate, running: &mut Running) -> Rate {
        let mut leverage = asked;
        for tier in self.tiers {
            if let Some(cap) = tier.limits.max_leverage.filter(|cap| leverage > *cap) {
                running.cut = Some(Refusal {
                    reason: RefusalReason::MaxLeverage,
                    level: tier.level,
                    limit: Figure::Rate(cap),
                    seen: Figure::Rate(leverage),
                });
                leverage = cap;
            }
        }
        leverage
    }

    fn cap_gross(&self, running: &mut Running) -> Result<(), Refusal> {
        for tier in self.tiers {
            let Some(cap) = tier.limits.max_leverage else { continue };
            let room = times_capped(tier.capital, cap) - tier.exposure.gross;
            let seen = super::breaker::ratio(tier.exposure.gross + running.notional(), tier.capital);
            running.cap(RefusalReason::MaxLeverage, tier.level, room, Figure::Rate(cap), Figure::Rate(seen))?;
        }
        Ok(())
    }

    /// The whole number the venue is told: not below what was approved, not above its bracket.
    fn cap_bracket(&self, leverage: Rate, running: &mut Running) -> u32 {
        let whole = u32::try_from((leverage.0 + ONE - 1) / ONE).unwrap_or(u32::MAX).max(1);
        let allowed = self.instrument.bracket(running.notional()).max_leverage.max(1);
        if Rate::whole(i64::from(allowed)) < leverage {
            running.cut = Some(Refusal {
                reason: RefusalReason::MaxLeverage,
                level: Level::Venue,
                limit: Figure::Rate(Rate::whole(i64::from(allowed))),
                seen: Figure::Rate(leverage),
            });
        }
        whole.min(allowed)
    }

    fn cap_margin(&self, leverage: u32, running: &mut Running) -> Result<(), Refusal> {
        let notional = running.notional();
        let needed = margin(notional, leverage) + notional.times(self.fee, Round::Up);
        if needed <= self.free_margin {
            return Ok(());
        }
        // notional / leverage + notional * fee = free  =>  notional = free * leverage / (1 + fee * leverage)
        let times = Rate::whole(i64::from(leverage));
        let divisor = Rate::ONE + self.fee.times(times, Round::Up);
        let cap = times_capped(self.free_margin.max(Usd::ZERO), times).over(divisor, Round::Down);
        let (limit, seen) = (Figure::Usd(self.free_margin), Figure::Usd(needed));
        running.cap(RefusalReason::InsufficientMargin, Level::Portfolio, cap, limit, seen)
    }

    fn venue_filters(&self, entry: &Entry, running: &mut Running) -> Result<(), Refusal> {
        let instrument = self.instrument;
        running.qty = instrument.snap_qty(running.qty);
        let largest = match entry.order {
            EntryOrder::Market => instrument.max_market_qty,
            EntryOrder::Limit { .. } | EntryOrder::LimitThenMarket { .. } => instrument.max_qty,
        };
        if largest > Qty::ZERO && running.qty > largest {
            running.cut = Some(Refusal {
                reason: RefusalReason::AboveMaximum,
                level: Level::Venue,
                limit: Figure::Qty(largest),
                seen: Figure::Qty(running.qty),
            });
            running.qty = instrument.snap_qty(largest);
        }
        let below = |limit: Figure, seen: Figure| Refusal {
            reason: RefusalReason::BelowMinimum,
            level: Level::Venue,
            limit,
            seen,
        };
        if running.qty < instrument.min_qty || running.qty <= Qty::ZERO {
            return Err(below(Figure::Qty(instrument.min_qty), Figure::Qty(running.qty)));
        }
        let notional = Usd::notional(self.low_price, running.qty, Round::Down);
        if notional < instrument.min_notional {
            return Err(below(Figure::Usd(instrument.min_notional), Figure::Usd(notional)));
        }
        Ok(())
    }
}
