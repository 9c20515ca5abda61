//! What must be known before the first live step: contracts with the venue's filters, and candles of the past.

use super::{MarketClock, PAGE, closed, klines};
use crate::aster::errors::Class;
use crate::aster::rest::{NotSent, Outcome, Rest};
use crate::aster::wire::{Call, KlineInterval, MarketQuery, SymbolBrackets, SymbolStatus, calls};
use futures_util::future::try_join_all;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::time::Duration;
use swarm_core::model::{Candle, DAY_MS, FundingDue, Instrument, Interval, MINUTE_MS, Rate, Step, SymbolId, Time};

/// Attempts at one question before a start is given up.
const ATTEMPTS: u32 = 3;
/// Wait before the second attempt; doubled before the third.
const WAIT: Duration = Duration::from_millis(500);
/// Longest wait for rate limits in a start.
const PATIENCE_MS: i64 = 90_000;
/// A candle that ended less than this ago is left to the streams.
const JUST_ENDED_MS: i64 = 3_000;

/// Why there is no live market.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LiveError {
    /// Nothing answers there.
    #[error("{host} cannot be reached ({why}); check the network and `venue.rest_url`, or run on another --market")]
    Unreachable {
        /// Host of the REST API.
        host: String,
        /// What failed.
        why: String,
    },
    /// Something answers, but not as it should.
    #[error("{host} does not answer `{call}` as expected ({why}); try again later, or run on another --market")]
    NoAnswer {
        /// Host of the REST API.
        host: String,
        /// What was asked.
        call: &'static str,
        /// What came.
        why: String,
    },
    /// Contracts that cannot be traded there.
    #[error("{host} does not trade {what}; take them out of `market.symbols`")]
    Contracts {
        /// Host of the REST API.
        host: String,
        /// Symbols, each with the reason.
        what: String,
    },
    /// The venue has no such candles.
    #[error("{0}")]
    Interval(String),
}

/// Asks until there is an answer, a few times; waits where rate limits say so. `call` is a question: asking twice
/// changes nothing.
async fn ask<P: Serialize, A: DeserializeOwned>(
    rest: &Rest,
    name: &'static str,
    call: &Call<P, A>,
) -> Result<A, LiveError> {
    let host = || rest.environment().host().to_owned();
    let (mut failures, mut waited_ms) = (0, 0);
    loop {
        let why = match rest.send(call).await {
            Outcome::Answered(answer) => return Ok(answer),
            Outcome::NotSent(NotSent::Unreachable(why)) => {
                failures += 1;
                if failures == ATTEMPTS {
                    return Err(LiveError::Unreachable { host: host(), why });
                }
                why
            }
            Outcome::NotSent(NotSent::Limited { .. }) if waited_ms < PATIENCE_MS => {
                waited_ms += 1_000;
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
            Outcome::Refused(refusal) if refusal.class != Class::Retry => {
                return Err(LiveError::NoAnswer { host: host(), call: name, why: refusal.to_string() });
            }
            Outcome::Refused(refusal) => refusal.to_string(),
            Outcome::Unanswered(cause) | Outcome::Unknown(cause) => cause.to_string(),
            Outcome::NotSent(not_sent) => not_sent.to_string(),
            Outcome::AlreadySo => "it said that nothing was to be done".to_owned(),
        };
        failures = failures.max(1);
        if failures >= ATTEMPTS {
            return Err(LiveError::NoAnswer { host: host(), call: name, why });
        }
        tokio::time::sleep(WAIT * failures).await;
        failures += 1;
    }
}

/// The contracts of a plan as the venue has them now; the limits that it declares with them hold from here on. Leverage tables need a key: without one those of `known` stay,
/// and the second value is `false`.
///
/// # Errors
/// Fails when the venue cannot be asked, and on symbols that it does not trade.
pub async fn contracts(rest: &Rest, known: &[Instrument]) -> Result<(Vec<Instrument>, bool), LiveError> {
    let info = ask(rest, "exchangeInfo", &calls::exchange_info()).await?;
    rest.adopt_limits(&info.rate_limits);
    let tables = match rest.send(&calls::leverage_bracket(None)).await {
        Outcome::NotSent(NotSent::NoCredentials) => None,
        Outcome::Answered(tables) => Some(tables),
        _ => Some(ask(rest, "leverageBracket", &calls::leverage_bracket(None)).await?),
    };
    let mut faults = Vec::new();
    let mut instruments = Vec::with_capacity(known.len());
    for known in known {
        let row = info.symbols.rows.iter().find(|row| row.symbol == known.symbol);
        let unread = info.symbols.unread.iter().find(|(symbol, _)| *symbol == known.symbol);
        match (row, unread) {
            (Some(row), _) if row.status != SymbolStatus::Trading => {
                faults.push(format!("{} (its status is {})", known.symbol, row.status.as_str()));
            }
            (Some(row), _) => {
                let table = tables.as_ref().map(|tables| find(&tables.0, &known.symbol));
                let instrument = match table {
                    Some(table) => row.instrument(table),
                    None => row.instrument_with(known.brackets.clone()),
                };
                match instrument {
                    Ok(instrument) => instruments.push(instrument),
                    Err(error) => faults.push(error.to_string()),
                }
            }
            (None, Some((symbol, why))) => faults.push(format!("{symbol} (its row cannot be read: {why})")),
            (None, None) => faults.push(format!("{} (it is not listed)", known.symbol)),
        }
    }
    if faults.is_empty() {
        Ok((instruments, tables.is_some()))
    } else {
        Err(LiveError::Contracts { host: rest.environment().host().to_owned(), what: faults.join(", ") })
    }
}

fn find<'a>(tables: &'a [SymbolBrackets], symbol: &str) -> &'a [crate::aster::wire::Bracket] {
    tables.iter().find(|table| table.symbol == symbol).map_or(&[], |table| &table.brackets)
}

/// The market's time at the venue, by the newest mark price, and the funding rates that are expected next.
///
/// # Errors
/// Fails when the venue cannot be asked.
pub async fn market_time(rest: &Rest, symbols: &[String]) -> Result<(Time, Vec<Option<Rate>>), LiveError> {
    let rows = ask(rest, "premiumIndex", &calls::premium_index(None)).await?.rows;
    let rate = |symbol: &String| rows.iter().find(|row| row.symbol == *symbol).map(|row| row.last_funding_rate);
    match rows.iter().map(|row| row.time).max() {
        Some(at) => Ok((at, symbols.iter().map(rate).collect())),
        None => Err(LiveError::NoAnswer {
            host: rest.environment().host().to_owned(),
            call: "premiumIndex",
            why: "there are no prices".to_owned(),
        }),
    }
}

/// Candles of the past, as steps.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Ascending; those after `warm_up` have not been traded on.
    pub steps: Vec<Step>,
    /// Steps at the beginning that only warm the feed.
    pub warm_up: u64,
    /// Close time of the last candle that may be here: the live steps follow it.
    pub last: Time,
}

/// Candles up to now: `warm_up` steps before what is to be traded on, which is everything after `traded_until`.
///
/// # Errors
/// Fails when the venue cannot be asked, or has no candles of this length.
pub async fn history(
    rest: &Rest,
    symbols: &[String],
    base: Interval,
    clock: &MarketClock,
    warm_up: u64,
    traded_until: Option<Time>,
) -> Result<History, LiveError> {
    let interval = KlineInterval::try_from(base).map_err(|error| LiveError::Interval(error.to_string()))?;
    if base.ms() > DAY_MS {
        let text = format!("candles of {base} do not begin at fixed times of the day; the shortest may be 1d at most");
        return Err(LiveError::Interval(text));
    }
    let (market, rates) = market_time(rest, symbols).await?;
    clock.saw(market);
    let settled = market.plus(-JUST_ENDED_MS).floor(base.ms());
    // What has been traded on was over already.
    let last = traded_until.map_or(settled, |at| at.max(settled).min(market.floor(base.ms())));
    let traded_until = traded_until.map_or(last, |at| at.min(last));
    let reach = i64::try_from(warm_up).unwrap_or(i64::MAX / DAY_MS).saturating_mul(base.ms());
    let from = Time(traded_until.0.saturating_sub(reach).max(0));
    let series = symbols.iter().map(|symbol| candles(rest, symbol, &interval, base, (from, last)));
    let series = try_join_all(series).await?;
    let mut steps: BTreeMap<Time, Step> = BTreeMap::new();
    for (index, candles) in series.into_iter().enumerate() {
        for candle in candles {
            let close_time = candle.close_time(base);
            let empty = || Step { close_time, candles: vec![None; symbols.len()], funding: Vec::new() };
            steps.entry(close_time).or_insert_with(empty).candles[index] = Some(candle);
        }
    }
    for due in funding(rest, symbols, traded_until, last).await? {
        let close = due.at.floor(base.ms()).plus(base.ms());
        if let Some(step) = steps.get_mut(&close).filter(|step| step.close_time > traded_until) {
            step.funding.push(due);
        }
    }
    // What is expected next is known to agents from their first decision on; nothing is paid in a warm-up.
    if let Some((_, step)) = steps.range_mut(..=traded_until).next_back() {
        let at = step.close_time.plus(-base.ms());
        let expected = rates.into_iter().enumerate().filter_map(|(index, rate)| Some((SymbolId::at(index), rate?)));
        step.funding = expected.map(|(symbol, rate)| FundingDue { symbol, at, rate }).collect();
    }
    let warm_up = steps.range(..=traded_until).count() as u64;
    Ok(History { steps: steps.into_values().collect(), warm_up, last })
}

/// Closed candles of a symbol that begin in `[from, until)`.
async fn candles(
    rest: &Rest,
    symbol: &str,
    interval: &KlineInterval,
    base: Interval,
    (mut from, until): (Time, Time),
) -> Result<Vec<Candle>, LiveError> {
    let mut candles = Vec::new();
    while from < until {
        let rows = ask(rest, "klines", &calls::klines(klines(symbol, interval, from, Some(until), PAGE))).await?;
        // All of them are over: the market is past `until`.
        let page = closed(&rows, base, Time(i64::MAX)).map(|row| row.candle());
        let page: Vec<Candle> = page.filter(|candle| candle.open_time >= from && candle.open_time < until).collect();
        let Some(last) = page.last().map(|candle| candle.open_time) else { break };
        from = last.plus(base.ms());
        candles.extend(page.into_iter().filter(|candle| candle.fault().is_none()));
    }
    Ok(candles)
}

/// Payments after `from` and before `until`, in order of time and symbol.
async fn funding(rest: &Rest, symbols: &[String], from: Time, until: Time) -> Result<Vec<FundingDue>, LiveError> {
    if from >= until {
        return Ok(Vec::new());
    }
    let asked = symbols.iter().map(|symbol| {
        let call = calls::funding_rate(payments(Some(symbol), from, until.plus(-1)));
        async move { ask(rest, "fundingRate", &call).await }
    });
    let mut due: Vec<FundingDue> = Vec::new();
    for (index, rows) in try_join_all(asked).await?.into_iter().enumerate() {
        let of = |at: Time, rate| FundingDue { symbol: SymbolId::at(index), at: at.floor(MINUTE_MS), rate };
        due.extend(rows.into_iter().map(|row| of(row.funding_time, row.funding_rate)));
    }
    due.sort_by_key(|due| (due.at, due.symbol));
    Ok(due)
}

/// The question for funding payments of one symbol or all.
pub(super) fn payments(symbol: Option<&String>, from: Time, to: Time) -> MarketQuery {
    MarketQuery {
        symbol: symbol.cloned(),
        start_time: Some(from),
        end_time: Some(to),
        limit: Some(1_000),
        ..MarketQuery::default()
    }
}
