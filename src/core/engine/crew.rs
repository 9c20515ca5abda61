//! The rules of a swarm, built from its plan, and the features that they ask for.

use crate::features::{HubError, Wants};
use crate::model::{AgentId, Plan};
use crate::rule::Rule;

/// Makes the rule of an agent, asking for features on its symbol; called again after a panic.
pub trait MakeRule {
    /// The rule, or what is wrong with its parameters.
    fn make(&self, agent: AgentId, wants: &mut Wants) -> Result<Box<dyn Rule>, String>;
}

impl<F: Fn(AgentId, &mut Wants) -> Result<Box<dyn Rule>, String>> MakeRule for F {
    fn make(&self, agent: AgentId, wants: &mut Wants) -> Result<Box<dyn Rule>, String> {
        self(agent, wants)
    }
}

/// Why a swarm could not be built from its plan.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A rule refused its parameters.
    #[error("agent `{agent}`: {message}")]
    Rule {
        /// The agent's name.
        agent: String,
        /// What is wrong.
        message: String,
    },
    /// The features asked for cannot be computed.
    #[error(transparent)]
    Features(#[from] HubError),
}

/// Rules and the features they ask for, by plan.
pub struct Crew {
    /// By agent.
    pub rules: Vec<Box<dyn Rule>>,
    /// By symbol.
    pub wants: Vec<Wants>,
}

impl Crew {
    /// Builds every agent's rule.
    pub fn build(plan: &Plan, make: &dyn MakeRule) -> Result<Self, BuildError> {
        let mut wants = vec![Wants::default(); plan.instruments.len()];
        let rules = Self::rules(plan, make, &mut wants)?;
        Ok(Self { rules, wants })
    }

    /// Builds every agent's rule upon features that others want, too.
    pub(super) fn rules(
        plan: &Plan,
        make: &dyn MakeRule,
        wants: &mut [Wants],
    ) -> Result<Vec<Box<dyn Rule>>, BuildError> {
        let mut rules = Vec::with_capacity(plan.agents.len());
        for (index, agent) in plan.agents.iter().enumerate() {
            let id = AgentId::at(index);
            let rule = make
                .make(id, &mut wants[agent.symbol.index()])
                .map_err(|message| BuildError::Rule { agent: agent.name.clone(), message })?;
            rules.push(rule);
        }
        Ok(rules)
    }
}
