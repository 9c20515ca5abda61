//! The stop that an entry brings along, where the plan wants both to leave as one strategy order of the venue's.
//!
//! It is approved with the entry, as an order of its own: the guard then finds its stop at the venue when the
//! position opens, and keeps, resizes or replaces it as any other. It is as large as the entry and only reduces.
//! Where it belongs is reckoned from the price that the entry is expected to fill at, since the fill is not known
//! yet; what the fill makes of that is the guard's to mend.

use super::approved::Approved;
use super::supervisor::{Command, Effects, Supervisor};
use crate::model::{Entry, Fact, Mode, Order, OrderId, OrderKind, Price, Purpose, Time};
use crate::orders::stop_price;

impl Supervisor {
    /// The stop that is to leave with an entry; `None` where the entry is to leave alone: without a stop, where a
    /// stop of its size would be refused, and while anything else is held or works on the symbol, since then a
    /// stop that reduces might reduce something else.
    pub(super) fn stop_beside(&self, now: Time, entry: &Order, wish: &Entry, reference: Price) -> Option<Order> {
        if self.plan.entry_protection.is_single() || self.plan.mode != Mode::Live {
            return None;
        }
        let plan = wish.exits.stop?;
        let book = &self.books[entry.portfolio.index()];
        let instrument = self.plan.instrument(entry.symbol);
        let fits = entry.qty >= instrument.min_qty && entry.qty <= instrument.max_market_qty;
        if !fits || !book.on_symbol(entry.symbol).is_empty() {
            return None;
        }
        let expected = match entry.kind {
            OrderKind::Limit { price, .. } => price,
            _ => self.market.price(entry.symbol, now).unwrap_or(reference),
        };
        Some(Order {
            id: OrderId { leg: entry.id.leg + 1, ..entry.id },
            side: entry.side.opposite(),
            kind: OrderKind::StopMarket { trigger: stop_price(entry.side, expected, plan.distance, instrument.tick) },
            reduce_only: true,
            purpose: Purpose::Stop,
            ..entry.clone()
        })
    }

    /// Approves an entry and the stop that it brings along.
    pub(super) fn place_together(&mut self, at: Time, entry: Order, stop: Order, out: &mut Effects) {
        let command = Command::Enter { entry: Approved::new(entry.clone()), stop: Approved::new(stop.clone()) };
        self.emit(Fact::Order { at, order: entry }, out);
        self.emit(Fact::Order { at, order: stop }, out);
        out.commands.push(command);
    }
}
