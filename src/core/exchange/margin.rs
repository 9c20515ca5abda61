//! Margin: what is free, what an order needs, what positions must keep, and whether that can fail in
//! the rest of a step. Decides nothing: arrivals and liquidation act on it.

use super::book::{opening, reduces};
use super::{AccountPosition, Calm, Exchange, OpenOrder};
use crate::model::{
    Instrument, ONE, Order, OrderKind, Price, PriceRange, Qty, Rate, Round, SymbolId, Time, Usd, VenueReject,
};

/// Slack of the quick test, in USDT: far above all rounding in it.
const SLACK: Usd = Usd(1_000_000);

/// `notional / leverage`, rounded up.
pub(super) fn initial(notional: Usd, leverage: u32) -> Usd {
    let leverage = i64::from(leverage.max(1));
    Usd((notional.0 + leverage - 1).div_euclid(leverage))
}

impl Exchange {
    /// Money that can carry a new position or be withdrawn, in USDT: wallet (with open profit and loss
    /// when positions share it) less the margin of positions and of orders that would open some.
    pub fn free_balance(&self) -> Usd {
        self.free_without(None)
    }

    /// Puts some of the free balance to the margin of an isolated position or, negative, takes some back; what is left
    /// must cover the initial margin at the present price and the open loss. `false` where it cannot be done, and then
    /// nothing changes. No event tells of it: an account that does this cannot be folded from facts.
    pub fn move_margin(&mut self, symbol: SymbolId, amount: Usd) -> bool {
        let (Some(position), Some(price)) = (self.position(symbol), self.price(symbol)) else { return false };
        let after = position.isolated_margin + amount;
        let needed = initial(position.holding.notional(price), position.leverage);
        let is_covered = amount > Usd::ZERO || after + self.unrealized(symbol).min(Usd::ZERO) >= needed;
        if !self.params.isolated_margin || amount > self.free_balance() || !is_covered {
            return false;
        }
        self.accounts[symbol.index()].isolated_margin = after;
        self.calm = Calm::Unknown;
        true
    }

    /// Sets a symbol's leverage at once: what is held of it and what waits on it hold the margin of the new one from here
    /// on; an isolated position keeps the margin that it has. `false` where that is more than is free, and then nothing
    /// changes. No event tells of it: an account that does this cannot be folded from facts.
    pub fn set_leverage(&mut self, symbol: SymbolId, leverage: u32) -> bool {
        let free = self.free_balance();
        let (position, orders) = (self.accounts[symbol.index()], self.book.clone());
        self.accounts[symbol.index()].leverage = leverage;
        for open in self.book.iter_mut().filter(|open| open.order.symbol == symbol) {
            open.order.leverage = leverage;
        }
        self.calm = Calm::Unknown;
        let after = self.free_balance();
        let is_covered = after >= free || after >= Usd::ZERO;
        if !is_covered {
            (self.accounts[symbol.index()], self.book) = (position, orders);
        }
        is_covered
    }

    /// As [`free_balance`](Self::free_balance), without what one open order holds.
    pub(super) fn free_without(&self, order: Option<&OpenOrder>) -> Usd {
        let reserved: Usd = self
            .book
            .iter()
            .filter(|open| order.is_none_or(|order| open.order.id != order.order.id))
            .map(|open| self.reserved(open))
            .sum();
        let used: Usd = self.held.iter().map(|symbol| self.used(*symbol, self.leverage(*symbol))).sum();
        let balance = if self.params.isolated_margin { self.wallet } else { self.equity() };
        balance - used - reserved
    }

    /// Initial margin of a position, were the symbol's leverage as given.
    fn used(&self, symbol: SymbolId, leverage: u32) -> Usd {
        let account = &self.accounts[symbol.index()];
        if self.params.isolated_margin {
            account.isolated_margin
        } else {
            self.price(symbol).map_or(Usd::ZERO, |price| initial(account.holding.notional(price), leverage))
        }
    }

    /// Margin that an open order holds: that of what it would open.
    fn reserved(&self, open: &OpenOrder) -> Usd {
        let order = &open.order;
        if reduces(order) {
            return Usd::ZERO;
        }
        let price = match order.kind {
            OrderKind::Limit { price, .. } => Some(price),
            _ if open.takes => self.price(order.symbol),
            OrderKind::StopMarket { trigger } | OrderKind::TakeProfitMarket { trigger } => Some(trigger),
            OrderKind::Market | OrderKind::TrailingStopMarket { .. } => self.price(order.symbol),
        };
        let qty = opening(order.side, open.leaves, self.holding(order.symbol).qty);
        price.map_or(Usd::ZERO, |price| initial(Self::notional(price, qty), order.leverage))
    }

    /// Whether the account may take on what an order would open at `price`: the leverage table and the
    /// free balance, which must cover initial margin, taker fee and the loss against `mark` at once.
    pub(super) fn check_exposure(
        &self,
        order: &Order,
        waiting: Option<&OpenOrder>,
        price: Price,
        mark: Price,
    ) -> Result<(), VenueReject> {
        let held = self.holding(order.symbol).qty;
        let opened = opening(order.side, order.qty, held);
        if reduces(order) || opened.is_zero() {
            return Ok(());
        }
        self.check_bracket(order, waiting, held, mark)?;
        let fee = Self::notional(price, order.qty).times(self.params.taker_fee.max(Rate::ZERO), Round::Up);
        let loss = Usd::notional(Price((price.0 - mark.0) * order.side.sign()), order.qty, Round::Up).max(Usd::ZERO);
        let loss = if order.kind.is_conditional() { Usd::ZERO } else { loss };
        let needed = initial(Self::notional(price, opened), order.leverage) + fee + loss;
        let before = self.used(order.symbol, self.leverage(order.symbol));
        let turned = held.0.signum() * order.side.sign() < 0;
        let after = if turned { Usd::ZERO } else { self.used(order.symbol, order.leverage) };
        if self.free_without(waiting) + before - after < needed { Err(VenueReject::Margin) } else { Ok(()) }
    }

    /// The leverage table, by the notional after this order and all that waits to open on its side.
    fn check_bracket(
        &self,
        order: &Order,
        waiting: Option<&OpenOrder>,
        held: Qty,
        mark: Price,
    ) -> Result<(), VenueReject> {
        let instrument = &self.instruments[order.symbol.index()];
        let working: i64 = self
            .book
            .iter()
            .filter(|open| open.order.symbol == order.symbol && open.order.side == order.side)
            .filter(|open| !reduces(&open.order) && waiting.is_none_or(|waiting| waiting.order.id != open.order.id))
            .map(|open| open.leaves.0)
            .sum();
        let after = held + order.side.signed(order.qty + Qty(working));
        let exact = i128::from(after.0).abs() * i128::from(mark.0);
        let cap = instrument.brackets.last().map_or(Usd::ZERO, |bracket| bracket.notional_cap);
        if exact > i128::from(cap.0) * i128::from(ONE) {
            return Err(VenueReject::LeverageBracket);
        }
        let bracket = instrument.bracket(Self::notional(mark, after));
        if order.leverage > bracket.max_leverage { Err(VenueReject::LeverageBracket) } else { Ok(()) }
    }

    /// Maintenance margin of all positions at the prices of the instant reached, in USDT.
    pub fn maintenance_margin(&self) -> Usd {
        self.held.iter().map(|symbol| self.maintenance_at(*symbol, self.now)).sum()
    }

    fn maintenance_at(&self, symbol: SymbolId, at: Time) -> Usd {
        let price = self.leg(symbol).map_or(Price::ZERO, |leg| leg.price_at(at));
        self.instruments[symbol.index()].maintenance_margin(self.holding(symbol).notional(price))
    }

    fn unrealized_at(&self, symbol: SymbolId, at: Time) -> Usd {
        self.leg(symbol).map_or(Usd::ZERO, |leg| self.holding(symbol).unrealized(leg.price_at(at)))
    }

    /// Whether margin balance is at or below maintenance margin at an instant: of one isolated
    /// position, or of all positions together.
    pub(super) fn is_short_of_margin(&self, isolated: Option<SymbolId>, at: Time) -> bool {
        match isolated {
            Some(symbol) => {
                let balance = self.accounts[symbol.index()].isolated_margin + self.unrealized_at(symbol, at);
                balance <= self.maintenance_at(symbol, at)
            }
            None if self.held.is_empty() => false,
            None => {
                let open: Usd = self.held.iter().map(|symbol| self.unrealized_at(*symbol, at)).sum();
                let needed: Usd = self.held.iter().map(|symbol| self.maintenance_at(*symbol, at)).sum();
                self.wallet + open <= needed
            }
        }
    }

    /// Whether no price of this step can bring a liquidation, see [`is_margin_safe_in`](Self::is_margin_safe_in).
    pub(super) fn is_margin_safe(&self) -> bool {
        self.is_margin_safe_in(|symbol| self.markets[symbol.index()].range_ahead())
    }

    /// Whether no price of these ranges can bring a liquidation, all positions at their worst prices at
    /// once; a symbol without a range stands at its price. Quick and on the safe side: `false` only
    /// means that one has to look.
    pub(super) fn is_margin_safe_in(&self, range_of: impl Fn(SymbolId) -> Option<PriceRange>) -> bool {
        let mut shared = Cushion::new(self.wallet);
        for symbol in &self.held {
            let account = &self.accounts[symbol.index()];
            let last = self.markets[symbol.index()].last;
            let range = match (range_of(*symbol), last) {
                (Some(range), Some(last)) => range.including(last),
                (Some(range), None) => range,
                (None, last) => PriceRange { low: last.unwrap_or(Price::ZERO), high: last.unwrap_or(Price::ZERO) },
            };
            let instrument = &self.instruments[symbol.index()];
            if self.params.isolated_margin {
                let mut own = Cushion::new(account.isolated_margin);
                own.add(account, instrument, range);
                if !own.holds() {
                    return false;
                }
            } else {
                shared.add(account, instrument, range);
            }
        }
        self.params.isolated_margin || shared.holds()
    }
}

/// Margin balance and maintenance margin at the worst prices, as products not yet divided: exact, and
/// without a division.
struct Cushion {
    /// USDT with 16 decimals.
    balance: i128,
    /// USDT with 24 decimals.
    maintenance: i128,
}

impl Cushion {
    fn new(margin: Usd) -> Self {
        Self { balance: i128::from(margin.0 - SLACK.0) * i128::from(ONE), maintenance: 0 }
    }

    fn add(&mut self, account: &AccountPosition, instrument: &Instrument, PriceRange { low, high }: PriceRange) {
        let holding = account.holding;
        let worst = if holding.qty > Qty::ZERO { low } else { high };
        self.balance += i128::from(holding.qty.0) * i128::from(worst.0) - i128::from(holding.cost.0) * i128::from(ONE);
        let notional = i128::from(holding.qty.0.abs()) * i128::from(high.0);
        let mut rate = Rate::ZERO;
        for bracket in &instrument.brackets {
            rate = rate.max(bracket.maintenance_rate);
            if notional <= i128::from(bracket.notional_cap.0) * i128::from(ONE) {
                break;
            }
        }
        self.maintenance += notional * i128::from(rate.0);
    }

    fn holds(&self) -> bool {
        self.balance * i128::from(ONE) > self.maintenance
    }
}
