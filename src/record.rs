//! What a run leaves behind besides its journal: fingerprint, figures, last decisions, and what is told
//! to listeners and metrics. Both hosts feed it in the supervisor's order; it decides nothing.

use crate::control::{Control, DecisionView, DifferenceView, Event, PortfolioDifferences};
use crate::telemetry::{Metrics, OrderOutcome};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use swarm_core::engine::Sink;
use swarm_core::experiment::Tracker;
use swarm_core::journal::Fingerprint;
use swarm_core::ledger::Trade;
use swarm_core::model::{
    Action, AgentChange, AgentId, BreakerChange, BreakerScope, Decision, DecisionRecord, Difference, DifferenceKind,
    Fact, Figure, Instrument, IntentId, Mark, Order, OrderId, Passed, Plan, PortfolioId, Purpose, Refusal, ReportKind,
    Step, Time, VenueEvent, VenueReject, Verdict,
};
use swarm_core::risk::Supervisor;

/// Decisions kept over all agents; each keeps its share, at least one.
const DECISIONS_KEPT: usize = 2_000;
/// Most decisions kept of one agent.
const DECISIONS_KEPT_PER_AGENT: usize = 200;

/// Differences kept of one portfolio.
const DIFFERENCES_KEPT: usize = 200;

fn no_differences(plan: &Plan) -> Vec<(BTreeMap<DifferenceKind, u64>, VecDeque<DifferenceView>)> {
    plan.portfolios.iter().map(|_| Default::default()).collect()
}

/// Who listens while the swarm runs.
#[derive(Clone)]
pub struct Listeners {
    /// Prometheus.
    pub metrics: Metrics,
    /// Event streams and the lines that `run` prints.
    pub control: Control,
}

/// Follows a run.
pub struct Recorder {
    plan: Arc<Plan>,
    tracker: Tracker,
    fingerprint: Fingerprint,
    listeners: Option<Listeners>,
    decisions: Decisions,
    last: Vec<Option<LastDecision>>,
    panics: BTreeMap<AgentId, String>,
    /// Down after a panic, and to come back by themselves.
    restarting: BTreeSet<AgentId>,
    /// Working market orders by which resting entries go on: entries, though not of leg 0.
    followers: BTreeSet<OrderId>,
    /// By portfolio: how often each kind of difference was found, and the last ones.
    differences: Vec<(BTreeMap<DifferenceKind, u64>, VecDeque<DifferenceView>)>,
    /// Orders that are not final, while somebody listens: what is told of their refusal has their numbers.
    underway: BTreeMap<OrderId, Order>,
}

/// What an agent decided last, HOLD included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LastDecision {
    /// What.
    pub action: Action,
    /// 0 to 100.
    pub confidence: f64,
    /// -1 to 1.
    pub target_score: f64,
}

/// The last decisions of each agent.
#[derive(Serialize, Deserialize)]
struct Decisions {
    per_agent: usize,
    sequence: u64,
    kept: Vec<VecDeque<Kept>>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    sequence: u64,
    record: Box<DecisionRecord>,
    intent: Option<IntentId>,
    verdict: Option<Verdict>,
}

impl Recorder {
    /// Before the first step, of a run without an end: the trades themselves are not kept, the journal has them.
    pub fn new(plan: Arc<Plan>, listeners: Option<Listeners>) -> Self {
        let agents = plan.agents.len();
        let per_agent = (DECISIONS_KEPT / agents.max(1)).clamp(1, DECISIONS_KEPT_PER_AGENT);
        Self {
            tracker: Tracker::lean(Arc::clone(&plan)),
            fingerprint: Fingerprint::new(),
            listeners,
            decisions: Decisions { per_agent, sequence: 0, kept: (0..agents).map(|_| VecDeque::new()).collect() },
            last: vec![None; agents],
            panics: BTreeMap::new(),
            restarting: BTreeSet::new(),
            followers: BTreeSet::new(),
            differences: no_differences(&plan),
            underway: BTreeMap::new(),
            plan,
        }
    }

    /// Likewise, for runs of which the figures and trades are asked for at the end: no decision is kept.
    pub fn of_figures(plan: Arc<Plan>) -> Self {
        let mut recorder = Self::new(Arc::clone(&plan), None);
        recorder.tracker = Tracker::new(plan);
        recorder.decisions.per_agent = 0;
        recorder
    }

    /// What it has followed so far, without plan and listeners, for snapshots.
    pub fn save(&self) -> Vec<u8> {
        let lives = (&self.panics, &self.restarting, &self.followers);
        let state = (self.tracker.save(), &self.fingerprint, &self.decisions, &self.last, lives);
        postcard::to_allocvec(&state).expect("invariant: every list of a state knows its length")
    }

    /// A recorder that has followed what a saved one had; none when the bytes are none of this plan.
    pub fn restored(plan: Arc<Plan>, listeners: Option<Listeners>, bytes: &[u8]) -> Option<Self> {
        let (tracker, fingerprint, decisions, last, lives): (Vec<u8>, _, Decisions, Vec<_>, _) =
            postcard::from_bytes(bytes).ok()?;
        let (panics, restarting, followers) = lives;
        let tracker = Tracker::restore(Arc::clone(&plan), &tracker)?;
        let fits = decisions.kept.len() == plan.agents.len() && last.len() == plan.agents.len();
        let (underway, differences) = (BTreeMap::new(), no_differences(&plan));
        fits.then_some(Self {
            plan,
            tracker,
            fingerprint,
            listeners,
            decisions,
            last,
            panics,
            restarting,
            followers,
            differences,
            underway,
        })
    }

    /// The figures so far.
    pub const fn tracker(&self) -> &Tracker {
        &self.tracker
    }
    /// The fingerprint so far, hex.
    pub fn fingerprint(&self) -> String {
        self.fingerprint.clone().finish()
    }

    /// An agent decided in so much time.
    pub fn decided_in(&mut self, agent: AgentId, decision: &Decision, elapsed: Duration) {
        self.tracker.decided(agent);
        self.last[agent.index()] = Some(LastDecision {
            action: decision.action,
            confidence: decision.confidence,
            target_score: decision.target_score,
        });
        if let Some(listeners) = &self.listeners {
            let cells = listeners.metrics.agent(agent);
            cells.decided(decision.action, decision.confidence, decision.target_score, elapsed);
        }
    }

    /// Takes a fact that the journal already holds: figures and fingerprint as if it had just
    /// happened, but nobody is told again.
    pub fn restore(&mut self, fact: &Fact) {
        let listeners = self.listeners.take();
        self.fact(fact);
        self.listeners = listeners;
    }

    /// Takes a trade that the journal's facts have closed.
    pub fn trade_restored(&mut self, trade: &Trade) {
        self.tracker.trade(trade);
    }

    /// Counts a decision that was taken before the restart.
    pub fn decision_restored(&mut self, agent: AgentId) {
        self.tracker.decided(agent);
    }

    /// Takes the end of a step that the journal already holds.
    pub fn step_restored(&mut self, at: Time, candles: u64, supervisor: &Supervisor) {
        self.tracker.step_end_at(at, candles, supervisor);
    }

    /// The last decision of an agent, if it was recorded.
    pub fn last_decision(&self, agent: AgentId) -> Option<&LastDecision> {
        self.last.get(agent.index())?.as_ref()
    }

    /// Message of the agent's last panic.
    pub fn last_error(&self, agent: AgentId) -> Option<&str> {
        self.panics.get(&agent).map(String::as_str)
    }

    /// The last decisions of one agent, or of all, oldest first.
    pub fn decisions(&self, agent: Option<AgentId>, after: Option<u64>, limit: usize) -> Vec<DecisionView> {
        let wanted = |index: usize| agent.is_none_or(|agent| agent.index() == index);
        let mut views: Vec<DecisionView> = self
            .decisions
            .kept
            .iter()
            .enumerate()
            .filter(|(index, _)| wanted(*index))
            .flat_map(|(_, kept)| kept)
            .filter(|kept| after.is_none_or(|after| kept.sequence > after))
            .map(|kept| self.view(kept))
            .collect();
        views.sort_by_key(|view| view.sequence);
        views.split_off(views.len().saturating_sub(limit))
    }

    /// How a portfolio's account has differed from the books, by what this process has read of the journal and written.
    pub fn differences(&self, portfolio: PortfolioId) -> PortfolioDifferences {
        let (counts, last) = &self.differences[portfolio.index()];
        PortfolioDifferences {
            portfolio: self.plan.portfolios[portfolio.index()].name.clone(),
            entries_gated: false,
            halted: None,
            counts: counts.iter().map(|(kind, count)| (kind.label().to_owned(), *count)).collect(),
            differences: last.iter().cloned().collect(),
        }
    }

    /// A mark is too far from the last price to be believed yet.
    pub fn unconfirmed_mark(&self, mark: &Mark) {
        let Some(listeners) = &self.listeners else { return };
        listeners.metrics.mark_unconfirmed(mark.symbol);
        let contract = &self.plan.instrument(mark.symbol).symbol;
        tracing::warn!("{contract}: a mark of {} is far off and waits for others to confirm it", mark.price);
    }

    fn note_difference(&mut self, at: Time, portfolio: PortfolioId, difference: &Difference) {
        let symbol = difference.symbol.and_then(|symbol| self.plan.instruments.get(symbol.index()));
        let view = DifferenceView {
            at,
            kind: difference.kind.label().to_owned(),
            policy: difference.policy.label().to_owned(),
            symbol: symbol.map(|instrument| instrument.symbol.clone()),
            subject: difference.subject.clone(),
            venue: difference.venue.to_string(),
            book: difference.book.to_string(),
        };
        let Some((counts, last)) = self.differences.get_mut(portfolio.index()) else { return };
        *counts.entry(difference.kind).or_default() += 1;
        if last.len() == DIFFERENCES_KEPT {
            last.pop_front();
        }
        last.push_back(view);
    }

    fn view(&self, kept: &Kept) -> DecisionView {
        let agent = &self.plan.agents[kept.record.agent.index()];
        let instrument = self.plan.instrument(kept.record.symbol);
        DecisionView {
            sequence: kept.sequence,
            agent: agent.name.clone(),
            cohort: self.plan.cohorts[agent.cohort.index()].name.clone(),
            symbol: instrument.symbol.clone(),
            record: (*kept.record).clone(),
            verdict: kept.verdict.as_ref().map(|verdict| verdict_text(verdict, Some(instrument))),
        }
    }

    fn keep(&mut self, record: &DecisionRecord) {
        let decisions = &mut self.decisions;
        if decisions.per_agent == 0 {
            return;
        }
        decisions.sequence += 1;
        let ring = &mut decisions.kept[record.agent.index()];
        if ring.len() == decisions.per_agent {
            ring.pop_front();
        }
        let sequence = decisions.sequence;
        ring.push_back(Kept { sequence, record: Box::new(record.clone()), intent: None, verdict: None });
    }

    /// A start after a panic, with no operator's hand in between, is a restart.
    fn follow_life(&mut self, agent: AgentId, change: &AgentChange) {
        match change {
            AgentChange::Panicked { message } => {
                self.panics.insert(agent, message.clone());
                self.restarting.insert(agent);
            }
            AgentChange::Stopped(_) | AgentChange::Failed => {
                self.restarting.remove(&agent);
            }
            AgentChange::Started => {
                if self.restarting.remove(&agent)
                    && let Some(listeners) = &self.listeners
                {
                    listeners.metrics.agent(agent).restarted();
                }
            }
        }
    }

    fn tell(&self, event: Event) {
        if let Some(listeners) = &self.listeners {
            listeners.control.tell(event);
        }
    }

    /// Tells listeners something that no fact says.
    pub fn tell_notice(&self, message: String) {
        self.tell(Event::Notice { message });
    }

    fn agent_name(&self, agent: AgentId) -> String {
        self.plan.agent_name(agent).to_owned()
    }

    fn describe_difference(&self, portfolio: swarm_core::model::PortfolioId, difference: &Difference) -> String {
        let Difference { kind, policy, symbol, subject, venue, book } = difference;
        let symbol = symbol.and_then(|symbol| self.plan.instruments.get(symbol.index()));
        let about: Vec<&str> = symbol.map(|one| one.symbol.as_str()).into_iter().chain([subject.as_str()]).collect();
        let or_nothing = |figure: &Figure| match figure {
            Figure::Nothing => "nothing".to_owned(),
            figure => figure.to_string(),
        };
        format!(
            "{}: {} {}: {} at the venue, {} here; met by {}",
            self.plan.portfolios[portfolio.index()].name,
            kind.label(),
            about.join(" ").trim(),
            or_nothing(venue),
            or_nothing(book),
            policy.label()
        )
    }

    fn tell_venue(&self, portfolio: swarm_core::model::PortfolioId, event: &VenueEvent) {
        match event {
            VenueEvent::Order { id, symbol, at, kind: ReportKind::Filled { fill, .. } } => {
                self.tell(Event::Fill {
                    at: *at,
                    agent: self.agent_name(id.intent.agent),
                    symbol: self.plan.instrument(*symbol).symbol.clone(),
                    side: fill.side,
                    qty: fill.qty,
                    price: fill.price,
                    fee: fill.fee,
                    purpose: self.purpose_of(*id),
                });
            }
            VenueEvent::Order { id, symbol, kind: ReportKind::Rejected(reason), .. } => {
                let agent = self.agent_name(id.intent.agent);
                let instrument = self.plan.instrument(*symbol);
                let why = match self.underway.get(id) {
                    Some(order) => reason.words(order, instrument),
                    None => format!("{reason:?}"),
                };
                let message = format!("the venue refused order {id} of {agent} on {}: {why}", instrument.symbol);
                self.tell(Event::Notice { message });
            }
            VenueEvent::Liquidation { symbol, fill, .. } => {
                let symbol = &self.plan.instrument(*symbol).symbol;
                let name = &self.plan.portfolios[portfolio.index()].name;
                let message = format!("{symbol} of portfolio {name} was liquidated at {}", fill.price);
                self.tell(Event::Notice { message });
            }
            VenueEvent::Order { .. } | VenueEvent::Funding { .. } | VenueEvent::Transfer { .. } => {}
        }
    }

    /// Whether this is about a stop that an entry was to bring along and did not: nobody refused it. Of all else only
    /// entries are given up before they leave.
    fn never_left(&self, event: &VenueEvent) -> bool {
        let VenueEvent::Order { id, kind: ReportKind::Rejected(VenueReject::NotSent), .. } = event else {
            return false;
        };
        self.purpose_of(*id) != Purpose::Entry
    }

    /// What an order was for: entry or exit.
    fn purpose_of(&self, id: OrderId) -> Purpose {
        if id.leg == 0 || self.followers.contains(&id) { Purpose::Entry } else { Purpose::Exit }
    }

    fn scope_name(&self, scope: BreakerScope) -> String {
        match scope {
            BreakerScope::Swarm => "swarm".to_owned(),
            BreakerScope::Portfolio(id) => self.plan.portfolios[id.index()].name.clone(),
            BreakerScope::Agent(id) => self.agent_name(id),
        }
    }

    fn listen(&mut self, fact: &Fact) {
        let Some(listeners) = &self.listeners else { return };
        match fact {
            Fact::Verdict { id, verdict, .. } => {
                listeners.metrics.agent(id.agent).intent(verdict);
                // A decision is told with its verdict, once that is known.
                let told = self.decisions.kept[id.agent.index()].back().map(|kept| self.view(kept));
                if let Some(view) = told {
                    self.tell(Event::Signal(Box::new(view)));
                }
            }
            Fact::Order { order, .. } => {
                listeners.metrics.portfolio(order.portfolio).order(OrderOutcome::Sent);
                self.underway.insert(order.id, order.clone());
            }
            Fact::RemainderDropped { symbol, intent, qty, refusal, .. } => {
                let (agent, symbol) = (self.agent_name(intent.agent), &self.plan.instrument(*symbol).symbol);
                let message =
                    format!("{agent}: the entry's last {qty} {symbol} did not follow at the market: {refusal}");
                self.tell(Event::Notice { message });
            }
            Fact::Difference { portfolio, difference, .. } => {
                listeners.metrics.portfolio(*portfolio).difference(difference.kind);
                let message = self.describe_difference(*portfolio, difference);
                self.tell(Event::Notice { message });
            }
            Fact::Venue { portfolio, event } => {
                if self.never_left(event) {
                    listeners.metrics.portfolio(*portfolio).order(OrderOutcome::Canceled);
                } else {
                    if let VenueEvent::Order { kind, .. } = event {
                        listeners.metrics.portfolio(*portfolio).order(outcome(kind));
                    }
                    self.tell_venue(*portfolio, event);
                }
                if let VenueEvent::Order { id, kind, .. } = event
                    && is_final(kind)
                {
                    self.underway.remove(id);
                }
            }
            Fact::Breaker { at, scope, change } => {
                let change = match change {
                    BreakerChange::Tripped { equity, peak, drawdown } => {
                        format!("tripped: equity {equity} fell {:.2} % from its peak {peak}", drawdown.to_f64() * 100.0)
                    }
                    BreakerChange::Flat => "flat".to_owned(),
                    BreakerChange::Reset { reason } => format!("reset: {reason}"),
                };
                self.tell(Event::Breaker { at: *at, scope: self.scope_name(*scope), change });
            }
            Fact::Agent { at, agent, change } => {
                let change = match change {
                    AgentChange::Started => "started".to_owned(),
                    AgentChange::Stopped(policy) => format!("stopped, position: {policy:?}").to_lowercase(),
                    AgentChange::Panicked { message } => format!("its rule panicked: {message}"),
                    AgentChange::Failed => "failed: too many panics; start it by hand when the rule is mended".into(),
                };
                self.tell(Event::Agent { at: *at, agent: self.agent_name(*agent), change });
            }
            _ => {}
        }
    }
}

/// Whether nothing more can come of the order.
const fn is_final(kind: &ReportKind) -> bool {
    match kind {
        ReportKind::Filled { leaves, .. } => leaves.is_zero(),
        ReportKind::Rejected(_) | ReportKind::Canceled(_) => true,
        ReportKind::Accepted | ReportKind::CancelRejected => false,
    }
}

/// The step an order went, as the metrics name it.
const fn outcome(kind: &ReportKind) -> OrderOutcome {
    match kind {
        ReportKind::Accepted => OrderOutcome::Accepted,
        ReportKind::Filled { leaves, .. } if leaves.is_zero() => OrderOutcome::Filled,
        ReportKind::Filled { .. } => OrderOutcome::PartlyFilled,
        ReportKind::Rejected(_) => OrderOutcome::Rejected,
        ReportKind::Canceled(_) | ReportKind::CancelRejected => OrderOutcome::Canceled,
    }
}

/// A verdict in words.
///
/// With the contract, a refusal that rests on a filter of the venue names it.
pub fn verdict_text(verdict: &Verdict, instrument: Option<&Instrument>) -> String {
    let words = |refusal: &Refusal| instrument.map_or_else(|| refusal.to_string(), |one| refusal.words(one));
    match verdict {
        Verdict::Approved => "approved".to_owned(),
        Verdict::Resized(refusal) => format!("approved, resized ({})", words(refusal)),
        Verdict::Refused(refusal) => format!("refused ({})", words(refusal)),
    }
}

impl Sink for Recorder {
    #[inline]
    fn fact(&mut self, fact: &Fact) {
        // Most steps have no other fact, and nothing here follows from it.
        if matches!(fact, Fact::StepEnd { .. }) {
            return;
        }
        self.fingerprint.add(fact);
        self.tracker.fact(fact);
        match fact {
            Fact::Signal(record) | Fact::Hold(record) => {
                self.keep(record);
            }
            Fact::Intent { id, .. } => {
                if let Some(kept) = self.decisions.kept[id.agent.index()].back_mut() {
                    kept.intent = Some(*id);
                }
            }
            Fact::Verdict { id, verdict, .. } => {
                if let Some(kept) = self.decisions.kept[id.agent.index()].back_mut()
                    && kept.intent == Some(*id)
                {
                    kept.verdict = Some(verdict.clone());
                }
            }
            // Whoever listens or not: what a saved recorder has followed counts after a start.
            Fact::Order { order, .. } if order.purpose == Purpose::Entry && order.id.leg > 0 => {
                self.followers.insert(order.id);
            }
            Fact::Agent { agent, change, .. } => self.follow_life(*agent, change),
            Fact::Difference { at, portfolio, difference } => self.note_difference(*at, *portfolio, difference),
            _ => {}
        }
        self.listen(fact);
        if let Fact::Venue { event: VenueEvent::Order { id, kind, .. }, .. } = fact
            && id.leg > 0
            && is_final(kind)
        {
            self.followers.remove(id);
        }
    }

    fn trade(&mut self, trade: &Trade) {
        self.tracker.trade(trade);
        if let Some(listeners) = &self.listeners {
            listeners.metrics.agent(trade.agent).trade(trade.net.0 > 0);
            self.tell(Event::Trade {
                at: trade.closed_at,
                agent: self.agent_name(trade.agent),
                symbol: self.plan.instrument(trade.symbol).symbol.clone(),
                net_pnl: trade.net,
                reason: format!("{:?}", trade.exit).to_lowercase(),
            });
        }
    }

    fn decided(&mut self, agent: AgentId) {
        self.tracker.decided(agent);
    }

    fn step_end(&mut self, step: &Step, supervisor: &Supervisor) {
        self.tracker.step_end(step, supervisor);
    }

    fn watches(&self) -> bool {
        false
    }

    fn passed(&mut self, passed: &Passed<'_>, supervisor: &Supervisor) {
        self.tracker.passed(passed, supervisor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::testing::plan;
    use swarm_core::model::StopPolicy;

    #[test]
    fn a_start_after_a_panic_is_a_restart_and_one_by_hand_is_none() {
        let plan = Arc::new(plan());
        let metrics = Metrics::new(&plan, "1");
        let (control, _requests) = Control::new(1);
        let listeners = Listeners { metrics: metrics.clone(), control };
        let mut recorder = Recorder::new(Arc::clone(&plan), Some(listeners));
        let agent = AgentId(0);
        let mut live = |change| recorder.fact(&Fact::Agent { at: Time(0), agent, change });
        let panicked = || AgentChange::Panicked { message: "index out of range".into() };
        let line = format!("swarm_agent_restarts_total{{agent=\"{}\"", plan.agents[0].name);
        let restarts = || {
            let page = metrics.render();
            let line = page.lines().find(|shown| shown.starts_with(&line)).expect("the agent is on the page");
            line.rsplit(' ').next().unwrap().to_owned()
        };
        live(AgentChange::Started);
        assert_eq!(restarts(), "0");
        live(panicked());
        live(AgentChange::Started);
        assert_eq!(restarts(), "1");
        live(panicked());
        live(AgentChange::Stopped(StopPolicy::Keep));
        live(AgentChange::Started);
        live(panicked());
        live(AgentChange::Failed);
        live(AgentChange::Started);
        assert_eq!(restarts(), "1");
    }

    /// A market entry with its stop, of which nothing leaves, and one that follows a limit entry.
    fn never_left(plan: &Plan) -> [Fact; 6] {
        let id = |leg| OrderId { intent: IntentId { agent: AgentId(0), number: 1 }, leg };
        let symbol = plan.agents[0].symbol;
        let order = |leg, purpose| Order {
            id: id(leg),
            portfolio: PortfolioId(0),
            symbol,
            side: swarm_core::model::Side::Buy,
            kind: swarm_core::model::OrderKind::Market,
            qty: swarm_core::model::Qty::ONE,
            reduce_only: purpose == Purpose::Stop,
            close_position: false,
            leverage: 1,
            purpose,
        };
        let approved = |leg, purpose| Fact::Order { at: Time(1), order: order(leg, purpose) };
        let given_up = |leg| Fact::Venue {
            portfolio: PortfolioId(0),
            event: VenueEvent::Order {
                id: id(leg),
                symbol,
                at: Time(2),
                kind: ReportKind::Rejected(VenueReject::NotSent),
            },
        };
        [
            approved(0, Purpose::Entry),
            approved(1, Purpose::Stop),
            approved(2, Purpose::Entry),
            given_up(1),
            given_up(0),
            given_up(2),
        ]
    }

    /// What the metrics count of orders by what became of them, and what is told to operators.
    fn counted(began_without_listeners: usize) -> ([String; 3], Vec<String>) {
        let plan = Arc::new(plan());
        let facts = never_left(&plan);
        let (before, behind) = facts.split_at(began_without_listeners);
        let mut silent = Recorder::new(Arc::clone(&plan), None);
        before.iter().for_each(|fact| silent.fact(fact));
        let metrics = Metrics::new(&plan, "1");
        let (control, _requests) = Control::new(1);
        let mut told = control.events();
        let listeners = Some(Listeners { metrics: metrics.clone(), control });
        let mut recorder = Recorder::restored(Arc::clone(&plan), listeners, &silent.save()).unwrap();
        behind.iter().for_each(|fact| recorder.fact(fact));
        let page = metrics.render();
        let count = |status: &str| {
            let has = |line: &&str| line.starts_with("swarm_orders_total") && line.contains(&format!("\"{status}\""));
            let of_portfolio = |line: &&str| line.contains(&format!("\"{}\"", plan.portfolios[0].name));
            let line = page.lines().find(|line| has(line) && of_portfolio(line)).expect("the portfolio is on the page");
            line.rsplit(' ').next().unwrap().to_owned()
        };
        let notices = std::iter::from_fn(|| told.try_recv().ok()).filter_map(|event| match event {
            Event::Notice { message } => Some(message),
            _ => None,
        });
        (["sent", "canceled", "rejected"].map(count), notices.collect())
    }

    #[test]
    fn a_stop_that_never_left_with_its_entry_counts_as_canceled_and_nobody_refused_it() {
        // In one life, and where a saved state lies between the approval and the end.
        for (began, sent) in [(0, "3"), (3, "0")] {
            let (counts, notices) = counted(began);
            assert_eq!(counts, [sent, "1", "2"], "after {began} facts");
            assert_eq!(notices.len(), 2, "of the entries alone: {notices:?}");
        }
    }
}
