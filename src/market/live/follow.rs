//! The task that follows a live market: carries deliveries of the streams to the assembly, its questions to REST,
//! and its steps to whoever takes them. Decides nothing about candles.

use super::opening::payments;
use super::{Assembly, Funding, MarketClock, Moment, Note, Question, Waits, closed, klines};
use crate::aster::rest::{Outcome, Rest};
use crate::aster::stream::{Delivery, MAX_STREAMS, Policy, Session, run};
use crate::aster::wire::{Body, Event, FundingRate, KlineInterval, calls};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use swarm_core::model::{Candle, Interval, MINUTE_MS, Millis, Price, Step, SymbolId, Time};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// How often waits are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// How often the age of what is known is told.
const AGE_EVERY_MS: Millis = 1_000;
/// Wait before funding is asked for again.
const FUNDING_AGAIN_MS: Millis = 5_000;
/// Rows asked for beyond those that are expected.
const ROWS_SPARE: i64 = 60;
/// Deliveries that wait for this task, by session.
const QUEUE: usize = 1_024;
/// Streams of a symbol: candles, and the mark price with funding.
const STREAMS_OF_A_SYMBOL: usize = 2;

/// What is told while a market is followed.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// A candle had a fate worth telling.
    Candle(Note),
    /// A symbol's mark price of this venue's time, each second.
    Mark(SymbolId, Time, Price),
    /// Nothing was heard of a symbol for so many milliseconds.
    Age(SymbolId, Millis),
    /// Streams deliver again, after having been lost.
    Reconnected,
    /// A connection ended, or could not be made; why.
    Lost(String),
    /// A question was not answered; why.
    Unanswered(String),
}

/// What to follow, from where.
pub struct Following {
    /// Asks.
    pub rest: Arc<Rest>,
    /// Contracts, in the plan's order.
    pub symbols: Vec<String>,
    /// Length of candles.
    pub base: Interval,
    /// Close time of the last step that is known.
    pub last: Time,
    /// The market's clock; kept current here.
    pub clock: MarketClock,
    /// How long to wait for what.
    pub waits: Waits,
    /// When connections are given up and replaced.
    pub policy: Policy,
    /// Takes the steps; a slow taker slows everything down, nothing is dropped.
    pub steps: mpsc::Sender<Step>,
    /// Told what happens; must not wait.
    pub news: Arc<dyn Fn(News) + Send + Sync>,
}

/// Answers of REST.
enum Answer {
    Candles(Question, Result<Vec<Candle>, String>),
    Funding(Time, Result<Vec<FundingRate>, String>),
}

/// Sessions that end with this.
struct Sessions(Vec<JoinHandle<()>>);

impl Drop for Sessions {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

/// Follows the market until nobody takes its steps any more.
///
/// # Errors
/// Fails on candles that the venue does not have.
pub async fn follow(following: Following) -> Result<(), String> {
    let interval = KlineInterval::try_from(following.base).map_err(|error| error.to_string())?;
    let (deliver, mut deliveries) = mpsc::channel(QUEUE);
    let _sessions = subscribe(&following, &interval, &deliver)?;
    let mut task = Task::new(following, interval);
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut answers = FuturesUnordered::new();
    loop {
        let steps = task.of.steps.clone();
        tokio::select! {
            biased;
            () = steps.closed() => return Ok(()),
            // Before the deliveries, which may not leave a moment between them.
            _ = looks.tick() => {}
            Some(answer) = answers.next(), if !answers.is_empty() => task.answered(answer),
            Some((session, delivery)) = deliveries.recv() => {
                if !task.delivered(session, delivery) {
                    continue;
                }
            }
        }
        task.look();
        answers.extend(task.questions());
        for step in task.ready() {
            if steps.send(step).await.is_err() {
                return Ok(());
            }
        }
    }
}

/// How many sessions so many symbols need.
const fn sessions(symbols: usize) -> usize {
    symbols.div_ceil(MAX_STREAMS / STREAMS_OF_A_SYMBOL)
}

/// Symbols of the session with this number, by their places.
fn share(session: usize, symbols: usize) -> std::ops::Range<usize> {
    let size = MAX_STREAMS / STREAMS_OF_A_SYMBOL;
    (session * size).min(symbols)..((session + 1) * size).min(symbols)
}

fn subscribe(
    of: &Following,
    interval: &KlineInterval,
    deliver: &mpsc::Sender<(usize, Delivery)>,
) -> Result<Sessions, String> {
    let mut tasks = Vec::new();
    for number in 0..sessions(of.symbols.len()) {
        let names = of.symbols[share(number, of.symbols.len())].iter().flat_map(|symbol| {
            let symbol = symbol.to_lowercase();
            [format!("{symbol}@kline_{}", interval.as_str()), format!("{symbol}@markPrice@1s")]
        });
        let names: Vec<String> = names.collect();
        let session = Session::new(&names, of.policy, number as u64 + 1).map_err(|error| error.to_string())?;
        let (out, mut own) = mpsc::channel(QUEUE);
        tasks.push(tokio::spawn(run(session, of.rest.environment().stream_url(), out)));
        let deliver = deliver.clone();
        tasks.push(tokio::spawn(async move {
            while let Some(delivery) = own.recv().await {
                if deliver.send((number, delivery)).await.is_err() {
                    return;
                }
            }
        }));
    }
    Ok(Sessions(tasks))
}

struct Task {
    of: Following,
    interval: KlineInterval,
    assembly: Assembly,
    funding: Funding,
    /// A step that waits for its funding, since when.
    held: Option<(Step, Millis)>,
    /// Places of the symbols.
    places: BTreeMap<String, SymbolId>,
    /// By symbol: when something was last heard, on the steady clock.
    heard: Vec<Millis>,
    /// By session: whether it has delivered before.
    was_up: Vec<bool>,
    told_age: Millis,
}

impl Task {
    fn new(of: Following, interval: KlineInterval) -> Self {
        let assembly = Assembly::new(of.symbols.len(), of.base, of.last, of.waits);
        let heard = vec![of.clock.steady(); of.symbols.len()];
        let funding = Funding::new(of.last);
        let places = of.symbols.iter().cloned().zip((0..).map(SymbolId::at)).collect();
        let was_up = vec![false; sessions(of.symbols.len())];
        Self { assembly, funding, held: None, places, heard, was_up, told_age: 0, of, interval }
    }

    fn moment(&self) -> Moment {
        Moment { market: self.of.clock.now(), steady: self.of.clock.steady() }
    }

    fn tell(&self, news: News) {
        (self.of.news)(news);
    }

    fn place(&self, symbol: &str) -> Option<SymbolId> {
        self.places.get(symbol).copied()
    }

    fn hear(&mut self, symbol: &str, at: Time) -> Option<SymbolId> {
        let symbol = self.place(symbol)?;
        self.of.clock.saw(at);
        self.heard[symbol.index()] = self.of.clock.steady();
        Some(symbol)
    }

    /// Takes a delivery; whether a step may be complete by it, or something is to be asked.
    fn delivered(&mut self, session: usize, delivery: Delivery) -> bool {
        match delivery {
            Delivery::Up => {
                let symbols = share(session, self.of.symbols.len()).map(SymbolId::at);
                self.assembly.reconnected(symbols);
                if std::mem::replace(&mut self.was_up[session], true) {
                    self.tell(News::Reconnected);
                }
                return true;
            }
            Delivery::Down => {}
            Delivery::Closed(why) => self.tell(News::Lost(why)),
            Delivery::Unreadable(error) => self.tell(News::Lost(format!("a frame cannot be read: {error}"))),
            Delivery::Frame { frame, .. } => match frame.body {
                Body::Event(event) => return self.event(&event),
                Body::Events(events) => {
                    let mut closed = false;
                    for event in &events {
                        closed |= self.event(event);
                    }
                    return closed;
                }
                Body::Done { .. } | Body::Refused { .. } => {}
            },
        }
        false
    }

    /// Takes an event; whether it closed a candle.
    fn event(&mut self, event: &Event) -> bool {
        match event {
            Event::Kline(event) if event.kline.interval == self.interval => {
                let Some(symbol) = self.hear(&event.symbol, event.sent) else { return false };
                if event.kline.closed {
                    self.assembly.streamed(symbol, event.kline.candle());
                }
                event.kline.closed
            }
            Event::MarkPrice(event) => {
                let Some(symbol) = self.hear(&event.symbol, event.sent) else { return false };
                self.tell(News::Mark(symbol, event.sent, event.mark));
                if let (Some(rate), Some(due)) = (event.funding_rate, event.next_funding) {
                    self.funding.announced(symbol, due, rate);
                }
                false
            }
            _ => false,
        }
    }

    fn answered(&mut self, answer: Answer) {
        let now = self.moment();
        match answer {
            Answer::Candles(question, Ok(candles)) => {
                // A market that has closed a candle is past it, whatever the streams have brought.
                if let Some(last) = candles.last() {
                    self.of.clock.saw(last.close_time(self.of.base));
                }
                let now = self.moment();
                self.assembly.answered(question, &candles, now);
            }
            Answer::Candles(question, Err(why)) => {
                self.assembly.unanswered(question, now);
                self.tell(News::Unanswered(format!("candles of {}: {why}", self.of.symbols[question.symbol.index()])));
            }
            Answer::Funding(until, Ok(rows)) => {
                let rows =
                    rows.iter().filter_map(|row| Some((row.funding_time, self.place(&row.symbol)?, row.funding_rate)));
                let rows: Vec<_> = rows.collect();
                self.funding.answered(until, rows);
            }
            Answer::Funding(_, Err(why)) => {
                self.funding.unanswered(now.steady + FUNDING_AGAIN_MS);
                self.tell(News::Unanswered(format!("funding: {why}")));
            }
        }
    }

    /// Tells the age of what is known, once in a while.
    fn look(&mut self) {
        let now = self.of.clock.steady();
        if now - self.told_age >= AGE_EVERY_MS {
            self.told_age = now;
            for (index, heard) in self.heard.iter().enumerate() {
                self.tell(News::Age(SymbolId::at(index), now - heard));
            }
        }
    }

    /// Questions of this moment, on their way.
    fn questions(&mut self) -> Vec<std::pin::Pin<Box<dyn Future<Output = Answer> + Send>>> {
        let now = self.moment();
        let mut asked: Vec<std::pin::Pin<Box<dyn Future<Output = Answer> + Send>>> = Vec::new();
        for question in self.assembly.questions(now) {
            let (rest, clock, base) = (Arc::clone(&self.of.rest), self.of.clock.clone(), self.of.base);
            let symbol = &self.of.symbols[question.symbol.index()];
            // As many as there can be, and some for a clock that is behind.
            let rows = now.market.since(question.from) / base.ms() + ROWS_SPARE;
            let rows = u32::try_from(rows).unwrap_or(u32::MAX);
            let call = calls::klines(klines(symbol, &self.interval, question.from, None, rows));
            asked.push(Box::pin(async move {
                let rows = said(rest.send(&call).await);
                let candles = rows.map(|rows| closed(&rows, base, clock.now()).map(|row| row.candle()).collect());
                Answer::Candles(question, candles)
            }));
        }
        if let Some((from, to)) = self.funding.question(now.market, now.steady) {
            let rest = Arc::clone(&self.of.rest);
            let call = calls::funding_rate(payments(None, from, to));
            asked.push(Box::pin(async move { Answer::Funding(to, said(rest.send(&call).await)) }));
        }
        asked
    }

    /// Steps that can go out now, with their funding.
    fn ready(&mut self) -> Vec<Step> {
        let mut ready = Vec::new();
        loop {
            let now = self.moment();
            if self.held.is_none() {
                self.held = self.assembly.next_step(now).map(|step| (step, now.steady));
            }
            let Some((step, since)) = &self.held else { break };
            let end = step.close_time;
            if !self.funding.is_settled(end) {
                if now.steady - since < self.of.waits.give_up_ms {
                    break;
                }
                self.funding.waive(end);
            }
            if let Some((mut step, _)) = self.held.take() {
                let opened = step.close_time.plus(-self.of.base.ms());
                step.funding = self.funding.due(opened.floor(MINUTE_MS), step.close_time);
                ready.push(step);
            }
        }
        for note in self.assembly.take_notes() {
            self.tell(News::Candle(note));
        }
        ready
    }
}

/// An answer, or in words why there is none.
fn said<T>(outcome: Outcome<T>) -> Result<T, String> {
    match outcome {
        Outcome::Answered(answer) => Ok(answer),
        Outcome::AlreadySo => Err("it said that nothing was to be done".to_owned()),
        Outcome::Refused(refusal) => Err(refusal.to_string()),
        Outcome::Unknown(cause) | Outcome::Unanswered(cause) => Err(cause.to_string()),
        Outcome::NotSent(not_sent) => Err(not_sent.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_symbol_is_in_one_session_and_no_session_is_too_large() {
        for symbols in [1, 99, 100, 101, 1_000] {
            let sessions: Vec<_> = (0..sessions(symbols)).map(|number| share(number, symbols)).collect();
            assert_eq!(sessions.iter().map(std::ops::Range::len).sum::<usize>(), symbols);
            assert!(sessions.iter().all(|share| share.len() * STREAMS_OF_A_SYMBOL <= MAX_STREAMS));
            assert!(sessions.windows(2).all(|pair| pair[0].end == pair[1].start));
        }
    }
}
