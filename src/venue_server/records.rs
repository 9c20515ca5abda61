//! What the venue knows of an account beside the exchange: orders with their names, trades, income, settings.

use super::accounts::AccountSpec;
use super::limits::Window;
use super::margin_call::Margin;
use super::purse::{Purse, Slot, Stance};
use super::strategy::Strategies;
use crate::aster::sign::{Address, Micros, NonceMemory};
use crate::aster::wire::{
    Income, MarginChange, MarketMakerProtection, NewOrder, OrderAnswer, OrderStatus, OrderType, Side, StpMode,
    TimeInForce, UserTrade, WorkingType,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use swarm_core::model::{
    AgentId, Holding, Instrument, IntentId, Order, OrderId, Price, Qty, Rate, Round, SymbolId, Time, Usd,
};

/// Orders kept of an account, open ones aside.
const MAX_ORDERS: usize = 50_000;
/// Trades and rows of income kept of an account.
const MAX_ROWS: usize = 50_000;
/// Leverage of a symbol before any is set.
const LEVERAGE: u32 = 20;

/// An order of an account.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub id: u64,
    pub symbol: SymbolId,
    pub stance: Stance,
    pub name: String,
    pub client_id: String,
    pub side: Side,
    /// Present type: a triggered order is a market order.
    pub order_type: OrderType,
    pub orig_type: OrderType,
    pub tif: TimeInForce,
    pub price: Price,
    pub qty: Qty,
    pub stop: Price,
    pub activation: Option<Price>,
    /// In percent.
    pub callback: Option<Rate>,
    pub reduce_only: bool,
    pub close_position: bool,
    pub working: WorkingType,
    pub protect: bool,
    pub status: OrderStatus,
    /// A limit order whose trigger was met.
    pub is_triggered: bool,
    /// Told as new; a conditional order is told so again when its trigger is met.
    pub is_told: bool,
    /// How often it was changed.
    pub changes: u32,
    pub executed: Qty,
    pub quote: Usd,
    pub time: Time,
    pub updated: Time,
}

impl Record {
    pub fn new(id: u64, symbol: SymbolId, order: &NewOrder, client_id: String, now: Time) -> Self {
        let tif = order.time_in_force.clone().unwrap_or(TimeInForce::Gtc);
        Self {
            id,
            symbol,
            // Judged before: what is unknown never comes here.
            stance: Stance::of(order.position_side.as_ref()).unwrap_or(Stance::Both),
            name: order.symbol.clone(),
            client_id,
            side: order.side.clone(),
            order_type: order.order_type.clone(),
            orig_type: order.order_type.clone(),
            tif,
            price: order.price.filter(|_| order.order_type.has_limit()).unwrap_or(Price::ZERO),
            qty: order.quantity.unwrap_or(Qty::ZERO),
            stop: order.stop_price.unwrap_or(Price::ZERO),
            activation: order.activation_price,
            callback: order.callback_rate,
            reduce_only: order.reduce_only == Some(true) || order.close_position == Some(true),
            close_position: order.close_position == Some(true),
            working: order.working_type.clone().unwrap_or(WorkingType::ContractPrice),
            protect: order.price_protect == Some(true),
            status: OrderStatus::New,
            is_triggered: false,
            is_told: false,
            changes: 0,
            executed: Qty::ZERO,
            quote: Usd::ZERO,
            time: now,
            updated: now,
        }
    }

    pub fn is_open(&self) -> bool {
        matches!(self.status, OrderStatus::New | OrderStatus::PartiallyFilled)
    }

    /// Average price of its fills; 0 without one.
    pub fn average(&self, tick: Price) -> Price {
        if self.executed.is_zero() {
            return Price::ZERO;
        }
        let exact = swarm_core::model::div(self.quote.0, self.executed.0, Round::Nearest);
        // One fill at a price on the tick gives that price back, whatever was rounded.
        let on_tick = Price(exact).snap(tick, Round::Nearest);
        if (on_tick.0 - exact).abs() <= 1_000 { on_tick } else { Price(exact) }
    }

    /// Quantity that is not executed.
    pub fn rest(&self) -> Qty {
        (self.qty - self.executed).max(Qty::ZERO)
    }

    /// As the calls answer it. Those for new orders have `cumQty`, those that ask have `time`.
    pub fn answer(&self, tick: Price, asked: bool) -> OrderAnswer {
        let trailing = self.orig_type == OrderType::TrailingStopMarket;
        OrderAnswer {
            order_id: self.id,
            symbol: self.name.clone(),
            status: self.status.clone(),
            client_order_id: self.client_id.clone(),
            price: self.price,
            avg_price: Some(self.average(tick)),
            orig_qty: self.qty,
            executed_qty: self.executed,
            cum_qty: (!asked).then_some(self.executed),
            cum_quote: Some(self.quote),
            time_in_force: self.tif.clone(),
            order_type: self.order_type.clone(),
            orig_type: Some(self.orig_type.clone()),
            side: self.side.clone(),
            position_side: Some(self.stance.wire()),
            stop_price: Some(self.stop),
            activate_price: self.activation.filter(|_| trailing),
            price_rate: self.callback.filter(|_| trailing),
            reduce_only: self.reduce_only,
            close_position: self.close_position,
            working_type: Some(self.working.clone()),
            price_protect: self.protect,
            time: asked.then_some(self.time),
            update_time: self.updated,
        }
    }
}

/// The exchange's id of an order, and back.
pub(super) fn exchange_id(id: u64) -> OrderId {
    OrderId { intent: IntentId { agent: AgentId(0), number: u32::try_from(id).unwrap_or(u32::MAX) }, leg: 0 }
}

pub(super) fn record_id(id: OrderId) -> u64 {
    u64::from(id.intent.number)
}

/// A limit order that is sent when the price comes to its trigger.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub symbol: SymbolId,
    pub trigger: Price,
    /// Whether the price has to rise to it.
    pub rises: bool,
    pub order: Order,
}

impl Waiting {
    pub fn is_met(&self, price: Price) -> bool {
        if self.rises { price >= self.trigger } else { price <= self.trigger }
    }
}

/// An account.
pub(super) struct Account {
    pub spec: AccountSpec,
    pub purse: Purse,
    /// The purse's positions once more, to tell what a fill realised.
    pub holdings: Vec<Holding>,
    /// Realised by place, before fees.
    pub realized: Vec<Usd>,
    pub orders: BTreeMap<u64, Record>,
    /// Open orders by name.
    pub open: BTreeMap<String, u64>,
    pub next_order: u64,
    pub next_trade: u64,
    /// Limit orders that wait for a trigger, by number.
    pub waiting: BTreeMap<u64, Waiting>,
    /// Orders that belong together.
    pub strategies: Strategies,
    /// Margin that was moved by hand.
    pub margin_changes: VecDeque<MarginChange>,
    /// Protection of market makers, by symbol.
    pub protections: BTreeMap<SymbolId, MarketMakerProtection>,
    /// What is to become of orders that meet others of the same account: none does here.
    pub stp_mode: StpMode,
    pub trades: VecDeque<UserTrade>,
    pub incomes: VecDeque<Income>,
    pub next_income: u64,
    pub leverage: Vec<u32>,
    /// When positions last changed, by symbol.
    pub updated: Vec<Time>,
    pub nonces: BTreeMap<Address, NonceMemory>,
    pub order_count: Window,
    /// Listen key, and when it expires.
    pub listen_key: Option<(String, Micros)>,
    /// Dead man's switches by symbol.
    pub countdowns: BTreeMap<SymbolId, Micros>,
    /// Margins that a call was told of, as long as they are near their end.
    pub called: BTreeSet<Margin>,
    /// Transfers by their client's name.
    pub transfers: BTreeMap<String, u64>,
}

impl Account {
    pub fn new(spec: AccountSpec, instruments: &[Instrument], purse: Purse) -> Self {
        let count = purse.places();
        let highest = |instrument: &Instrument| instrument.brackets.iter().map(|it| it.max_leverage).max().unwrap_or(1);
        Self {
            purse,
            spec,
            holdings: vec![Holding::FLAT; count],
            realized: vec![Usd::ZERO; count],
            orders: BTreeMap::new(),
            open: BTreeMap::new(),
            next_order: 1,
            next_trade: 1,
            waiting: BTreeMap::new(),
            strategies: Strategies::default(),
            margin_changes: VecDeque::new(),
            protections: BTreeMap::new(),
            stp_mode: StpMode::ExpireTaker,
            trades: VecDeque::new(),
            incomes: VecDeque::new(),
            next_income: 1,
            leverage: instruments.iter().map(|instrument| LEVERAGE.min(highest(instrument))).collect(),
            updated: vec![Time::default(); count],
            nonces: BTreeMap::new(),
            order_count: Window::default(),
            listen_key: None,
            countdowns: BTreeMap::new(),
            called: BTreeSet::new(),
            transfers: BTreeMap::new(),
        }
    }

    /// The place of an order's position.
    pub fn slot(&self, record: &Record) -> Slot {
        self.purse.slot(record.symbol, record.stance)
    }

    /// The places of a symbol's positions in the present mode.
    pub fn slots(&self, symbol: SymbolId) -> impl Iterator<Item = Slot> {
        self.purse.stances().iter().map(move |stance| self.purse.slot(symbol, *stance))
    }

    /// Whether it never had any money.
    pub fn never_funded(&self) -> bool {
        self.spec.balance.is_zero() && self.incomes.is_empty()
    }

    /// Open orders, oldest first.
    pub fn open_orders(&self) -> impl Iterator<Item = &Record> {
        let mut ids: Vec<u64> = self.open.values().copied().collect();
        ids.sort_unstable();
        ids.into_iter().filter_map(|id| self.orders.get(&id))
    }

    /// Takes an order into the books.
    pub fn note(&mut self, record: Record) {
        self.open.insert(record.client_id.clone(), record.id);
        self.orders.insert(record.id, record);
        if self.orders.len() > MAX_ORDERS + self.open.len()
            && let Some(id) = self.orders.iter().find(|(_, record)| !record.is_open()).map(|(id, _)| *id)
        {
            self.orders.remove(&id);
        }
    }

    pub fn note_trade(&mut self, trade: UserTrade) {
        if self.trades.len() >= MAX_ROWS {
            self.trades.pop_front();
        }
        self.trades.push_back(trade);
    }

    pub fn note_income(&mut self, mut row: Income) {
        if self.incomes.len() >= MAX_ROWS {
            self.incomes.pop_front();
        }
        row.tran_id = self.next_income.to_string();
        self.next_income += 1;
        self.incomes.push_back(row);
    }
}
