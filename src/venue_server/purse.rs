//! An account's money and positions: two of the core's exchanges side by side, one whose positions share the wallet
//! and one whose positions have margins of their own, and three places for a position on each symbol.
//!
//! The core's exchange knows one position a symbol and one kind of margin. Hedge mode and isolated margin are made of
//! that here and nowhere else: long and short are symbols of their own to it, and what an isolated position does not
//! use goes back to the shared wallet after everything that happens. Knows no order's name and no event of the wire.

use crate::aster::wire::PositionSide;
use std::sync::Arc;
use swarm_core::exchange::Exchange;
use swarm_core::model::{
    Candle, ExchangeParams, Instrument, Order, OrderId, Price, Qty, Rate, SymbolId, Time, Usd, VenueEvent,
};

/// Which of the positions that an account can have on a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stance {
    /// The one position of one-way mode.
    Both,
    /// Hedge mode's long one.
    Long,
    /// Hedge mode's short one.
    Short,
}

impl Stance {
    const ALL: [Self; 3] = [Self::Both, Self::Long, Self::Short];

    /// As the wire has it; nothing is `BOTH`.
    pub fn of(side: Option<&PositionSide>) -> Option<Self> {
        match side {
            None | Some(PositionSide::Both) => Some(Self::Both),
            Some(PositionSide::Long) => Some(Self::Long),
            Some(PositionSide::Short) => Some(Self::Short),
            Some(PositionSide::Other(_)) => None,
        }
    }

    /// For the wire.
    pub const fn wire(self) -> PositionSide {
        match self {
            Self::Both => PositionSide::Both,
            Self::Long => PositionSide::Long,
            Self::Short => PositionSide::Short,
        }
    }

    const fn number(self) -> usize {
        match self {
            Self::Both => 0,
            Self::Long => 1,
            Self::Short => 2,
        }
    }
}

/// A position's place: the core's exchange takes it for a symbol.
pub(super) type Slot = SymbolId;

/// Three places a symbol, for [`Purse::new`].
pub(super) fn slots(instruments: &[Instrument]) -> Arc<[Instrument]> {
    Stance::ALL.iter().flat_map(|_| instruments.iter().cloned()).collect()
}

/// Money and positions.
#[derive(Clone)]
pub(super) struct Purse {
    symbols: usize,
    instruments: Arc<[Instrument]>,
    params: ExchangeParams,
    /// Whether long and short are apart.
    pub hedge: bool,
    /// By symbol.
    is_isolated: Vec<bool>,
    shared: Exchange,
    /// Made with the first symbol that is isolated.
    isolated: Option<Box<Exchange>>,
}

impl Purse {
    /// With money and nothing else; `instruments` as [`slots`] gives them.
    pub fn new(params: &ExchangeParams, instruments: Arc<[Instrument]>, wallet: Usd) -> Self {
        let params = ExchangeParams { isolated_margin: false, ..params.clone() };
        let symbols = instruments.len() / Stance::ALL.len();
        Self {
            symbols,
            hedge: false,
            is_isolated: vec![false; symbols],
            shared: Exchange::new(params.clone(), Arc::clone(&instruments), wallet),
            isolated: None,
            instruments,
            params,
        }
    }

    /// How many places there are.
    pub fn places(&self) -> usize {
        self.instruments.len()
    }

    /// The place of a position.
    pub fn slot(&self, symbol: SymbolId, stance: Stance) -> Slot {
        SymbolId::at(stance.number() * self.symbols + symbol.index())
    }

    /// Symbol and position of a place.
    pub fn position_of(&self, slot: Slot) -> (SymbolId, Stance) {
        let stance = Stance::ALL[(slot.index() / self.symbols).min(Stance::ALL.len() - 1)];
        (SymbolId::at(slot.index() % self.symbols), stance)
    }

    /// The positions that the present mode has.
    pub fn stances(&self) -> &'static [Stance] {
        if self.hedge { &[Stance::Long, Stance::Short] } else { &[Stance::Both] }
    }

    /// Whether a symbol's positions have margins of their own.
    pub fn is_isolated(&self, symbol: SymbolId) -> bool {
        self.is_isolated[symbol.index()]
    }

    fn is_apart(&self, slot: Slot) -> bool {
        self.is_isolated[slot.index() % self.symbols]
    }

    fn home(&self, slot: Slot) -> &Exchange {
        match &self.isolated {
            Some(isolated) if self.is_apart(slot) => isolated,
            _ => &self.shared,
        }
    }

    fn home_mut(&mut self, slot: Slot) -> &mut Exchange {
        let is_apart = self.is_apart(slot);
        match &mut self.isolated {
            Some(isolated) if is_apart => isolated,
            _ => &mut self.shared,
        }
    }

    /// Sets the margin of a symbol without position and orders. `prices` are the last ones, by symbol.
    pub fn set_isolated(&mut self, at: Time, symbol: SymbolId, isolated: bool, prices: &[Option<Price>]) {
        self.is_isolated[symbol.index()] = isolated;
        if isolated && self.isolated.is_none() {
            let params = ExchangeParams { isolated_margin: true, ..self.params.clone() };
            self.isolated = Some(Box::new(Exchange::new(params, Arc::clone(&self.instruments), Usd::ZERO)));
            self.know(at, prices);
        }
    }

    /// Sets the mode of an account without positions and orders. `prices` are the last ones, by symbol.
    pub fn set_hedge(&mut self, at: Time, hedge: bool, prices: &[Option<Price>]) {
        self.hedge = hedge;
        self.know(at, prices);
    }

    /// Tells every place that is in use the prices that stand.
    fn know(&mut self, at: Time, prices: &[Option<Price>]) {
        for (index, price) in prices.iter().enumerate() {
            if let Some(price) = price {
                self.quote(at, SymbolId::at(index), *price, &mut Vec::new());
            }
        }
    }

    /// A symbol's price. Of a long and a short the one that gains by it learns it first, so that at no moment between
    /// the two the account is worse off than before and after.
    pub fn quote(&mut self, at: Time, symbol: SymbolId, price: Price, events: &mut Vec<VenueEvent>) {
        self.tell(at, symbol, price, None, events);
    }

    /// A trade of the market's, likewise. Of a long and a short each may trade its share of it.
    pub fn trade(&mut self, at: Time, symbol: SymbolId, price: Price, qty: Qty, events: &mut Vec<VenueEvent>) {
        self.tell(at, symbol, price, Some(qty), events);
    }

    fn tell(&mut self, at: Time, symbol: SymbolId, price: Price, traded: Option<Qty>, events: &mut Vec<VenueEvent>) {
        let last = self.shared.price(self.slot(symbol, self.stances()[0]));
        let falls = last.is_some_and(|last| price < last);
        for turn in 0..self.stances().len() {
            let turn = if falls { self.stances().len() - 1 - turn } else { turn };
            let slot = self.slot(symbol, self.stances()[turn]);
            for exchange in std::iter::once(&mut self.shared).chain(self.isolated.as_deref_mut()) {
                match traded {
                    Some(qty) => exchange.trade(at, slot, price, qty, events),
                    None => exchange.quote(at, slot, price, events),
                }
            }
        }
        self.settle(at);
    }

    /// A candle that is over: what it traded is what impact is measured by from now on.
    pub fn learn(&mut self, candles: &[Option<Candle>]) {
        let mut whole = Vec::new();
        if self.hedge {
            whole = vec![None; self.symbols];
            whole.extend_from_slice(candles);
            whole.extend_from_slice(candles);
        }
        let candles = if self.hedge { &whole } else { candles };
        self.shared.learn(candles);
        if let Some(isolated) = &mut self.isolated {
            isolated.learn(candles);
        }
    }

    /// Sets how much of the market's trades orders may trade, from the next of them on.
    pub fn set_participation(&mut self, share: Option<Rate>) {
        self.params.participation = share;
        self.shared.set_participation(share);
        if let Some(isolated) = &mut self.isolated {
            isolated.set_participation(share);
        }
    }

    /// A funding payment on what is held of a symbol.
    pub fn fund(&mut self, at: Time, symbol: SymbolId, rate: Rate, events: &mut Vec<VenueEvent>) {
        for stance in self.stances() {
            let slot = self.slot(symbol, *stance);
            self.home_mut(slot).fund(at, slot, rate, events);
        }
        self.settle(at);
    }

    /// Money in or, negative, out.
    pub fn transfer(&mut self, at: Time, amount: Usd, events: &mut Vec<VenueEvent>) {
        self.shared.transfer(at, amount, events);
    }

    /// Sends an order, its symbol a [slot](Self::slot). It arrives with the next [quote](Self::quote).
    pub fn submit(&mut self, at: Time, order: &Order) {
        if self.isolated.is_some() && self.is_apart(order.symbol) {
            // An order may use all that is free; what it does not use comes back when it is settled.
            let free = self.shared.free_balance();
            self.lend(at, free);
        }
        self.home_mut(order.symbol).submit(at, order);
    }

    /// Sends a cancel, likewise.
    pub fn cancel(&mut self, at: Time, id: OrderId, slot: Slot) {
        self.home_mut(slot).cancel(at, id, slot);
    }

    /// What isolated positions and their orders do not use goes back to the shared wallet, and what they used beyond
    /// comes from there.
    fn settle(&mut self, at: Time) {
        let Some(isolated) = &self.isolated else { return };
        let free = isolated.free_balance();
        if !free.is_zero() {
            self.lend(at, -free);
        }
    }

    /// Moves money from the shared wallet to the isolated positions, or back, as far as there is any.
    fn lend(&mut self, at: Time, amount: Usd) {
        let Some(isolated) = &mut self.isolated else { return };
        let (from, to, amount) = if amount < Usd::ZERO {
            (&mut **isolated, &mut self.shared, -amount)
        } else {
            (&mut self.shared, &mut **isolated, amount)
        };
        let (before, mut untold) = (from.wallet(), Vec::new());
        from.transfer(at, -amount, &mut untold);
        let moved = before - from.wallet();
        to.transfer(at, moved, &mut untold);
    }

    /// Puts more money to an isolated position or, negative, takes some back. `false` where there is none, where the
    /// wallet has not as much, or where less than the initial margin would be left.
    pub fn move_margin(&mut self, at: Time, slot: Slot, amount: Usd) -> bool {
        if !self.is_apart(slot) || (amount > Usd::ZERO && self.shared.free_balance() < amount) {
            return false;
        }
        self.lend(at, amount.max(Usd::ZERO));
        let is_done = self.isolated.as_mut().is_some_and(|isolated| isolated.move_margin(slot, amount));
        self.settle(at);
        is_done
    }

    /// Sets a symbol's leverage at once, for its positions and for its orders. `false` where the margin of the new one is
    /// more than is free: then the purse is of no use any more.
    pub fn set_leverage(&mut self, at: Time, symbol: SymbolId, leverage: u32) -> bool {
        if self.isolated.is_some() && self.is_isolated(symbol) {
            let free = self.shared.free_balance().max(Usd::ZERO);
            self.lend(at, free);
        }
        let mut is_done = true;
        for stance in self.stances() {
            let slot = self.slot(symbol, *stance);
            is_done &= self.home_mut(slot).set_leverage(slot, leverage);
        }
        self.settle(at);
        is_done
    }

    /// All money, without open profit.
    pub fn wallet(&self) -> Usd {
        self.shared.wallet() + self.isolated.as_ref().map_or(Usd::ZERO, |isolated| isolated.wallet())
    }

    /// Money that is not in isolated positions.
    pub fn cross_wallet(&self) -> Usd {
        let apart: Usd = self.held().filter(|slot| self.is_apart(*slot)).map(|slot| self.isolated_margin(slot)).sum();
        self.wallet() - apart
    }

    /// The shared wallet itself, without what orders on isolated symbols hold.
    pub fn shared_wallet(&self) -> Usd {
        self.shared.wallet()
    }

    /// Money and open profit.
    pub fn equity(&self) -> Usd {
        self.shared.equity() + self.isolated.as_ref().map_or(Usd::ZERO, |isolated| isolated.equity())
    }

    /// What new positions may use, or be taken out.
    pub fn free_balance(&self) -> Usd {
        self.shared.free_balance() + self.isolated.as_ref().map_or(Usd::ZERO, |isolated| isolated.free_balance())
    }

    /// Of all positions.
    pub fn maintenance_margin(&self) -> Usd {
        self.cross_maintenance() + self.isolated.as_ref().map_or(Usd::ZERO, |isolated| isolated.maintenance_margin())
    }

    /// Of those that share the wallet.
    pub fn cross_maintenance(&self) -> Usd {
        self.shared.maintenance_margin()
    }

    /// The margin of an isolated position, without open profit; 0 of any other.
    pub fn isolated_margin(&self, slot: Slot) -> Usd {
        self.home(slot).position(slot).map_or(Usd::ZERO, |position| position.isolated_margin)
    }

    /// Places with a position.
    pub fn held(&self) -> impl Iterator<Item = Slot> {
        let apart = self.isolated.as_ref().map_or(&[][..], |isolated| isolated.held());
        self.shared.held().iter().chain(apart).copied()
    }

    /// Leverage of the latest order that could open there.
    pub fn leverage(&self, slot: Slot) -> u32 {
        self.home(slot).leverage(slot)
    }
}
