//! What configuration needs of a rule: how its parameters are checked and completed, and the agent file
//! that ships with it. Not how it is built or what it decides.

use serde_json::Value;
use swarm_agents::registry;

/// A rule as far as configuration is concerned.
pub struct Rule<'a> {
    /// Name in agent files.
    pub name: &'a str,
    /// JSON Schema of its parameters.
    pub schema: &'a Value,
    /// Contradictions between parameters: path and what is wrong.
    pub check: fn(&Value) -> Vec<(String, String)>,
    /// Parameters with defaults filled in.
    pub complete: fn(&Value) -> Value,
    /// The agent file that ships with it.
    pub shipped_yaml: &'a str,
}

/// The rules of the registry.
pub fn shipped() -> Vec<Rule<'static>> {
    let rule = |spec: &'static registry::RuleSpec| Rule {
        name: spec.name,
        schema: &spec.schema,
        check: spec.check,
        complete: spec.complete,
        shipped_yaml: spec.shipped_yaml,
    };
    registry::rules().iter().map(rule).collect()
}
