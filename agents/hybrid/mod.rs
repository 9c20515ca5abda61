//! The hybrid: two rules on one position, a `base` and an `expert`, any two of the registry.
//!
//! The expert's signal is taken when its confidence is high enough, else the base's. When both name the same
//! entry and the expert is surer still, its size is multiplied before its caps. HOLD is no signal and has no
//! confidence: when the expert holds, the base decides. Both see the same position, whichever of them opened
//! it. The hybrid knows nothing of what its parts look at, and is not made of hybrids.

mod params;

#[cfg(test)]
mod tests;

pub use params::{Params, PartOf};

use crate::params::ParamError;
use crate::registry::{Part, Registered, RuleFactory};
use std::sync::Arc;
use swarm_core::features::{Film, Frame};
use swarm_core::model::{Action, Decision, Explanation, Side};
use swarm_core::rule::{Build, Rule, TradeStats, View};

/// What agents with the same parameters share: both parts prepared, with the paths of their parameters.
pub struct Setup {
    params: Params,
    base: (String, Arc<dyn RuleFactory>),
    expert: (String, Arc<dyn RuleFactory>),
}

/// The rule.
pub struct Hybrid {
    setup: Arc<Setup>,
    base: Box<dyn Part>,
    expert: Box<dyn Part>,
}

/// Whose decision is taken, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Branch {
    /// The expert names no signal.
    ExpertHolds,
    /// The expert names this action and is not sure enough.
    Unsure(Action, f64),
    /// The expert is sure.
    Expert(f64),
    /// The expert is surer still, and the base names the same entry.
    Agreed(f64),
}

impl Rule for Hybrid {
    fn decide(&mut self, view: &View<'_>) -> Decision {
        self.decide_sized(view, 1.0)
    }

    fn explain(&self, view: &View<'_>, decision: &Decision) -> Explanation {
        self.explain_sized(view, decision, 1.0)
    }

    fn may_act(&self, frame: &Frame<'_>, held: Option<Side>) -> bool {
        self.expert.may_act(frame, held) || self.base.may_act(frame, held)
    }

    fn may_enter(&self, stats: &TradeStats) -> bool {
        self.expert.may_enter(stats) || self.base.may_enter(stats)
    }

    fn first_act(&self, film: Film<'_>, held: Option<Side>) -> Option<usize> {
        let expert = self.expert.first_act(film, held);
        let before = film.first(expert.unwrap_or(usize::MAX));
        self.base.first_act(before, held).or(expert)
    }
}

impl Part for Hybrid {
    fn decide_sized(&self, view: &View<'_>, factor: f64) -> Decision {
        self.choose(view, factor).1
    }

    fn explain_sized(&self, view: &View<'_>, decision: &Decision, factor: f64) -> Explanation {
        let (branch, _) = self.choose(view, factor);
        let Params { take_above, boost, .. } = self.setup.params;
        let (part, factor, lead) = match branch {
            Branch::ExpertHolds => (&self.base, factor, "base, since the expert holds".to_owned()),
            Branch::Unsure(action, confidence) => {
                let said = action.label().to_uppercase();
                let lead =
                    format!("base, since the expert's {said} has confidence {confidence:.1}, not over {take_above}");
                (&self.base, factor, lead)
            }
            Branch::Expert(confidence) => {
                (&self.expert, factor, format!("expert, confidence {confidence:.1} over {take_above}"))
            }
            Branch::Agreed(confidence) => {
                let lead = format!("expert, confidence {confidence:.1}, and the base says the same: size x {boost}");
                (&self.expert, factor * boost, lead)
            }
        };
        let own = part.explain_sized(view, decision, factor);
        // The record keeps what the expert measured, also where the base was taken.
        let measured = self.expert.explain_sized(view, &Decision::hold(0.0, 0.0), 1.0);
        Explanation {
            score: own.score.or(measured.score),
            regime: own.regime.or(measured.regime),
            stability: own.stability.or(measured.stability),
            volatility: own.volatility.or(measured.volatility),
            branch: Some(branch.name().into()),
            reason: format!("{lead}: {}", own.reason).into(),
            ..own
        }
    }
}

impl Branch {
    const fn name(self) -> &'static str {
        match self {
            Self::ExpertHolds | Self::Unsure(..) => "base",
            Self::Expert(_) => "expert",
            Self::Agreed(_) => "expert, size boosted",
        }
    }
}

impl Hybrid {
    /// Whose decision it is. The base is asked only where its answer counts.
    fn choose(&self, view: &View<'_>, factor: f64) -> (Branch, Decision) {
        let params = &self.setup.params;
        let (action, sure) = self.expert.glance(view);
        if action == Action::Hold {
            return (Branch::ExpertHolds, self.base.decide_sized(view, factor));
        }
        if sure <= params.take_above {
            return (Branch::Unsure(action, sure), self.base.decide_sized(view, factor));
        }
        let enters = matches!(action, Action::Long | Action::Short);
        if enters && sure > params.boost_above && self.base.glance(view).0 == action {
            return (Branch::Agreed(sure), self.expert.decide_sized(view, factor * params.boost));
        }
        (Branch::Expert(sure), self.expert.decide_sized(view, factor))
    }
}

/// An error of a part, told of the whole.
fn below_error(path: &str, error: ParamError) -> ParamError {
    params::below(path, (error.path, error.message)).into()
}

impl Registered for Hybrid {
    type Params = Params;
    type Setup = Setup;
    const NAME: &'static str = "hybrid";
    const SUMMARY: &'static str = "Two rules on one position: the expert's signal where it is sure, else the base's; a larger size where they agree.";
    const YAML: &'static str = include_str!("../hybrid.yaml");

    fn setup(params: Params) -> Result<Setup, ParamError> {
        let prepare = |key: &str, part: &PartOf| -> Result<_, ParamError> {
            let (rule, own) = part.only().ok_or_else(|| ParamError::new(key, "write one rule with its parameters"))?;
            let path = format!("{key}.{}", rule.name);
            let factory = (rule.prepare)(own).map_err(|error| below_error(&path, error))?;
            Ok((path, factory))
        };
        Ok(Setup { base: prepare("base", &params.base)?, expert: prepare("expert", &params.expert)?, params })
    }

    fn new(setup: Arc<Setup>, build: &mut Build<'_>) -> Result<Self, ParamError> {
        let mut part = |(path, factory): &(String, Arc<dyn RuleFactory>)| {
            factory.build_part(build).map_err(|error| below_error(path, error))
        };
        Ok(Self { base: part(&setup.base)?, expert: part(&setup.expert)?, setup })
    }
}
