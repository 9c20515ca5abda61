//! What portfolios, cohorts, limits, the experiment and the hosts must mean together.

use super::super::nearest::suggestion;
use super::super::scalars::Span;
use super::{Report, Scope};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use swarm_core::model::{DAY_MS, HOUR_MS, Mode, SECOND_MS};

/// Longest time in limits.
const MONTH: Span = Span(30 * DAY_MS);

pub(super) fn check(scope: &Scope<'_>, report: &mut Report) {
    risk_spans(scope, &["risk"], report);
    portfolios(scope, report);
    cohorts(scope, report);
    experiment(scope, report);
    hosts(scope, report);
}

/// A length of time must lie within a range.
pub(super) fn span(scope: &Scope<'_>, steps: &[&str], min: Span, max: Span, report: &mut Report) {
    let Some(node) = scope.node(steps) else { return };
    if let Some(Ok(value)) = node.text().map(str::parse::<Span>)
        && !(min..=max).contains(&value)
    {
        report.error(node, format!("out of range: expected {min} to {max}, found {value}"), "");
    }
}

/// Lengths of time in a level's limits.
pub(super) fn risk_spans(scope: &Scope<'_>, at: &[&str], report: &mut Report) {
    for keys in [&["max_age"][..], &["loss_run", "cool_down"]] {
        span(scope, &[at, keys].concat(), Span(SECOND_MS), MONTH, report);
    }
}

fn portfolios(scope: &Scope<'_>, report: &mut Report) {
    let Some(portfolios) = &scope.swarm.portfolios else { return };
    let used: BTreeSet<&str> = scope
        .whole
        .get("cohorts")
        .map_or(&[][..], |cohorts| cohorts.entries())
        .iter()
        .filter_map(|cohort| cohort.node.get("portfolio")?.text())
        .collect();
    // A name that leads nowhere was probably meant for a portfolio that seems unused.
    let known = scope.names("portfolios");
    let complete = used.iter().all(|name| known.contains(name));
    let mut accounts: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, portfolio) in &portfolios.0 {
        let name = name.0.as_str();
        risk_spans(scope, &["portfolios", name, "risk"], report);
        let Some(entry) = scope.entry(&["portfolios", name]) else { continue };
        if complete && !used.contains(name) {
            report.warn_at_key(entry, format!("no cohort trades portfolio `{name}`"), "give it a cohort, or remove it");
        }
        if scope.mode() != Mode::Live {
            continue;
        }
        let Some(account) = &portfolio.account else {
            if entry.node.get("account").is_none() {
                let help = "name its AsterDEX account: the first part of the environment variables with its keys";
                report.error_at_key(entry, format!("portfolio `{name}` has no `account`, and the mode is live"), help);
            }
            continue;
        };
        if let (Some(other), Some(node)) =
            (accounts.insert(account.0.as_str(), name), scope.node(&["portfolios", name, "account"]))
        {
            let message = format!("account `{}` is portfolio `{other}`'s already", account.0);
            report.error(node, message, "one account holds one position a symbol: give each portfolio a sub-account");
        }
    }
}

fn cohorts(scope: &Scope<'_>, report: &mut Report) {
    let known = scope.names("portfolios");
    for (name, cohort) in scope.swarm.cohorts.iter().flat_map(|cohorts| &cohorts.0) {
        if let (Some(portfolio), Some(node)) = (&cohort.portfolio, scope.node(&["cohorts", &name.0, "portfolio"]))
            && !known.contains(&portfolio.0.as_str())
        {
            let message = format!("there is no portfolio `{}`", portfolio.0);
            report.error(node, message, suggestion(&portfolio.0, known.iter().copied()));
        }
    }
}

fn experiment(scope: &Scope<'_>, report: &mut Report) {
    let Some(experiment) = &scope.swarm.experiment else { return };
    let known = scope.names("cohorts");
    for (key, cohort) in [("control", &experiment.control), ("treatment", &experiment.treatment)] {
        if let (Some(cohort), Some(node)) = (cohort, scope.node(&["experiment", key]))
            && !known.contains(&cohort.0.as_str())
        {
            let help = suggestion(&cohort.0, known.iter().copied());
            report.error(node, format!("there is no cohort `{}`", cohort.0), help);
        }
    }
    let (Some(control), Some(treatment)) = (&experiment.control, &experiment.treatment) else { return };
    let Some(node) = scope.node(&["experiment", "treatment"]) else { return };
    if control == treatment {
        let message = format!("cohort `{}` is compared with itself", control.0);
        report.error(node, message, "name two cohorts");
        return;
    }
    let portfolio = |cohort: &str| scope.whole.dig(&["cohorts", cohort, "portfolio"]).and_then(|node| node.text());
    if let (Some(a), Some(b)) = (portfolio(&control.0), portfolio(&treatment.0))
        && a == b
    {
        let message = format!("both cohorts trade portfolio `{a}`: one's positions take the other's room");
        report.warn(node, message, "give each a portfolio of its own");
    }
}

fn hosts(scope: &Scope<'_>, report: &mut Report) {
    if let Some(node) = scope.node(&["api", "listen"]) {
        match node.text().map(str::parse::<SocketAddr>) {
            Some(Ok(address)) if !address.ip().is_loopback() => {
                let message = format!("{address} can be reached from other machines");
                report.warn(node, message, "changes need the token, reading does not");
            }
            Some(Err(_)) => {
                let message = format!("expected an address and a port, found {}", node.found());
                report.error(node, message, "write one such as 127.0.0.1:8080");
            }
            _ => {}
        }
    }
    let second = Span(SECOND_MS);
    span(scope, &["actors", "restart", "within"], second, MONTH, report);
    span(scope, &["actors", "restart", "back_off"], Span(1), Span(HOUR_MS), report);
    span(scope, &["actors", "restart", "back_off_max"], Span(1), Span(DAY_MS), report);
    let restart = scope.swarm.actors.as_ref().and_then(|actors| actors.restart.as_ref());
    if let Some(restart) = restart {
        let (first, longest) = restart.waits();
        if first > longest
            && let Some(node) = scope.node(&["actors", "restart"])
        {
            let node = node.get("back_off").or(node.get("back_off_max")).unwrap_or(node);
            report.error(node, format!("back_off {first} is longer than back_off_max {longest}"), "");
        }
    }
}
