//! An order that rests or waits at the venue: at which price it is due, and what a trailing stop
//! remembers. Knows no account.

use super::path::{Leg, Way};
use crate::model::{Fill, Order, OrderKind, Price, Qty, Rate, Side, Time};
use serde::{Deserialize, Serialize};

/// An open order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenOrder {
    /// As submitted.
    pub order: Order,
    /// When the venue accepted it.
    pub accepted_at: Time,
    /// Quantity still open in base units; 0 with `close_position` as long as none of it is executed.
    pub leaves: Qty,
    /// It trades at the market as far as there is anything to trade with: a conditional order whose trigger was met, or
    /// a limit order that took on its arrival and has a rest.
    pub takes: bool,
    /// Of a trailing stop: the best price since its activation; `None` before it.
    pub best: Option<Price>,
}

impl OpenOrder {
    pub(super) const fn new(order: Order, accepted_at: Time) -> Self {
        let leaves = order.qty;
        Self { order, accepted_at, leaves, takes: false, best: None }
    }

    /// Lets it trade at the market from now on. What a trailing stop remembered has done its service.
    pub(super) const fn take(&mut self) {
        self.takes = true;
        self.best = None;
    }

    /// Takes note of an execution that leaves something open: what took once goes on taking.
    pub(super) const fn execute(&mut self, fill: &Fill, leaves: Qty) {
        self.leaves = leaves;
        if !fill.maker {
            self.take();
        }
    }

    /// Whether it trades whatever the price is.
    pub(super) const fn trades_at_market(&self) -> bool {
        self.takes && !matches!(self.order.kind, OrderKind::Limit { .. })
    }

    /// The line that makes this order due, and from which side; `None` for a trailing stop that is not
    /// yet active and for what trades at the market. `through` demands a tick beyond a limit order's price.
    pub(super) fn line(&self, tick: Price, through: bool) -> Option<(Way, Price)> {
        if self.trades_at_market() {
            return None;
        }
        let side = self.order.side;
        let (with, beyond) = match side {
            Side::Buy => (Way::Falls, Price(-tick.0)),
            Side::Sell => (Way::Rises, tick),
        };
        let adverse = if with == Way::Falls { Way::Rises } else { Way::Falls };
        match self.order.kind {
            OrderKind::Market => None,
            OrderKind::Limit { price, .. } => Some((with, if through { price + beyond } else { price })),
            OrderKind::StopMarket { trigger } => Some((adverse, trigger)),
            OrderKind::TakeProfitMarket { trigger } => Some((with, trigger)),
            OrderKind::TrailingStopMarket { callback, .. } => {
                let turn = Rate(Rate::ONE.0 + side.sign() * callback.0);
                let round = super::price::against(side);
                self.best.map(|best| (adverse, best.times(turn, round).snap(tick, round)))
            }
        }
    }

    pub(super) const fn is_trailing(&self) -> bool {
        matches!(self.order.kind, OrderKind::TrailingStopMarket { .. }) && !self.takes
    }

    /// Lets a trailing stop see a price go straight from one to another.
    pub(super) fn track(&mut self, from: Price, to: Price) {
        let OrderKind::TrailingStopMarket { activation, .. } = self.order.kind else { return };
        if self.takes {
            return;
        }
        let (seen, way) = match self.order.side {
            Side::Sell => (from.max(to), Way::Rises),
            Side::Buy => (from.min(to), Way::Falls),
        };
        self.best = match self.best {
            Some(best) => Some(if way.is_met(best, seen) { seen } else { best }),
            None => activation.is_none_or(|activation| way.is_met(activation, seen)).then_some(seen),
        };
    }

    /// Lets a trailing stop see a leg between two points from its acceptance on.
    pub(super) fn track_leg(&mut self, leg: &Leg) {
        if self.accepted_at <= leg.end {
            self.track(leg.price_at(self.accepted_at), leg.to);
        }
    }
}

/// Whether an order may only reduce.
pub(super) const fn reduces(order: &Order) -> bool {
    order.reduce_only || order.close_position
}

/// What a reducing order with this much open takes from a position, 0 when there is nothing on the other side of it.
pub(super) fn reducible(order: &Order, leaves: Qty, held: Qty) -> Qty {
    if held.0.signum() * order.side.sign() >= 0 {
        Qty::ZERO
    } else if order.close_position {
        held.abs()
    } else {
        leaves.min(held.abs())
    }
}

/// What an order of `qty` opens beside a position: all of it on the same side, the excess on the other.
pub(super) fn opening(side: Side, qty: Qty, held: Qty) -> Qty {
    if held.0.signum() * side.sign() >= 0 { qty } else { (qty - held.abs()).max(Qty::ZERO) }
}
