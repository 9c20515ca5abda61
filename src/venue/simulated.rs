//! The core's exchange behind the venue's door: one account, in this process, in market time.

use super::Venue;
use swarm_core::exchange::{Exchange, POINTS};
use swarm_core::model::{Candle, FundingDue, Interval, Mark, Time, VenueEvent};
use swarm_core::risk::Command;

/// One account of the simulated exchange.
#[derive(Clone, Debug)]
pub struct SimulatedVenue {
    exchange: Exchange,
}

impl SimulatedVenue {
    /// Around an account, new or recovered.
    pub const fn new(exchange: Exchange) -> Self {
        Self { exchange }
    }

    /// Begins the candles of a step. An account with nothing at stake goes to their end at once and
    /// answers `false`.
    pub fn begin(&mut self, interval: Interval, candles: &[Option<Candle>]) -> bool {
        self.exchange.begin(interval, candles);
        if !self.exchange.is_idle() {
            return true;
        }
        let mut nothing = Vec::new();
        for point in 0..POINTS {
            self.exchange.advance(point, &mut nothing);
        }
        debug_assert!(nothing.is_empty(), "an idle account has no events");
        false
    }

    /// Books a funding payment.
    pub fn fund(&mut self, due: FundingDue, events: &mut Vec<VenueEvent>) {
        self.exchange.fund(due.at, due.symbol, due.rate, events);
    }

    /// Moves towards a point; stops at the first instant at which something happens.
    pub fn advance(&mut self, point: usize, events: &mut Vec<VenueEvent>) {
        self.exchange.advance(point, events);
    }

    /// The marks at the instant reached.
    pub fn marks(&self) -> (Time, Vec<Mark>) {
        let mut marks = Vec::new();
        self.exchange.marks(&mut marks);
        (self.exchange.now(), marks)
    }
}

impl Venue for SimulatedVenue {
    fn obey(&mut self, now: Time, command: &Command) {
        match command {
            Command::Place(order) => self.exchange.submit(now, order.get()),
            // There are no strategies here: a stop with nothing to reduce yet is refused.
            Command::Enter { entry, stop } => {
                self.exchange.submit(now, entry.get());
                self.exchange.submit(now, stop.get());
            }
            Command::Cancel(cancel) => self.exchange.cancel(now, cancel.get().id, cancel.get().symbol),
        }
    }
}
