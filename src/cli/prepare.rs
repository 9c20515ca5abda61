//! What several commands need before they can start: the swarm file, its rules, dates, exit codes.

use super::console::Failure;
use crate::config::{self, Loaded, Setting};
use crate::market::MarketError;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;
use swarm_agents::registry::RuleFactory;
use swarm_core::engine::{Crew, MakeRule};
use swarm_core::features::{FeatureSpec, Hub, Wants};
use swarm_core::model::{AgentId, AgentPlan, Interval, Plan, SymbolId, Time};
use swarm_core::rule::{Build, Rule};

/// Whether stderr shows colours.
fn colour() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Loads a swarm file; every fault in it is in the failure's text.
pub fn load(path: &Path) -> Result<Loaded, Failure> {
    load_with(path, &[])
}

/// Likewise, with settings laid over the file.
pub fn load_with(path: &Path, settings: &[Setting]) -> Result<Loaded, Failure> {
    match config::load_with(path, settings) {
        Ok(loaded) => {
            if !loaded.warnings.is_empty() {
                eprint!("{}", config::render(&loaded.report(), colour()));
            }
            Ok(loaded)
        }
        Err(report) => Err(tell(&report)),
    }
}

/// Tells the faults of a swarm file; the failure's details are what `swarm check --json` prints of them.
pub fn tell(report: &config::Report) -> Failure {
    eprint!("{}", config::render(report, colour()));
    let first =
        report.errors.first().map(|error| format!("{}:{}:{}: {}", error.file, error.line, error.column, error.message));
    let message = first.unwrap_or_else(|| "the swarm file is not sound".to_owned());
    Failure::input(message).in_words().with_details(report.to_json())
}

/// A market that could not be opened; where the swarm file asked for what is not there, its place comes first.
pub fn market_failure(file: &Path, loaded: &Loaded, error: &MarketError) -> Failure {
    let named = error.symbol.as_ref();
    let placed = named.and_then(|symbol| {
        let what = MarketError { help: String::new(), ..error.clone() };
        config::locate::symbol(file, &loaded.sources, symbol, &what.to_string(), &error.help)
    });
    Failure::input(placed.map_or_else(|| error.to_string(), |placed| placed.to_string()))
}

/// Warns of symbols with fewer candles than their features need: by symbol `candles` of the base interval.
pub fn cold(plan: &Arc<Plan>, hub: &Hub, candles: &[usize]) -> Vec<String> {
    let is_short = |symbol: usize| candles[symbol] < hub.warm_up_candles(SymbolId::at(symbol));
    let short: Vec<usize> = (0..candles.len()).filter(|symbol| is_short(*symbol)).collect();
    if short.is_empty() {
        return Vec::new();
    }
    // The engine has built this already, so it can be built.
    let Ok(crew) = Crew::build(plan, &rules(plan)) else { return Vec::new() };
    let warning = |symbol: usize| {
        let needed = hub.warm_up_candles(SymbolId::at(symbol));
        let there = candles[symbol];
        format!(
            "{}: {there} candles of {base} are there, {} fewer than the {needed} that all its features need ({}); \
             until they are warm its agents HOLD: begin earlier or end later",
            plan.instruments[symbol].symbol,
            needed - there,
            missing(plan, crew.wants[symbol].specs(), there),
            base = plan.base,
        )
    };
    short.into_iter().map(warning).collect()
}

/// For each interval with too few candles, how many are missing of it.
fn missing(plan: &Plan, specs: &[FeatureSpec], there: usize) -> String {
    let mut by_interval: BTreeMap<Interval, usize> = BTreeMap::new();
    for spec in specs {
        let mut alone = Wants::default();
        alone.want(spec.interval, spec.feature.clone());
        // Each is part of a hub that stands.
        let Ok(hub) = Hub::new(plan.base, plan.gaps, &[alone]) else { continue };
        let longest = by_interval.entry(spec.interval).or_default();
        *longest = (*longest).max(hub.warm_up_candles(SymbolId(0)));
    }
    let short = by_interval.into_iter().filter(|(_, needed)| *needed > there);
    let text = short.map(|(interval, needed)| {
        let ratio = usize::try_from(interval.ms() / plan.base.ms()).unwrap_or(1).max(1);
        format!("{} candles of {interval} missing", (needed - there).div_ceil(ratio))
    });
    text.collect::<Vec<_>>().join(", ")
}

/// Makes the rules of a plan from the registry of `swarm-agents`. Agents declared together share what
/// their parameters were prepared into.
pub struct Rules {
    plan: Arc<Plan>,
    /// By agent.
    factories: Vec<Prepared>,
}

/// What makes the rules of one set of parameters, or what is wrong with them.
type Prepared = Result<Arc<dyn RuleFactory>, String>;

/// The rules of a plan.
pub fn rules(plan: &Arc<Plan>) -> Rules {
    let mut prepared: BTreeMap<(&str, *const serde_json::Value), Prepared> = BTreeMap::new();
    let factory = |agent: &AgentPlan| match swarm_agents::registry::find(&agent.rule) {
        Some(spec) => (spec.prepare)(&agent.params).map_err(|error| error.to_string()),
        None => Err(format!("its rule `{}` is not in the registry", agent.rule)),
    };
    let factories = plan.agents.iter().map(|agent| {
        let shared = (agent.rule.as_str(), Arc::as_ptr(&agent.params));
        prepared.entry(shared).or_insert_with(|| factory(agent)).clone()
    });
    Rules { factories: factories.collect(), plan: Arc::clone(plan) }
}

impl MakeRule for Rules {
    fn make(&self, agent: AgentId, wants: &mut Wants) -> Result<Box<dyn Rule>, String> {
        let mut build = Build { wants, base: self.plan.base, intervals: &self.plan.intervals };
        let factory = self.factories[agent.index()].as_ref().map_err(String::clone)?;
        factory.build(&mut build).map_err(|error| error.to_string())
    }
}

/// A date or an instant in UTC: `2024-01-01`, `2024-01-01T12:00`, `2024-01-01T12:00:00Z`, or milliseconds.
pub fn parse_date(text: &str) -> Result<Time, String> {
    if let Ok(ms) = text.parse::<i64>() {
        return Ok(Time(ms));
    }
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Ok(Time(instant.as_millisecond()));
    }
    let utc = text.strip_suffix('Z').unwrap_or(text);
    utc.parse::<jiff::civil::DateTime>()
        .or_else(|_| utc.parse::<jiff::civil::Date>().map(|date| date.to_datetime(jiff::civil::Time::midnight())))
        .ok()
        .and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok())
        .map(|zoned| Time(zoned.timestamp().as_millisecond()))
        .ok_or_else(|| format!("`{text}` is not a date: expected 2024-01-01 or 2024-01-01T12:00:00Z (UTC)"))
}

/// A length of wall time: `90s`, `10m`, `2h`, `500ms`.
pub fn parse_duration(text: &str) -> Result<std::time::Duration, String> {
    let bad =
        || format!("`{text}` is not a duration: expected a number above 0 and ms, s, m, h or d, such as 90s or 10m");
    let split = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').ok_or_else(bad)?;
    let (number, unit) = text.split_at(split);
    let seconds = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return Err(bad()),
    };
    let number: f64 = number.parse().map_err(|_| bad())?;
    std::time::Duration::try_from_secs_f64(number * seconds).ok().filter(|length| !length.is_zero()).ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_utc() {
        for (text, ms) in [
            ("2024-01-01", 1_704_067_200_000),
            ("2024-01-01T00:00", 1_704_067_200_000),
            ("2024-01-01T00:00:00Z", 1_704_067_200_000),
            ("2024-01-01T01:00:00+01:00", 1_704_067_200_000),
            ("1704067200000", 1_704_067_200_000),
        ] {
            assert_eq!(parse_date(text), Ok(Time(ms)), "{text}");
        }
        for text in ["", "yesterday", "2024-13-01", "2024-01-01X"] {
            assert!(parse_date(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(parse_duration("90s").unwrap().as_secs(), 90);
        assert_eq!(parse_duration("1.5m").unwrap().as_secs(), 90);
        assert_eq!(parse_duration("500ms").unwrap().as_millis(), 500);
        for text in ["", "90", "s", "-5s", "0s", "5 s", "1e9d", "5y"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
