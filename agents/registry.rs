//! The rules by name, and what swarm.yaml may say about each. It knows nothing of files or of what a
//! swarm is.

use serde_json::Value;

/// A rule as configuration sees it.
pub struct RuleSpec {
    /// Name in agent files and reports.
    pub name: &'static str,
    /// JSON Schema of its parameters; every one has a default.
    pub schema: Value,
    /// Contradictions between parameters that each fit the schema: the parameter's path, and what is wrong.
    pub check: fn(&Value) -> Vec<(String, String)>,
    /// Parameters that fit the schema, with defaults filled in.
    pub complete: fn(&Value) -> Value,
    /// The agent file that ships with the rule.
    pub shipped_yaml: &'static str,
}

/// All rules.
pub fn rules() -> &'static [RuleSpec] {
    &[]
}
