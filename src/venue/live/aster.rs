//! AsterDEX behind the [`Link`]: one account, its REST client and its user stream.

use super::margin::{self, MarginError};
use super::translate::{Contracts, answer, is_no_such_path, reject, strategy_found, strategy_placed, wallet};
use super::{Answering, Link, Told};
use crate::aster::rest::{Outcome, Refusal, Rest};
use crate::aster::sign::Micros;
use crate::aster::stream::{Delivery, Policy, run_user};
use crate::aster::wire::{
    Body, Event, IncomeHistory, MarginCall, NewOrder, PlaceStrategy, QueryStrategy, Strategy, StrategyType, UserTrades,
    calls,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use swarm_core::delivery::{Answer, EntryWithStop, LinkState, OrderKey, RefusalClass, Request, RequestId, TradesFrom};
use swarm_core::model::{Instrument, Order, Plan, SymbolId, Time, VenueReject};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Rows of a page of trades or income.
const PAGE: u32 = 1_000;
/// Pages of one answer; what is beyond is asked for again.
const MOST_PAGES: usize = 50;
/// Stream events that wait; a full queue slows the socket down, nothing is dropped.
const QUEUE: usize = 1_024;
/// Between measurements of the venue's clock.
const CLOCK_EVERY: Duration = Duration::from_secs(60);
/// Between tries to have it measured at the start.
const CLOCK_AGAIN: Duration = Duration::from_secs(1);
/// Largest difference of the clocks that is traded with, in microseconds.
const MAX_OFFSET_US: i64 = 1_000_000;
/// Nonces of unknown outcomes that are remembered.
const NONCES_KEPT: usize = 64;

/// An account that cannot be traded.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The venue does not tell its time.
    #[error("the venue did not tell its time, so nothing can be signed: {0}")]
    NoClock(String),
}

/// One account at AsterDEX. Ends its tasks when dropped.
pub struct AsterLink {
    inner: Arc<Inner>,
    tasks: Vec<JoinHandle<()>>,
}

struct Inner {
    rest: Arc<Rest>,
    contracts: Contracts,
    /// For the words of a refusal.
    instruments: Vec<Instrument>,
    /// Nonces of orders whose outcome is unknown.
    nonces: Mutex<BTreeMap<RequestId, Micros>>,
}

impl Drop for AsterLink {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl AsterLink {
    /// Measures the clock and opens the user stream of a client's account; what the stream tells comes from the
    /// receiver. There must be one of these for each account.
    ///
    /// # Errors
    /// Fails when the venue's clock cannot be had.
    pub async fn open(rest: Rest, plan: &Plan) -> Result<(Self, mpsc::Receiver<Told>), OpenError> {
        let rest = Arc::new(rest);
        let mut said = String::new();
        for _ in 0..5 {
            match rest.measure_clock().await {
                Outcome::Answered(_) => {
                    said.clear();
                    break;
                }
                other => said = format!("{other:?}"),
            }
            tokio::time::sleep(CLOCK_AGAIN).await;
        }
        if !said.is_empty() {
            return Err(OpenError::NoClock(said));
        }
        let contracts = Contracts(plan.instruments.iter().map(|one| one.symbol.clone()).collect());
        let (deliver, deliveries) = mpsc::channel(QUEUE);
        let (tell, told) = mpsc::channel(QUEUE);
        let tasks = vec![
            tokio::spawn(run_user(Arc::clone(&rest), Policy::USER, 1, deliver)),
            tokio::spawn(hear(deliveries, contracts.clone(), tell)),
            tokio::spawn(keep_time(Arc::clone(&rest))),
        ];
        let inner =
            Arc::new(Inner { rest, contracts, instruments: plan.instruments.clone(), nonces: Mutex::default() });
        Ok((Self { inner, tasks }, told))
    }
}

impl AsterLink {
    /// Sets the margin type of all contracts, isolated or cross, where it is another one; which were changed.
    ///
    /// # Errors
    /// When the venue does not tell or does not change it, as with a position or an order open.
    pub async fn set_margin(&self, isolated: bool) -> Result<Vec<String>, MarginError> {
        margin::set(&self.inner.rest, &self.inner.contracts.0, isolated).await
    }
}

/// Measures the clocks again and again: nonces must stay within the venue's window.
async fn keep_time(rest: Arc<Rest>) {
    loop {
        tokio::time::sleep(CLOCK_EVERY).await;
        if let Outcome::Answered(offset) = rest.measure_clock().await
            && offset.abs() > MAX_OFFSET_US
        {
            tracing::warn!("this machine's clock is {} ms off the venue's: set it", offset / 1_000);
        }
    }
}

/// Makes the desk's events of what the user stream delivers.
async fn hear(mut deliveries: mpsc::Receiver<Delivery>, contracts: Contracts, tell: mpsc::Sender<Told>) {
    while let Some(delivery) = deliveries.recv().await {
        let mut told = Vec::new();
        match delivery {
            Delivery::Up => told.push(Told::Link(LinkState::Up)),
            Delivery::Down => told.push(Told::Link(LinkState::Down)),
            Delivery::Closed(why) => tracing::warn!("user stream: {why}"),
            // It may have been anything: what was missed is found by looking anew.
            Delivery::Unreadable(error) => {
                tracing::warn!("a frame of the user stream cannot be read: {error}");
                told.extend([Told::Link(LinkState::Down), Told::Link(LinkState::Up)]);
            }
            Delivery::Frame { frame, .. } => match frame.body {
                Body::Event(event) => {
                    if let Event::MarginCall(call) = &event {
                        tell_of_margin(call);
                    }
                    told.extend(contracts.event(&event).map(Told::Event));
                }
                Body::Events(events) => {
                    told.extend(events.iter().filter_map(|event| contracts.event(event)).map(Told::Event));
                }
                Body::Done { .. } | Body::Refused { .. } => {}
            },
        }
        for one in told {
            if tell.send(one).await.is_err() {
                return;
            }
        }
    }
}

/// The venue warns that positions are near their liquidation: an operator should know, whatever the limits here do.
fn tell_of_margin(call: &MarginCall) {
    for one in &call.positions {
        tracing::warn!(
            "margin call: {} {} at mark {}, open profit {} USDT, maintenance margin {} USDT: add margin or reduce it",
            one.symbol,
            one.amount,
            one.mark_price,
            one.unrealized,
            one.maintenance_margin
        );
    }
}

impl Link for AsterLink {
    fn send(&self, id: RequestId, request: Request) -> Answering {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move { inner.carry(id, request).await })
    }
}

impl Inner {
    async fn carry(&self, id: RequestId, request: Request) -> Answer {
        let Self { rest, contracts, .. } = self;
        match request {
            Request::Place { order, name } => self.place(id, &order, &name).await,
            Request::PlaceStrategy(asked) => self.place_strategy(id, *asked).await,
            Request::QueryStrategy { name } => self.query_strategy(&name).await,
            Request::Cancel { symbol, key, .. } => {
                let call = calls::cancel_order(contracts.order_ref(symbol, &key));
                answer(rest.send(&call).await, |order| contracts.report(&order).map(Answer::Order))
            }
            Request::QueryOrder { symbol, key } => self.query(symbol, &key).await,
            Request::OpenOrders => answer(rest.send(&calls::open_orders(None)).await, |orders| {
                // One whose status nobody knows makes the whole list unreadable: it might be the one that counts.
                let known = orders.iter().filter(|order| contracts.id(&order.symbol).is_some());
                known.map(|order| contracts.report(order)).collect::<Option<Vec<_>>>().map(Answer::OpenOrders)
            }),
            Request::Trades { symbol, from } => self.trades(symbol, from).await,
            Request::Positions => answer(rest.send(&calls::position_risk(None)).await, |rows| {
                Some(Answer::Positions(rows.iter().map(|row| contracts.position(row)).collect()))
            }),
            Request::Balance => answer(rest.send(&calls::balance()).await, |rows| Some(Answer::Balance(wallet(&rows)))),
            Request::Income { from } => self.income(from).await,
            Request::Modes => self.modes().await,
            Request::SetLeverage { symbol, leverage } => {
                let call = calls::set_leverage(contracts.name(symbol), leverage);
                answer(rest.send(&call).await, |_| Some(Answer::Done))
            }
            Request::Noop { of } => self.noop(of).await,
        }
    }

    async fn place(&self, id: RequestId, order: &Order, name: &str) -> Answer {
        let new = NewOrder::from_core(order, self.contracts.name(order.symbol), name);
        let mut nonce = None;
        let outcome = self.rest.send_as(&calls::place_order(new), &mut nonce).await;
        self.remember(id, &outcome, nonce);
        if let Outcome::Refused(refusal) = &outcome {
            self.tell_of(refusal, order, name);
        }
        match outcome {
            // It was carried out; what came of it cannot be read and is asked for.
            Outcome::Answered(told) => self.contracts.report(&told).map_or(Answer::Unknown, Answer::Order),
            other => answer(other, |_| None),
        }
    }

    /// Keeps the nonce of what may or may not have been carried out, so that it can be used up.
    fn remember<T>(&self, id: RequestId, outcome: &Outcome<T>, nonce: Option<Micros>) {
        let Some(nonce) = nonce.filter(|_| outcome.is_unknown()) else { return };
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        nonces.insert(id, nonce);
        if nonces.len() > NONCES_KEPT {
            nonces.pop_first();
        }
    }

    async fn place_strategy(&self, id: RequestId, asked: EntryWithStop) -> Answer {
        let new = |order: &Order, name: &str| NewOrder::from_core(order, self.contracts.name(order.symbol), name);
        let (entry, stop) = (new(&asked.entry, &asked.entry_name), new(&asked.stop, &asked.stop_name));
        let mut strategy = PlaceStrategy::entry_with_exit(entry, stop);
        strategy.client_strategy_id = Some(asked.name);
        let mut nonce = None;
        let outcome = self.rest.send_as(&calls::place_strategy(strategy), &mut nonce).await;
        if is_no_such_path(&outcome) {
            return Answer::Refused { class: RefusalClass::Refuse, why: VenueReject::Other };
        }
        self.remember(id, &outcome, nonce);
        if let Outcome::Refused(refusal) = &outcome {
            self.tell_of(refusal, &asked.entry, &asked.entry_name);
        }
        match outcome {
            Outcome::Answered(told) => strategy_placed(&told).map_or(Answer::Unknown, Answer::Strategy),
            other => answer(other, |_| None),
        }
    }

    /// Open strategies first, then those that are over. Where there is no such call there is no strategy.
    async fn query_strategy(&self, name: &str) -> Answer {
        let query = QueryStrategy {
            client_strategy_id: Some(name.to_owned()),
            end_time: None,
            limit: None,
            start_time: None,
            strategy_id: None,
            strategy_type: StrategyType::Oto,
        };
        let found = |told: Strategy| Some(Answer::Strategy(strategy_found(&told)));
        let open = self.rest.send(&calls::strategy_open_order(query.clone())).await;
        if is_no_such_path(&open) {
            return Answer::NoSuchOrder;
        }
        match answer(open, found) {
            Answer::NoSuchOrder => answer(self.rest.send(&calls::strategy_history_order(query)).await, found),
            other => other,
        }
    }

    /// An operator reads why an order was refused with the order's numbers, the contract's, and the venue's own words.
    fn tell_of(&self, refusal: &Refusal, order: &Order, name: &str) {
        let symbol = self.contracts.name(order.symbol);
        let why = reject(refusal.code);
        let about = self.instruments.get(order.symbol.index()).map(|instrument| why.words(order, instrument));
        tracing::warn!("order {name} on {symbol}: {refusal}; {}", about.unwrap_or_default());
    }

    async fn query(&self, symbol: SymbolId, key: &OrderKey) -> Answer {
        let call = calls::query_order(self.contracts.order_ref(symbol, key));
        answer(self.rest.send(&call).await, |order| self.contracts.report(&order).map(Answer::Order))
    }

    async fn trades(&self, symbol: SymbolId, from: TradesFrom) -> Answer {
        let name = self.contracts.name(symbol).to_owned();
        let mut query = UserTrades { end_time: None, from_id: None, limit: Some(PAGE), start_time: None, symbol: name };
        match from {
            TradesFrom::Trade(id) => query.from_id = Some(id),
            TradesFrom::Time(at) => query.start_time = Some(at),
        }
        let mut all = Vec::new();
        for _ in 0..MOST_PAGES {
            let rows = match self.rest.send(&calls::user_trades(query.clone())).await {
                Outcome::Answered(rows) => rows,
                other => return answer(other, |_| None),
            };
            let (count, last) = (rows.len(), rows.iter().map(|row| row.id).max());
            let known: Option<Vec<_>> = rows.iter().map(|row| self.contracts.trade(row)).collect();
            let Some(known) = known else { return Answer::Unanswered };
            all.extend(known);
            match last {
                Some(last) if count >= PAGE as usize => (query.from_id, query.start_time) = (Some(last + 1), None),
                _ => break,
            }
        }
        all.sort_by_key(|row| row.id);
        Answer::Trades(all)
    }

    async fn income(&self, from: Time) -> Answer {
        let mut query = IncomeHistory {
            end_time: None,
            income_type: None,
            limit: Some(PAGE),
            start_time: Some(from),
            symbol: None,
        };
        let mut all = Vec::new();
        for _ in 0..MOST_PAGES {
            let rows = match self.rest.send(&calls::income(query.clone())).await {
                Outcome::Answered(rows) => rows,
                other => return answer(other, |_| None),
            };
            let (count, last) = (rows.len(), rows.iter().map(|row| row.time).max());
            all.extend(rows.iter().filter_map(|row| self.contracts.income(row)));
            match last.filter(|last| query.start_time.is_some_and(|start| *last > start)) {
                Some(last) if count >= PAGE as usize => query.start_time = Some(last),
                _ => break,
            }
        }
        all.sort_by_key(|row| row.at);
        all.dedup();
        Answer::Income(all)
    }

    async fn modes(&self) -> Answer {
        let hedge = match self.rest.send(&calls::dual_side()).await {
            Outcome::Answered(told) => told.dual_side_position,
            other => return answer(other, |_| None),
        };
        answer(self.rest.send(&calls::multi_assets()).await, |told| {
            Some(Answer::Modes { hedge, multi_assets: told.multi_assets_margin })
        })
    }

    async fn noop(&self, of: RequestId) -> Answer {
        let nonce = self.nonces.lock().unwrap_or_else(PoisonError::into_inner).remove(&of);
        let Some(nonce) = nonce else { return Answer::NotSent { until: None } };
        let call = calls::noop();

        answer(self.rest.send_as(&call, &mut Some(nonce)).await, |_| Some(Answer::Done))
    }
}
