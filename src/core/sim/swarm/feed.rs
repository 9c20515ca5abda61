//! What the hosted values make of the market: steps close, agents decide, and what they wish travels to the
//! supervisor.

use super::host::Host;
use super::process::{Own, Process, Values};
use super::rates::Way;
use crate::engine::{AfterPanic, RulePanic, Standing, consult};
use crate::invariants;
use crate::model::{
    Action, AgentChange, AgentId, Candle, DecisionRecord, Fact, Intent, Mark, Millis, Price, Purpose, SECOND_MS,
    SymbolId, Time,
};
use crate::sim::Fault;

/// Candles of one close are waited for so long.
const GRACE_MS: Millis = 2 * SECOND_MS;

impl Host<Values<'_>> {
    /// A mark arrives. One that is not newer than what is known is an old one, whatever it says.
    pub(super) fn hear_mark(&mut self, symbol: SymbolId, at: Time, price: Price) {
        let now = self.clock();
        let Some(process) = &mut self.inside.process else { return };
        let newest = &mut process.feed.marks[symbol.index()];
        if *newest >= at {
            return;
        }
        *newest = at;
        let fact = Fact::Mark { at: now, symbol, price };
        if !self.append(std::slice::from_ref(&fact)) {
            return;
        }
        let Some(process) = &mut self.inside.process else { return };
        process.supervisor.apply(&fact);
        let believed = process.supervisor.unconfirmed_mark(symbol).is_none();
        for portfolio in self.portfolios() {
            self.on_supervisor(|supervisor, effects| {
                if believed {
                    supervisor.on_marks(portfolio, now, &[Mark { symbol, price }], effects);
                } else {
                    supervisor.on_time(portfolio, now, effects);
                }
            });
        }
    }

    /// Time itself asks.
    pub(super) fn tick(&mut self) {
        self.inside.tick_at = None;
        let now = self.clock();
        for portfolio in self.portfolios() {
            self.on_supervisor(|supervisor, effects| supervisor.on_time(portfolio, now, effects));
        }
        if let Some(process) = &self.inside.process
            && let Err(violation) = invariants::clocks(&process.supervisor, now)
        {
            self.audit.blame(violation.number, || violation.what);
        }
        (0..self.accounts.len()).for_each(|account| self.watch_positions(account));
    }

    pub(super) fn hear_candle(&mut self, symbol: SymbolId, candle: &Candle) {
        let (close_time, symbols) = (candle.close_time(self.plan.base), self.plan.instruments.len());
        let Some(process) = &mut self.inside.process else { return };
        let feed = &mut process.feed;
        if close_time <= feed.closed {
            return;
        }
        let is_first = !feed.pending.contains_key(&close_time);
        let candles = feed.pending.entry(close_time).or_insert_with(|| vec![None; symbols]);
        candles[symbol.index()] = Some(*candle);
        if candles.iter().all(Option::is_some) {
            self.close_step(close_time);
        } else if is_first {
            self.send_own(GRACE_MS, Own::CloseStep(close_time));
        }
    }

    /// Everything that has come of a step is taken as all there is; earlier steps are closed with it.
    pub(super) fn close_step(&mut self, close_time: Time) {
        let life = self.life;
        while life == self.life {
            let Some(process) = &mut self.inside.process else { return };
            let first = process.feed.pending.first_entry().filter(|entry| *entry.key() <= close_time);
            let Some((at, candles)) = first.map(|entry| entry.remove_entry()) else { return };
            process.feed.closed = at;
            self.take_step(at, &candles);
        }
    }

    fn take_step(&mut self, close_time: Time, candles: &[Option<Candle>]) {
        let told = candles.iter().enumerate().filter_map(|(index, candle)| Some((SymbolId::at(index), (*candle)?)));
        let facts: Vec<_> = told.map(|(symbol, candle)| Fact::Candle { symbol, candle }).collect();
        if !self.append(&facts) {
            return;
        }
        let Some(process) = &mut self.inside.process else { return };
        for (index, candle) in candles.iter().enumerate() {
            let Some(candle) = candle else { continue };
            let symbol = SymbolId::at(index);
            process.supervisor.on_candle(symbol, candle, close_time);
            process.hub.close(symbol, candle);
            process.feed.closes[index] = close_time;
        }
        let life = self.life;
        for index in 0..self.plan.agents.len() {
            if life != self.life {
                return;
            }
            self.decide(AgentId::at(index), close_time, candles);
        }
        if life == self.life {
            self.send_own(5, Own::EndStep);
        }
    }

    fn decide(&mut self, agent: AgentId, close_time: Time, candles: &[Option<Candle>]) {
        let now = self.clock();
        let (plan, life) = (std::sync::Arc::clone(&self.plan), self.life);
        let of = &plan.agents[agent.index()];
        let Some(process) = &mut self.inside.process else { return };
        if process.lives[agent.index()].restart_if_due(now) {
            self.revive(agent, now);
        }
        let Some(process) = self.inside.process.as_mut().filter(|_| life == self.life) else { return };
        let Process { supervisor, hub, rules, lives, .. } = process;
        let (Some(Some(candle)), true) = (candles.get(of.symbol.index()), lives[agent.index()].runs()) else { return };
        let Some(frame) = hub.frame(of.symbol).filter(|_| !self.is_over) else { return };
        let standing = Standing::of(&plan, supervisor, agent, None);
        match consult(rules[agent.index()].as_mut(), &plan, of.symbol, frame, &standing, false) {
            Ok(answer) => {
                let (Some(explanation), true) = (answer.explanation, answer.decision.action != Action::Hold) else {
                    return;
                };
                let kind = answer.decision.proposal.clone();
                let record = Box::new(DecisionRecord {
                    at: close_time,
                    candle: candle.open_time,
                    agent,
                    symbol: of.symbol,
                    decision: answer.decision,
                    explanation: *explanation,
                });
                supervisor.on_signal(&record);
                if !self.append(&[Fact::Signal(record)]) {
                    return;
                }
                let Some(kind) = kind else { return };
                let (portfolio, symbol) = (of.portfolio, of.symbol);
                let reference = candle.close;
                self.wish(Intent { agent, portfolio, symbol, decided_at: close_time, reference, kind: *kind });
            }
            Err(panic) => self.panicked(agent, panic, now),
        }
    }

    fn wish(&mut self, intent: Intent) {
        let wish = Own::Intent(Box::new(intent));
        match self.strike(Way::Intent) {
            Some(Fault::Lose) => {}
            Some(Fault::Crash(ms)) => self.crash(ms),
            Some(Fault::Delay(ms)) => self.send_own(1 + ms, wish),
            Some(Fault::Repeat) => {
                let again = self.faults.some_of(30 * SECOND_MS);
                self.send_own(1, wish.clone());
                self.send_own(1 + again, wish);
            }
            _ => self.send_own(1, wish),
        }
    }

    fn panicked(&mut self, agent: AgentId, panic: RulePanic, now: Time) {
        self.counts.faults += 1;
        let restart = self.scenario.restart;
        let Some(process) = &mut self.inside.process else { return };
        let after = process.lives[agent.index()].panicked(now, &restart);
        self.on_supervisor(|supervisor, effects| {
            supervisor.on_agent(now, agent, AgentChange::Panicked { message: panic.0 }, effects);
            if after == AfterPanic::Fail {
                supervisor.on_agent(now, agent, AgentChange::Failed, effects);
            }
        });
    }

    /// An agent starts anew with a new rule.
    pub(super) fn revive(&mut self, agent: AgentId, now: Time) {
        let symbol = self.plan.agents[agent.index()].symbol;
        let Some(mut process) = self.inside.process.take() else { return };
        match self.make_rule(agent, &mut process.wants[symbol.index()]) {
            Ok(rule) => process.rules[agent.index()] = rule,
            Err(error) => self.audit.blame(20, || error),
        }
        self.inside.process = Some(process);
        self.on_supervisor(|supervisor, effects| supervisor.on_agent(now, agent, AgentChange::Started, effects));
    }

    /// A wish arrives at the supervisor.
    pub(super) fn judge(&mut self, intent: &Intent) {
        let now = self.clock();
        let mut held = Ok(());
        let mut is_entry = false;
        self.on_supervisor(|supervisor, effects| {
            let _: crate::model::Verdict = supervisor.on_intent(now, intent, effects);
            is_entry = effects
                .facts
                .iter()
                .any(|fact| matches!(fact, Fact::Order { order, .. } if order.purpose == Purpose::Entry));
            if is_entry {
                held = invariants::after_approval(supervisor, intent.agent);
            }
        });
        if let Err(violation) = held {
            self.audit.blame(violation.number, || violation.what);
        }
    }

    /// A step is complete.
    pub(super) fn end_step(&mut self) {
        let now = self.clock();
        self.on_supervisor(|supervisor, effects| supervisor.end_step(now, effects));
        // Each time the journal is twice as long, so that it is read twice in all.
        if self.audit.facts() >= self.inside.fold_at {
            self.inside.fold_at = 2 * self.audit.facts();
            self.check_fold();
        }
    }
}
