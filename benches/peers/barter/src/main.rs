//! The workload in barter, by its own `backtest()` and mock exchange.
//!
//! usage: peer-barter BARS.csv COUNT free|held|idle
//!
//! `free` runs it as its example does: candles come as fast as the engine's queue takes them, answers of the mock
//! exchange when its task gets to them. `held` gives a candle when the engine is done with the one before, fills
//! included; it runs on one thread, whose timers are skipped when nothing else is to be done. `idle` sends no
//! orders. Timed is `backtest()` alone, with the candles in memory. The last line is the result as JSON.

mod account;
mod candles;
mod crossing;

use std::{env, error::Error, fs, sync::Arc, time::Instant};

use account::{Account, Log};
use barter::{
    backtest::{
        BacktestArgsConstant, BacktestArgsDynamic, backtest,
        market_data::{BacktestMarketData, MarketDataInMemory},
    },
    engine::state::{builder::EngineStateBuilder, global::DefaultGlobalData, trading::TradingState},
    risk::DefaultRiskManager,
    statistic::time::Daily,
    system::config::SystemConfig,
};
use barter_data::subscription::candle::Candle;
use barter_instrument::index::IndexedInstruments;
use candles::{Events, Gate, Held};
use crossing::{Crossing, Watch};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde_json::{Value, json};
use smol_str::SmolStr;
use tokio::runtime::Builder;

type Failure = Box<dyn Error>;

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Free,
    Held,
    Idle,
}

/// What a run comes to, besides its log.
struct Outcome {
    seconds: f64,
    /// Profit of closed positions, as its summary reports it.
    profit: Decimal,
}

/// One spot instrument, since the mock exchange takes no other kind. Its balance is what no run can use up: it
/// takes what is bought out of it and puts nothing in for what is sold.
fn system() -> Result<SystemConfig, serde_json::Error> {
    let plenty = 1_000_000_000_000_000_u64;
    let balance = |asset: &str| {
        let time = "2023-01-01T00:00:00Z";
        json!({"asset": asset, "balance": {"total": plenty, "free": plenty}, "time_exchange": time})
    };
    serde_json::from_value(json!({
        "instruments": [{
            "exchange": "binance_spot", "name_exchange": "BTCUSDT", "kind": "spot", "quote": "underlying_quote",
            "underlying": {"base": "btc", "quote": "usdt"},
        }],
        "executions": [{
            "mocked_exchange": "binance_spot", "latency_ms": 0, "fees_percent": account::FEE_RATE,
            "initial_state": {
                "exchange": "binance_spot", "balances": [balance("btc"), balance("usdt")],
                "instruments": [{"instrument": "BTCUSDT", "orders": []}],
            },
        }],
    }))
}

/// The version that is locked for this build.
fn version() -> &'static str {
    let locked = include_str!("../Cargo.lock").split_once("name = \"barter\"\nversion = \"");
    locked.and_then(|(_, rest)| rest.split('"').next()).unwrap_or("unknown")
}

async fn play<Market>(market: Market, watch: Watch) -> Result<Outcome, Failure>
where
    Market: BacktestMarketData<Kind = Candle> + Send + Sync + 'static,
{
    let SystemConfig { instruments, executions } = system()?;
    let instruments = IndexedInstruments::new(instruments);
    let engine_state = EngineStateBuilder::new(&instruments, DefaultGlobalData, |_| watch.clone())
        .time_engine_start(market.time_first_event().await?)
        .trading_state(TradingState::Enabled)
        .build();
    let constant =
        BacktestArgsConstant { instruments, executions, market_data: market, summary_interval: Daily, engine_state };
    let dynamic = BacktestArgsDynamic {
        id: SmolStr::new_static("crossing"),
        risk_free_return: Decimal::ZERO,
        strategy: Crossing,
        risk: DefaultRiskManager::default(),
    };
    let started = Instant::now();
    let summary = backtest(Arc::new(constant), dynamic).await?;
    let seconds = started.elapsed().as_secs_f64();
    let profit = summary.trading_summary.instruments.values().map(|sheet| sheet.pnl).sum();
    Ok(Outcome { seconds, profit })
}

fn run(mode: Mode, events: &Arc<Events>, log: &Arc<Log>) -> Result<Outcome, Failure> {
    let bars = events.len();
    let watch = Watch::new(Arc::clone(log)).trading(mode != Mode::Idle).last(bars);
    if mode == Mode::Held {
        let gate = Arc::new(Gate::default());
        let market = Held::new(Arc::clone(events), Arc::clone(&gate));
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build()?;
        runtime.block_on(play(market, watch.telling(gate)))
    } else {
        let runtime = Builder::new_multi_thread().enable_time().build()?;
        runtime.block_on(play(MarketDataInMemory::new(Arc::clone(events)), watch))
    }
}

fn result(mode: Mode, bars: usize, outcome: &Outcome, log: &Log, last: Decimal) -> Value {
    let (requests, fills) = (log.requests(), log.fills());
    let by_requests = Account::after(&requests).equity(last).to_f64();
    let by_fills = Account::after(&fills).equity(last).to_f64();
    let (system, entries, equity) = match mode {
        Mode::Free => ("barter, `backtest()`", requests.len(), by_requests),
        Mode::Held => ("barter, candles wait for fills", fills.len(), by_fills),
        Mode::Idle => ("barter, no orders", 0, None),
    };
    json!({
        "system": system, "version": version(), "bars": bars, "seconds": outcome.seconds,
        "entries": entries, "equity": equity,
        "requests": requests.len(), "fills": fills.len(), "by_fills": by_fills, "profit": outcome.profit.to_f64(),
    })
}

fn main() -> Result<(), Failure> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [path, count, mode] = words.as_slice() else {
        return Err("usage: peer-barter BARS.csv COUNT free|held|idle".into());
    };
    let mode = match mode.as_str() {
        "free" => Mode::Free,
        "held" => Mode::Held,
        "idle" => Mode::Idle,
        other => return Err(format!("{other} is not a way to run it: free, held or idle").into()),
    };
    let events = Arc::new(candles::parse(&fs::read_to_string(path)?, count.parse()?)?);
    let last = candles::last_close(&events).ok_or("there are no candles in it")?;
    let log = Arc::new(Log::default());
    let outcome = run(mode, &events, &log)?;
    println!("{}", result(mode, events.len(), &outcome, &log, last));
    Ok(())
}
