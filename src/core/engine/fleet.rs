//! Many swarms over the same candles, with one computation of features for all: for parameters to be compared.
//! It knows neither which nor how they are compared.

use super::{BuildError, Crew, Engine, EngineOptions, MakeRule};
use crate::features::{Hub, Played, Reel, Wants};
use crate::model::{Plan, Step, Tape};
use std::sync::Arc;

/// Swarms over the same symbols and candles that share one computation of all features any of them wants.
pub struct Fleet<M> {
    /// In the order they were given; each needs a [reel](Played::new) before its first step.
    pub engines: Vec<Engine<M, Played>>,
    /// Computes the features.
    pub hub: Hub,
}

impl<M: MakeRule> Fleet<M> {
    /// Swarms at rest, of plans with the same symbols, base interval and policy for gaps, with what makes
    /// their rules. There must be at least one.
    pub fn new(plans: Vec<(Arc<Plan>, M)>, options: EngineOptions) -> Result<Self, BuildError> {
        let (first, _) = plans.first().expect("invariant: a fleet has a plan");
        let (base, gaps) = (first.base, first.gaps);
        let mut wants = vec![Wants::default(); first.instruments.len()];
        let mut crews = Vec::with_capacity(plans.len());
        for (plan, make) in plans {
            let rules = Crew::rules(&plan, &make, &mut wants)?;
            crews.push((plan, make, rules));
        }
        let mut hub = Hub::new(base, gaps, &wants)?;
        let wants = Arc::new(wants);
        let empty = Arc::new(Reel::record(&mut hub, base, &mut Nothing, 0));
        let engine = |(plan, make, rules)| {
            let frames = Played::new(Arc::clone(&empty));
            Engine::with(plan, make, options, rules, Arc::clone(&wants), frames)
        };
        Ok(Self { engines: crews.into_iter().map(engine).collect(), hub })
    }
}

/// A tape without a step.
struct Nothing;

impl Tape for Nothing {
    fn next(&mut self, _: &mut Step) -> bool {
        false
    }
}
