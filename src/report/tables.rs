//! The tables of the page, made from the report alone.

use super::html::{Cell, note, shown, table};
use super::page::Page;
use std::collections::{BTreeMap, BTreeSet};
use swarm_core::experiment::{FIGURES, Figure, Metrics, Reached, Target, Unit, targets};

/// Agents that stand side by side in a table.
const COLUMNS: usize = 6;
/// Money that is paid where it is positive: no colour says that it is won.
const COSTS: [&str; 2] = ["fees", "slippage"];
/// Most agents with their figures on the page.
pub(super) const AGENTS_IN_TABLES: usize = 200;

/// Cohorts by name in declared order.
pub(super) fn cohorts<'a>(page: &'a Page<'_>) -> Vec<(&'a str, &'a Metrics)> {
    let plan = page.collected.plan();
    let found = plan.cohorts.iter().filter_map(|cohort| page.report.cohorts.get_key_value(&cohort.name));
    found.map(|(name, metrics)| (name.as_str(), metrics)).collect()
}

/// The first agents by name in declared order.
fn agents<'a>(page: &'a Page<'_>) -> Vec<(&'a str, &'a Metrics)> {
    let plan = page.collected.plan();
    let first = plan.agents.iter().take(AGENTS_IN_TABLES);
    let found = first.filter_map(|agent| page.report.agents.get_key_value(&agent.name));
    found.map(|(name, metrics)| (name.as_str(), metrics)).collect()
}

fn value(figure: &Figure, metrics: &Metrics) -> Cell {
    match (figure.value)(metrics) {
        Some(value) if figure.unit == Unit::Money && !COSTS.contains(&figure.key) => Cell::signed(value),
        Some(value) => Cell::number(shown(figure.unit, value)),
        None => Cell::absent((figure.lacks)(metrics)),
    }
}

fn judged(figure: &Figure, target: Target, metrics: &Metrics) -> Cell {
    let Some(number) = (figure.value)(metrics) else { return Cell::absent((figure.lacks)(metrics)) };
    let cell = Cell::number(shown(figure.unit, number));
    match (target.judge(number), target.low.is_some()) {
        (Reached::Met, _) => cell.mark("met", "met"),
        (Reached::Below, _) | (Reached::Above, false) => cell.mark("missed", "missed"),
        (Reached::Above, true) => cell.mark("above", "above"),
    }
}

/// What cohorts should reach beside what they reached.
pub(super) fn against_targets(page: &Page<'_>) -> String {
    let plan = page.collected.plan();
    let role = |name: &str| {
        let is = |id: swarm_core::model::CohortId| plan.cohorts[id.index()].name == name;
        match plan.experiment {
            Some(experiment) if is(experiment.control) => " (control)",
            Some(experiment) if is(experiment.treatment) => " (treatment)",
            _ => "",
        }
    };
    let cohorts = cohorts(page);
    let mut head = vec!["figure".to_owned(), "target".to_owned()];
    head.extend(cohorts.iter().map(|(name, _)| {
        let role = role(name);
        if role.trim_matches([' ', '(', ')']) == *name { (*name).to_owned() } else { format!("{name}{role}") }
    }));
    let rows: Vec<Vec<Cell>> = targets()
        .map(|(figure, target)| {
            let own = [Cell::text(figure.label), Cell::text(target.text)];
            own.into_iter().chain(cohorts.iter().map(|(_, metrics)| judged(figure, target, metrics))).collect()
        })
        .collect();
    table(&head, &rows)
}

/// All figures of cohorts and agents.
pub(super) fn figures(page: &Page<'_>) -> String {
    let of = |columns: &[(&str, &Metrics)]| {
        let head: Vec<String> =
            std::iter::once("").chain(columns.iter().map(|(name, _)| *name)).map(str::to_owned).collect();
        let row = |figure: &Figure| -> Vec<Cell> {
            let cells = columns.iter().map(|(_, metrics)| value(figure, metrics));
            std::iter::once(Cell::text(figure.label)).chain(cells).collect()
        };
        table(&head, &FIGURES.iter().map(row).collect::<Vec<_>>())
    };
    let mut html = format!("<h3>Cohorts</h3>{}<h3>Agents</h3>", of(&cohorts(page)));
    agents(page).chunks(COLUMNS).for_each(|part| html.push_str(&of(part)));
    let hidden = page.report.agents.len().saturating_sub(AGENTS_IN_TABLES);
    if hidden > 0 {
        html.push_str(&note(format!("The figures of {hidden} more agents are in report.json.")));
    }
    html
}

/// Fees, funding and slippage, beside what was won and lost before them.
pub(super) fn costs(page: &Page<'_>) -> String {
    let head = ["", "", "fees paid", "funding received less paid", "slippage lost", "fees and funding together"];
    let (cohorts, agents) = (cohorts(page), agents(page));
    let cost = |metrics: &Metrics| (metrics.fees - metrics.funding).to_f64();
    let row = |kind: &str, name: &str, metrics: &Metrics, widest: f64| -> Vec<Cell> {
        let total = cost(metrics);
        let share = if widest > 0.0 { total / widest } else { 0.0 };
        let money = |usd: swarm_core::model::Usd| Cell::number(shown(Unit::Money, usd.to_f64()));
        vec![
            Cell::text(name),
            Cell::text(kind),
            money(metrics.fees),
            Cell::signed(metrics.funding.to_f64()),
            money(metrics.slippage),
            Cell::number(shown(Unit::Money, total)).bar(share),
        ]
    };
    let widest = |of: &[(&str, &Metrics)]| of.iter().map(|(_, metrics)| cost(metrics)).fold(0.0, f64::max);
    let (widest_cohort, widest_agent) = (widest(&cohorts), widest(&agents));
    let mut rows: Vec<Vec<Cell>> =
        cohorts.iter().map(|(name, metrics)| row("cohort", name, metrics, widest_cohort)).collect();
    rows.extend(agents.iter().map(|(name, metrics)| row("agent", name, metrics, widest_agent)));
    let remark = "In USDT. Slippage is the cost of spread and impact and already in the prices, so it is in no sum; \
                  the bars compare cohorts with cohorts and agents with agents.";
    table(&head.map(str::to_owned), &rows) + &note(remark)
}

/// Refused intents by reason and portfolio; those that rest on a filter of the venue by its name, too.
pub(super) fn rejections(page: &Page<'_>) -> String {
    let portfolios: Vec<_> = (page.collected.plan().portfolios.iter().zip(&page.collected.filters))
        .filter_map(|(plan, filters)| Some((&plan.name, page.report.portfolios.get(&plan.name)?, filters)))
        .collect();
    // By reason and filter; the empty filter is all that rests on none.
    let counts: Vec<BTreeMap<(&str, &str), u64>> = portfolios
        .iter()
        .map(|(_, portfolio, filters)| {
            let mut counts: BTreeMap<(&str, &str), u64> =
                portfolio.rejections.iter().map(|(reason, count)| ((reason.as_str(), ""), *count)).collect();
            for ((reason, filter), count) in *filters {
                if let Some(others) = counts.get_mut(&(*reason, "")) {
                    *others = others.saturating_sub(*count);
                }
                counts.insert((reason, filter), *count);
            }
            counts.retain(|_, count| *count > 0);
            counts
        })
        .collect();
    let rows: BTreeSet<(&str, &str)> = counts.iter().flat_map(|counts| counts.keys().copied()).collect();
    if rows.is_empty() {
        return note("No intent was refused.");
    }
    let most = counts.iter().flat_map(BTreeMap::values).max().copied().unwrap_or(1);
    let head = ["reason".to_owned(), "filter".to_owned()].into_iter();
    let head = head.chain(portfolios.iter().map(|(name, ..)| format!("portfolio {name}")));
    let rows: Vec<Vec<Cell>> = rows
        .into_iter()
        .map(|row| {
            let cells = counts.iter().map(|counts| {
                let refused = counts.get(&row).copied().unwrap_or(0);
                Cell::number(shown(Unit::Count, refused as f64)).bar(refused as f64 / most as f64)
            });
            [Cell::text(row.0), Cell::text(row.1)].into_iter().chain(cells).collect()
        })
        .collect();
    let remark = "docs/refusals.md explains each reason; a filter is the venue's own limit by its name there.";
    table(&head.collect::<Vec<_>>(), &rows) + &note(remark)
}

/// Portfolios with their limits' high-water marks.
pub(super) fn portfolios(page: &Page<'_>) -> String {
    let head = ["", "start", "end", "most positions", "peak leverage", "maximum drawdown", "breaker"];
    let money = |usd: swarm_core::model::Usd| Cell::number(shown(Unit::Money, usd.to_f64()));
    let rows: Vec<Vec<Cell>> = page
        .collected
        .plan()
        .portfolios
        .iter()
        .filter_map(|plan| page.report.portfolios.get_key_value(&plan.name))
        .map(|(name, portfolio)| {
            let breaker = match &portfolio.breaker.at {
                Some(at) => Cell::text("").mark("missed", &format!("tripped {at}")),
                None => Cell::text("armed"),
            };
            vec![
                Cell::text(name),
                money(portfolio.start_equity),
                money(portfolio.end_equity),
                Cell::number(portfolio.peak_open_positions),
                Cell::number(shown(Unit::Times, portfolio.peak_leverage.to_f64())),
                Cell::number(shown(Unit::Share, portfolio.max_drawdown.to_f64())),
                breaker,
            ]
        })
        .collect();
    table(&head.map(str::to_owned), &rows)
}
