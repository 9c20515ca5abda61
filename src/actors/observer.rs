//! The observer: keeps the gauges of the metrics page current. The feed leaves its newest picture in a
//! slot and wakes it; at full speed thousands of steps become one look, and what was skipped is counted.

use super::address::Address;
use super::observe;
use super::slot::Slot;
use super::supervisor::{Ask, Question, SupervisorActor};
use crate::telemetry::Metrics;
use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, WrapFuture};
use std::sync::Arc;
use std::time::Duration;
use swarm_core::model::{Plan, SECOND_MS, SymbolId, Time};

/// Shortest time between two looks: between two scrapes nobody sees more.
const LOOK_PERIOD: Duration = Duration::from_millis(250);

/// What the feed knows of the market at the end of a step.
#[derive(Clone, Debug)]
pub struct MarketPicture {
    /// When the candles closed.
    pub at: Time,
    /// By symbol: when its last candle closed.
    pub last_closes: Vec<Option<Time>>,
}

/// There is a picture in the slot.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Wake;

/// The actor.
pub struct Observer {
    plan: Arc<Plan>,
    metrics: Metrics,
    supervisor: Arc<Address<SupervisorActor>>,
    slot: Slot<MarketPicture>,
    looking: bool,
    /// Whether the age of candles is all there is to know of the age of market data.
    measures_lag: bool,
}

impl Observer {
    /// Reads pictures from `slot`. `measures_lag` where nobody else says how old the market data is.
    pub fn new(
        plan: Arc<Plan>,
        metrics: Metrics,
        supervisor: Address<SupervisorActor>,
        slot: Slot<MarketPicture>,
        measures_lag: bool,
    ) -> Self {
        Self { plan, metrics, supervisor: Arc::new(supervisor), slot, looking: false, measures_lag }
    }

    fn look(&mut self, context: &mut Context<Self>) {
        self.looking = false;
        let Some(picture) = self.slot.take() else { return };
        for (index, last) in picture.last_closes.iter().enumerate().filter(|_| self.measures_lag) {
            // By the market's own clock, so that it means the same at any speed.
            let lag_ms = last.map_or(0, |last| picture.at.since(last));
            self.metrics.feed_lag(SymbolId::at(index), lag_ms as f64 / SECOND_MS as f64);
        }
        let (plan, metrics) = (Arc::clone(&self.plan), self.metrics.clone());
        let renew: Question<()> =
            Box::new(move |supervisor, _| observe::renew_metrics(&plan, &metrics, supervisor, picture.at));
        let supervisor = Arc::clone(&self.supervisor);
        // A supervisor that is gone is the director's concern; the gauges stay as they were.
        let asked = async move { drop(supervisor.ask(Ask(renew)).await) };
        context.spawn(asked.into_actor(self).map(|(), _, _| ()));
    }
}

impl Actor for Observer {
    type Context = Context<Self>;
}

impl Handler<Wake> for Observer {
    type Result = ();

    fn handle(&mut self, _: Wake, context: &mut Context<Self>) {
        if !self.looking {
            self.looking = true;
            context.run_later(LOOK_PERIOD, Self::look);
        }
    }
}
