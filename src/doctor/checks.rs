//! Findings: what was looked at, what was seen, and what is to be done. Pure.

use super::facts::{Asked, Facts};
use super::{account, market};
use serde::Serialize;
use swarm_core::model::{Instrument, Plan, PortfolioPlan, Rate, Round, Usd};

/// How a finding is to be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// To be looked at; nothing stands in the way.
    Warn,
    /// Not to be traded with.
    Fail,
}

/// What one check came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Of which portfolio's account; none of the market or the file.
    pub portfolio: Option<String>,
    /// Its name.
    pub check: &'static str,
    /// How it is to be taken.
    pub level: Level,
    /// What was seen.
    pub seen: String,
    /// What would be changed, or is to be done; empty where there is nothing.
    pub todo: String,
}

impl Finding {
    /// A finding about the market, the file or this machine.
    pub fn new(check: &'static str, level: Level, seen: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { portfolio: None, check, level, seen: seen.into(), todo: todo.into() }
    }
}

/// Everything that the facts say.
pub fn examine(plan: &Plan, facts: &Facts) -> Vec<Finding> {
    let mut findings = market::examine(plan, &facts.market);
    for account in &facts.accounts {
        let portfolio = &plan.portfolios[account.portfolio];
        let own = account::examine(plan, portfolio, account, &facts.market);
        findings.extend(own.into_iter().map(|one| Finding { portfolio: Some(portfolio.name.clone()), ..one }));
    }
    findings
}

/// The finding of an answer, or that there is none, which is a failure: what is not known may not be traded on.
pub(super) fn of<T>(check: &'static str, asked: &Asked<T>, judge: impl FnOnce(&T) -> Finding) -> Finding {
    match asked {
        Ok(answer) => judge(answer),
        Err(why) => Finding::new(check, Level::Fail, why.clone(), "not knowing this, nothing may be traded; try again"),
    }
}

/// One finding of many faults, or a good one.
pub(super) fn gathered(check: &'static str, level: Level, faults: &[String], good: String, todo: &str) -> Finding {
    if faults.is_empty() {
        Finding::new(check, Level::Ok, good, "")
    } else {
        Finding::new(check, level, faults.join("; "), todo)
    }
}

/// Largest notional that limits leave to a position of a portfolio, in USDT.
pub(super) fn largest_position(plan: &Plan, portfolio: &PortfolioPlan) -> Usd {
    let leverage = whole_leverage(plan, portfolio);
    let by_leverage = portfolio.equity.times(Rate::whole(i64::from(leverage)), Round::Down);
    let caps = [plan.limits.max_notional, portfolio.limits.max_notional];
    caps.into_iter().flatten().fold(by_leverage, Usd::min)
}

/// Highest leverage that limits leave to an order of a portfolio, in whole times.
pub(super) fn whole_leverage(plan: &Plan, portfolio: &PortfolioPlan) -> u32 {
    let limits = [plan.limits.max_leverage, portfolio.limits.max_leverage];
    let lowest = limits.into_iter().flatten().min().unwrap_or(Rate::ONE);
    u32::try_from(lowest.0 / Rate::ONE.0).unwrap_or(1).max(1)
}

/// Contracts that a portfolio's agents trade.
pub(super) fn traded<'a>(plan: &'a Plan, portfolio: &PortfolioPlan) -> Vec<&'a Instrument> {
    let place = plan.portfolios.iter().position(|known| known.name == portfolio.name);
    let is_traded = |index: usize| {
        let agents = plan.agents.iter().filter(|agent| Some(agent.portfolio.index()) == place);
        agents.into_iter().any(|agent| agent.symbol.index() == index)
    };
    let all = plan.instruments.iter().enumerate();
    all.filter(|(index, _)| is_traded(*index)).map(|(_, instrument)| instrument).collect()
}
