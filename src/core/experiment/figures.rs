//! The list of figures: name, unit, where to find it in [`Metrics`], what it should reach, and why it is
//! absent where it is. Tables of every kind are made from this one list. Computes no figure.

use super::Metrics;

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// How many.
    Count,
    /// A fraction, shown in per cent.
    Share,
    /// A number without a unit.
    Ratio,
    /// USDT.
    Money,
    /// Times of equity.
    Times,
    /// From 0 to 100.
    Points,
}

/// What a figure should reach; a bound that is absent does not bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// At least.
    pub low: Option<f64>,
    /// At most.
    pub high: Option<f64>,
    /// The same in words.
    pub text: &'static str,
}

/// How a value stands to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// Within the bounds.
    Met,
    /// Below the lower one.
    Below,
    /// Above the upper one.
    Above,
}

impl Target {
    /// How `value` stands to it; the bounds belong to it.
    pub fn judge(&self, value: f64) -> Reached {
        match (self.low, self.high) {
            (Some(low), _) if value < low => Reached::Below,
            (_, Some(high)) if value > high => Reached::Above,
            _ => Reached::Met,
        }
    }
}

/// One figure.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Its name in report.json.
    pub key: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// What it is counted in.
    pub unit: Unit,
    /// Its value.
    pub value: fn(&Metrics) -> Option<f64>,
    /// What the sample lacks where there is no value.
    pub lacks: fn(&Metrics) -> &'static str,
    /// What it should reach, for the figures that cohorts are judged by.
    pub target: Option<Target>,
}

const fn figure(
    key: &'static str,
    label: &'static str,
    unit: Unit,
    value: fn(&Metrics) -> Option<f64>,
    lacks: fn(&Metrics) -> &'static str,
) -> Figure {
    Figure { key, label, unit, value, lacks, target: None }
}

const fn count(key: &'static str, label: &'static str, value: fn(&Metrics) -> Option<f64>) -> Figure {
    figure(key, label, Unit::Count, value, |_| "")
}

impl Figure {
    const fn wants(self, low: Option<f64>, high: Option<f64>, text: &'static str) -> Self {
        Self { target: Some(Target { low, high, text }), ..self }
    }
}

fn no_trade(_: &Metrics) -> &'static str {
    "no closed trade"
}
fn no_win(metrics: &Metrics) -> &'static str {
    if metrics.trades == 0 { "no closed trade" } else { "no winning trade" }
}
fn no_loss(metrics: &Metrics) -> &'static str {
    if metrics.trades == 0 { "no closed trade" } else { "no losing trade" }
}
fn no_pair(metrics: &Metrics) -> &'static str {
    if metrics.avg_win.is_none() { no_win(metrics) } else { no_loss(metrics) }
}
fn no_step(_: &Metrics) -> &'static str {
    "no candle"
}
fn no_spread(_: &Metrics) -> &'static str {
    "needs 7 daily returns, of which two differ"
}
fn no_fall(_: &Metrics) -> &'static str {
    "needs 7 daily returns, one of them below 0"
}
fn no_year(_: &Metrics) -> &'static str {
    "needs a day or more, and equity left at the end"
}
fn no_calmar(metrics: &Metrics) -> &'static str {
    if metrics.annual_return.is_none() { no_year(metrics) } else { "no drawdown" }
}
fn no_entry(_: &Metrics) -> &'static str {
    "no entry was approved"
}

/// All figures, those with a target first.
pub const FIGURES: [Figure; 25] = [
    figure("win_rate", "win rate", Unit::Share, |of| of.win_rate, no_trade).wants(Some(0.55), Some(0.65), "55 to 65 %"),
    figure("payoff", "payoff (average win to loss)", Unit::Ratio, |of| of.payoff, no_pair).wants(
        Some(2.0),
        Some(3.0),
        "2 to 3",
    ),
    figure("max_drawdown", "maximum drawdown", Unit::Share, |of| of.max_drawdown, no_step).wants(
        None,
        Some(0.15),
        "under 15 %",
    ),
    figure("sharpe", "Sharpe (daily, 365 days)", Unit::Ratio, |of| of.sharpe, no_spread).wants(
        Some(1.5),
        None,
        "over 1.5",
    ),
    figure("annual_return", "annualised return", Unit::Share, |of| of.annual_return, no_year).wants(
        Some(0.20),
        Some(0.50),
        "20 to 50 %",
    ),
    figure("total_return", "total return", Unit::Share, |of| of.total_return, no_step),
    figure("sortino", "Sortino (daily, 365 days)", Unit::Ratio, |of| of.sortino, no_fall),
    figure("calmar", "Calmar", Unit::Ratio, |of| of.calmar, no_calmar),
    figure("profit_factor", "profit factor", Unit::Ratio, |of| of.profit_factor, no_loss),
    figure("expectancy", "expectancy a trade", Unit::Money, |of| of.expectancy.map(|usd| usd.to_f64()), no_trade),
    figure("avg_win", "average win", Unit::Money, |of| of.avg_win.map(|usd| usd.to_f64()), no_win),
    figure("avg_loss", "average loss", Unit::Money, |of| of.avg_loss.map(|usd| usd.to_f64()), no_loss),
    count("trades", "closed trades", |of| Some(of.trades as f64)),
    figure("trades_per_day", "trades a day", Unit::Ratio, |of| of.trades_per_day, no_step),
    count("longest_loss_run", "longest run of losses", |of| Some(of.longest_loss_run as f64)),
    figure("avg_leverage", "average leverage at entry", Unit::Times, |of| of.avg_leverage, no_trade),
    figure("max_leverage", "maximum leverage at entry", Unit::Times, |of| of.max_leverage, no_trade),
    figure("exposure", "exposure (share of time held)", Unit::Share, |of| of.exposure, no_step),
    figure("avg_confidence", "average confidence of entries", Unit::Points, |of| of.avg_confidence, no_entry),
    figure("fees", "fees paid", Unit::Money, |of| Some(of.fees.to_f64()), no_trade),
    figure("funding", "funding received less paid", Unit::Money, |of| Some(of.funding.to_f64()), no_trade),
    figure("slippage", "slippage lost", Unit::Money, |of| Some(of.slippage.to_f64()), no_trade),
    count("decisions", "decisions, HOLD included", |of| Some(of.decisions as f64)),
    count("intents", "intents", |of| Some(of.intents as f64)),
    count("rejections", "of which refused", |of| Some(of.rejections as f64)),
];

/// The figures that have a target.
pub fn targets() -> impl Iterator<Item = (&'static Figure, Target)> {
    FIGURES.iter().filter_map(|figure| figure.target.map(|target| (figure, target)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_the_report() {
        let json = serde_json::to_value(Metrics::default()).unwrap();
        let mut keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        let mut listed: Vec<&str> = FIGURES.iter().map(|figure| figure.key).collect();
        keys.sort_unstable();
        listed.sort_unstable();
        assert_eq!(keys, listed);
    }

    #[test]
    fn each_figure_reads_its_own_key_and_says_what_an_absent_one_lacks() {
        let json = serde_json::to_value(Metrics::default()).unwrap();
        for figure in &FIGURES {
            let mut one = json.clone();
            let is_money = json[figure.key].is_string() || ["expectancy", "avg_win", "avg_loss"].contains(&figure.key);
            one[figure.key] = if is_money { "7".into() } else { 7.into() };
            let metrics: Metrics = serde_json::from_value(one).unwrap();
            assert_eq!((figure.value)(&metrics), Some(7.0), "{}", figure.key);
            if (figure.value)(&Metrics::default()).is_none() {
                assert!(!(figure.lacks)(&Metrics::default()).is_empty(), "{}", figure.key);
            }
        }
    }

    #[test]
    fn bounds_belong_to_a_target() {
        let target = Target { low: Some(2.0), high: Some(3.0), text: "" };
        for (value, expected) in
            [(1.9, Reached::Below), (2.0, Reached::Met), (3.0, Reached::Met), (3.1, Reached::Above)]
        {
            assert_eq!(target.judge(value), expected, "{value}");
        }
        assert_eq!(targets().count(), 5);
    }
}
