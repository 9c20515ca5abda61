//! Strategy orders of the simulated venue: an entry that brings its stop along, and how a venue may fail at it.
//! Each of both is an ordinary order once it is placed.

use super::venue::{Venue, refused};
use crate::delivery::{Answer, EntryWithStop, RefusalClass, StrategyState};
use crate::model::{Order, Qty, Time, VenueReject};

/// How a venue takes strategies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Takes {
    /// As documented.
    #[default]
    Strategies,
    /// It refuses them, and questions about them.
    Refusing,
    /// It takes them, says that they failed, and places nothing.
    Failing,
    /// It takes them and never places the stop, without a word.
    WithoutStops,
}

#[derive(Clone, Debug)]
struct Placed {
    name: String,
    at: Time,
    /// Number of its entry; `None` when it failed.
    entry: Option<u64>,
    /// Name of its stop.
    stop_name: String,
    /// Not placed yet.
    stop: Option<Order>,
}

/// All strategies of an account.
#[derive(Clone, Debug, Default)]
pub(super) struct Strategies {
    takes: Takes,
    placed: Vec<Placed>,
}

impl Venue {
    /// Sets how strategies are taken.
    pub const fn taking(mut self, takes: Takes) -> Self {
        self.strategies.takes = takes;
        self
    }

    pub(super) fn place_strategy(&mut self, now: Time, asked: &EntryWithStop) -> Answer {
        let takes = self.strategies.takes;
        if takes == Takes::Refusing {
            return refused(RefusalClass::Refuse, VenueReject::Other);
        }
        if self.strategies.placed.iter().any(|placed| placed.name == asked.name) {
            return refused(RefusalClass::Refuse, VenueReject::DuplicateId);
        }
        let stop = Some(asked.stop.clone()).filter(|_| takes == Takes::Strategies);
        let stop_name = asked.stop_name.clone();
        let mut placed = Placed { name: asked.name.clone(), at: now, entry: None, stop_name, stop };
        if takes == Takes::Failing {
            self.strategies.placed.push(placed);
            return Answer::Strategy(StrategyState::Failed);
        }
        match self.place(now, &asked.entry, &asked.entry_name) {
            Answer::Order(report) => {
                placed.entry = Some(report.number);
                self.strategies.placed.push(placed);
                Answer::Strategy(StrategyState::Taken)
            }
            other => other,
        }
    }

    pub(super) fn query_strategy(&self, now: Time, name: &str) -> Answer {
        if self.strategies.takes == Takes::Refusing {
            return refused(RefusalClass::Refuse, VenueReject::Other);
        }
        let found = self.strategies.placed.iter().find(|placed| placed.name == name);
        let seen = found.filter(|placed| now.since(placed.at) >= self.hidden_ms);
        seen.map_or(Answer::NoSuchOrder, |placed| {
            let entry = placed.entry.and_then(|number| self.records().get(number as usize - 1));
            let is_over = entry.is_none_or(|entry| entry.report.status.is_final());
            Answer::Strategy(if is_over { StrategyState::Over } else { StrategyState::Taken })
        })
    }

    /// Names of stops that wait for entries which are open and have not filled.
    pub fn promised(&self) -> impl Iterator<Item = &str> {
        let waits = |placed: &&Placed| {
            let entry = placed.entry.and_then(|number| self.records().get(number as usize - 1));
            entry.is_some_and(|entry| !entry.report.status.is_final() && entry.report.filled.is_zero())
        };
        self.strategies.placed.iter().filter(waits).map(|placed| placed.stop_name.as_str())
    }

    /// Places stops whose entries have filled, in part or whole; one that is refused is refused in silence.
    pub(super) fn drive(&mut self, now: Time) {
        for index in 0..self.strategies.placed.len() {
            let placed = &self.strategies.placed[index];
            let entry = placed.entry.and_then(|number| self.records().get(number as usize - 1));
            let Some((filled, is_final)) = entry.map(|entry| (entry.report.filled, entry.report.status.is_final()))
            else {
                continue;
            };
            let placed = &mut self.strategies.placed[index];
            if filled > Qty::ZERO {
                if let Some(stop) = placed.stop.take() {
                    let name = placed.stop_name.clone();
                    let _: Answer = self.place(now, &stop, &name);
                }
            } else if is_final {
                placed.stop = None;
            }
        }
    }
}
