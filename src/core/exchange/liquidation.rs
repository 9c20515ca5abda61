//! Forced closing: when margin balance has fallen to maintenance margin. Finds the instant, cancels
//! what stands, closes at the market, and lets no account end below zero by it.

use super::Exchange;
use crate::model::{
    CancelReason, Fill, Holding, Price, Qty, ReportKind, Round, Side, SymbolId, Time, Usd, VenueEvent, div,
};

impl Exchange {
    /// The first instant, from `from` to `horizon`, at which a liquidation is due, and whose: an
    /// isolated position's symbol, or `None` for the whole account.
    pub(super) fn next_liquidation(&self, from: Time, horizon: Time) -> Option<(Time, Option<SymbolId>)> {
        if self.held.is_empty() || self.is_margin_safe() {
            return None;
        }
        if !self.params.isolated_margin {
            return self.first_shortfall(None, from, horizon).map(|at| (at, None));
        }
        let due = self
            .held
            .iter()
            .filter_map(|&symbol| Some((self.first_shortfall(Some(symbol), from, horizon)?, Some(symbol))));
        due.min_by_key(|(at, symbol)| (*at, *symbol))
    }

    /// On straight legs the balance above maintenance margin is concave in time (open profit is
    /// linear, maintenance margin convex), so it can only run out when it has run out at an end, and a
    /// bisection finds where.
    fn first_shortfall(&self, isolated: Option<SymbolId>, from: Time, horizon: Time) -> Option<Time> {
        let is_short = |at: Time| self.is_short_of_margin(isolated, at);
        if is_short(from) {
            return Some(from);
        }
        if !is_short(horizon) {
            return None;
        }
        let (mut safe, mut short) = (from, horizon);
        while short.since(safe) > 1 {
            let middle = safe.plus(short.since(safe) / 2);
            if is_short(middle) { short = middle } else { safe = middle }
        }
        Some(short)
    }

    /// Cancels the open orders (of the symbol when isolated, else of the account), then closes: the
    /// positions with a profit first, so that it counts for those with a loss.
    pub(super) fn liquidate(&mut self, isolated: Option<SymbolId>, events: &mut Vec<VenueEvent>) {
        let doomed: Vec<_> = self
            .book
            .iter()
            .filter(|open| isolated.is_none_or(|symbol| open.order.symbol == symbol))
            .map(|open| (open.order.id, open.order.symbol))
            .collect();
        for (id, symbol) in doomed {
            self.report(id, symbol, ReportKind::Canceled(CancelReason::Liquidation), events);
        }
        let mut symbols = isolated.map_or_else(|| self.held.clone(), |symbol| vec![symbol]);
        symbols.sort_by_key(|symbol| std::cmp::Reverse(self.unrealized(*symbol)));
        for symbol in symbols {
            let Some(mark) = self.price(symbol) else { continue };
            let fill = self.liquidation_fill(symbol, mark);
            self.emit(VenueEvent::Liquidation { symbol, at: self.now, fill }, events);
        }
    }

    /// Closes at the market with the liquidation fee, as far as the margin reaches. What it does not
    /// reach, first the fee goes without, then the insurance fund takes the position over at the
    /// price at which exactly nothing is left.
    fn liquidation_fill(&self, symbol: SymbolId, mark: Price) -> Fill {
        let account = &self.accounts[symbol.index()];
        let holding = account.holding;
        let (side, qty) = (Side::of(holding.qty).opposite(), holding.qty.abs());
        let margin = if self.params.isolated_margin { account.isolated_margin } else { self.wallet };
        let mut execution = self.take(symbol, side, qty, mark, None);
        let realized = |price: Price| holding.clone().apply(side, qty, price);
        let bankrupt = realized(execution.price) < -margin;
        if bankrupt {
            execution.price = bankruptcy_price(&holding, margin);
            execution.slippage = Usd::ZERO;
        }
        let left = (realized(execution.price) + margin).max(Usd::ZERO);
        let rate = self.instruments[symbol.index()].liquidation_fee;
        // At the bankruptcy price only the rest of its rounding is left.
        let fee = if bankrupt { left } else { Self::notional(execution.price, qty).times(rate, Round::Up).min(left) };
        Fill { fee, ..self.fill(&execution) }
    }
}

/// The worst price at which closing a position loses no more than `margin`: exact to a mantissa, not
/// on the tick, since it is no trade in the book.
pub(super) fn bankruptcy_price(holding: &Holding, margin: Usd) -> Price {
    let round = if holding.qty > Qty::ZERO { Round::Up } else { Round::Down };
    Price(div((holding.cost - margin).0, holding.qty.0, round)).max(Price(1))
}
