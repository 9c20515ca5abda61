//! `venue`: where orders go, the simulated exchange's parameters, and contracts' filters.

use super::super::scalars::{Decimal, Span, Symbol};
use super::{Named, OrderTimes, Reconcile, RequestLimits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use swarm_core::model::{CandlePath, EntryProtection, Price, Qty, Rate, Usd};

/// Which venue executes orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VenueKind {
    /// The simulated exchange.
    #[default]
    Simulated,
    /// AsterDEX, with `mode: live`.
    Aster,
}

/// When a resting limit order of the simulated exchange fills.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FillRule {
    /// When the price goes past it by a tick: somebody else was ahead in the queue.
    #[default]
    TradeThrough,
    /// When the price reaches it.
    Touch,
}

/// What stands behind a position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MarginMode {
    /// The whole wallet.
    #[default]
    Cross,
    /// Only the margin set apart for it.
    Isolated,
}

/// Where orders go. All keys but `kind`, the URLs, `limits`, `orders`, `reconcile`, `entry_protection`, `margin` and
/// `instruments` are parameters of the simulated exchange.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Venue {
    /// `simulated` for paper and backtests, `aster` for live. Default: simulated.
    #[schemars(extend("default" = "simulated"))]
    pub kind: Option<VenueKind>,
    /// Base URL of AsterDEX's REST API where it is not the usual one, such as that of `swarm venue`. Unencrypted only to
    /// this machine or a network of one's own. Needs `stream_url` beside it.
    #[schemars(length(min = 8), extend("examples" = ["http://127.0.0.1:9090"]))]
    pub rest_url: Option<String>,
    /// Base URL of its streams.
    #[schemars(length(min = 6), extend("examples" = ["ws://127.0.0.1:9090"]))]
    pub stream_url: Option<String>,
    /// How much of AsterDEX's limits may be used.
    pub limits: Option<RequestLimits>,
    /// How long orders of a live account are waited for.
    pub orders: Option<OrderTimes>,
    /// How live accounts are compared with the books, and what becomes of differences.
    pub reconcile: Option<Reconcile>,
    /// How an entry comes to its stop at AsterDEX. Default: single.
    #[schemars(extend("default" = "single"))]
    pub entry_protection: Option<EntryProtection>,
    /// Fee of a fill that rested in the book, as a share of notional; negative is a rebate. Default: 0.0001.
    #[schemars(with = "Option<Decimal>", range(min = -0.01, max = 0.1), extend("default" = 0.0001))]
    pub maker_fee: Option<Rate>,
    /// Fee of a fill that took from the book, as a share of notional. Default: 0.00035.
    #[schemars(with = "Option<Decimal>", range(min = 0, max = 0.1), extend("default" = 0.00035))]
    pub taker_fee: Option<Rate>,
    /// Bid-ask spread in basis points of the price; a taker pays half of it. Default: 1.
    #[schemars(with = "Option<Decimal>", range(min = 0, max = 1000), extend("default" = 1))]
    pub spread_bps: Option<Rate>,
    /// Share of the price paid when taking as much as the candle traded, linear below. Default: 0.01.
    #[schemars(with = "Option<Decimal>", range(min = 0, max = 1), extend("default" = 0.01))]
    pub impact: Option<Rate>,
    /// Largest share of what a contract trades in a candle that an account's orders on it may trade. Resting orders and
    /// stops go on with the next candle, the rest of a market order expires. Orders fill whole where left out.
    #[schemars(with = "Option<Decimal>", range(min = 0.000001, max = 1), extend("examples" = [0.1]))]
    pub participation: Option<Rate>,
    /// Milliseconds from sending an order to its arrival in the book. Default: 50.
    #[schemars(range(min = 0, max = 60000), extend("default" = 50))]
    pub latency_ms: Option<u32>,
    /// The way of the price inside a candle: `worse` takes first the extreme that is worse for the position.
    /// Default: worse.
    #[schemars(extend("default" = "worse"))]
    pub path: Option<CandlePath>,
    /// When a resting limit order fills. Default: trade-through.
    #[schemars(extend("default" = "trade-through"))]
    pub fill: Option<FillRule>,
    /// Whether positions share the wallet. On the simulated exchange cross where left out; a live account's contracts are
    /// set to it at the start where it is written and they differ, and are left as they are where it is not.
    pub margin: Option<MarginMode>,
    /// Time between funding payments. Default: 8h.
    #[schemars(extend("default" = "8h"))]
    pub funding_interval: Option<Span>,
    /// Filters of single contracts, by symbol, where they differ from the built-in ones.
    pub instruments: Option<Named<Symbol, Filters>>,
}

/// A contract's filters, where they differ from the built-in ones.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Filters {
    /// Step of a price, in USDT.
    #[schemars(with = "Option<Decimal>", range(min = 0.00000001, max = 100000))]
    pub tick: Option<Price>,
    /// Step of a quantity, in units of the base asset.
    #[schemars(with = "Option<Decimal>", range(min = 0.00000001, max = 100000))]
    pub step: Option<Qty>,
    /// Smallest quantity of an order.
    #[schemars(with = "Option<Decimal>", range(min = 0.00000001, max = 100000000))]
    pub min_qty: Option<Qty>,
    /// Largest quantity of a limit order.
    #[schemars(with = "Option<Decimal>", range(min = 0.00000001, max = 10000000000_i64))]
    pub max_qty: Option<Qty>,
    /// Largest quantity of a market order.
    #[schemars(with = "Option<Decimal>", range(min = 0.00000001, max = 10000000000_i64))]
    pub max_market_qty: Option<Qty>,
    /// Smallest notional of an order that is not reduce-only, in USDT.
    #[schemars(with = "Option<Decimal>", range(min = 0, max = 1000000))]
    pub min_notional: Option<Usd>,
    /// Largest distance of a limit price from the mark price, as a share of it.
    #[schemars(with = "Option<Decimal>", range(min = 0.0001, max = 1))]
    pub price_band: Option<Rate>,
    /// Largest distance from the mark price at which a market order executes, as a share of it.
    #[schemars(with = "Option<Decimal>", range(min = 0.0001, max = 1))]
    pub market_take_bound: Option<Rate>,
    /// Fee of a liquidation, as a share of its notional.
    #[schemars(with = "Option<Decimal>", range(min = 0, max = 1))]
    pub liquidation_fee: Option<Rate>,
    /// Most open orders at a time, stops and targets included.
    #[schemars(range(min = 1, max = 10000))]
    pub max_open_orders: Option<u32>,
    /// Leverage table, ascending by notional. Maintenance amounts follow from it.
    #[schemars(length(min = 1, max = 20))]
    pub brackets: Option<Vec<Bracket>>,
}

/// A row of the leverage table.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bracket {
    /// Largest notional of a position in this row, in USDT.
    #[schemars(required, with = "Decimal", range(min = 1, max = 10000000000_i64))]
    pub notional_cap: Option<Usd>,
    /// Highest leverage up to there.
    #[schemars(required, range(min = 1, max = 1000))]
    pub max_leverage: Option<u32>,
    /// Maintenance margin as a share of notional.
    #[schemars(required, with = "Decimal", range(min = 0.0001, max = 0.9))]
    pub maintenance_rate: Option<Rate>,
}
