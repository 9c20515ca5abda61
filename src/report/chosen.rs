//! The trades and decisions of one agent that a report shows one by one: the best, the worst and the latest,
//! picked while the run goes on, so that memory does not grow with its length. Knows no page.

use crate::record::verdict_text;
use std::collections::VecDeque;
use std::rc::Rc;
use swarm_core::ledger::Trade;
use swarm_core::model::{
    DecisionRecord, Fact, Fill, Instrument, IntentId, IntentKind, Order, OrderKind, Price, Purpose, Qty, ReportKind,
    Side, Time, VenueEvent, Verdict,
};

/// Most events kept of a position; of a longer one every other move of its stop is left out.
const MAX_MARKS: usize = 240;
/// Entries whose position is still open or never came to be.
const MAX_OPENINGS: usize = 32;

/// Something that happened to a position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Event {
    /// Part of it was bought or sold.
    Fill {
        side: Side,
        qty: Qty,
        price: Price,
        /// What the order was for.
        purpose: Purpose,
    },
    /// Its stop was put here.
    Stop(Price),
    /// A target was put here.
    Target(Price),
}

/// An event and its time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mark {
    pub at: Time,
    pub event: Event,
}

/// A decision and what came of it.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub record: DecisionRecord,
    pub intent: Option<IntentId>,
    pub verdict: Option<String>,
}

/// A trade with what happened while it was open.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    pub trade: Trade,
    pub marks: Vec<Mark>,
    /// The decision that opened it.
    pub note: Option<Rc<Note>>,
    /// Place among the agent's trades, from 0.
    pub number: u64,
}

/// Why a trade is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Why {
    pub best: bool,
    pub worst: bool,
    pub latest: bool,
}

/// Follows one agent.
#[derive(Debug, Default)]
pub(super) struct Follower {
    /// How many of the best, of the worst and of the latest.
    each: usize,
    /// What its agent trades: with it, refusals name the venue's filter.
    contract: Option<Instrument>,
    /// Since the agent was flat.
    marks: Vec<Mark>,
    openings: Vec<Rc<Note>>,
    latest: VecDeque<Rc<Note>>,
    chosen: Vec<Chosen>,
    trades: u64,
}

impl Follower {
    pub fn new(each: usize) -> Self {
        Self { each, ..Self::default() }
    }

    /// The same for an agent on this contract.
    pub fn on(self, contract: Option<&Instrument>) -> Self {
        Self { contract: contract.cloned(), ..self }
    }

    /// Takes a fact about this agent.
    pub fn fact(&mut self, fact: &Fact, purpose_of: impl FnOnce() -> Purpose) {
        match fact {
            Fact::Signal(record) => {
                if self.latest.len() == self.each {
                    self.latest.pop_front();
                }
                let note = Note { record: (**record).clone(), intent: None, verdict: None };
                self.latest.push_back(Rc::new(note));
            }
            Fact::Intent { id, intent } => {
                let Some(note) = self.latest.back_mut() else { return };
                Rc::make_mut(note).intent = Some(*id);
                if !matches!(intent.kind, IntentKind::Close { .. }) {
                    if self.openings.len() == MAX_OPENINGS {
                        self.openings.remove(0);
                    }
                    self.openings.push(Rc::clone(note));
                }
            }
            Fact::Verdict { id, verdict, .. } => self.judged(*id, verdict),
            Fact::Order { at, order } => self.ordered(*at, order),
            Fact::Venue { event: VenueEvent::Order { at, kind: ReportKind::Filled { fill, .. }, .. }, .. } => {
                self.mark(*at, filled(fill, purpose_of()));
            }
            _ => {}
        }
    }

    fn judged(&mut self, id: IntentId, verdict: &Verdict) {
        let text = verdict_text(verdict, self.contract.as_ref());
        let notes = self.latest.iter_mut().chain(&mut self.openings);
        for note in notes.filter(|note| note.intent == Some(id)) {
            Rc::make_mut(note).verdict = Some(text.clone());
        }
        if matches!(verdict, Verdict::Refused(_)) {
            self.openings.retain(|note| note.intent != Some(id));
        }
    }

    fn ordered(&mut self, at: Time, order: &Order) {
        match order.kind {
            OrderKind::StopMarket { trigger } if order.purpose == Purpose::Stop => {
                self.mark(at, Event::Stop(trigger));
            }
            OrderKind::TakeProfitMarket { trigger } if order.purpose == Purpose::Target => {
                self.mark(at, Event::Target(trigger));
            }
            _ => {}
        }
    }

    fn mark(&mut self, at: Time, event: Event) {
        let last_stop = |mark: &&Mark| matches!(mark.event, Event::Stop(_));
        let is_stop = matches!(event, Event::Stop(_));
        if is_stop && self.marks.iter().rev().find(last_stop).is_some_and(|mark| mark.event == event) {
            return; // The same stop again, for another quantity.
        }
        if self.marks.len() >= MAX_MARKS && is_stop {
            let mut stops = 0;
            self.marks.retain(|mark| {
                let stop = matches!(mark.event, Event::Stop(_));
                stops += usize::from(stop);
                !stop || stops % 2 == 1
            });
        }
        self.marks.push(Mark { at, event });
    }

    /// Takes a closed trade of this agent.
    pub fn trade(&mut self, trade: &Trade) {
        let marks = self.take_marks(trade);
        let note = self.openings.iter().find(|note| note.intent == Some(trade.intent)).cloned();
        self.openings.retain(|note| note.intent.is_some_and(|intent| intent.number > trade.intent.number));
        self.chosen.push(Chosen { trade: trade.clone(), marks, note, number: self.trades });
        self.trades += 1;
        let why = self.reasons();
        let mut why = why.iter();
        self.chosen.retain(|_| why.next().is_some_and(|why| *why != Why::default()));
    }

    /// The marks of the trade that was just closed; what belongs to the next position stays.
    fn take_marks(&mut self, trade: &Trade) -> Vec<Mark> {
        let mut held = 0_i64;
        let mut entered = false;
        for index in 0..self.marks.len() {
            let Mark { at, event: Event::Fill { side, qty, price, purpose } } = self.marks[index] else { continue };
            let after = held + side.signed(qty).0;
            let turned = entered && held.signum() * after.signum() < 0;
            if turned {
                // One execution closed this position and opened the next: each gets its part.
                let part = |qty: i64| Mark { at, event: Event::Fill { side, qty: Qty(qty.abs()), price, purpose } };
                let rest = self.marks.split_off(index + 1);
                let mut own = std::mem::replace(&mut self.marks, rest);
                own[index] = part(held);
                self.marks.insert(0, part(after));
                return own;
            }
            if entered && after == 0 {
                let rest = self.marks.split_off(index + 1);
                return std::mem::replace(&mut self.marks, rest);
            }
            entered |= side == trade.side;
            held = after;
        }
        // Closed by a force that has no order of ours, such as a liquidation.
        let split = self.marks.partition_point(|mark| mark.at <= trade.closed_at);
        let rest = self.marks.split_off(split);
        std::mem::replace(&mut self.marks, rest)
    }

    /// Why each chosen trade is one; of equal results the earlier one comes first.
    fn reasons(&self) -> Vec<Why> {
        let mut why = vec![Why::default(); self.chosen.len()];
        let mut order: Vec<usize> = (0..self.chosen.len()).collect();
        let first = self.trades.saturating_sub(self.each as u64);
        order.sort_by_key(|index| self.chosen[*index].trade.net);
        order.iter().take(self.each).for_each(|index| why[*index].worst = true);
        order.sort_by_key(|index| std::cmp::Reverse(self.chosen[*index].trade.net));
        order.iter().take(self.each).for_each(|index| why[*index].best = true);
        for (why, chosen) in why.iter_mut().zip(&self.chosen) {
            why.latest = chosen.number >= first;
        }
        why
    }

    /// The chosen trades in order of closing, with the reason.
    pub fn trades(&self) -> impl Iterator<Item = (&Chosen, Why)> {
        self.chosen.iter().zip(self.reasons())
    }

    /// The latest decisions other than HOLD, and those that opened a chosen trade, each once, oldest first.
    pub fn notes(&self) -> Vec<Rc<Note>> {
        let of_trades = self.chosen.iter().filter_map(|chosen| chosen.note.as_ref());
        let mut notes: Vec<Rc<Note>> = of_trades.chain(&self.latest).cloned().collect();
        notes.sort_by_key(|note| note.record.at);
        notes.dedup_by_key(|note| note.record.at);
        notes
    }
}

const fn filled(fill: &Fill, purpose: Purpose) -> Event {
    Event::Fill { side: fill.side, qty: fill.qty, price: fill.price, purpose }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarm_core::model::{AgentId, ExitReason, PortfolioId, Rate, SymbolId, Usd};

    fn trade(number: u32, net: i64, side: Side) -> Trade {
        let at = Time(i64::from(number));
        Trade {
            portfolio: PortfolioId(0),
            agent: AgentId(0),
            intent: IntentId { agent: AgentId(0), number },
            symbol: SymbolId(0),
            side,
            opened_at: at,
            closed_at: at,
            qty: Qty::ONE,
            entry_price: Price::ONE,
            exit_price: Price::ONE,
            gross: Usd(net),
            fees: Usd::ZERO,
            funding: Usd::ZERO,
            slippage: Usd::ZERO,
            net: Usd(net),
            exit: ExitReason::Stop,
            leverage: Rate::ONE,
            confidence: None,
        }
    }

    fn fill(side: Side, qty: i64) -> Event {
        Event::Fill { side, qty: Qty::whole(qty), price: Price::ONE, purpose: Purpose::Entry }
    }

    #[test]
    fn the_best_the_worst_and_the_latest_are_kept() {
        let mut follower = Follower::new(2);
        let results = [5, -7, 1, 9, -3, 0, 2, 8, -9, 3, 1];
        for (index, net) in results.into_iter().enumerate() {
            follower.trade(&trade(index as u32, net, Side::Buy));
            assert!(follower.chosen.len() <= 6);
        }
        let kept: Vec<(i64, Why)> = follower.trades().map(|(chosen, why)| (chosen.trade.net.0, why)).collect();
        let why = |best, worst, latest| Why { best, worst, latest };
        assert_eq!(
            kept,
            [
                (-7, why(false, true, false)),
                (9, why(true, false, false)),
                (8, why(true, false, false)),
                (-9, why(false, true, false)),
                (3, why(false, false, true)),
                (1, why(false, false, true)),
            ]
        );
    }

    #[test]
    fn an_execution_that_turns_the_position_is_shared() {
        let mut follower = Follower::new(3);
        for (at, event) in [
            (1, fill(Side::Buy, 2)),
            (1, Event::Stop(Price::ONE)),
            (2, fill(Side::Sell, 1)),
            (3, fill(Side::Sell, 4)),
            (3, Event::Stop(Price::whole(2))),
        ] {
            follower.mark(Time(at), event);
        }
        follower.trade(&trade(3, 1, Side::Buy));
        let events: Vec<Event> = follower.chosen[0].marks.iter().map(|mark| mark.event).collect();
        let expected = [fill(Side::Buy, 2), Event::Stop(Price::ONE), fill(Side::Sell, 1), fill(Side::Sell, 1)];
        assert_eq!(events, expected);
        let left: Vec<Event> = follower.marks.iter().map(|mark| mark.event).collect();
        assert_eq!(left, [fill(Side::Sell, 3), Event::Stop(Price::whole(2))]);
    }

    #[test]
    fn a_stop_that_moves_for_ever_stays_small() {
        let mut follower = Follower::new(1);
        follower.mark(Time(0), fill(Side::Buy, 1));
        for at in 1..10_000 {
            follower.mark(Time(at), Event::Stop(Price::whole(at)));
            follower.mark(Time(at), Event::Stop(Price::whole(at)));
        }
        assert!(follower.marks.len() <= MAX_MARKS);
        assert_eq!(follower.marks[0].event, fill(Side::Buy, 1));
        assert_eq!(follower.marks.last().unwrap().event, Event::Stop(Price::whole(9_999)));
    }
}
