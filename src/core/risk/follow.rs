//! What is left of a resting entry when its time is up, and was to be taken at the market then.
//!
//! One entry of an intent lives at a time: the resting order is cancelled first, and only when the venue
//! has said that it is final, by a cancel or since it would have taken liquidity, does what it left follow
//! as a market order. That is still the intent that was approved, so it keeps its slot and is neither
//! numbered nor counted anew; but time has passed, so whatever may have changed is checked again, and it
//! is cut to what the reservation held. What does not pass is dropped, as a fact.

use super::checks::{breakers, collars, losses, positions};
use super::engagement::Engagement;
use super::sizing::{Sized, Sizing};
use super::supervisor::{Effects, Supervisor};
use crate::model::{
    Entry, EntryOrder, ExitPlan, Fact, Level, Order, OrderId, OrderKind, PortfolioId, Purpose, Qty, Rate, Refusal,
    RefusalReason, Round, Size, SymbolId, Time, Usd,
};

impl Supervisor {
    /// Lets what resting entries left follow at the market, on one symbol or on all, or drops it.
    pub(super) fn follow_up(&mut self, portfolio: PortfolioId, symbol: Option<SymbolId>, now: Time, out: &mut Effects) {
        loop {
            let book = &self.books[portfolio.index()];
            let range = symbol.map_or(0..book.engagements.len(), |symbol| book.on_symbol(symbol));
            let Some(one) = book.engagements[range].iter().find(|one| !one.guard.remainder().is_zero()) else { return };
            let (symbol, intent) = one.key();
            match self.check_follower(now, portfolio, one) {
                Ok(sized) => {
                    let order = follower(portfolio, one, sized.qty);
                    self.place(now, order, out);
                    debug_assert_eq!(crate::invariants::after_approval(self, intent.agent), Ok(()));
                }
                Err(refusal) => {
                    let qty = one.guard.remainder();
                    self.emit(Fact::RemainderDropped { at: now, portfolio, symbol, intent, qty, refusal }, out);
                }
            }
        }
    }

    /// The checks that time may have changed, and the size. The resting order's reservation is gone with
    /// it, so what is free now is measured without it.
    fn check_follower(&self, now: Time, portfolio: PortfolioId, one: &Engagement) -> Result<Sized, Refusal> {
        let book = &self.books[portfolio.index()];
        let instrument = self.plan.instrument(one.symbol);
        if !self.agents[one.agent().index()].running {
            return Err(Refusal::plain(RefusalReason::AgentNotRunning, Level::Agent));
        }
        if book.gated {
            return Err(Refusal::plain(RefusalReason::EntriesGated, Level::Portfolio));
        }
        let tiers = self.tiers(one.agent(), None);
        breakers(&tiers)?;
        let no_mark = Refusal::plain(RefusalReason::NoMark, Level::Venue);
        let market = self.market.price(one.symbol, now).ok_or(no_mark)?;
        // The decision is as old as the order rested: what must be fresh is the market.
        self.fresh(now, one.symbol, now, &tiers)?;
        self.confirmed(one.symbol, market)?;
        let remainder = one.guard.remainder();
        let wish = Entry {
            side: one.guard.side(),
            size: Size::Qty(remainder),
            leverage: Rate::whole(i64::from(one.leverage)),
            order: EntryOrder::Market,
            exits: ExitPlan::default(),
        };
        collars(&tiers, one.reserve_price, market, &wish, instrument)?;
        losses(now, &tiers)?;
        // Its own slot is among those that are taken.
        positions(&tiers, 0)?;
        let reserved = Usd::notional(one.reserve_price, remainder, Round::Up);
        let price = one.reserve_price.max(market);
        let sizing = Sizing {
            tiers: &tiers,
            instrument,
            price,
            low_price: market,
            free_margin: book.equity - tiers[1].exposure.margin,
            fee: self.plan.exchange.taker_fee,
        };
        sizing.size(&wish, remainder.min(Qty::worth(reserved, price, Round::Down)))
    }
}

fn follower(portfolio: PortfolioId, one: &Engagement, qty: Qty) -> Order {
    Order {
        id: OrderId { intent: one.intent, leg: one.guard.next_leg() },
        portfolio,
        symbol: one.symbol,
        side: one.guard.side(),
        kind: OrderKind::Market,
        qty,
        reduce_only: false,
        close_position: false,
        leverage: one.leverage,
        purpose: Purpose::Entry,
    }
}
