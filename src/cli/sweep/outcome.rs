//! What a sweep came to: all sets ranked by a figure, as a table, CSV and JSON, and how good the best of so many
//! would be by luck. It runs nothing.

use super::super::console::Failure;
use super::super::summary::{align, percent, ratio};
use super::axes::{self, Axis, Set};
use super::left_out::LeftOut;
use serde::Serialize;
use std::fmt::Write as _;
use std::path::Path;
use swarm_core::experiment::{LEAST_DAILY_RETURNS, Metrics, Report};

/// A figure to rank by; more is better, save for drawdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Figure {
    /// Annualised Sharpe ratio of daily returns.
    Sharpe,
    /// Annualised Sortino ratio.
    Sortino,
    /// Annualised return over the largest drawdown.
    Calmar,
    /// Return over the whole time.
    TotalReturn,
    /// Gross profit over gross loss.
    ProfitFactor,
    /// Mean net result of a trade.
    Expectancy,
    /// Share of winning trades.
    WinRate,
    /// Largest drawdown; less is better.
    MaxDrawdown,
}

impl Figure {
    fn of(self, metrics: &Metrics) -> Option<f64> {
        match self {
            Self::Sharpe => metrics.sharpe,
            Self::Sortino => metrics.sortino,
            Self::Calmar => metrics.calmar,
            Self::TotalReturn => metrics.total_return,
            Self::ProfitFactor => metrics.profit_factor,
            Self::Expectancy => metrics.expectancy.map(|usd| usd.to_f64()),
            Self::WinRate => metrics.win_rate,
            Self::MaxDrawdown => metrics.max_drawdown,
        }
    }
    /// Greater is better.
    fn worth(self, metrics: &Metrics) -> Option<f64> {
        self.of(metrics).map(|value| if self == Self::MaxDrawdown { -value } else { value })
    }
}

/// How long it took.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Timing {
    /// Seconds for parameters and candles.
    pub prepare_s: f64,
    /// Seconds for playing.
    pub run_s: f64,
    /// Threads that played.
    pub threads: usize,
}

#[derive(Serialize)]
struct Ranked {
    /// Values by parameter, in the order of the command line.
    set: serde_json::Map<String, serde_json::Value>,
    fingerprint: String,
    /// The figures of the cohort that counts.
    metrics: Metrics,
    #[serde(skip)]
    values: Vec<String>,
}

/// All sets, the best first.
#[derive(Serialize)]
pub struct Outcome {
    schema: u32,
    from: String,
    to: String,
    partial: bool,
    cohort: String,
    by: Figure,
    sets: usize,
    /// Sets that are no swarm; not among `sets`.
    left_out: LeftOut,
    agent_candles: u64,
    /// Sharpe ratio that the best of so many sets would show on average if none had an edge.
    sharpe_of_luck: Option<f64>,
    timing: Timing,
    results: Vec<Ranked>,
    #[serde(skip)]
    names: Vec<String>,
}

impl Outcome {
    /// Ranks the sets; those without the figure come last, by their return, equal ones in the order of the sweep.
    pub fn new(
        axes: &[Axis],
        sets: Vec<Set>,
        reports: Vec<Report>,
        cohort: String,
        by: Figure,
        timing: Timing,
        left_out: LeftOut,
    ) -> Self {
        let (from, to, partial) =
            reports.first().map(|report| (report.from.clone(), report.to.clone(), report.partial)).unwrap_or_default();
        let agent_candles = reports.iter().map(|report| report.timing.agent_candles).sum();
        let names: Vec<String> = axes.iter().map(Axis::name).collect();
        let mut results: Vec<Ranked> =
            sets.into_iter().zip(reports).filter_map(|(set, report)| ranked(&set, report, &cohort)).collect();
        let sharpes: Vec<f64> = results.iter().filter_map(|one| one.metrics.sharpe).collect();
        let sharpe_of_luck = sharpe_of_luck(&sharpes);
        let worth = |one: &Ranked| by.worth(&one.metrics).unwrap_or(f64::NEG_INFINITY);
        let total = |one: &Ranked| one.metrics.total_return.unwrap_or(f64::NEG_INFINITY);
        results.sort_by(|a, b| worth(b).total_cmp(&worth(a)).then(total(b).total_cmp(&total(a))));
        Self {
            schema: 1,
            from,
            to,
            partial,
            cohort,
            by,
            sets: results.len(),
            left_out,
            agent_candles,
            sharpe_of_luck,
            timing,
            results,
            names,
        }
    }

    /// What is to be said where no set has the figure that they are ranked by.
    pub fn warning(&self) -> Option<String> {
        let is_known = self.results.iter().any(|one| self.by.of(&one.metrics).is_some());
        (!is_known).then(|| {
            let name =
                clap::ValueEnum::to_possible_value(&self.by).map_or_else(String::new, |of| of.get_name().to_owned());
            let few = match self.by {
                Figure::Sharpe | Figure::Sortino => {
                    format!(" (it takes {LEAST_DAILY_RETURNS} daily returns, of which two differ)")
                }
                _ => String::new(),
            };
            format!("no set has a known {name}{few}: they are ranked by total_return")
        })
    }

    /// A JSON document, or the best as a table.
    pub fn print(&self, top: usize, json: bool) -> Result<(), Failure> {
        let text = if json { self.json()? } else { self.table(top) };
        crate::cli::console::print(&text)
    }

    /// sweep.json and sweep.csv.
    pub fn write(&self, folder: &Path) -> Result<(), Failure> {
        let write = |name: &str, text: String| {
            let path = folder.join(name);
            let failed = |error| Failure::failed("failed", format!("cannot write {}: {error}", path.display()));
            std::fs::write(&path, text).map_err(failed)
        };
        std::fs::create_dir_all(folder)
            .map_err(|error| Failure::failed("failed", format!("cannot make {}: {error}", folder.display())))?;
        write("sweep.json", self.json()?)?;
        write("sweep.csv", self.csv())
    }

    fn json(&self) -> Result<String, Failure> {
        let text = serde_json::to_string_pretty(self).map_err(|error| Failure::failed("failed", error.to_string()))?;
        Ok(text + "\n")
    }

    fn csv(&self) -> String {
        let mut text = self.names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(",");
        text.push_str(",trades,win_rate,payoff,profit_factor,expectancy,total_return,annual_return,max_drawdown,sharpe,sortino,calmar,fees,funding,fingerprint\n");
        for one in &self.results {
            let metrics = &one.metrics;
            let real = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
            let values = one.values.iter().map(|value| quoted(value)).collect::<Vec<_>>().join(",");
            let _ = writeln!(
                text,
                "{values},{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
                metrics.trades,
                real(metrics.win_rate),
                real(metrics.payoff),
                real(metrics.profit_factor),
                metrics.expectancy.map_or_else(String::new, |usd| usd.to_string()),
                real(metrics.total_return),
                real(metrics.annual_return),
                real(metrics.max_drawdown),
                real(metrics.sharpe),
                real(metrics.sortino),
                real(metrics.calmar),
                metrics.fees,
                metrics.funding,
                one.fingerprint,
            );
        }
        text
    }

    fn table(&self, top: usize) -> String {
        let mut header = vec!["rank".to_owned()];
        header.extend(self.names.iter().cloned());
        header
            .extend(["trades", "win rate", "payoff", "return", "drawdown", "sharpe", "fingerprint"].map(str::to_owned));
        let mut rows = vec![header];
        for (place, one) in self.results.iter().take(top).enumerate() {
            let metrics = &one.metrics;
            let mut row = vec![(place + 1).to_string()];
            row.extend(one.values.iter().cloned());
            row.extend([
                metrics.trades.to_string(),
                percent(metrics.win_rate),
                ratio(metrics.payoff),
                percent(metrics.total_return),
                percent(metrics.max_drawdown),
                ratio(metrics.sharpe),
                one.fingerprint.chars().take(12).collect(),
            ]);
            rows.push(row);
        }
        let mut text = format!(
            "{} to {}{}: {} sets, figures of cohort {}\n\n{}\n",
            self.from,
            self.to,
            if self.partial { " (partial: stopped before the end of the data)" } else { "" },
            self.sets,
            self.cohort,
            align(&rows),
        );
        if self.left_out.sets > 0 {
            let _ = writeln!(text, "{} more sets are no swarm and were left out.", self.left_out.sets);
        }
        if let Some(luck) = self.sharpe_of_luck {
            let _ = writeln!(
                text,
                "The best of {} sets would show a Sharpe ratio of about {luck:.2} if none had any edge: only what is well above it tells something.",
                self.sets,
            );
        }
        let rate = self.agent_candles as f64 / self.timing.run_s.max(1e-9) / 1e6;
        let _ = writeln!(
            text,
            "{:.0} million agent-candles in {:.2} s on {} threads: {rate:.1} million a second",
            self.agent_candles as f64 / 1e6,
            self.timing.run_s,
            self.timing.threads,
        );
        text
    }
}

fn ranked(set: &Set, mut report: Report, cohort: &str) -> Option<Ranked> {
    let metrics = report.cohorts.remove(cohort)?;
    Some(Ranked {
        set: axes::values(set),
        fingerprint: report.fingerprint,
        metrics,
        values: set.iter().map(|one| one.value.clone()).collect(),
    })
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// Expected highest of as many Sharpe ratios as there are, scattered as these are around zero: Bailey and López de Prado,
/// "The Deflated Sharpe Ratio" (2014), eq. 6. Absent for fewer than ten.
fn sharpe_of_luck(sharpes: &[f64]) -> Option<f64> {
    /// Euler's and Mascheroni's.
    const GAMMA: f64 = 0.577_215_664_901_532_9;
    let count = sharpes.len() as f64;
    if sharpes.len() < 10 {
        return None;
    }
    let mean = sharpes.iter().sum::<f64>() / count;
    let variance = sharpes.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let normal = |share: f64| normal_quantile(share);
    let highest = (1.0 - GAMMA) * normal(1.0 - 1.0 / count) + GAMMA * normal(1.0 - 1.0 / (count * std::f64::consts::E));
    Some(variance.sqrt() * highest)
}

/// The standard normal value below which this share lies, by halving on the distribution function.
fn normal_quantile(share: f64) -> f64 {
    let below = |value: f64| 0.5 * libm::erfc(-value / std::f64::consts::SQRT_2);
    let (mut low, mut high) = (-40.0, 40.0);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if below(middle) < share { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_the_normal_distribution() {
        for (share, value) in [(0.5, 0.0), (0.975, 1.959_963_985), (0.999, 3.090_232_306)] {
            assert!((normal_quantile(share) - value).abs() < 1e-8, "{share}");
        }
    }

    #[test]
    fn the_best_of_many_is_lucky() {
        let scattered = |count: i32| (0..count).map(|n| f64::from(n % 5) - 2.0).collect::<Vec<_>>();
        assert_eq!(sharpe_of_luck(&scattered(9)), None);
        let (few, many) = (sharpe_of_luck(&scattered(10)).unwrap(), sharpe_of_luck(&scattered(1000)).unwrap());
        // Sorted normal variates: the expected highest of ten is 1.54, of a thousand 3.24.
        let deviation = 2.0f64.sqrt();
        assert!((few / deviation - 1.54).abs() < 0.12 && (many / deviation - 3.24).abs() < 0.05, "{few} {many}");
    }

    #[test]
    fn cells_with_commas_are_quoted() {
        assert_eq!((quoted("a,b").as_str(), quoted("0.5").as_str()), ("\"a,b\"", "0.5"));
    }
}
