//! Many swarms over the same candles, with one computation of features for all: for parameters to be compared.
//! It knows neither which nor how they are compared.

use super::{BuildError, Crew, Engine, EngineOptions, MakeRule};
use crate::features::{Hub, Reel, Wants};
use crate::model::Plan;
use std::sync::Arc;

/// Swarms over the same symbols and candles that share one computation of all features any of them wants.
pub struct Fleet<M> {
    /// In the order they were given; each is to be [shown](Engine::show) what the hub computes.
    pub engines: Vec<Engine<M>>,
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
        let hub = Hub::new(base, gaps, &wants)?;
        let wants = Arc::new(wants);
        let empty = Arc::new(Reel::new(&hub));
        let engine = |(plan, make, rules)| {
            Engine::with(plan, make, options, rules, Arc::clone(&wants), None, Arc::clone(&empty))
        };
        Ok(Self { engines: crews.into_iter().map(engine).collect(), hub })
    }
}
