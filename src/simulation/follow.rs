//! What follows the market in a simulated process: the real assembly of candles into steps, fed by the world's
//! market stream, with the venue's own history where `swarm run` has REST.

use super::world::World;
use crate::actors::Clock;
use crate::market::live::{Assembly, Moment, Question, Waits};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::time::Duration;
use swarm_core::model::{Candle, Millis, Step, SymbolId};
use swarm_core::sim::swarm::Way;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval, sleep};

/// How often waits are looked at.
const LOOK: Duration = Duration::from_millis(500);
/// There and back.
const ROUND_TRIP: Duration = Duration::from_millis(80);
/// An answer that is lost is waited for so long.
const TIME_OUT: Duration = Duration::from_secs(10);

/// Everything a follower has.
pub(super) struct Follower {
    pub(super) world: World,
    pub(super) life: u32,
    pub(super) assembly: Assembly,
    pub(super) clock: Clock,
    pub(super) candles: mpsc::UnboundedReceiver<(SymbolId, Candle)>,
    pub(super) steps: mpsc::Sender<Step>,
}

impl Follower {
    /// How long is waited for what.
    pub(super) const fn waits() -> Waits {
        Waits { grace_ms: 2_000, give_up_ms: 15_000, ask_again_ms: 2_000 }
    }

    /// Until nobody takes its steps any more.
    pub(super) async fn run(mut self) {
        let born = Instant::now();
        let (mut looks, mut answers) = (interval(LOOK), FuturesUnordered::new());
        loop {
            tokio::select! {
                biased;
                one = self.candles.recv() => match one {
                    Some((symbol, candle)) => self.assembly.streamed(symbol, candle),
                    None => return,
                },
                Some((question, candles)) = answers.next(), if !answers.is_empty() => {
                    let now = self.moment(born);
                    let candles: Option<Vec<Candle>> = candles;
                    match candles {
                        Some(candles) => self.assembly.answered(question, &candles, now),
                        None => self.assembly.unanswered(question, now),
                    }
                }
                _ = looks.tick() => {}
            }
            let now = self.moment(born);
            let asked = self.assembly.questions(now).into_iter();
            answers.extend(asked.map(|question| ask(self.world.clone(), self.life, question)));
            while let Some(step) = self.assembly.next_step(now) {
                if self.steps.send(step).await.is_err() {
                    return;
                }
            }
            self.assembly.take_notes();
        }
    }

    fn moment(&self, born: Instant) -> Moment {
        Moment {
            market: (self.clock)(),
            steady: Millis::try_from(born.elapsed().as_millis()).unwrap_or(Millis::MAX / 4),
        }
    }
}

/// A question and its answer, if one comes.
async fn ask(world: World, life: u32, question: Question) -> (Question, Option<Vec<Candle>>) {
    let is_lost = world.of_life(life, |host| host.strike(Way::Market).is_some()).unwrap_or(true);
    if is_lost {
        sleep(TIME_OUT).await;
        return (question, None);
    }
    sleep(ROUND_TRIP).await;
    let candles = world.of_life(life, |host| {
        let past = host.past(question.symbol, 0).iter();
        past.filter(|candle| candle.open_time >= question.from).copied().collect()
    });
    (question, candles)
}
