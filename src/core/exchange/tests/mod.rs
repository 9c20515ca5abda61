//! A small world for the tests: instruments, orders and candles in a line each, events as text.

mod arrival;
mod fold;
mod liquidity;
mod margin;
mod matching;
mod properties;
mod time;

use super::*;
use crate::model::*;

pub(super) const BTC: SymbolId = SymbolId(0);
pub(super) const ETH: SymbolId = SymbolId(1);
pub(super) const START: Time = Time(1_700_000_100_000);

pub(super) fn price(text: &str) -> Price {
    text.parse().unwrap()
}

pub(super) fn qty(text: &str) -> Qty {
    text.parse().unwrap()
}

pub(super) fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

pub(super) fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

/// Tick 0.1, step 0.001, the documented brackets of BTCUSDT.
pub(super) fn instrument() -> Instrument {
    let bracket = |cap, max_leverage, maintenance: &str, amount| LeverageBracket {
        notional_cap: Usd::whole(cap),
        max_leverage,
        maintenance_rate: rate(maintenance),
        maintenance_amount: Usd::whole(amount),
    };
    Instrument {
        symbol: "BTCUSDT".into(),
        tick: price("0.1"),
        step: qty("0.001"),
        min_qty: qty("0.001"),
        max_qty: qty("1000"),
        max_market_qty: qty("500"),
        min_notional: usd("5"),
        price_band: rate("0.05"),
        market_take_bound: rate("0.05"),
        liquidation_fee: rate("0.025"),
        max_open_orders: 4,
        brackets: vec![
            bracket(50_000, 125, "0.004", 0),
            bracket(250_000, 100, "0.005", 50),
            bracket(1_000_000, 50, "0.01", 1_300),
            bracket(10_000_000, 20, "0.025", 16_300),
        ],
    }
}

/// Nothing costs, nothing takes time, down first.
pub(super) fn free_params() -> ExchangeParams {
    ExchangeParams {
        maker_fee: Rate::ZERO,
        taker_fee: Rate::ZERO,
        spread: Rate::ZERO,
        impact: Rate::ZERO,
        latency_ms: 0,
        path: CandlePath::OpenLowHighClose,
        ..ExchangeParams::default()
    }
}

/// A candle of 5 minutes from `open high low close`, with a volume that no order moves.
pub(super) fn candle(at: Time, text: &str) -> Candle {
    let prices: Vec<_> = text.split_whitespace().map(price).collect();
    let &[open, high, low, close] = prices.as_slice() else { panic!("four prices: {text}") };
    let candle = Candle { open_time: at, open, high, low, close, volume: 1e6 };
    assert_eq!(candle.fault(), None, "{text}");
    candle
}

/// Two symbols, 10,000 USDT.
pub(super) struct World {
    pub exchange: Exchange,
    pub at: Time,
    numbers: u32,
}

impl World {
    pub fn new(params: ExchangeParams) -> Self {
        let instruments = vec![instrument(), Instrument { symbol: "ETHUSDT".into(), ..instrument() }];
        Self { exchange: Exchange::new(params, instruments, Usd::whole(10_000)), at: START, numbers: 0 }
    }

    /// An order in words: `buy 1 market`, `sell 0.5 limit 101 gtc reduce`, `sell 0 stop 99 close`,
    /// `buy 1 trail 0.01 99` (callback, activation), each with `x10` for leverage. Sent now; its number
    /// counts from 1.
    pub fn send(&mut self, text: &str) -> OrderId {
        self.numbers += 1;
        let order = order(self.numbers, BTC, text);
        self.exchange.submit(self.at, &order);
        order.id
    }

    pub fn send_on(&mut self, symbol: SymbolId, text: &str) -> OrderId {
        self.numbers += 1;
        let order = order(self.numbers, symbol, text);
        self.exchange.submit(self.at, &order);
        order.id
    }

    pub fn cancel(&mut self, id: OrderId) {
        self.exchange.cancel(self.at, id, BTC);
    }

    /// Walks one candle of BTC and tells what happened.
    pub fn step(&mut self, text: &str) -> Vec<String> {
        self.step_both(Some(text), None)
    }

    pub fn step_both(&mut self, btc: Option<&str>, eth: Option<&str>) -> Vec<String> {
        let start = self.at;
        let candles = [btc.map(|text| candle(start, text)), eth.map(|text| candle(start, text))];
        self.exchange.begin(Interval::M5, &candles);
        let mut events = Vec::new();
        for point in 0..POINTS {
            loop {
                let before = events.len();
                self.exchange.advance(point, &mut events);
                if events.len() == before {
                    break;
                }
            }
        }
        self.at = start.plus(Interval::M5.ms());
        events.iter().map(|event| tell(start, event)).collect()
    }

    /// A flat step at `text`, after which nothing of it shows.
    pub fn trade_at(&mut self, text: &str) {
        self.step(&format!("{text} {text} {text} {text}"));
    }

    pub fn quote(&mut self, after_ms: i64, text: &str) -> Vec<String> {
        let mut events = Vec::new();
        self.exchange.quote(self.at.plus(after_ms), BTC, price(text), &mut events);
        events.iter().map(|event| tell(self.at, event)).collect()
    }
}

pub(super) fn order(number: u32, symbol: SymbolId, text: &str) -> Order {
    let words: Vec<_> = text.split_whitespace().collect();
    let has = |word: &str| words.contains(&word);
    let tif = match () {
        () if has("ioc") => TimeInForce::Ioc,
        () if has("fok") => TimeInForce::Fok,
        () if has("post") => TimeInForce::PostOnly,
        () => TimeInForce::Gtc,
    };
    let kind = match words[2] {
        "market" => OrderKind::Market,
        "limit" => OrderKind::Limit { price: price(words[3]), tif },
        "stop" => OrderKind::StopMarket { trigger: price(words[3]) },
        "target" => OrderKind::TakeProfitMarket { trigger: price(words[3]) },
        "trail" => OrderKind::TrailingStopMarket {
            callback: rate(words[3]),
            activation: words.get(4).and_then(|word| word.parse().ok()),
        },
        other => panic!("no such order type: {other}"),
    };
    let leverage = words.iter().find_map(|word| word.strip_prefix('x')).map_or(5, |word| word.parse().unwrap());
    Order {
        id: OrderId { intent: IntentId { agent: AgentId(0), number }, leg: 0 },
        portfolio: PortfolioId(0),
        symbol,
        side: if words[0] == "buy" { Side::Buy } else { Side::Sell },
        kind,
        qty: qty(words[1]),
        reduce_only: has("reduce"),
        close_position: has("close"),
        leverage,
        purpose: Purpose::Entry,
    }
}

/// An event in a line: milliseconds since `start`, the order's number, what.
pub(super) fn tell(start: Time, event: &VenueEvent) -> String {
    let at = event.at().since(start);
    let executed = |fill: &Fill| {
        let kind = if fill.maker { "maker" } else { "taker" };
        format!(
            "{} {} at {} {kind} fee {} slip {}",
            if fill.side == Side::Buy { "buy" } else { "sell" },
            fill.qty,
            fill.price,
            fill.fee,
            fill.slippage
        )
    };
    match event {
        VenueEvent::Order { id, kind, .. } => {
            let number = id.intent.number;
            match kind {
                ReportKind::Accepted => format!("{at} #{number} accepted"),
                ReportKind::Rejected(why) => format!("{at} #{number} rejected {why:?}"),
                ReportKind::Filled { fill, leaves } => {
                    let rest = if leaves.is_zero() { String::new() } else { format!(" leaves {leaves}") };
                    format!("{at} #{number} {}{rest}", executed(fill))
                }
                ReportKind::Canceled(why) => format!("{at} #{number} canceled {why:?}"),
                ReportKind::CancelRejected => format!("{at} #{number} cancel rejected"),
            }
        }
        VenueEvent::Funding { rate, mark, amount, .. } => format!("{at} funding {rate} of {mark}: {amount}"),
        VenueEvent::Liquidation { symbol, fill, .. } => format!("{at} liquidation {} {}", symbol.0, executed(fill)),
        VenueEvent::Transfer { amount, .. } => format!("{at} transfer {amount}"),
    }
}

/// What an event adds to the wallet, given the holding it finds.
pub(super) fn wallet_change(event: &VenueEvent, holdings: &mut [Holding]) -> Usd {
    let mut traded =
        |symbol: SymbolId, fill: &Fill| holdings[symbol.index()].apply(fill.side, fill.qty, fill.price) - fill.fee;
    match event {
        VenueEvent::Order { symbol, kind: ReportKind::Filled { fill, .. }, .. } => traded(*symbol, fill),
        VenueEvent::Liquidation { symbol, fill, .. } => traded(*symbol, fill),
        VenueEvent::Funding { amount, .. } | VenueEvent::Transfer { amount, .. } => *amount,
        VenueEvent::Order { .. } => Usd::ZERO,
    }
}
