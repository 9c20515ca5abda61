//! Plays many swarms over the same candles. Each thread takes its share of them through the recording, some steps
//! at a time: the features of these steps are computed once and stay in the cache while swarm after swarm is
//! taken through them. What a swarm does depends on nothing of this: it is what it would do alone.

use super::super::prepare;
use crate::market::Recording;
use crate::side_by_side;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use swarm_core::engine::{BuildError, EngineOptions, Fleet, Sink};
use swarm_core::experiment::{Report, Tracker};
use swarm_core::features::Reel;
use swarm_core::journal::Fingerprint;
use swarm_core::ledger::Trade;
use swarm_core::model::{AgentId, Fact, Passed, Plan, Step};
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
        false
    }
    fn passed(&mut self, passed: &Passed<'_>, supervisor: &Supervisor) {
        self.tracker.passed(passed, supervisor);
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
        let shares: Vec<Vec<usize>> = (0..jobs).map(share).collect();
        let played = side_by_side::map(&shares, jobs, |share| {
            let reports = self.play_share(share.iter().map(|index| Arc::clone(&plans[*index])).collect())?;
            Ok(share.iter().copied().zip(reports).collect::<Vec<_>>())
        });
        let played: Vec<Vec<(usize, Report)>> = played.into_iter().collect::<Result<_, BuildError>>()?;
        let mut reports: Vec<_> = played.into_iter().flatten().collect();
        reports.sort_by_key(|(index, _)| *index);
        Ok(reports.into_iter().map(|(_, report)| report).collect())
    }

    fn play_share(&self, plans: Vec<Arc<Plan>>) -> Result<Vec<Report>, BuildError> {
        if plans.is_empty() {
            return Ok(Vec::new());
        }
        let kept =
            |plan: &Arc<Plan>| Scored { fingerprint: Fingerprint::new(), tracker: Tracker::lean(Arc::clone(plan)) };
        let mut sinks: Vec<Scored> = plans.iter().map(kept).collect();
        let made = plans.into_iter().map(|plan| {
            let rules = prepare::rules(&plan);
            (plan, rules)
        });
        let Fleet { mut engines, mut hub } = Fleet::new(made.collect(), self.options)?;
        let mut tape = self.recording.tape();
        let mut is_complete = true;
        loop {
            let mut reel = Reel::new(&hub);
            let most = reel.steps_in(REEL_BYTES);
            if !reel.record(&mut hub, &mut tape, most) {
                break;
            }
            reel.share();
            let reel = Arc::new(reel);
            for (engine, sink) in engines.iter_mut().zip(&mut sinks) {
                engine.show(&reel, sink);
            }
            self.candles.fetch_add((reel.steps().candles() * engines.len()) as u64, Ordering::Relaxed);
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
