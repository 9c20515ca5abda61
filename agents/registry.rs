//! The rules there are, by name: schema, checks, defaults, construction and shipped YAML of each.
//!
//! This is all that the rest of asterswarm knows of a rule. The registry itself knows nothing of what
//! rules do with their parameters.

use crate::params::{self, Fault, ParamError, Parameters};
use crate::{control, ema_cross, expert};
use serde_json::Value;
use std::sync::Arc;
use swarm_core::rule::{Build, Rule};

static RULES: &[RuleSpec] = &[
    RuleSpec::of::<expert::Expert>(),
    RuleSpec::of::<control::Control>(),
    RuleSpec::of::<ema_cross::EmaCross>(),
];

/// Every rule, in the order of lists and docs.
pub fn rules() -> &'static [RuleSpec] {
    RULES
}

/// The rule of this name, as written under `rule:` in an agent file.
pub fn find(name: &str) -> Option<&'static RuleSpec> {
    RULES.iter().find(|rule| rule.name == name)
}

/// The agent file that ships for a rule, asked for as `expert`, `expert.yaml` or `agents/expert.yaml`,
/// so that `use: expert` works without a checkout.
pub fn shipped(file: &str) -> Option<&'static str> {
    let name = file.strip_prefix("./").unwrap_or(file);
    let name = name.strip_prefix("agents/").unwrap_or(name);
    let name = name.strip_suffix(".yaml").unwrap_or(name);
    find(name).map(|rule| rule.shipped_yaml)
}

/// A rule as the rest of asterswarm sees it.
pub struct RuleSpec {
    /// Its name in agent files, reports and logs.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// JSON Schema of its parameters: description, unit, range and default of each, no unknown keys.
    pub schema: fn() -> Value,
    /// Parameters that contradict each other: path and what to do. Expects what the schema accepts;
    /// what cannot be read at all is told too.
    pub check: fn(&Value) -> Vec<Fault>,
    /// The parameters with all defaults filled in.
    pub complete: fn(&Value) -> Value,
    /// Reads and checks parameters once for all agents that have the same: they share the result.
    pub prepare: fn(&Value) -> Result<Arc<dyn RuleFactory>, ParamError>,
    /// Builds one agent's rule: [`prepare`](Self::prepare) and then [`RuleFactory::build`].
    pub build: fn(&Value, &mut Build<'_>) -> Result<Box<dyn Rule>, ParamError>,
    /// The agent file that ships with it.
    pub shipped_yaml: &'static str,
}

impl RuleSpec {
    const fn of<R: Registered>() -> Self {
        Self {
            name: R::NAME,
            summary: R::SUMMARY,
            schema: params::schema::<R::Params>,
            check: params::check::<R::Params>,
            complete: params::complete::<R::Params>,
            prepare: prepare::<R>,
            build: |written, build| prepare::<R>(written)?.build(build),
            shipped_yaml: R::YAML,
        }
    }
}

/// What a rule tells the registry.
pub trait Registered: Rule + Sized + 'static {
    /// Its parameters as written.
    type Params: Parameters;
    /// What agents with the same parameters share: the parameters, and what is computed from them once.
    type Setup: Send + Sync;
    /// Its name: lower case, words joined by `_`.
    const NAME: &'static str;
    /// One sentence.
    const SUMMARY: &'static str;
    /// The agent file beside it.
    const YAML: &'static str;

    /// Computes what is shared.
    ///
    /// # Errors
    /// When a parameter cannot be used.
    fn setup(params: Self::Params) -> Result<Self::Setup, ParamError>;
    /// One agent's rule: asks for its features and keeps their slots.
    ///
    /// # Errors
    /// When a parameter does not fit the swarm's base interval.
    fn new(setup: Arc<Self::Setup>, build: &mut Build<'_>) -> Result<Self, ParamError>;
}

/// Makes the rules of any number of agents with the same parameters.
pub trait RuleFactory: Send + Sync {
    /// One agent's rule.
    ///
    /// # Errors
    /// When a parameter does not fit the swarm's base interval.
    fn build(&self, build: &mut Build<'_>) -> Result<Box<dyn Rule>, ParamError>;
}

struct Factory<R: Registered>(Arc<R::Setup>);

impl<R: Registered> RuleFactory for Factory<R> {
    fn build(&self, build: &mut Build<'_>) -> Result<Box<dyn Rule>, ParamError> {
        Ok(Box::new(R::new(Arc::clone(&self.0), build)?))
    }
}

fn prepare<R: Registered>(written: &Value) -> Result<Arc<dyn RuleFactory>, ParamError> {
    let setup = R::setup(params::read::<R::Params>(written)?)?;
    Ok(Arc::new(Factory::<R>(Arc::new(setup))))
}
