//! The figures of `strategy.md`, "Figures every report carries", from closed trades and daily equity.
//! What a sample cannot support is absent, never 0.

use crate::model::Usd;
use serde::{Deserialize, Serialize};

/// Days a year: these markets do not close.
const DAYS_A_YEAR: f64 = 365.0;

/// Fewest daily returns that a Sharpe or Sortino ratio is told of, a week's. The standard error of an annualised Sharpe
/// ratio is about the root of 365 over their number (Lo, "The Statistics of Sharpe Ratios", 2002): 13.5 with two of them,
/// 7.2 with a week's, 3.5 with a month's. Below that the number says nothing at all.
pub const LEAST_DAILY_RETURNS: usize = 7;

/// What the figures of one agent or cohort are computed from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// Net result of each closed trade in USDT, in order of closing.
    pub trade_results: Vec<Usd>,
    /// Equity at the start, then at each 00:00 UTC, then at the end, in USDT.
    pub daily_equity: Vec<f64>,
    /// Length of the run in days.
    pub days: f64,
    /// Largest fall from a peak at candle closes, as a share of the peak.
    pub max_drawdown: f64,
    /// Leverage of each entry: notional over the portfolio's equity.
    pub entry_leverage: Vec<f64>,
    /// Share of agent-steps with a position.
    pub exposure: Option<f64>,
    /// Confidence of each approved entry, 0 to 100.
    pub entry_confidence: Vec<f64>,
    /// Paid, in USDT.
    pub fees: Usd,
    /// Received less paid, in USDT.
    pub funding: Usd,
    /// Lost to spread and impact; already in the trades' results, in USDT.
    pub slippage: Usd,
    /// Decisions, HOLD included.
    pub decisions: u64,
    /// Intents put before the supervisor.
    pub intents: u64,
    /// Of which refused.
    pub rejections: u64,
}

/// METRICS of the report. Ratios are fractions; money is a decimal string in USDT.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Closed trades.
    pub trades: u64,
    /// Share of trades with a net profit.
    pub win_rate: Option<f64>,
    /// Mean net profit of the winners.
    pub avg_win: Option<Usd>,
    /// Mean net loss of the losers, negative.
    pub avg_loss: Option<Usd>,
    /// `avg_win / -avg_loss`.
    pub payoff: Option<f64>,
    /// Sum of profits over sum of losses.
    pub profit_factor: Option<f64>,
    /// Mean net result of a trade.
    pub expectancy: Option<Usd>,
    /// Largest fall from a peak at candle closes.
    pub max_drawdown: Option<f64>,
    /// Mean over standard deviation of daily returns, times the root of 365; no risk-free rate. Absent below
    /// [`LEAST_DAILY_RETURNS`].
    pub sharpe: Option<f64>,
    /// As Sharpe, with the root mean square of negative daily returns below.
    pub sortino: Option<f64>,
    /// Annualised return over maximum drawdown.
    pub calmar: Option<f64>,
    /// `(1 + total_return) ^ (365 / days) - 1`.
    pub annual_return: Option<f64>,
    /// End over start, less 1.
    pub total_return: Option<f64>,
    /// Closed trades over days.
    pub trades_per_day: Option<f64>,
    /// Mean leverage at entry.
    pub avg_leverage: Option<f64>,
    /// Largest leverage at entry.
    pub max_leverage: Option<f64>,
    /// Share of time with a position, averaged over agents.
    pub exposure: Option<f64>,
    /// Mean confidence of executed entries, 0 to 100.
    pub avg_confidence: Option<f64>,
    /// Paid.
    pub fees: Usd,
    /// Received less paid.
    pub funding: Usd,
    /// Lost to spread and impact; already in the results.
    pub slippage: Usd,
    /// Most losses in a row.
    pub longest_loss_run: u64,
    /// HOLD included.
    pub decisions: u64,
    /// Put before the supervisor.
    pub intents: u64,
    /// Of which refused.
    pub rejections: u64,
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// Returns from one day's equity to the next.
pub(super) fn daily_returns(daily_equity: &[f64]) -> Vec<f64> {
    daily_equity.windows(2).filter(|pair| pair[0] > 0.0).map(|pair| pair[1] / pair[0] - 1.0).collect()
}

/// Sample standard deviation; absent below two values.
fn deviation(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    if values.len() < 2 {
        return None;
    }
    let sum: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    Some((sum / (values.len() - 1) as f64).sqrt())
}

fn average(total: Usd, count: usize) -> Option<Usd> {
    let count = i64::try_from(count).ok().filter(|count| *count > 0)?;
    Some(Usd(total.0 / count))
}

impl Metrics {
    /// The figures of one sample.
    pub fn of(sample: &Sample) -> Self {
        let results = &sample.trade_results;
        let (wins, losses): (Vec<Usd>, Vec<Usd>) = results.iter().copied().partition(|result| result.0 > 0);
        let (profit, loss): (Usd, Usd) = (wins.iter().copied().sum(), losses.iter().copied().sum());
        let (avg_win, avg_loss) = (average(profit, wins.len()), average(loss, losses.len()));
        let returns = daily_returns(&sample.daily_equity);
        let total_return = match (sample.daily_equity.first(), sample.daily_equity.last()) {
            (Some(first), Some(last)) if *first > 0.0 => Some(last / first - 1.0),
            _ => None,
        };
        let annual_return = total_return
            .filter(|total| sample.days >= 1.0 && *total > -1.0)
            .and_then(|total| finite((1.0 + total).powf(DAYS_A_YEAR / sample.days) - 1.0));
        Self {
            trades: results.len() as u64,
            win_rate: (!results.is_empty()).then(|| wins.len() as f64 / results.len() as f64),
            avg_win,
            avg_loss,
            // Of the sums: the averages above are cut to a mantissa.
            payoff: (!wins.is_empty() && loss.0 < 0)
                .then(|| profit.to_f64() * losses.len() as f64 / (-loss.to_f64() * wins.len() as f64))
                .and_then(finite),
            profit_factor: (loss.0 < 0).then(|| profit.to_f64() / -loss.to_f64()).and_then(finite),
            expectancy: average(profit + loss, results.len()),
            max_drawdown: (sample.daily_equity.len() > 1).then_some(sample.max_drawdown),
            sharpe: sharpe(&returns),
            sortino: sortino(&returns),
            calmar: annual_return.filter(|_| sample.max_drawdown > 0.0).map(|annual| annual / sample.max_drawdown),
            annual_return,
            total_return,
            trades_per_day: (sample.days > 0.0).then(|| results.len() as f64 / sample.days),
            avg_leverage: mean(&sample.entry_leverage),
            max_leverage: sample.entry_leverage.iter().copied().reduce(f64::max),
            exposure: sample.exposure,
            avg_confidence: mean(&sample.entry_confidence),
            fees: sample.fees,
            funding: sample.funding,
            slippage: sample.slippage,
            longest_loss_run: longest_loss_run(results),
            decisions: sample.decisions,
            intents: sample.intents,
            rejections: sample.rejections,
        }
    }
}

fn sharpe(returns: &[f64]) -> Option<f64> {
    if returns.len() < LEAST_DAILY_RETURNS {
        return None;
    }
    let deviation = deviation(returns).filter(|deviation| *deviation > 0.0)?;
    finite(mean(returns)? / deviation * DAYS_A_YEAR.sqrt())
}

fn sortino(returns: &[f64]) -> Option<f64> {
    if returns.len() < LEAST_DAILY_RETURNS {
        return None;
    }
    let squares: f64 = returns.iter().map(|value| value.min(0.0) * value.min(0.0)).sum();
    let downside = (squares / returns.len() as f64).sqrt();
    if downside <= 0.0 {
        return None;
    }
    finite(mean(returns)? / downside * DAYS_A_YEAR.sqrt())
}

fn longest_loss_run(results: &[Usd]) -> u64 {
    let (mut run, mut longest) = (0, 0);
    for result in results {
        run = if result.0 > 0 { 0 } else { run + 1 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(sample: Sample, expect: impl FnOnce(&Metrics)) {
        expect(&Metrics::of(&sample));
    }

    #[test]
    fn an_empty_sample_supports_nothing() {
        check(Sample::default(), |metrics| {
            assert_eq!(*metrics, Metrics::default());
        });
    }

    #[test]
    fn trades_give_rates_and_runs() {
        let results = [30, -10, -20, 40, 0, -5].map(Usd::whole).to_vec();
        check(Sample { trade_results: results, days: 3.0, ..Sample::default() }, |metrics| {
            assert_eq!(metrics.trades, 6);
            assert_eq!(metrics.win_rate, Some(2.0 / 6.0));
            assert_eq!(metrics.avg_win, Some(Usd::whole(35)));
            assert_eq!(metrics.avg_loss, Some("-8.75".parse().unwrap()));
            assert_eq!(metrics.payoff, Some(4.0));
            assert_eq!(metrics.profit_factor, Some(2.0));
            assert_eq!(metrics.longest_loss_run, 2, "a result of 0 is not a win");
            assert_eq!(metrics.trades_per_day, Some(2.0));
        });
    }

    #[test]
    fn daily_equity_gives_ratios() {
        let near = |value: Option<f64>, wanted: f64| (value.unwrap() - wanted).abs() < 1e-9;
        let daily_equity = vec![100.0, 110.0, 99.0, 108.9];
        check(Sample { daily_equity, days: 3.0, max_drawdown: 0.1, ..Sample::default() }, |metrics| {
            assert!(near(metrics.total_return, 0.089));
            assert!(near(metrics.annual_return, 1.089f64.powf(365.0 / 3.0) - 1.0));
            assert_eq!(metrics.calmar, metrics.annual_return.map(|annual| annual / 0.1));
        });
        check(returns_of(30), |metrics| {
            // Of 30 returns 0.1, -0.1, 0.1 and so on: mean 1/30, variance 30/29 * (0.01 - 1/900), downside sqrt(0.01/3).
            let mean = 1.0 / 30.0;
            assert!(near(metrics.sharpe, mean / (30.0f64 / 29.0 * (0.01 - 1.0 / 900.0)).sqrt() * 365f64.sqrt()));
            assert!(near(metrics.sortino, mean / (0.01f64 / 3.0).sqrt() * 365f64.sqrt()));
        });
    }

    /// So many days, of which every third falls by a tenth and the others rise by as much.
    fn returns_of(count: usize) -> Sample {
        let step = |equity: &mut f64, day: usize| {
            *equity *= if day % 3 == 1 { 0.9 } else { 1.1 };
            Some(*equity)
        };
        let daily_equity = std::iter::once(100.0).chain((0..count).scan(100.0, step)).collect();
        Sample { daily_equity, days: count as f64, max_drawdown: 0.1, ..Sample::default() }
    }

    #[test]
    fn ratios_of_a_few_days_are_not_known() {
        for (count, is_known) in [(2, false), (LEAST_DAILY_RETURNS - 1, false), (LEAST_DAILY_RETURNS, true)] {
            check(returns_of(count), |metrics| {
                let known = (metrics.sharpe.is_some(), metrics.sortino.is_some());
                assert_eq!(known, (is_known, is_known), "{count} daily returns");
                assert!(metrics.total_return.is_some() && metrics.max_drawdown.is_some());
            });
        }
    }

    #[test]
    fn a_flat_curve_has_no_sharpe() {
        check(Sample { daily_equity: vec![100.0; 41], days: 40.0, ..Sample::default() }, |metrics| {
            assert_eq!((metrics.sharpe, metrics.sortino, metrics.calmar), (None, None, None));
            assert_eq!((metrics.total_return, metrics.max_drawdown), (Some(0.0), Some(0.0)));
        });
    }
}
