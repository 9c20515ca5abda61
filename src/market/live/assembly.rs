//! Which candles make which step: a plain value that takes candles as streams and REST deliver them, says what is
//! to be asked for again, and hands out steps in ascending time. Every candle is handed out once or counted.
//!
//! Knows no socket and no clock. Two times are passed in: the market's, which says when a candle is over, and a
//! steady one in milliseconds, by which waiting is measured.

use std::collections::{BTreeMap, VecDeque};
use swarm_core::model::{Candle, Interval, Millis, SECOND_MS, Step, SymbolId, Time};

/// Handed-out candles that are remembered of a symbol, and compared with what REST says after a reconnection.
pub const REMEMBERED: usize = 3;

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The market's time.
    pub market: Time,
    /// A clock that only goes forward, in milliseconds.
    pub steady: Millis,
}

/// How long to wait for what, in milliseconds of the steady clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// From the end of a candle until REST is asked for it.
    pub grace_ms: Millis,
    /// From the end of a candle until its step goes out without it.
    pub give_up_ms: Millis,
    /// Between two questions about one symbol, doubled up to sixteen times this.
    pub ask_again_ms: Millis,
}

impl Default for Waits {
    fn default() -> Self {
        Self { grace_ms: 2 * SECOND_MS, give_up_ms: 15 * SECOND_MS, ask_again_ms: 2 * SECOND_MS }
    }
}

/// What became of a candle beside being handed out as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// The stream did not bring it, REST did.
    Filled,
    /// REST said otherwise than the stream before it was handed out: REST's was taken.
    Corrected,
    /// REST says otherwise than what was handed out already; nothing is taken back.
    Differs,
    /// It came after its step had gone out without it.
    Late,
    /// Nobody brought it: its step went out without it.
    Missing,
    /// It makes no sense, such as a high below its low, and was passed over.
    Faulty,
}

impl Fate {
    /// All of them, in order.
    pub const ALL: [Self; 6] = [Self::Filled, Self::Corrected, Self::Differs, Self::Late, Self::Missing, Self::Faulty];

    /// Its name.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Filled => "filled",
            Self::Corrected => "corrected",
            Self::Differs => "differs",
            Self::Late => "late",
            Self::Missing => "missing",
            Self::Faulty => "faulty",
        }
    }
}

/// A candle with a fate worth telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// Of which contract.
    pub symbol: SymbolId,
    /// When the candle closed.
    pub close_time: Time,
    /// What became of it.
    pub fate: Fate,
}

/// A question for REST: the closed candles of a symbol from here on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Of which contract.
    pub symbol: SymbolId,
    /// Start of the first candle wanted.
    pub from: Time,
}

/// What is known of one symbol.
#[derive(Clone, Debug, Default)]
struct Series {
    /// By close time, not handed out yet.
    ready: BTreeMap<Time, Candle>,
    /// Handed out last, oldest first; absent where a step went out without.
    handed: VecDeque<(Time, Option<Candle>)>,
    /// A question is under way.
    asked: bool,
    /// Not to be asked about before, on the steady clock.
    ask_at: Millis,
    /// Questions since the last one that brought what was wanted.
    tries: u32,
    /// Streams were lost and REST has not been compared since.
    unchecked: bool,
    /// Close time of the newest candle that REST has shown: what is missing before it does not exist.
    shown_until: Time,
}

/// Puts steps together.
#[derive(Clone, Debug)]
pub struct Assembly {
    base: Interval,
    waits: Waits,
    series: Vec<Series>,
    /// Close time of the step to come.
    next: Time,
    /// When that step was first known to be over.
    over_since: Option<Millis>,
    notes: Vec<Note>,
}

impl Assembly {
    /// For this many symbols, after steps up to and including `last`. Everything is to be checked with REST once.
    pub fn new(symbols: usize, base: Interval, last: Time, waits: Waits) -> Self {
        let fresh = Series { unchecked: true, ..Series::default() };
        Self {
            base,
            waits,
            series: vec![fresh; symbols],
            next: last.plus(base.ms()),
            over_since: None,
            notes: Vec::new(),
        }
    }

    /// Close time of the step to come.
    pub const fn next_close(&self) -> Time {
        self.next
    }

    /// What became of candles since the last time this was asked.
    pub fn take_notes(&mut self) -> Vec<Note> {
        std::mem::take(&mut self.notes)
    }

    fn note(&mut self, symbol: SymbolId, close_time: Time, fate: Fate) {
        self.notes.push(Note { symbol, close_time, fate });
    }

    /// Close time of a candle that can be used; a faulty one, or one that is not on the grid, is noted.
    fn close_of(&mut self, symbol: SymbolId, candle: &Candle) -> Option<Time> {
        let close = candle.close_time(self.base);
        if candle.fault().is_some() || candle.open_time.floor(self.base.ms()) != candle.open_time {
            self.note(symbol, close, Fate::Faulty);
            return None;
        }
        Some(close)
    }

    /// The stream brought a closed candle.
    pub fn streamed(&mut self, symbol: SymbolId, candle: Candle) {
        let Some(close) = self.close_of(symbol, &candle) else { return };
        let Some(series) = self.series.get_mut(symbol.index()) else { return };
        if close >= self.next {
            series.ready.entry(close).or_insert(candle);
            return;
        }
        match series.handed.iter().find(|(at, _)| *at == close) {
            Some((_, None)) => self.note(symbol, close, Fate::Late),
            Some((_, Some(handed))) if *handed != candle => self.note(symbol, close, Fate::Differs),
            // The same once more, or older than what is remembered.
            _ => {}
        }
    }

    /// REST answered a question with these closed candles, ascending.
    pub fn answered(&mut self, question: Question, candles: &[Candle], now: Moment) {
        for candle in candles {
            let Some(close) = self.close_of(question.symbol, candle) else { continue };
            self.compare(question.symbol, close, *candle);
        }
        let next = self.next;
        let waits = self.waits;
        let Some(series) = self.series.get_mut(question.symbol.index()) else { return };
        if let Some(last) = candles.last() {
            series.shown_until = series.shown_until.max(last.close_time(self.base));
        }
        series.asked = false;
        series.unchecked = false;
        series.tries = if series.ready.contains_key(&next) { 0 } else { series.tries + 1 };
        series.ask_at = now.steady + wait_between(waits, series.tries);
    }

    /// A question was not answered.
    pub fn unanswered(&mut self, question: Question, now: Moment) {
        let waits = self.waits;
        let Some(series) = self.series.get_mut(question.symbol.index()) else { return };
        series.asked = false;
        series.tries += 1;
        series.ask_at = now.steady + wait_between(waits, series.tries);
    }

    /// Takes what REST says of a candle: it wins where nothing has been handed out.
    fn compare(&mut self, symbol: SymbolId, close: Time, candle: Candle) {
        let Some(series) = self.series.get_mut(symbol.index()) else { return };
        if close >= self.next {
            match series.ready.insert(close, candle) {
                None => self.note(symbol, close, Fate::Filled),
                Some(streamed) if streamed != candle => self.note(symbol, close, Fate::Corrected),
                Some(_) => {}
            }
        } else if let Some((_, handed)) = series.handed.iter_mut().find(|(at, _)| *at == close) {
            match handed {
                Some(known) if *known != candle => {
                    // Told once: from here on this is what is known.
                    *known = candle;
                    self.note(symbol, close, Fate::Differs);
                }
                Some(_) => {}
                None => {
                    *handed = Some(candle);
                    self.note(symbol, close, Fate::Late);
                }
            }
        }
    }

    /// Streams of these symbols were lost and are back: candles may be missing, or may have been told wrongly.
    pub fn reconnected(&mut self, symbols: impl IntoIterator<Item = SymbolId>) {
        for symbol in symbols {
            if let Some(series) = self.series.get_mut(symbol.index()) {
                series.unchecked = true;
                (series.tries, series.ask_at) = (0, Millis::MIN);
            }
        }
    }

    /// Notes whether the step to come is over by now, and since when.
    fn look(&mut self, now: Moment) -> Option<Millis> {
        let is_over = now.market >= self.next || self.series.iter().any(|series| !series.ready.is_empty());
        if is_over { Some(now.steady - *self.over_since.get_or_insert(now.steady)) } else { None }
    }

    /// Whether a symbol's candle of the step to come is neither there nor known not to exist.
    fn lacks(&self, series: &Series) -> bool {
        !series.ready.contains_key(&self.next) && series.shown_until <= self.next
    }

    /// What is to be asked now. Each question must be answered or given back as unanswered.
    pub fn questions(&mut self, now: Moment) -> Vec<Question> {
        let over = self.look(now);
        let mut questions = Vec::new();
        for index in 0..self.series.len() {
            let series = &self.series[index];
            if series.asked || now.steady < series.ask_at {
                continue;
            }
            let overdue = over.is_some_and(|since| since >= self.waits.grace_ms) && self.lacks(series);
            let steps_back = match (series.unchecked, overdue) {
                (true, _) => REMEMBERED as i64 + 1,
                (false, true) => 1,
                (false, false) => continue,
            };
            let from = self.next.plus(-steps_back * self.base.ms());
            self.series[index].asked = true;
            questions.push(Question { symbol: SymbolId::at(index), from });
        }
        questions
    }

    /// The next step, when it is complete or its time to be waited for is over.
    pub fn next_step(&mut self, now: Moment) -> Option<Step> {
        loop {
            let waited = self.look(now)?;
            let gave_up = waited >= self.waits.give_up_ms;
            // A check that failed is tried again, and holds up no further step.
            let is_open = |series: &Series| (series.unchecked && series.tries == 0) || self.lacks(series);
            if !gave_up && self.series.iter().any(is_open) {
                return None;
            }
            // Without anything newer the market itself is silent, and there is no step to give up on.
            let goes_on = self.series.iter().any(|s| !s.ready.is_empty() || s.shown_until > self.next);
            if !goes_on {
                return None;
            }
            let step = self.hand_out();
            if step.candles.iter().any(Option::is_some) {
                return Some(step);
            }
        }
    }

    fn hand_out(&mut self) -> Step {
        let close_time = self.next;
        let mut step = Step { close_time, candles: Vec::with_capacity(self.series.len()), funding: Vec::new() };
        for index in 0..self.series.len() {
            let series = &mut self.series[index];
            let candle = series.ready.remove(&close_time);
            series.handed.push_back((close_time, candle));
            if series.handed.len() > REMEMBERED {
                series.handed.pop_front();
            }
            if candle.is_none() {
                self.note(SymbolId::at(index), close_time, Fate::Missing);
            } else if !series.unchecked {
                (series.tries, series.ask_at) = (0, Millis::MIN);
            }
            step.candles.push(candle);
        }
        self.next = close_time.plus(self.base.ms());
        self.over_since = None;
        step
    }
}

fn wait_between(waits: Waits, tries: u32) -> Millis {
    waits.ask_again_ms << tries.min(4)
}

#[cfg(test)]
#[path = "assembly_tests.rs"]
mod tests;
