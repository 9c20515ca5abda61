//! Asking one rule about one candle, and putting its answer before the supervisor. Both hosts do it
//! through these functions, so that they cannot differ.

use crate::features::Frame;
use crate::model::{
    Action, AgentId, Decision, DecisionRecord, Explanation, Fact, Intent, Plan, Price, Rate, Side, SymbolId, Time,
    Verdict,
};
use crate::risk::{Effects, Supervisor};
use crate::rule::{AccountView, PositionView, Rule, TradeStats, View};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What an agent is told about itself at a step: everything of a [`View`] but the features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its position, if any.
    pub position: Option<PositionView>,
    /// An entry of its own is working.
    pub entry_pending: bool,
    /// Its portfolio.
    pub account: AccountView,
    /// Its record.
    pub stats: TradeStats,
    /// Funding rate expected at the next payment of its symbol, where known.
    pub funding_rate: Option<Rate>,
}

impl Standing {
    /// As the supervisor has it now.
    pub fn of(plan: &Plan, supervisor: &Supervisor, agent: AgentId, funding_rate: Option<Rate>) -> Self {
        let account = supervisor.account_view(plan.agents[agent.index()].portfolio);
        let (position, entry_pending) = supervisor.position_and_pending(agent);
        Self { position, entry_pending, account, stats: supervisor.stats(agent), funding_rate }
    }
}

/// A rule's answer, explained where it is to be recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The decision.
    pub decision: Decision,
    /// Its grounds; absent for a HOLD that nobody records.
    pub explanation: Option<Box<Explanation>>,
}

/// The message of a rule's panic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulePanic(pub String);

impl RulePanic {
    #[cold]
    fn of(panic: &(dyn Any + Send)) -> Self {
        let message = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic without a message".to_owned());
        Self(message)
    }
}

/// Whether `rule` has to be consulted about `frame` where nobody keeps HOLDs. A rule that panics here does.
#[inline]
pub fn may_act(rule: &dyn Rule, frame: &Frame<'_>, held: Option<Side>) -> bool {
    catch_unwind(AssertUnwindSafe(|| rule.may_act(frame, held))).unwrap_or(true)
}

/// Whether `rule` may act at all for an agent of this record that holds nothing. A rule that panics here may.
#[inline]
pub fn may_enter(rule: &dyn Rule, stats: &TradeStats) -> bool {
    catch_unwind(AssertUnwindSafe(|| rule.may_enter(stats))).unwrap_or(true)
}

/// Asks `rule` about `frame`. A panic is caught: the rule's state must be dropped afterwards.
#[inline]
pub fn consult(
    rule: &mut dyn Rule,
    plan: &Plan,
    symbol: SymbolId,
    frame: Frame<'_>,
    standing: &Standing,
    explain_holds: bool,
) -> Result<Answer, RulePanic> {
    let view = View {
        frame,
        symbol,
        instrument: plan.instrument(symbol),
        position: standing.position,
        entry_pending: standing.entry_pending,
        account: standing.account,
        stats: standing.stats,
        funding_rate: standing.funding_rate,
    };
    catch_unwind(AssertUnwindSafe(|| {
        let decision = rule.decide(&view);
        let explained = explain_holds || decision.action != Action::Hold;
        let explanation = explained.then(|| Box::new(rule.explain(&view, &decision)));
        Answer { decision, explanation }
    }))
    .map_err(|panic| RulePanic::of(&*panic))
}

/// Records an explained answer and puts what it asks for before the supervisor.
///
/// `closed_at` is when the candle closed, `candle` its start, `reference` its last price. `now` is when it is judged:
/// the same in recorded time, later where the candle was late to come.
#[allow(clippy::too_many_arguments)] // The identity of one decision; a struct would be built only to be taken apart.
pub fn judge(
    plan: &Plan,
    supervisor: &mut Supervisor,
    agent: AgentId,
    candle: Time,
    closed_at: Time,
    now: Time,
    reference: Price,
    answer: Answer,
    out: &mut Effects,
) -> Option<Verdict> {
    let symbol = plan.agents[agent.index()].symbol;
    let explanation = answer.explanation?;
    let signal = answer.decision.action != Action::Hold;
    let kind = answer.decision.proposal.clone();
    let record = Box::new(DecisionRecord {
        at: closed_at,
        candle,
        agent,
        symbol,
        decision: answer.decision,
        explanation: *explanation,
    });
    if signal {
        supervisor.on_signal(&record);
    }
    out.facts.push(if signal { Fact::Signal(record) } else { Fact::Hold(record) });
    let intent = Intent {
        agent,
        portfolio: plan.agents[agent.index()].portfolio,
        symbol,
        decided_at: closed_at,
        reference,
        kind: *kind?,
    };
    Some(supervisor.on_intent(now, &intent, out))
}
