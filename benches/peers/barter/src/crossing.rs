//! The rules of the workload: what is watched at each candle, and the orders that follow.

use std::sync::Arc;

use barter::{
    engine::{
        Engine, Processor,
        state::{
            EngineState,
            global::DefaultGlobalData,
            instrument::{data::InstrumentDataState, filter::InstrumentFilter},
            order::in_flight_recorder::InFlightRequestRecorder,
        },
    },
    strategy::{
        algo::AlgoStrategy, close_positions::ClosePositionsStrategy, on_disconnect::OnDisconnectStrategy,
        on_trading_disabled::OnTradingDisabled,
    },
};
use barter_data::{event::MarketEvent, subscription::candle::Candle};
use barter_execution::{
    AccountEvent, AccountEventKind,
    order::{
        OrderEvent, OrderKey, OrderKind, TimeInForce,
        id::{ClientOrderId, StrategyId},
        request::{OrderRequestCancel, OrderRequestOpen, RequestOpen},
    },
};
use barter_instrument::{
    Side,
    asset::AssetIndex,
    exchange::{ExchangeId, ExchangeIndex},
    instrument::InstrumentIndex,
};
use rust_decimal::{Decimal, prelude::FromPrimitive};
use smol_str::{SmolStr, ToSmolStr};

use crate::{
    account::{Deal, FEE_RATE, Log},
    candles::Gate,
};

const KNOWN_FROM: usize = 20;
/// 0.1 to open, twice that to reverse.
const OPENING: Decimal = Decimal::from_parts(1, 0, 0, false, 1);
const REVERSING: Decimal = Decimal::from_parts(2, 0, 0, false, 1);

type State = EngineState<DefaultGlobalData, Watch>;
type Open = OrderRequestOpen<ExchangeIndex, InstrumentIndex>;
type Cancel = OrderRequestCancel<ExchangeIndex, InstrumentIndex>;

/// The averages, the side they want, and what happened so far.
#[derive(Debug, Clone)]
pub struct Watch {
    log: Arc<Log>,
    gate: Option<Arc<Gate>>,
    trading: bool,
    /// Its signal would be filled at an open that there is not.
    last: usize,
    seen: usize,
    fast: f64,
    slow: f64,
    close: f64,
    above: Option<bool>,
    /// Not yet asked for.
    wanted: Option<Side>,
    asked: bool,
}

impl Watch {
    pub fn new(log: Arc<Log>) -> Self {
        Self {
            log,
            gate: None,
            trading: true,
            last: usize::MAX,
            seen: 0,
            fast: 0.0,
            slow: 0.0,
            close: 0.0,
            above: None,
            wanted: None,
            asked: false,
        }
    }

    pub fn trading(self, trading: bool) -> Self {
        Self { trading, ..self }
    }

    pub fn last(self, last: usize) -> Self {
        Self { last, ..self }
    }

    pub fn telling(self, gate: Arc<Gate>) -> Self {
        Self { gate: Some(gate), ..self }
    }

    /// The side to be on from here, if the averages have just changed theirs.
    fn signal(&mut self, close: f64) -> Option<Side> {
        if self.seen == 0 {
            (self.fast, self.slow) = (close, close);
        }
        self.seen += 1;
        self.close = close;
        self.fast += (close - self.fast) * (2.0 / 11.0);
        self.slow += (close - self.slow) * (2.0 / 21.0);
        if self.seen < KNOWN_FROM {
            return None;
        }
        let above = self.fast > self.slow;
        let before = self.above.replace(above)?;
        let side = if above { Side::Buy } else { Side::Sell };
        (above != before && self.trading && self.seen < self.last).then_some(side)
    }
}

impl InstrumentDataState for Watch {
    type MarketEventKind = Candle;

    fn price(&self) -> Option<Decimal> {
        Decimal::from_f64(self.close)
    }
}

impl Processor<&MarketEvent<InstrumentIndex, Candle>> for Watch {
    type Audit = ();

    fn process(&mut self, event: &MarketEvent<InstrumentIndex, Candle>) {
        self.wanted = self.signal(event.kind.close);
        if let Some(gate) = &self.gate {
            gate.processed(self.wanted.is_some());
        }
    }
}

impl Processor<&AccountEvent> for Watch {
    type Audit = ();

    fn process(&mut self, event: &AccountEvent) {
        let AccountEventKind::Trade(trade) = &event.kind else { return };
        let (side, quantity, price, fee) = (trade.side, trade.quantity, trade.price, trade.fees.fees);
        self.log.fill(Deal { side, quantity, price, fee });
        if let Some(gate) = &self.gate {
            gate.filled();
        }
    }
}

impl InFlightRequestRecorder for Watch {
    fn record_in_flight_cancel(&mut self, _: &Cancel) {}

    fn record_in_flight_open(&mut self, request: &Open) {
        let RequestOpen { side, quantity, price, .. } = request.state;
        self.log.request(Deal { side, quantity, price, fee: quantity * price * FEE_RATE });
        self.wanted = None;
        self.asked = true;
    }
}

/// Asks for what the watch wants, at its close: the mock exchange knows no market and fills at the price it is asked.
#[derive(Debug, Clone)]
pub struct Crossing;

impl AlgoStrategy for Crossing {
    type State = State;

    fn generate_algo_orders(
        &self,
        state: &State,
    ) -> (impl IntoIterator<Item = Cancel>, impl IntoIterator<Item = Open>) {
        let contract = state.instruments.instrument_index(&InstrumentIndex(0));
        let watch = &contract.data;
        let open = watch.wanted.zip(watch.price()).map(|(side, price)| OrderEvent {
            key: OrderKey {
                exchange: contract.instrument.exchange,
                instrument: contract.key,
                strategy: StrategyId(SmolStr::new_static("crossing")),
                cid: ClientOrderId(watch.seen.to_smolstr()),
            },
            state: RequestOpen {
                side,
                price,
                quantity: if watch.asked { REVERSING } else { OPENING },
                kind: OrderKind::Market,
                time_in_force: TimeInForce::ImmediateOrCancel,
            },
        });
        (None, open)
    }
}

/// The workload ends with its position open.
impl ClosePositionsStrategy for Crossing {
    type State = State;

    fn close_positions_requests<'a>(
        &'a self,
        _: &'a State,
        _: &'a InstrumentFilter,
    ) -> (impl IntoIterator<Item = Cancel> + 'a, impl IntoIterator<Item = Open> + 'a)
    where
        ExchangeIndex: 'a,
        AssetIndex: 'a,
        InstrumentIndex: 'a,
    {
        (None, None)
    }
}

impl<Clock, State, ExecutionTxs, Risk> OnDisconnectStrategy<Clock, State, ExecutionTxs, Risk> for Crossing {
    type OnDisconnect = ();

    fn on_disconnect(_: &mut Engine<Clock, State, ExecutionTxs, Self, Risk>, _: ExchangeId) {}
}

impl<Clock, State, ExecutionTxs, Risk> OnTradingDisabled<Clock, State, ExecutionTxs, Risk> for Crossing {
    type OnTradingDisabled = ();

    fn on_trading_disabled(_: &mut Engine<Clock, State, ExecutionTxs, Self, Risk>) {}
}
