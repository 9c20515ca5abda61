//! The feed: owns the tape and the hub. It hands out steps when asked, so a slow swarm slows the feed
//! and no closed candle is ever dropped or conflated. Steps of a live market come to the director by themselves.

use super::address::Address;
use super::agent::FrameCopy;
use super::observer::{MarketPicture, Observer, Wake};
use super::slot::Slot;
use crate::telemetry::{Actor as ActorName, DropReason, Metrics};
use actix::{Actor, Context, Handler, Message, MessageResult};
use std::sync::Arc;
use swarm_core::features::Hub;
use swarm_core::model::{Rate, Step, SymbolId, Tape, Time};

/// Asks for the next step; none when the tape is at its end.
#[derive(Message)]
#[rtype(result = "Option<Arc<Step>>")]
pub struct Pull;

/// Closes the candles of a step and asks for the features as of then.
#[derive(Message)]
#[rtype(result = "Features")]
pub struct Close(pub Arc<Step>);

/// Features and funding as of one step.
#[derive(Debug)]
pub struct Features {
    /// By symbol.
    pub frames: Vec<Option<FrameCopy>>,
    /// Funding rate paid last, by symbol: the expectation for the next payment.
    pub funding_rates: Vec<Option<Rate>>,
    /// Base candles missing so far.
    pub gaps: u64,
}

/// The actor.
pub struct Feed {
    tape: Box<dyn Tape + Send>,
    hub: Hub,
    funding_rates: Vec<Option<Rate>>,
    slot: Slot<MarketPicture>,
    observer: Address<Observer>,
    metrics: Metrics,
}

impl Feed {
    /// A feed whose hub has seen everything before the tape's next step.
    pub fn new(
        tape: Box<dyn Tape + Send>,
        hub: Hub,
        funding_rates: Vec<Option<Rate>>,
        slot: Slot<MarketPicture>,
        observer: Address<Observer>,
        metrics: Metrics,
    ) -> Self {
        Self { tape, hub, funding_rates, slot, observer, metrics }
    }

    /// Leaves the newest picture for the observer. Overload policy: an unread one makes way, counted.
    fn show(&self, at: Time) {
        let symbols = self.funding_rates.len();
        let last_closes = (0..symbols).map(|symbol| self.hub.last_close(SymbolId::at(symbol))).collect();
        if self.slot.put(MarketPicture { at, last_closes }) {
            self.observer.offer(Wake);
        } else {
            self.metrics.dropped(ActorName::Feed, DropReason::Conflated);
        }
    }
}

impl Actor for Feed {
    type Context = Context<Self>;
}

impl Handler<Pull> for Feed {
    type Result = MessageResult<Pull>;

    fn handle(&mut self, _: Pull, _: &mut Context<Self>) -> Self::Result {
        let mut step = Step::default();
        MessageResult(self.tape.next(&mut step).then(|| Arc::new(step)))
    }
}

impl Handler<Close> for Feed {
    type Result = MessageResult<Close>;

    fn handle(&mut self, Close(step): Close, _: &mut Context<Self>) -> Self::Result {
        absorb(&mut self.hub, &mut self.funding_rates, &step);
        self.show(step.close_time);
        let frames = step.candles.iter().enumerate().map(|(index, candle)| {
            candle.as_ref()?;
            let frame = self.hub.frame(SymbolId::at(index))?;
            Some(FrameCopy { candle: *frame.candle, values: frame.values().to_vec() })
        });
        MessageResult(Features {
            frames: frames.collect(),
            funding_rates: self.funding_rates.clone(),
            gaps: (0..step.candles.len()).map(|index| self.hub.gaps(SymbolId::at(index))).sum(),
        })
    }
}

/// Lets a hub take a step; also how recovery warms it.
pub fn absorb(hub: &mut Hub, funding_rates: &mut [Option<Rate>], step: &Step) {
    for due in &step.funding {
        funding_rates[due.symbol.index()] = Some(due.rate);
    }
    for (index, candle) in step.candles.iter().enumerate() {
        if let Some(candle) = candle {
            hub.close(SymbolId::at(index), candle);
        }
    }
}
