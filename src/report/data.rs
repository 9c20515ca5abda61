//! The trades and decisions that the page shows one at a time, as compact data for its script. Prices of candles
//! are whole numbers of a small unit above the lowest price shown.

use super::chosen::{Chosen, Event, Mark, Note, Why};
use super::collect::Collector;
use super::html::minute;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use swarm_core::model::{AgentId, Candle, IntentKind, Plan, Price, Purpose, Side, SymbolId, Time};

/// Most bars of a trade's picture; longer trades have several candles in a bar.
const BARS_MAX: i64 = 140;
/// Candles shown before the entry and after the exit.
const BEFORE: i64 = 36;
const AFTER: i64 = 16;
/// Steps of price between the lowest and the highest that is shown.
const PRICE_STEPS: f64 = 2_000.0;

/// Everything that can be chosen on the page.
pub(super) fn chosen(collected: &Collector, candles: &[Vec<Candle>]) -> Value {
    let plan = collected.plan();
    let (mut trades, mut decisions) = (Vec::new(), Vec::new());
    for (index, follower) in collected.followers.iter().enumerate() {
        let agent = AgentId::at(index);
        let mut places: BTreeMap<Time, usize> = BTreeMap::new();
        for note in follower.notes() {
            places.insert(note.record.at, decisions.len());
            decisions.push(decision(plan, &note));
        }
        for (chosen, why) in follower.trades() {
            let place = chosen.note.as_ref().and_then(|note| places.get(&note.record.at));
            let symbol = chosen.trade.symbol;
            let series = candles.get(symbol.index()).map_or(&[][..], Vec::as_slice);
            let mut shown = trade(plan, agent, chosen, why, series);
            shown["decision"] = json!(place);
            trades.push(shown);
        }
    }
    let agents: Vec<&str> = plan.agents.iter().take(collected.followers.len()).map(|one| one.name.as_str()).collect();
    json!({ "agents": agents, "trades": trades, "decisions": decisions })
}

const fn direction(side: Side) -> &'static str {
    match side {
        Side::Buy => "long",
        Side::Sell => "short",
    }
}

fn reasons(why: Why) -> Vec<&'static str> {
    let all = [(why.best, "best"), (why.worst, "worst"), (why.latest, "latest")];
    all.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect()
}

fn trade(plan: &Plan, agent: AgentId, chosen: &Chosen, why: Why, series: &[Candle]) -> Value {
    let trade = &chosen.trade;
    json!({
        "agent": agent.index(),
        "symbol": symbol(plan, trade.symbol),
        "side": direction(trade.side),
        "why": reasons(why),
        "number": chosen.number + 1,
        "opened": trade.opened_at.0,
        "closed": trade.closed_at.0,
        "qty": trade.qty.to_string(),
        "entry": trade.entry_price.to_f64(),
        "exit": trade.exit_price.to_f64(),
        "gross": trade.gross.to_f64(),
        "fees": trade.fees.to_f64(),
        "funding": trade.funding.to_f64(),
        "slippage": trade.slippage.to_f64(),
        "net": trade.net.to_f64(),
        "leverage": trade.leverage.to_f64(),
        "reason": trade.exit,
        "marks": chosen.marks.iter().map(mark).collect::<Vec<Value>>(),
        "bars": bars(plan, trade.opened_at, trade.closed_at, series),
    })
}

fn mark(mark: &Mark) -> Value {
    match mark.event {
        Event::Fill { side, qty, price, purpose } => {
            let kind = if purpose == Purpose::Entry { "entry" } else { "exit" };
            json!([mark.at.0, kind, price.to_f64(), side.sign(), qty.to_string()])
        }
        Event::Stop(price) => json!([mark.at.0, "stop", price.to_f64()]),
        Event::Target(price) => json!([mark.at.0, "target", price.to_f64()]),
    }
}

/// The candles around a trade: `from` and `ms` of the first bar, `low` and `unit` of the prices, and for each bar
/// open, high, low and close, or 0 where there is none.
fn bars(plan: &Plan, opened: Time, closed: Time, series: &[Candle]) -> Value {
    let base = plan.base.ms();
    let spare = (BEFORE + AFTER + 2) * base;
    let joined = (closed.since(opened) + spare).div_euclid(BARS_MAX * base) + 1;
    let width = joined * base;
    let from = opened.plus(-BEFORE * width.min(4 * base)).floor(width);
    let to = closed.plus(AFTER * width.min(4 * base));
    let part = series.partition_point(|candle| candle.open_time < from)
        ..series.partition_point(|candle| candle.open_time <= to);
    let part = &series[part];
    let lowest = part.iter().map(|candle| candle.low).min().unwrap_or(Price::ZERO).to_f64();
    let highest = part.iter().map(|candle| candle.high).max().unwrap_or(Price::ONE).to_f64();
    let unit = ((highest - lowest) / PRICE_STEPS).max(1e-8);
    let steps = |price: Price| ((price.to_f64() - lowest) / unit).round() as i64;
    let mut rows: Vec<Value> = Vec::new();
    for group in part.chunk_by(|one, other| one.open_time.floor(width) == other.open_time.floor(width)) {
        let place = group[0].open_time.floor(width).since(from) / width;
        while (rows.len() as i64) < place {
            rows.push(json!(0));
        }
        let high = group.iter().map(|candle| candle.high).max().unwrap_or_default();
        let low = group.iter().map(|candle| candle.low).min().unwrap_or_default();
        rows.push(json!([steps(group[0].open), steps(high), steps(low), steps(group[group.len() - 1].close)]));
    }
    json!({ "from": from.0, "ms": width, "candles": joined, "low": lowest, "unit": unit, "rows": rows })
}

fn symbol(plan: &Plan, symbol: SymbolId) -> &str {
    &plan.instrument(symbol).symbol
}

/// Nine digits: short enough for a page, precise enough for any price.
fn short(value: f64) -> Value {
    format!("{value:.8e}").parse::<f64>().map_or(Value::Null, |value| json!(value))
}

fn decision(plan: &Plan, note: &Note) -> Value {
    let (record, why) = (&note.record, &note.record.explanation);
    let features: Vec<Value> = why
        .features
        .iter()
        .map(|line| {
            json!([
                line.name,
                line.value.map(short),
                line.normalized.map(short),
                short(line.weight),
                short(line.contribution)
            ])
        })
        .collect();
    let is_entry = matches!(record.decision.proposal.as_deref(), Some(IntentKind::Open(_) | IntentKind::Reverse(_)));
    json!({
        "agent": record.agent.index(),
        "symbol": symbol(plan, record.symbol),
        "at": record.at.0,
        "when": minute(record.at),
        "action": record.decision.action.label(),
        "entry": is_entry,
        "confidence": short(record.decision.confidence),
        "T": short(record.decision.target_score),
        "S": why.score.map(short),
        "R": why.regime,
        "V": why.stability.map(short),
        "volatility": why.volatility.map(short),
        "leverage": why.leverage.map(short),
        "notional": why.notional_usdt.map(short),
        "stop": why.stop_price.map(short),
        "targets": why.target_prices.iter().map(|price| short(*price)).collect::<Vec<Value>>(),
        "funding": why.expected_funding.map(short),
        "slippage": why.expected_slippage.map(short),
        "branch": why.branch,
        "reason": why.reason,
        "verdict": note.verdict,
        "features": features,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bars of a trade over candles 100..=`last` of a market without the candles 50..60.
    fn check(last: i64) -> (Vec<Candle>, Value) {
        let plan = crate::api::testing::plan();
        let base = plan.base.ms();
        let candle = |place: i64| Candle {
            open_time: Time(place * base),
            open: Price::whole(1_000 + place),
            high: Price::whole(1_010 + place),
            low: Price::whole(990 + place),
            close: Price::whole(1_001 + place),
            volume: 1.0,
        };
        let series: Vec<Candle> = (0..10_000).filter(|place| !(50..75).contains(place)).map(candle).collect();
        let bars = bars(&plan, Time(100 * base + 1), Time(last * base + 1), &series);
        (series, bars)
    }

    #[test]
    fn a_short_trade_is_shown_candle_by_candle_with_its_holes() {
        let (series, bars) = check(110);
        assert_eq!(
            (bars["candles"].clone(), bars["from"].clone()),
            (json!(1), json!(64 * bars["ms"].as_i64().unwrap()))
        );
        let rows = bars["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 36 + 11 + 16);
        assert!(rows[..11].iter().all(|row| *row == json!(0)), "candles 64 to 74 are missing");
        let price = |row: usize, column: usize| {
            bars["low"].as_f64().unwrap() + rows[row][column].as_f64().unwrap() * bars["unit"].as_f64().unwrap()
        };
        for (row, place) in [(11, 75), (36, 100), (62, 126)] {
            let candle = series.iter().find(|candle| candle.open_time.0 == place * 300_000).unwrap();
            for (column, expected) in [candle.open, candle.high, candle.low, candle.close].into_iter().enumerate() {
                assert!((price(row, column) - expected.to_f64()).abs() < 0.05, "candle {place}, column {column}");
            }
        }
    }

    #[test]
    fn a_long_trade_has_several_candles_in_a_bar() {
        let (_, bars) = check(5_000);
        let rows = bars["rows"].as_array().unwrap();
        assert!(rows.len() <= BARS_MAX as usize + 16 && rows.len() > 100, "{}", rows.len());
        assert!(bars["candles"].as_i64().unwrap() > 30);
    }
}
