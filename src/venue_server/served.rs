//! What of AsterDEX's API is served, in full, in part or not at all: for the documentation and its test.

use super::control::CALLS;
use crate::aster::environment::Version;
use crate::aster::wire::Route;
use std::fmt::Write as _;

/// How far something is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Served {
    /// As documented.
    Full,
    /// With this difference.
    Part(&'static str),
    /// Refused with -1020, for this reason.
    No(&'static str),
}

/// How far a call is served.
pub const fn served(route: Route) -> Served {
    use Served::{Full, Part};
    match route {
        Route::Depth => Part("50 levels a side, made from the price; accounts' orders are not in it"),
        Route::HistoricalTrades | Route::Trades => Part("the market's trades, not the accounts'; the last 1000"),
        Route::AggTrades => Part("each trade stands for itself; the last 1000"),
        Route::Klines => Part("multiples of the market's own interval, no `1M`; the last 12,000 of those"),
        Route::IndexPriceKlines | Route::MarkPriceKlines => Part("the same candles as `klines`: there is one price"),
        Route::PremiumIndex => Part("mark and index are the last price"),
        Route::FundingInfo => Part("bounds are those of the samples, not enforced"),
        Route::PlaceOrder => Part(
            "no pegs, no builder fees; workingType and priceProtect mean nothing; STOP and TAKE_PROFIT hold no margin while they wait",
        ),
        Route::BatchOrders => Part("in the order sent; else as `order`"),
        Route::Noop => Part("answers; cancels nothing, since nothing is ever queued"),
        Route::AdlQuantile => Part("always 0: nobody is deleveraged"),
        Route::SetMultiAssets => Part("single-asset only; the other is refused with -1020"),
        Route::Stp | Route::SetStp => Part("kept and answered; one account never meets itself"),
        Route::Agents => Part("signers of the accounts file"),
        Route::Builders => Part("always empty"),
        Route::PositionRisk | Route::Account => Part("margin of orders by account, not by symbol"),
        Route::SubAccounts => Part("accounts of the accounts file and their `parent`"),
        Route::SetMmp | Route::ResetMmp => Part("kept and answered; no quote is frozen by it"),
        Route::IndexReferences => Part("one reference, the market here"),
        Route::UpdateStrategy => Part("a standing order that is no LIMIT is replaced by one with another number"),
        Route::StrategyHistoryOrder => Part("one strategy by its name, whatever the window"),
        _ => Full,
    }
}

/// Streams: name, and how far they are served.
pub const STREAMS: &[(&str, Served)] = &[
    ("<symbol>@aggTrade", Served::Part("each trade stands for itself")),
    ("<symbol>@bookTicker, !bookTicker", Served::Full),
    ("<symbol>@markPrice, @markPrice@1s", Served::Part("with every trade; mark is the last price")),
    ("!markPrice@arr, !markPrice@arr@1s", Served::Part("one symbol a list, with its trade")),
    ("<symbol>@kline_<interval>", Served::Part("with every trade; trade ids are -1; no `1M`")),
    ("<symbol>@depth, @100ms, @500ms", Served::Part("with every trade, whatever the speed asked for")),
    ("<symbol>@depth5, 10, 20 (@100ms, @500ms)", Served::Part("likewise")),
    ("<symbol>@miniTicker, @ticker, !miniTicker@arr, !ticker@arr", Served::Part("with every closed candle")),
    ("<symbol>@forceOrder, !forceOrder@arr", Served::Part("every liquidation of an account here")),
    ("<symbol>@tradepro", Served::No("there is no chain")),
    ("user: ORDER_TRADE_UPDATE, ACCOUNT_UPDATE", Served::Full),
    ("user: ACCOUNT_CONFIG_UPDATE", Served::Full),
    ("user: listenKeyExpired", Served::Full),
    ("user: MARGIN_CALL", Served::Part("at a margin ratio of 80 %, once each time that it is reached")),
    ("user: announcement", Served::No("never sent")),
];

fn text(served: Served) -> (&'static str, &'static str) {
    match served {
        Served::Full => ("yes", ""),
        Served::Part(why) => ("in part", why),
        Served::No(why) => ("no", why),
    }
}

/// The tables of `docs/venue.md`.
pub fn tables() -> String {
    let mut out = String::from("| call | V1 | weight | served | difference |\n|---|---|---|---|---|\n");
    for route in Route::ALL {
        let (how, why) = text(served(*route));
        let v1 = if route.exists(Version::V1) { route.path(Version::V1) } else { "none".to_owned() };
        let _ = writeln!(
            out,
            "| {} `{}` | `{v1}` | {} | {how} | {why} |",
            route.method().as_str(),
            route.path(Version::V3),
            route.weight()
        );
    }
    out.push_str("\n| stream | served | difference |\n|---|---|---|\n");
    for (name, served) in STREAMS {
        let (how, why) = text(*served);
        let _ = writeln!(out, "| `{name}` | {how} | {why} |");
    }
    out.push_str("\n| control | does |\n|---|---|\n");
    for (method, path, what) in CALLS {
        let _ = writeln!(out, "| {method} `{path}` | {what} |");
    }
    out
}
