//! One agent's business on one symbol of one portfolio: an entry, the position it becomes, its exits, and
//! what is reserved for it until the entry is final. A reservation is not a number kept beside the order:
//! it is computed from what the working entry still may execute, so it cannot outlive it.

use crate::ledger::Position;
use crate::model::{AgentId, Instrument, IntentId, Plan, Price, Qty, Rate, Round, SymbolId, Time, Usd};
use crate::orders::{Context, Guard, Rest};
use crate::planted::{Bug, is_planted};
use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Engagement {
    pub(super) symbol: SymbolId,
    /// The entry's intent; all orders of this engagement are its legs.
    pub(super) intent: IntentId,
    /// Leverage of the entry order: what margin is computed with.
    pub(super) leverage: u32,
    /// Price that what is reserved is valued at.
    pub(super) reserve_price: Price,
    /// Taker fee, reserved with the margin.
    pub(super) fee_rate: Rate,
    pub(super) confidence: Option<f64>,
    pub(super) guard: Guard,
    pub(super) position: Position,
    /// How long the guard has nothing to do; follows from guard and position, renewed when they change.
    pub(super) rest: Rest,
    /// Made by an execution that no known order explains.
    pub(super) orphan: bool,
}

impl Engagement {
    pub(super) const fn agent(&self) -> AgentId {
        self.intent.agent
    }

    pub(super) const fn key(&self) -> (SymbolId, IntentId) {
        (self.symbol, self.intent)
    }

    /// How long the guard has nothing to do.
    pub(super) fn computed_rest(&self, instrument: &Instrument) -> Rest {
        let position = &self.position;
        self.guard.rest(position.holding.qty, position.entry_price(), position.opened_at, instrument)
    }

    /// Call after each fact that changed the guard or the position.
    pub(super) fn renew_rest(&mut self, instrument: &Instrument) {
        self.rest = self.computed_rest(instrument);
    }

    /// What the guard looks at.
    #[inline]
    pub(super) fn context<'a>(&self, plan: &'a Plan, now: Time, tick: bool) -> Context<'a> {
        Context {
            now,
            qty: self.position.holding.qty,
            entry_price: self.position.entry_price(),
            opened_at: self.position.opened_at,
            mark: self.position.mark(),
            instrument: plan.instrument(self.symbol),
            naked_timeout_ms: plan.naked_timeout_ms,
            tick,
        }
    }

    /// Whether it is known without asking that the guard has nothing to do.
    #[inline]
    pub(super) fn rests(&self, context: &Context<'_>) -> bool {
        debug_assert_eq!(self.rest, self.computed_rest(context.instrument), "invariant: the rest is renewed");
        let rests = self.rest.covers(context.now, context.mark);
        debug_assert!(!rests || self.guard.next_action(context).is_none(), "invariant: a rest is a rest");
        rests
    }

    /// Quantity that the entry may still execute.
    pub(super) fn reserved_qty(&self) -> Qty {
        if is_planted(Bug::SkipReservation) {
            return Qty::ZERO;
        }
        self.guard.entry().map_or(Qty::ZERO, |entry| entry.leaves)
    }

    /// Notional reserved, in USDT.
    pub(super) fn reserved_notional(&self) -> Usd {
        Usd::notional(self.reserve_price, self.reserved_qty(), Round::Up)
    }

    /// Margin and fee reserved, in USDT.
    pub(super) fn reserved_margin(&self) -> Usd {
        let notional = self.reserved_notional();
        margin(notional, self.leverage) + notional.times(self.fee_rate, Round::Up)
    }

    /// Margin of the position at its latest mark, in USDT.
    pub(super) fn used_margin(&self) -> Usd {
        margin(self.position.notional(), self.leverage)
    }

    /// Position at its mark and reservation, in USDT.
    pub(super) fn gross_notional(&self) -> Usd {
        self.position.notional() + self.reserved_notional()
    }

    /// Whether it takes a slot: a position, or an entry that may become one.
    pub(super) fn takes_slot(&self) -> bool {
        self.position.is_open() || self.guard.entry().is_some() || !self.guard.remainder().is_zero()
    }

    /// Whether nothing is left of it.
    pub(super) fn is_done(&self) -> bool {
        !self.position.is_open() && self.guard.is_done()
    }
}

/// Margin of a notional at a leverage, rounded up.
pub(super) fn margin(notional: Usd, leverage: u32) -> Usd {
    notional.over(Rate::whole(i64::from(leverage.max(1))), Round::Up)
}
