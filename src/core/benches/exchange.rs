//! Cost of the simulated exchange: candles with nothing to do, candles under a position with a stop
//! and two targets that nothing crosses, and orders from submission to fill.

use divan::{Bencher, black_box, counter::ItemsCount};
use swarm_core::exchange::{Exchange, POINTS};
use swarm_core::model::*;

const SYMBOLS: usize = 10;
const CANDLES: usize = 1_000;

fn main() {
    divan::main();
}

fn instruments() -> Vec<Instrument> {
    let bracket = |cap, max_leverage, maintenance_rate, amount| LeverageBracket {
        notional_cap: Usd::whole(cap),
        max_leverage,
        maintenance_rate: Rate::bps(maintenance_rate),
        maintenance_amount: Usd::whole(amount),
    };
    let instrument = Instrument {
        symbol: "BTCUSDT".into(),
        tick: Price(10_000_000),
        step: Qty(100_000),
        min_qty: Qty(100_000),
        max_qty: Qty::whole(1_000),
        max_market_qty: Qty::whole(500),
        min_notional: Usd::whole(5),
        price_band: Rate::percent(5),
        market_take_bound: Rate::percent(5),
        liquidation_fee: Rate::percent(2),
        max_open_orders: 200,
        brackets: vec![
            bracket(50_000, 125, 40, 0),
            bracket(250_000, 100, 50, 50),
            bracket(1_000_000, 50, 100, 1_300),
            bracket(10_000_000, 20, 250, 16_300),
        ],
    };
    vec![instrument; SYMBOLS]
}

/// Candles of five minutes that swing within half a percent of 60,000.
fn candles() -> Vec<Vec<Option<Candle>>> {
    let price = |offset: i64| Price::whole(60_000 + offset);
    let candle = |step: usize| {
        let shift = (step as i64 * 37) % 100;
        Candle {
            open_time: Time(step as i64 * Interval::M5.ms()),
            open: price(shift),
            high: price(shift + 150),
            low: price(shift - 150),
            close: price((step as i64 + 1) * 37 % 100),
            volume: 1_000.0,
        }
    };
    (0..CANDLES).map(|step| vec![Some(candle(step)); SYMBOLS]).collect()
}

fn order(number: u32, side: Side, kind: OrderKind, qty: Qty, reduce_only: bool) -> Order {
    Order {
        id: OrderId { intent: IntentId { agent: AgentId(0), number }, leg: 0 },
        portfolio: PortfolioId(0),
        symbol: SymbolId(0),
        side,
        kind,
        qty,
        reduce_only,
        close_position: false,
        leverage: 5,
        purpose: Purpose::Entry,
    }
}

fn walk(exchange: &mut Exchange, candles: &[Option<Candle>], events: &mut Vec<VenueEvent>) {
    exchange.begin(Interval::M5, candles);
    for point in 0..POINTS {
        loop {
            let before = events.len();
            exchange.advance(point, events);
            if events.len() == before {
                break;
            }
        }
    }
}

/// No position, no order: a thousand steps of ten symbols, by candle.
#[divan::bench]
fn idle(bencher: Bencher<'_, '_>) {
    let (candles, mut events) = (candles(), Vec::new());
    let mut exchange = Exchange::new(ExchangeParams::default(), instruments(), Usd::whole(10_000));
    bencher.counter(ItemsCount::new(CANDLES * SYMBOLS)).bench_local(|| {
        for step in &candles {
            walk(&mut exchange, black_box(step), &mut events);
        }
        assert!(events.is_empty());
    });
}

/// One position with a stop and two targets that no candle reaches: a thousand steps of one symbol, by
/// candle.
#[divan::bench]
fn position_with_stop_and_targets(bencher: Bencher<'_, '_>) {
    let steps: Vec<_> = candles().into_iter().map(|step| vec![step[0]]).collect();
    let mut exchange = Exchange::new(ExchangeParams::default(), instruments(), Usd::whole(10_000));
    let mut events = Vec::new();
    walk(&mut exchange, &steps[0], &mut events);
    let qty = Qty(20_000_000);
    let target = |offset: i64| OrderKind::TakeProfitMarket { trigger: Price::whole(60_000 + offset) };
    let stop = OrderKind::StopMarket { trigger: Price::whole(59_000) };
    exchange.submit(exchange.now(), &order(1, Side::Buy, OrderKind::Market, qty, false));
    exchange.submit(exchange.now(), &order(2, Side::Sell, stop, qty, true));
    exchange.submit(exchange.now(), &order(3, Side::Sell, target(1_000), Qty(10_000_000), true));
    exchange.submit(exchange.now(), &order(4, Side::Sell, target(2_000), Qty(10_000_000), true));
    walk(&mut exchange, &steps[1], &mut events);
    assert_eq!((exchange.held().len(), exchange.open_orders().count()), (1, 3));
    events.clear();
    // The account goes through the same thousand candles again and again.
    let settled = exchange;
    bencher.counter(ItemsCount::new(CANDLES - 2)).with_inputs(|| settled.clone()).bench_local_values(|mut exchange| {
        for step in &steps[2..] {
            walk(&mut exchange, black_box(step), &mut events);
        }
        assert!(events.is_empty());
        exchange
    });
}

/// A thousand orders, each submitted, walked to its arrival and filled as taker, by order.
#[divan::bench]
fn submit_advance_fill(bencher: Bencher<'_, '_>) {
    let step = vec![candles()[0][0]];
    let fresh = Exchange::new(
        ExchangeParams { latency_ms: 50, ..ExchangeParams::default() },
        instruments(),
        Usd::whole(1_000_000),
    );
    let mut events = Vec::with_capacity(CANDLES + 1);
    let orders: Vec<_> = (0..CANDLES as u32)
        .map(|number| {
            let side = if number % 2 == 0 { Side::Buy } else { Side::Sell };
            order(number, side, OrderKind::Market, Qty(1_000_000), false)
        })
        .collect();
    bencher.counter(ItemsCount::new(CANDLES)).with_inputs(|| fresh.clone()).bench_local_values(|mut exchange| {
        events.clear();
        exchange.begin(Interval::M5, &step);
        exchange.advance(0, &mut events);
        for order in &orders {
            exchange.submit(exchange.now(), black_box(order));
            exchange.advance(POINTS - 1, &mut events);
        }
        assert_eq!(events.len(), CANDLES);
        exchange
    });
}
