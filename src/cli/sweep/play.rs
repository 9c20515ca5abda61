//! Plays many swarms over the same candles. Each thread takes its share of them through the recording, some steps
//! at a time: the features of these steps are computed once and stay in the cache while swarm after swarm is
//! taken through them. What a swarm does depends on nothing of this: it is what it would do alone.

use super::super::prepare::{self, Rules};
use crate::market::Recording;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use swarm_core::engine::{BuildError, Engine, EngineOptions, Fleet, Sink};
use swarm_core::experiment::{Report, Tracker};
use swarm_core::features::{Played, Reel};
use swarm_core::journal::Fingerprint;
use swarm_core::ledger::Trade;
use swarm_core::model::{AgentId, Fact, Plan, Step};
use swarm_core::risk::Supervisor;

/// Bytes of features that are shown to one swarm after the other: a part of a core's own cache.
const REEL_BYTES: usize = 256 * 1024;

/// What is kept of one swarm.
struct Scored {
    fingerprint: Fingerprint,
    tracker: Tracker,
}

impl Sink for Scored {
    fn fact(&mut self, fact: &Fact) {
        self.fingerprint.add(fact);
        self.tracker.fact(fact);
    }
    fn trade(&mut self, trade: &Trade) {
        self.tracker.trade(trade);
    }
    fn decided(&mut self, agent: AgentId) {
        self.tracker.decided(agent);
    }
    fn step_end(&mut self, step: &Step, supervisor: &Supervisor) {
        self.tracker.step_end(step, supervisor);
    }
    fn watches(&self) -> bool {
        self.tracker.watches()
    }
}

/// What is shared by the threads of a sweep.
pub struct Sweep<'a> {
    /// The candles.
    pub recording: &'a Arc<Recording>,
    /// As for a backtest.
    pub options: EngineOptions,
    /// Set to stop early.
    pub interrupted: &'a AtomicBool,
    /// Candles done so far, of all swarms.
    pub candles: &'a AtomicU64,
}

impl Sweep<'_> {
    /// Plays all swarms on `jobs` threads; the reports in the order of the plans. Reports of an interrupted
    /// sweep are partial.
    ///
    /// # Errors
    /// When the rules of one cannot be built.
    pub fn play(&self, plans: &[Arc<Plan>], jobs: usize) -> Result<Vec<Report>, BuildError> {
        let jobs = jobs.clamp(1, plans.len().max(1));
        // Sets that trade much take longer, and they lie in rows of the grid: shuffled, no thread has all of them.
        let mut order: Vec<usize> = (0..plans.len()).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(0));
        // Within a thread neighbours follow each other again: they are alike, and decide alike.
        let share = |job: usize| {
            let mut share: Vec<usize> = order.iter().skip(job).step_by(jobs).copied().collect();
            share.sort_unstable();
            share
        };
        let play = |share: Vec<usize>| {
            let reports = self.play_share(share.iter().map(|index| Arc::clone(&plans[*index])).collect())?;
            Ok(share.into_iter().zip(reports).collect())
        };
        let play = &play;
        let played: Vec<Result<Vec<(usize, Report)>, BuildError>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..jobs).map(share).map(|share| scope.spawn(move || play(share))).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        let mut reports = played.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
        reports.sort_by_key(|(index, _)| *index);
        Ok(reports.into_iter().map(|(_, report)| report).collect())
    }

    fn play_share(&self, plans: Vec<Arc<Plan>>) -> Result<Vec<Report>, BuildError> {
        let Some(first) = plans.first() else { return Ok(Vec::new()) };
        let base = first.base;
        let kept =
            |plan: &Arc<Plan>| Scored { fingerprint: Fingerprint::new(), tracker: Tracker::lean(Arc::clone(plan)) };
        let mut sinks: Vec<Scored> = plans.iter().map(kept).collect();
        let made = plans.into_iter().map(|plan| {
            let rules = prepare::rules(&plan);
            (plan, rules)
        });
        let Fleet { mut engines, mut hub } = Fleet::new(made.collect(), self.options)?;
        let row_bytes = hub.slots().sum::<usize>().max(1) * size_of::<f64>();
        let most = (REEL_BYTES / row_bytes).clamp(16, 4_096);
        let mut tape = self.recording.tape();
        let mut is_complete = true;
        loop {
            let reel = Arc::new(Reel::record(&mut hub, base, &mut tape, most));
            if reel.steps().is_empty() {
                break;
            }
            for (engine, sink) in engines.iter_mut().zip(&mut sinks) {
                show(engine, &reel, sink);
            }
            let candles: usize = reel.steps().iter().map(|step| step.candles.iter().flatten().count()).sum();
            self.candles.fetch_add((candles * engines.len()) as u64, Ordering::Relaxed);
            if self.interrupted.load(Ordering::Relaxed) {
                is_complete = false;
                break;
            }
        }
        let gaps = self.recording.gaps.iter().flatten().map(|gap| gap.candles).sum();
        Ok(engines
            .iter_mut()
            .zip(&sinks)
            .map(|(engine, sink)| {
                engine.settle();
                sink.tracker.report(engine.supervisor(), sink.fingerprint.finish(), gaps, !is_complete, 0.0, 0.0)
            })
            .collect())
    }
}

fn show(engine: &mut Engine<Rules, Played>, reel: &Arc<Reel>, sink: &mut Scored) {
    *engine.frames_mut() = Played::new(Arc::clone(reel));
    for (at, step) in reel.steps().iter().enumerate() {
        engine.frames_mut().turn_to(at);
        engine.take(step, sink);
    }
}
