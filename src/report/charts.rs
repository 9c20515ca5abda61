//! The plots of the page: which curves stand together, and what is said about how they were thinned out.

use super::collect::{Collector, Curve};
use super::html::{note, shown};
use super::page::Page;
use super::plots::{LINES_MAX, Line, Plot, distribution, over_time};
use super::series::Series;
use swarm_core::experiment::Unit;
use swarm_core::ledger::Trade;

/// Bars of the distribution.
const BARS: usize = 40;
/// Share of trades at either end that the outermost bars gather.
const TAIL: f64 = 0.01;

fn line(name: &str, series: &Series) -> Line {
    let points = series.extremes().into_iter().map(|sample| (sample.at.0 as f64, sample.value)).collect();
    Line { name: name.to_owned(), points }
}

fn mean_line(name: &str, series: &Series) -> Line {
    let points = series.buckets().iter().map(|bucket| (bucket.last.at.0 as f64, bucket.mean())).collect();
    Line { name: name.to_owned(), points }
}

fn money(value: f64) -> String {
    shown(Unit::Money, value).trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn share(value: f64) -> String {
    // No `-0.0`: the sum with 0 has no sign.
    format!("{:.1} %", (value * 1_000.0).round() / 10.0 + 0.0)
}

fn pair(title: &str, curves: &[(&str, &Curve)]) -> String {
    let equity: Vec<Line> = curves.iter().map(|(name, curve)| line(name, &curve.equity)).collect();
    let drawdown: Vec<Line> = curves.iter().map(|(name, curve)| line(name, &curve.drawdown)).collect();
    let of_equity = Plot { title: &format!("Equity, {title} (USDT)"), value: &money, includes: None };
    let of_drawdown = Plot { title: &format!("Drawdown, {title}"), value: &share, includes: Some(0.0) };
    over_time(&of_equity, &equity) + &over_time(&of_drawdown, &drawdown)
}

/// What was done to the curves to make them fit, for the reader.
fn thinning(collected: &Collector) -> String {
    let width = collected.cohorts.first().map_or(1, |curve| curve.equity.width());
    let base = collected.plan().base;
    let how = match width {
        1 => format!("Every {base} candle is a point."),
        width => format!(
            "Each point of the curve stands for {width} candles of {base}: of these the lowest, the highest and the \
             last value are drawn, so no extreme is lost."
        ),
    };
    format!(
        "{how} equity.csv has the whole curves. Equity of a cohort or an agent is what its portfolio would be worth if \
         it alone had traded it."
    )
}

/// Equity and drawdown per cohort, then per agent.
pub(super) fn curves(collected: &Collector) -> String {
    let plan = collected.plan();
    let cohorts: Vec<(&str, &Curve)> =
        plan.cohorts.iter().zip(&collected.cohorts).map(|(cohort, curve)| (cohort.name.as_str(), curve)).collect();
    let mut html = note(thinning(collected));
    for part in cohorts.chunks(LINES_MAX) {
        html.push_str(&pair("cohorts", part));
    }
    for (index, cohort) in plan.cohorts.iter().enumerate() {
        let members: Vec<(&str, &Curve)> = plan
            .agents
            .iter()
            .zip(&collected.agents)
            .filter(|(agent, _)| agent.cohort.index() == index)
            .map(|(agent, curve)| (agent.name.as_str(), curve))
            .collect();
        for part in members.chunks(LINES_MAX) {
            html.push_str(&pair(&format!("agents of {}", cohort.name), part));
        }
    }
    html + &hidden(collected)
}

/// What is said where not all agents are shown.
pub(super) fn hidden(collected: &Collector) -> String {
    let (shown, all) = (collected.agents.len(), collected.plan().agents.len());
    if shown == all {
        return String::new();
    }
    note(format!("Of {all} agents the first {shown} in declared order are drawn; the files beside this page have all."))
}

/// Exposure and leverage over time.
pub(super) fn exposure(collected: &Collector) -> String {
    let plan = collected.plan();
    let leverage: Vec<Line> = plan
        .portfolios
        .iter()
        .zip(&collected.leverage)
        .map(|(portfolio, series)| line(&portfolio.name, series))
        .take(LINES_MAX)
        .collect();
    let exposure: Vec<Line> = plan
        .cohorts
        .iter()
        .zip(&collected.exposure)
        .map(|(cohort, series)| mean_line(&cohort.name, series))
        .take(LINES_MAX)
        .collect();
    let times = |value: f64| format!("{value:.2}x");
    let of_leverage = Plot {
        title: "Leverage of portfolios: gross notional over equity at candle closes",
        value: &times,
        includes: Some(0.0),
    };
    let of_exposure = Plot {
        title: "Exposure of cohorts: share of agents with a position, mean of the candles of a point",
        value: &share,
        includes: Some(0.0),
    };
    over_time(&of_leverage, &leverage) + &over_time(&of_exposure, &exposure)
}

/// How the results of closed trades are distributed, one plot a cohort: their sizes may be far apart.
pub(super) fn results(page: &Page<'_>) -> String {
    let cohorts = page.collected.plan().cohorts.iter().enumerate().take(LINES_MAX);
    cohorts.map(|(index, cohort)| results_of(page, index, &cohort.name)).collect()
}

fn results_of(page: &Page<'_>, cohort: usize, name: &str) -> String {
    let plan = page.collected.plan();
    let of_cohort = |trade: &&Trade| plan.agents[trade.agent.index()].cohort.index() == cohort;
    let mut results: Vec<f64> = page.trades.iter().filter(of_cohort).map(|trade| trade.net.to_f64()).collect();
    if results.is_empty() {
        return note(format!("{name}: no trade was closed."));
    }
    results.sort_by(f64::total_cmp);
    let at = |share: f64| results[((results.len() - 1) as f64 * share).round() as usize];
    let (low, high) = (at(TAIL), at(1.0 - TAIL));
    let (low, high) = if high > low { (low, high) } else { (low - 1.0, high + 1.0) };
    let width = (high - low) / BARS as f64;
    let edges: Vec<f64> = (0..=BARS).map(|bar| low + width * bar as f64).collect();
    let mut heights = vec![0.0; BARS];
    for net in &results {
        heights[((net - low) / width).floor().clamp(0.0, (BARS - 1) as f64) as usize] += 1.0;
    }
    let title = format!("Closed trades of {name} by net result (USDT)");
    let plot = Plot { title: &title, value: &money, includes: None };
    let beyond = results.iter().filter(|net| **net < low || **net > high).count();
    let remark = format!(
        "{} closed trades, net of fees and funding. The outermost bars also hold the {beyond} beyond them, down to {} \
         and up to {} USDT.",
        results.len(),
        shown(Unit::Money, results[0]),
        shown(Unit::Money, results[results.len() - 1]),
    );
    distribution(&plot, &edges, &heights, cohort) + &note(remark)
}
