//! What `market` and `venue` must mean together with `mode`.

use super::super::instruments;
use super::super::market::MarketText;
use super::super::nearest::suggestion;
use super::super::scalars::Span;
use super::super::written::{Filters, VenueKind};
use super::{Report, Scope, told_twice};
use swarm_core::model::{Interval, Mode, Price, Qty, Rate, Round, Usd};

pub(super) fn check(scope: &Scope<'_>, report: &mut Report) {
    if let Some(node) = scope.node(&["market", "symbols"]) {
        told_twice(node.items(), report);
    }
    intervals(scope, report);
    source(scope, report);
    venue(scope, report);
    filters(scope, report);
}

fn intervals(scope: &Scope<'_>, report: &mut Report) {
    let Some(list) = scope.swarm.market.as_ref().and_then(|market| market.intervals.as_ref()) else { return };
    let Some(base) = list.iter().min().copied() else { return };
    let mut seen: Vec<Interval> = Vec::new();
    for (i, interval) in list.iter().enumerate() {
        let Some(node) = scope.node(&["market", "intervals", &i.to_string()]) else { continue };
        if seen.contains(interval) {
            report.error(node, format!("interval {interval} stands here twice"), "remove one of them");
        } else if !base.divides(*interval) {
            let message = format!("{interval} is not a multiple of {base}, the shortest interval");
            report.error(node, message, "candles are aggregated from the shortest: take one that divides all others");
        }
        seen.push(*interval);
    }
}

fn source(scope: &Scope<'_>, report: &mut Report) {
    let Some(market) = &scope.swarm.market else { return };
    let source = market.source.clone().unwrap_or(MarketText::Synthetic(None));
    let synthetic = matches!(source, MarketText::Synthetic(_));
    let online = matches!(source, MarketText::Aster | MarketText::AsterTestnet);
    if let Some(node) = scope.node(&["market", "source"]).or_else(|| scope.node(&["mode"])) {
        match scope.mode() {
            Mode::Live if !online => {
                let help = "write `source: aster`, or another mode";
                report.error(node, "mode `live` trades on the exchange's own prices", help);
            }
            Mode::Backtest if online => {
                let help = "write `source: replay:DIR`, or `mode: paper`";
                report.error(node, "mode `backtest` needs recorded candles", help);
            }
            _ => {}
        }
    }
    for key in ["seed", "start"] {
        if let Some(entry) = scope.entry(&["market", key])
            && !synthetic
        {
            let help = format!("remove `{key}`, or write `source: synthetic`");
            report.warn_at_key(entry, format!("`{key}` only matters to the synthetic market"), help);
        }
    }
    if let Some(entry) = scope.entry(&["market", "max_mark_jump"])
        && scope.mode() != Mode::Live
    {
        let message =
            format!("`max_mark_jump` only matters with mode `live`, and the mode is `{}`", scope.mode().label());
        report.warn_at_key(entry, message, "remove it: here all marks come from candles");
    }
    if let (MarketText::Synthetic(Some(own)), Some(seed)) = (&source, market.seed)
        && *own != seed
        && let Some(entry) = scope.entry(&["market", "seed"])
    {
        let message = format!("seed {seed} contradicts `source: synthetic:{own}`");
        report.error_at_key(entry, message, "write the seed in one place");
    }
    let base = market.intervals.as_ref().and_then(|list| list.iter().min().copied());
    if let (Some(start), Some(base), Some(node)) = (market.start, base, scope.node(&["market", "start"])) {
        if start.0.0 < 0 {
            report.error(node, "out of range: expected a date from 1970 on", "");
        } else if start.0.floor(base.ms()) != start.0 {
            let help = format!("the one before is {}", start.0.floor(base.ms()));
            report.error(node, format!("no {base} candle begins at this time"), help);
        }
    }
}

/// Keys of `venue` that a live account knows.
const LIVE: [&str; 8] =
    ["kind", "rest_url", "stream_url", "limits", "orders", "reconcile", "entry_protection", "margin"];

/// Lengths of time of a live account, in milliseconds.
const LIVE_SPANS: [([&str; 2], i64, i64); 8] = [
    (["reconcile", "period"], 5_000, 3_600_000),
    (["reconcile", "period_while_down"], 1_000, 60_000),
    (["orders", "ask_after"], 500, 10_000),
    (["orders", "send_entries_within"], 500, 60_000),
    (["orders", "valid_for"], 5_000, 300_000),
    (["orders", "valid_margin"], 1_000, 60_000),
    (["orders", "nonce_settles"], 1_000, 60_000),
    (["orders", "naked_timeout"], 1_000, 30_000),
];

fn venue(scope: &Scope<'_>, report: &mut Report) {
    let kind = scope.swarm.venue.as_ref().and_then(|venue| venue.kind).unwrap_or_default();
    let at = || scope.node(&["venue", "kind"]).or_else(|| scope.node(&["mode"]));
    match (scope.mode(), kind, at()) {
        (Mode::Live, VenueKind::Simulated, Some(node)) => {
            report.error(node, "mode `live` needs `venue.kind: aster`", "write both, or `mode: paper`");
        }
        (Mode::Paper | Mode::Backtest, VenueKind::Aster, Some(node)) => {
            let message = format!("venue `aster` is for mode `live`, and the mode is `{}`", scope.mode().label());
            report.error(node, message, "write `mode: live`, or `kind: simulated`");
        }
        _ => {}
    }
    if kind == VenueKind::Aster {
        let written = scope.node(&["venue"]).map_or(&[][..], |venue| venue.entries());
        let simulated = |key: &str| !LIVE.contains(&key);
        for entry in written.iter().filter(|entry| simulated(&entry.key)) {
            let message = format!("`{}` only matters to the simulated exchange", entry.key);
            report.warn_at_key(entry, message, "the exchange's own value counts");
        }
    } else {
        for (key, why) in [
            ("limits", "the simulated exchange has none"),
            ("orders", "the simulated exchange answers at once"),
            ("reconcile", "the simulated exchange and the books do not differ"),
            ("entry_protection", "the simulated exchange has no strategy orders"),
        ] {
            let Some(entry) = scope.entry(&["venue", key]) else { continue };
            let message = format!("`{key}` only matters to venue `aster`: {why}");
            report.warn_at_key(entry, message, "remove it, or write `mode: live` and `kind: aster`");
        }
    }
    if let (Some(bps), Some(node)) =
        (scope.swarm.venue.as_ref().and_then(|venue| venue.spread_bps), scope.node(&["venue", "spread_bps"]))
        && bps.0 % super::super::resolve::BASIS_POINT != 0
    {
        let message = format!("{bps} has more than 4 decimals; a basis point is exact with at most 4 of them");
        report.error(node, message, "");
    }
    hosts(scope, report);
    for (keys, min, max) in LIVE_SPANS {
        super::swarm::span(scope, &["venue", keys[0], keys[1]], Span(min), Span(max), report);
    }
    super::swarm::span(scope, &["venue", "funding_interval"], Span(60_000), Span(7 * 86_400_000), report);
}

/// Both or neither; whether they can be used is found out when they are.
fn hosts(scope: &Scope<'_>, report: &mut Report) {
    for (key, other) in [("rest_url", "stream_url"), ("stream_url", "rest_url")] {
        if let Some(entry) = scope.entry(&["venue", key])
            && scope.entry(&["venue", other]).is_none()
        {
            let help = format!("write both, such as http://127.0.0.1:9090 and ws://127.0.0.1:9090, or remove `{key}`");
            report.error_at_key(entry, format!("`{key}` needs `{other}` beside it"), help);
        }
    }
}

fn filters(scope: &Scope<'_>, report: &mut Report) {
    let Some(overrides) = scope.swarm.venue.as_ref().and_then(|venue| venue.instruments.as_ref()) else { return };
    let symbols = scope.symbols();
    for (symbol, written) in &overrides.0 {
        let steps = ["venue", "instruments", symbol.0.as_str()];
        let Some(entry) = scope.entry(&steps) else { continue };
        if !symbols.contains(&symbol.0.as_str()) {
            let help = suggestion(&symbol.0, symbols.iter().copied());
            report.error_at_key(entry, format!("`{}` is not among market.symbols", symbol.0), help);
        }
        quantities(scope, &steps, &symbol.0, written, report);
        table(scope, &steps, written, report);
    }
}

/// The quantities of a contract as they come out must fit together.
fn quantities(scope: &Scope<'_>, steps: &[&str; 3], symbol: &str, written: &Filters, report: &mut Report) {
    let contract = instruments::overridden(symbol, written);
    let mut fault = |key: &str, message: String, help: String| {
        let [a, b, c] = *steps;
        if let Some(node) = scope.node(&[a, b, c, key]).or_else(|| scope.node(steps)) {
            report.error(node, message, help);
        }
    };
    let step = contract.step;
    for (key, qty) in
        [("min_qty", contract.min_qty), ("max_qty", contract.max_qty), ("max_market_qty", contract.max_market_qty)]
    {
        if qty.snap(step, Round::Down) != qty {
            fault(key, format!("{key} {qty} is not a multiple of the step {step}"), format!("set `{key}` with `step`"));
        }
    }
    if contract.min_qty > contract.max_market_qty || contract.max_market_qty > contract.max_qty {
        let (min, market, max) = (contract.min_qty, contract.max_market_qty, contract.max_qty);
        let message = format!("min_qty {min}, max_market_qty {market} and max_qty {max} do not ascend");
        fault("max_market_qty", message, "set those that were changed together".to_owned());
    }
    if contract.tick == Price::ZERO || step == Qty::ZERO {
        fault("tick", "tick and step must be positive".to_owned(), String::new());
    }
}

/// The leverage table must ascend in notional and in margin.
fn table(scope: &Scope<'_>, steps: &[&str; 3], written: &Filters, report: &mut Report) {
    let Some(rows) = &written.brackets else { return };
    let (mut cap, mut leverage, mut rate) = (Usd::ZERO, u32::MAX, Rate::ZERO);
    for (i, row) in rows.iter().enumerate() {
        let (Some(next_cap), Some(next_leverage), Some(next_rate)) =
            (row.notional_cap, row.max_leverage, row.maintenance_rate)
        else {
            return;
        };
        let mut fault = |key: &str, message: String| {
            let [a, b, c] = *steps;
            if let Some(node) = scope.node(&[a, b, c, "brackets", &i.to_string(), key]) {
                report.error(node, message, "rows ascend: more notional, less leverage, more maintenance margin");
            }
        };
        if next_cap <= cap {
            fault("notional_cap", format!("{next_cap} is not above {cap}, the row before"));
        }
        if next_leverage >= leverage {
            fault("max_leverage", format!("{next_leverage} is not below {leverage}, the row before"));
        }
        if next_rate <= rate {
            fault("maintenance_rate", format!("{next_rate} is not above {rate}, the row before"));
        }
        let initial = Rate::ONE.over(Rate::whole(i64::from(next_leverage.max(1))), Round::Down);
        if next_rate >= initial {
            let message =
                format!("{next_rate} is not below {initial}, the margin a position at {next_leverage}x opens with");
            fault("maintenance_rate", message);
        }
        (cap, leverage, rate) = (next_cap, next_leverage, next_rate);
    }
}
