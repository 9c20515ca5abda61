//! Checks of what anybody may ask: whether the venue is there, its clock, its contracts and limits. Pure.

use super::checks::{Finding, Level, gathered, of};
use super::facts::MarketFacts;
use crate::aster::wire::{ExchangeInfo, RateLimitInterval, RateLimitType, SymbolInfo, SymbolStatus};
use swarm_core::model::{Instrument, Plan};

/// Difference of the clocks from which an operator should know, in microseconds.
const CLOCK_WARN_US: u64 = 1_000_000;
/// Difference at which signatures are about to be refused: a nonce may be ten seconds off.
const CLOCK_FAIL_US: u64 = 8_000_000;

pub(super) fn examine(plan: &Plan, facts: &MarketFacts) -> Vec<Finding> {
    let mut findings = vec![reachable(facts)];
    if facts.clock_us.is_ok() {
        findings.push(of("clock", &facts.clock_us, |offset| clock(*offset)));
        findings.push(of("contracts", &facts.info, |info| contracts(plan, info)));
        findings.push(of("filters", &facts.info, |info| filters(plan, info)));
        findings.push(of("rate limits", &facts.info, rate_limits));
    }
    findings
}

fn reachable(facts: &MarketFacts) -> Finding {
    match &facts.clock_us {
        Ok(_) => Finding::new("venue", Level::Ok, format!("{} answers", facts.host), ""),
        Err(why) => {
            let todo = "check the network, `venue.rest_url` and whether the venue is in maintenance";
            Finding::new("venue", Level::Fail, format!("{} does not answer: {why}", facts.host), todo)
        }
    }
}

fn clock(offset_us: i64) -> Finding {
    let seen = format!("the venue's clock is {} ms from this machine's", offset_us / 1_000);
    let set = "let a time service set this machine's clock; signatures are corrected by the difference";
    match offset_us.unsigned_abs() {
        CLOCK_FAIL_US.. => Finding::new("clock", Level::Fail, seen, set),
        CLOCK_WARN_US.. => Finding::new("clock", Level::Warn, seen, set),
        _ => Finding::new("clock", Level::Ok, seen, ""),
    }
}

fn row<'a>(info: &'a ExchangeInfo, symbol: &str) -> Option<&'a SymbolInfo> {
    info.symbols.rows.iter().find(|row| row.symbol == symbol)
}

fn contracts(plan: &Plan, info: &ExchangeInfo) -> Finding {
    let fault = |known: &Instrument| match row(info, &known.symbol) {
        None => match info.symbols.unread.iter().find(|(symbol, _)| *symbol == known.symbol) {
            Some((symbol, why)) => Some(format!("{symbol} cannot be read: {why}")),
            None => Some(format!("{} is not listed", known.symbol)),
        },
        Some(row) if row.status != SymbolStatus::Trading => {
            Some(format!("{} does not trade: its status is {}", known.symbol, row.status.as_str()))
        }
        Some(row) => row.instrument_with(known.brackets.clone()).err().map(|error| error.to_string()),
    };
    let faults: Vec<String> = plan.instruments.iter().filter_map(fault).collect();
    let good = format!("all {} trade", plan.instruments.len());
    gathered("contracts", Level::Fail, &faults, good, "take them out of `market.symbols`")
}

/// Where the file's contracts differ from the venue's, which count.
fn filters(plan: &Plan, info: &ExchangeInfo) -> Finding {
    let mut differences = Vec::new();
    for known in &plan.instruments {
        let venue = row(info, &known.symbol).and_then(|row| row.instrument_with(known.brackets.clone()).ok());
        let Some(venue) = venue else { continue };
        let own = crate::market::live::differences(known, &venue);
        differences.extend(own.into_iter().map(|what| format!("{} {what}", known.symbol)));
    }
    let todo = "a live market uses the venue's; write them under `venue.instruments` for backtests that agree";
    gathered("filters", Level::Warn, &differences, "the file's are the venue's".to_owned(), todo)
}

/// The venue's request weight a minute.
pub(super) fn weight_limit(info: &ExchangeInfo) -> Option<u32> {
    let of_a_minute = info.rate_limits.iter().find(|limit| {
        limit.rate_limit_type == RateLimitType::RequestWeight
            && limit.interval == RateLimitInterval::Minute
            && limit.interval_num == 1
    });
    of_a_minute.map(|limit| limit.limit)
}

fn rate_limits(info: &ExchangeInfo) -> Finding {
    match weight_limit(info) {
        Some(limit) => Finding::new("rate limits", Level::Ok, format!("{limit} weight a minute"), ""),
        None => {
            let seen = "the venue names no limit of request weight a minute";
            Finding::new("rate limits", Level::Warn, seen, "those known when this was written are kept to")
        }
    }
}
