//! What the venue checks of an order by itself: the shape, prices, quantities and notional. Knows the
//! instrument and one price; knows no account.

use super::book::reduces;
use crate::model::{Instrument, ONE, Order, OrderKind, Price, Qty, Rate, Round, Side, TimeInForce, Usd, VenueReject};

/// Callback rates the venue takes, both inclusive.
const CALLBACK: (Rate, Rate) = (Rate(100_000), Rate(5_000_000));
/// Largest notional of one order: beyond it the price (or the quantity) is nonsense, and sums of such
/// amounts would leave the range of money.
const MAX_NOTIONAL: Usd = Usd::whole(1_000_000_000);

/// All filters, in the order of AsterDEX's checks; `mark` is the price at arrival.
pub(super) fn check(order: &Order, instrument: &Instrument, mark: Price) -> Result<(), VenueReject> {
    check_combination(order)?;
    for price in prices(&order.kind) {
        if price <= Price::ZERO {
            return Err(VenueReject::PriceBand);
        }
        if instrument.tick > Price::ZERO && price.0 % instrument.tick.0 != 0 {
            return Err(VenueReject::PriceTick);
        }
    }
    if !order.close_position {
        check_qty(order, instrument)?;
        check_notional(order, instrument, mark)?;
    }
    check_trigger(order, mark)
}

/// The prices an order names.
fn prices(kind: &OrderKind) -> impl Iterator<Item = Price> {
    match *kind {
        OrderKind::Market => None,
        OrderKind::Limit { price, .. } => Some(price),
        OrderKind::StopMarket { trigger } | OrderKind::TakeProfitMarket { trigger } => Some(trigger),
        OrderKind::TrailingStopMarket { activation, .. } => activation,
    }
    .into_iter()
}

fn check_combination(order: &Order) -> Result<(), VenueReject> {
    let is_stop = matches!(order.kind, OrderKind::StopMarket { .. } | OrderKind::TakeProfitMarket { .. });
    let closes_well = !order.close_position || (is_stop && order.qty.is_zero());
    let turns_well = match order.kind {
        OrderKind::TrailingStopMarket { callback, .. } => CALLBACK.0 <= callback && callback <= CALLBACK.1,
        _ => true,
    };
    if closes_well && turns_well && order.leverage >= 1 { Ok(()) } else { Err(VenueReject::BadCombination) }
}

fn check_qty(order: &Order, instrument: &Instrument) -> Result<(), VenueReject> {
    let max = match order.kind {
        OrderKind::Limit { .. } => instrument.max_qty,
        _ => instrument.max_market_qty,
    };
    if order.qty <= Qty::ZERO || order.qty < instrument.min_qty {
        Err(VenueReject::QtyTooSmall)
    } else if order.qty > max {
        Err(VenueReject::QtyTooLarge)
    } else if instrument.step > Qty::ZERO && order.qty.0 % instrument.step.0 != 0 {
        Err(VenueReject::QtyStep)
    } else {
        Ok(())
    }
}

/// Price band of limit orders, then the notional at the order's price, or at the mark price.
fn check_notional(order: &Order, instrument: &Instrument, mark: Price) -> Result<(), VenueReject> {
    let price = prices(&order.kind).next().unwrap_or(mark);
    if let OrderKind::Limit { price, .. } = order.kind {
        let bound = mark.times(Rate(ONE + order.side.sign() * instrument.price_band.0), Round::Nearest);
        let outside = match order.side {
            Side::Buy => price > bound,
            Side::Sell => price < bound,
        };
        if outside {
            return Err(VenueReject::PriceBand);
        }
    }
    let exact = i128::from(order.qty.0) * i128::from(price.0);
    let is_above = |limit: Usd| exact > i128::from(limit.0) * i128::from(ONE);
    if is_above(MAX_NOTIONAL) {
        let is_market = matches!(order.kind, OrderKind::Market);
        return Err(if is_market { VenueReject::QtyTooLarge } else { VenueReject::PriceBand });
    }
    // An exempt order may be worth less: it can only make the account safer.
    if !reduces(order) && !is_above(instrument.min_notional - Usd(1)) {
        return Err(VenueReject::MinNotional);
    }
    Ok(())
}

/// A trigger must still lie ahead, and so must an activation.
fn check_trigger(order: &Order, mark: Price) -> Result<(), VenueReject> {
    let ahead = match (order.kind, order.side) {
        (OrderKind::StopMarket { trigger }, Side::Buy) | (OrderKind::TakeProfitMarket { trigger }, Side::Sell) => {
            trigger > mark
        }
        (OrderKind::StopMarket { trigger }, Side::Sell) | (OrderKind::TakeProfitMarket { trigger }, Side::Buy) => {
            trigger < mark
        }
        (OrderKind::TrailingStopMarket { activation: Some(activation), .. }, Side::Sell) => activation > mark,
        (OrderKind::TrailingStopMarket { activation: Some(activation), .. }, Side::Buy) => activation < mark,
        _ => true,
    };
    if ahead { Ok(()) } else { Err(VenueReject::WouldTrigger) }
}

/// Whether an order is gone once it has been met: it never rests.
pub(super) const fn is_immediate(kind: &OrderKind) -> bool {
    matches!(kind, OrderKind::Market | OrderKind::Limit { tif: TimeInForce::Ioc | TimeInForce::Fok, .. })
}
