//! One account at a venue that speaks the desk's language: the simulated exchange with names, numbers,
//! records, a nonce list and a user stream around it. It answers at once and exactly; what goes wrong on
//! the way there and back is [`link`](super::link)'s business. It knows no supervisor and no desk.

use super::strategies::Strategies;
use crate::delivery::{
    AccountReason, Answer, IncomeKind, IncomeRow, OrderKey, OrderReport, OrderStatus, PositionRow, RefusalClass,
    Request, StreamEvent, TradeRow, TradesFrom,
};
use crate::exchange::Exchange;
use crate::model::{
    AgentId, CancelReason, Fill, Holding, IntentId, Millis, Order, OrderId, Plan, Price, Purpose, Qty, Rate,
    ReportKind, SymbolId, Time, Usd, VenueEvent, VenueReject,
};
use std::collections::BTreeSet;

/// A request is taken while the venue's clock is within this of its nonce, in milliseconds.
pub const NONCE_WINDOW_MS: Millis = 10_000;

/// How long after an order that was to close a position at market came to nothing the position counts as being closed:
/// whoever closes it tries again once a second.
const CLOSING_MS: Millis = 5_000;

/// An order the venue has, or had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// As asked for; its id is the venue's own.
    pub order: Order,
    /// Where it is.
    pub report: OrderReport,
    /// When it was accepted.
    pub accepted_at: Time,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Venue {
    exchange: Exchange,
    contracts: Vec<String>,
    /// The smallest quantities, by symbol.
    steps: Vec<Qty>,
    /// Leverage set by request, by symbol.
    leverage: Vec<u32>,
    /// By number, which counts from 1.
    records: Vec<Record>,
    trades: Vec<TradeRow>,
    income: Vec<IncomeRow>,
    /// By the trades as they are told, by symbol.
    holdings: Vec<Holding>,
    wallet: Usd,
    nonces: BTreeSet<u64>,
    /// Executions are told in so many parts, where their quantity allows it.
    parts: i64,
    /// A new order is not found by its name for this long.
    pub(super) hidden_ms: Millis,
    modes: (bool, bool),
    told: Vec<StreamEvent>,
    pub(super) strategies: Strategies,
}

impl Venue {
    /// An account with `wallet` USDT. Orders arrive when they are served: the exchange's own latency is off.
    pub fn new(plan: &Plan, wallet: Usd) -> Self {
        let params = crate::model::ExchangeParams { latency_ms: 0, ..plan.exchange.clone() };
        Self {
            exchange: Exchange::new(params, plan.instruments.clone(), wallet),
            contracts: plan.instruments.iter().map(|instrument| instrument.symbol.clone()).collect(),
            steps: plan.instruments.iter().map(|instrument| instrument.step).collect(),
            leverage: vec![1; plan.instruments.len()],
            records: Vec::new(),
            trades: Vec::new(),
            income: Vec::new(),
            holdings: vec![Holding::FLAT; plan.instruments.len()],
            wallet,
            nonces: BTreeSet::new(),
            parts: 1,
            hidden_ms: 0,
            modes: (false, false),
            told: Vec::new(),
            strategies: Strategies::default(),
        }
    }

    /// Tells each execution in up to `parts` trades.
    pub fn in_parts(mut self, parts: i64) -> Self {
        self.parts = parts.max(1);
        self
    }

    /// New orders are not found by their name for `ms`.
    pub const fn hiding_for(mut self, ms: Millis) -> Self {
        self.hidden_ms = ms;
        self
    }

    /// What the user stream has to tell since the last call.
    pub fn drain_told(&mut self) -> Vec<StreamEvent> {
        std::mem::take(&mut self.told)
    }

    /// A price moves; what is due by it happens.
    pub fn quote(&mut self, now: Time, symbol: SymbolId, price: Price) {
        let mut events = Vec::new();
        self.exchange.quote(now, symbol, price, &mut events);
        self.record(&events);
        self.drive(now);
    }

    /// The same by a trade of so much, of which the plan's `participation` is there for orders.
    pub fn trade(&mut self, now: Time, symbol: SymbolId, price: Price, qty: Qty) {
        let mut events = Vec::new();
        self.exchange.trade(now, symbol, price, qty, &mut events);
        self.record(&events);
        self.drive(now);
    }

    /// From now on orders fill whole, whatever the plan says.
    pub fn fill_whole(&mut self) {
        self.exchange.set_participation(None);
    }

    /// Funding is paid.
    pub fn fund(&mut self, now: Time, symbol: SymbolId, rate: Rate) {
        let mut events = Vec::new();
        self.exchange.fund(now, symbol, rate, &mut events);
        self.record(&events);
    }

    /// Money is moved in or out.
    pub fn transfer(&mut self, now: Time, amount: Usd) {
        let mut events = Vec::new();
        self.exchange.transfer(now, amount, &mut events);
        self.record(&events);
    }

    /// A person places an order, past everything that approves.
    pub fn place_by_hand(&mut self, now: Time, order: &Order, name: &str) -> Answer {
        let answer = self.place(now, order, name);
        self.drive(now);
        answer
    }

    /// The wallet changes without a row that says why, as when a fee is corrected.
    pub fn adjust(&mut self, amount: Usd) {
        self.wallet += amount;
    }

    /// An order ends, and the venue keeps no record of it.
    pub fn forget(&mut self, now: Time, number: u64) {
        let Some(record) = self.records.get(number as usize - 1) else { return };
        let (symbol, id) = (record.order.symbol, record.order.id);
        let Some(price) = self.exchange.price(symbol) else { return };
        self.exchange.cancel(now, id, symbol);
        self.exchange.quote(now, symbol, price, &mut Vec::new());
        let report = &mut self.records[number as usize - 1].report;
        report.name = format!("forgotten-{}", report.name);
        report.status = OrderStatus::Canceled;
    }

    /// Somebody sets a contract's leverage.
    pub fn set_leverage(&mut self, symbol: SymbolId, leverage: u32) {
        self.leverage[symbol.index()] = leverage;
        self.told.push(StreamEvent::Leverage { symbol, leverage });
    }

    /// Somebody changes the account's modes.
    pub fn set_modes(&mut self, hedge: bool, multi_assets: bool) {
        self.modes = (hedge, multi_assets);
        self.told.push(StreamEvent::Modes { hedge, multi_assets });
    }

    /// Carries a request out. `nonce` tells requests apart, `signed_at` is when it was made.
    pub fn serve(&mut self, now: Time, request: &Request, nonce: u64, signed_at: Time) -> Answer {
        if now.since(signed_at).abs() > NONCE_WINDOW_MS {
            return refused(RefusalClass::Refuse, VenueReject::Other);
        }
        // A copy of the request came first, and its answer may still be on its way: nobody says what became of it.
        if !self.nonces.insert(nonce) {
            return Answer::Unknown;
        }
        let answer = self.carry_out(now, request);
        self.drive(now);
        answer
    }

    fn carry_out(&mut self, now: Time, request: &Request) -> Answer {
        match request {
            Request::Place { order, name } => self.place(now, order, name),
            Request::PlaceStrategy(asked) => self.place_strategy(now, asked),
            Request::QueryStrategy { name } => self.query_strategy(now, name),
            Request::Cancel { symbol, key, .. } => self.cancel(now, *symbol, key),
            Request::QueryOrder { symbol, key } => {
                let found = self.find(*symbol, key);
                let seen = found.filter(|&index| now.since(self.records[index].accepted_at) >= self.hidden_ms);
                seen.map_or(Answer::NoSuchOrder, |index| Answer::Order(self.records[index].report.clone()))
            }
            Request::OpenOrders => {
                let open = self.records.iter().filter(|record| !record.report.status.is_final());
                Answer::OpenOrders(open.map(|record| record.report.clone()).collect())
            }
            Request::Trades { symbol, from } => {
                let is_in = |row: &&TradeRow| match *from {
                    TradesFrom::Trade(id) => row.id >= id,
                    TradesFrom::Time(at) => row.at >= at,
                };
                Answer::Trades(self.trades.iter().filter(|row| row.symbol == *symbol).filter(is_in).copied().collect())
            }
            Request::Positions => Answer::Positions(self.position_rows()),
            Request::Balance => Answer::Balance(self.wallet),
            Request::Income { from } => {
                Answer::Income(self.income.iter().filter(|row| row.at >= *from).copied().collect())
            }
            Request::Modes => Answer::Modes { hedge: self.modes.0, multi_assets: self.modes.1 },
            Request::SetLeverage { symbol, leverage } => {
                self.leverage[symbol.index()] = *leverage;
                Answer::Done
            }
            // Whoever carries it gives the nonce that it is to use up.
            Request::Noop { .. } => Answer::Done,
        }
    }

    pub(super) fn place(&mut self, now: Time, order: &Order, name: &str) -> Answer {
        let is_open = |record: &Record| record.report.name == name && !record.report.status.is_final();
        if self.records.iter().any(is_open) {
            return refused(RefusalClass::Refuse, VenueReject::DuplicateId);
        }
        let number = self.records.len() as u64 + 1;
        let mut order = order.clone();
        // The exchange tells orders apart by their id alone.
        order.id = OrderId { intent: IntentId { agent: AgentId(u32::MAX), number: number as u32 }, leg: 0 };
        order.leverage = order.leverage.max(1);
        let report = OrderReport {
            name: name.to_owned(),
            number,
            symbol: order.symbol,
            status: OrderStatus::New,
            filled: Qty::ZERO,
            qty: order.qty,
            at: now,
        };
        let Some(price) = self.exchange.price(order.symbol) else {
            return refused(RefusalClass::Refuse, VenueReject::NoMarket);
        };
        self.exchange.submit(now, &order);
        let symbol = order.symbol;
        self.records.push(Record { order, report, accepted_at: now });
        let mut events = Vec::new();
        self.exchange.quote(now, symbol, price, &mut events);
        let own = self.records[number as usize - 1].order.id;
        let refusal = events.iter().find_map(|event| match event {
            VenueEvent::Order { id, kind: ReportKind::Rejected(why), .. } if *id == own => Some(*why),
            _ => None,
        });
        if let Some(why) = refusal {
            self.records.pop();
            self.record(&events);
            return refused(RefusalClass::Refuse, why);
        }
        self.record(&events);
        Answer::Order(self.records[number as usize - 1].report.clone())
    }

    fn cancel(&mut self, now: Time, symbol: SymbolId, key: &OrderKey) -> Answer {
        let open = self.find(symbol, key).filter(|&index| !self.records[index].report.status.is_final());
        let Some(index) = open else { return refused(RefusalClass::Refuse, VenueReject::Other) };
        let Some(price) = self.exchange.price(symbol) else {
            return refused(RefusalClass::Refuse, VenueReject::NoMarket);
        };
        self.exchange.cancel(now, self.records[index].order.id, symbol);
        let mut events = Vec::new();
        self.exchange.quote(now, symbol, price, &mut events);
        self.record(&events);
        Answer::Order(self.records[index].report.clone())
    }

    fn find(&self, symbol: SymbolId, key: &OrderKey) -> Option<usize> {
        self.records.iter().rposition(|record| {
            record.order.symbol == symbol
                && match key {
                    OrderKey::Name(name) => record.report.name == *name,
                    OrderKey::Number(number) => record.report.number == *number,
                }
        })
    }

    fn position_rows(&self) -> Vec<PositionRow> {
        let row = |(index, holding): (usize, &Holding)| PositionRow {
            symbol: Some(SymbolId::at(index)),
            contract: self.contracts[index].clone(),
            qty: holding.qty,
            entry_price: holding.entry_price().unwrap_or(Price::ZERO),
            mark: self.exchange.price(SymbolId::at(index)),
            leverage: Some(self.leverage[index]),
        };
        self.holdings.iter().enumerate().map(row).collect()
    }

    fn record(&mut self, events: &[VenueEvent]) {
        for event in events {
            match *event {
                VenueEvent::Order { id, at, kind, .. } => self.record_report(id, at, &kind),
                VenueEvent::Funding { symbol, at, amount, .. } => {
                    self.move_money(IncomeKind::Funding, Some(symbol), at, amount);
                }
                VenueEvent::Transfer { at, amount } => self.move_money(IncomeKind::Transfer, None, at, amount),
                VenueEvent::Liquidation { symbol, at, fill } => self.record_liquidation(symbol, at, &fill),
            }
        }
    }

    fn record_report(&mut self, id: OrderId, at: Time, kind: &ReportKind) {
        let index = id.intent.number as usize - 1;
        match kind {
            ReportKind::Filled { fill, leaves } => self.execute(index, at, fill, leaves.is_zero()),
            // Also of an order that trades at the market from then on, and may have traded before.
            ReportKind::Accepted => {
                let is_new = self.records[index].report.filled.is_zero();
                let status = if is_new { OrderStatus::New } else { OrderStatus::PartiallyFilled };
                self.tell_order(index, at, status, None);
            }
            ReportKind::Canceled(CancelReason::Requested | CancelReason::Liquidation) => {
                self.tell_order(index, at, OrderStatus::Canceled, None);
            }
            ReportKind::Canceled(_) => self.tell_order(index, at, OrderStatus::Expired, None),
            ReportKind::Rejected(_) | ReportKind::CancelRejected => {}
        }
    }

    fn record_liquidation(&mut self, symbol: SymbolId, at: Time, fill: &Fill) {
        let number = self.records.len() as u64 + 1;
        let order = Order {
            id: OrderId { intent: IntentId { agent: AgentId(u32::MAX), number: number as u32 }, leg: 0 },
            portfolio: crate::model::PortfolioId(0),
            symbol,
            side: fill.side,
            kind: crate::model::OrderKind::Market,
            qty: fill.qty,
            reduce_only: true,
            close_position: false,
            leverage: 1,
            purpose: Purpose::Flatten,
        };
        let report = OrderReport {
            name: format!("autoclose-{number}"),
            number,
            symbol,
            status: OrderStatus::New,
            filled: Qty::ZERO,
            qty: fill.qty,
            at,
        };
        self.records.push(Record { order, report, accepted_at: at });
        self.execute(number as usize - 1, at, fill, true);
    }

    /// Books an execution in parts and tells each.
    fn execute(&mut self, index: usize, at: Time, fill: &Fill, is_last: bool) {
        let symbol = self.records[index].order.symbol;
        // No venue executes less than the smallest quantity.
        let parts = if fill.qty.0 % (self.parts * self.steps[symbol.index()].0) == 0 { self.parts } else { 1 };
        let mut fee = fill.fee;
        for part in 1..=parts {
            let share = if part == parts { fee } else { Usd(fill.fee.0 / parts) };
            fee -= share;
            let row = TradeRow {
                symbol,
                id: self.trades.len() as u64 + 1,
                number: self.records[index].report.number,
                side: fill.side,
                price: fill.price,
                qty: Qty(fill.qty.0 / parts),
                fee: share,
                maker: fill.maker,
                at,
            };
            self.trades.push(row);
            self.wallet += self.holdings[symbol.index()].apply(row.side, row.qty, row.price) - row.fee;
            self.records[index].report.filled += row.qty;
            let is_over = is_last && part == parts;
            let status = if is_over { OrderStatus::Filled } else { OrderStatus::PartiallyFilled };
            self.tell_order(index, at, status, Some(row));
        }
        let positions = vec![(symbol, self.holdings[symbol.index()].qty)];
        self.told.push(StreamEvent::Account { reason: AccountReason::Order, positions });
    }

    fn tell_order(&mut self, index: usize, at: Time, status: OrderStatus, trade: Option<TradeRow>) {
        let report = &mut self.records[index].report;
        report.status = status;
        report.at = at;
        self.told.push(StreamEvent::Order { report: report.clone(), trade });
    }

    fn move_money(&mut self, kind: IncomeKind, symbol: Option<SymbolId>, at: Time, amount: Usd) {
        if amount.is_zero() {
            return;
        }
        self.wallet += amount;
        self.income.push(IncomeRow { kind, symbol, at, amount });
        let reason = match kind {
            IncomeKind::Funding => AccountReason::Funding,
            IncomeKind::Transfer => AccountReason::Transfer,
        };
        self.told.push(StreamEvent::Account { reason, positions: Vec::new() });
    }

    /// Every order the venue ever took.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// What the account holds, by symbol.
    pub fn holdings(&self) -> impl Iterator<Item = (SymbolId, Qty)> {
        self.holdings.iter().enumerate().map(|(index, holding)| (SymbolId::at(index), holding.qty))
    }

    /// What was paid in and received so far: the wallet less the cost of what is held, in USDT. However
    /// executions on one contract are shared among several owners, this is the same.
    pub fn cash(&self) -> Usd {
        self.wallet - self.holdings.iter().map(|holding| holding.cost).sum()
    }

    /// The wallet, in USDT.
    pub const fn wallet(&self) -> Usd {
        self.wallet
    }

    /// Whether an order to close a contract's position at market came lately. In a market that trades nothing it ends at
    /// once, and comes again.
    pub fn is_being_closed(&self, now: Time, symbol: SymbolId) -> bool {
        let held = self.holdings[symbol.index()].qty;
        let is_late = |record: &&Record| now.since(record.accepted_at) <= CLOSING_MS;
        let closes = |record: &Record| {
            let Record { order, .. } = record;
            let is_against = order.side.sign() * held.0 < 0;
            order.symbol == symbol && order.reduce_only && order.kind == crate::model::OrderKind::Market && is_against
        };
        self.records.iter().rev().take_while(is_late).any(closes)
    }

    /// Whether an order that closes all of a contract's position waits at the venue.
    pub fn is_protected(&self, symbol: SymbolId) -> bool {
        let held = self.holdings[symbol.index()].qty;
        let protects = |record: &Record| {
            let order = &record.order;
            let covers = order.close_position || order.qty - record.report.filled >= held.abs();
            let is_stop = matches!(order.kind, crate::model::OrderKind::StopMarket { .. });
            let is_open = !record.report.status.is_final();
            order.symbol == symbol && is_open && is_stop && covers && order.side.sign() * held.0 < 0
        };
        held.is_zero() || self.records.iter().any(protects)
    }
}

pub(super) const fn refused(class: RefusalClass, why: VenueReject) -> Answer {
    Answer::Refused { class, why }
}
