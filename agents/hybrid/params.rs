//! The hybrid's parameters: two rules with parameters of their own, described by the schemas of those rules
//! and checked by their checks.

use super::Hybrid;
use crate::params::{Fault, Parameters};
use crate::registry::{self, Registered, RuleSpec};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A rule by its name with its parameters, as under `rule:` in an agent file: one entry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartOf(pub Map<String, Value>);

impl PartOf {
    /// A rule with all its defaults.
    fn plain(name: &str) -> Self {
        Self(rule(name).map(|rule| (name.to_owned(), (rule.complete)(&Value::Null))).into_iter().collect())
    }

    /// The one rule, and its parameters as written.
    pub fn only(&self) -> Option<(&'static RuleSpec, &Value)> {
        let mut entries = self.0.iter();
        let (name, own) = entries.next().filter(|_| self.0.len() == 1)?;
        Some((rule(name)?, own))
    }

    fn contradictions(&self, key: &str, faults: &mut Vec<Fault>) {
        let known = || parts().map(|rule| rule.name).collect::<Vec<_>>().join(", ");
        if self.0.len() != 1 {
            faults.push((key.to_owned(), format!("names {} rules; write one of {}", self.0.len(), known())));
        }
        for (name, own) in &self.0 {
            let path = format!("{key}.{name}");
            match rule(name) {
                Some(rule) => faults.extend((rule.check)(own).into_iter().map(|fault| below(&path, fault))),
                None if name == Hybrid::NAME => {
                    faults.push((path, format!("a hybrid is not made of hybrids; write one of {}", known())));
                }
                None => faults.push((path, format!("there is no such rule; write one of {}", known()))),
            }
        }
    }
}

/// The rules that a hybrid may be made of.
fn parts() -> impl Iterator<Item = &'static RuleSpec> {
    registry::rules().iter().filter(|rule| rule.name != Hybrid::NAME)
}

fn rule(name: &str) -> Option<&'static RuleSpec> {
    parts().find(|rule| rule.name == name)
}

/// A fault of a part, told of the whole.
pub fn below(path: &str, (inner, message): Fault) -> Fault {
    (if inner.is_empty() { path.to_owned() } else { format!("{path}.{inner}") }, message)
}

fn part_schema(_: &mut SchemaGenerator) -> Schema {
    let reference = |rule: &'static RuleSpec| {
        let schema = json!({ "$ref": format!("#/$defs/{}", rule.name), "description": rule.summary });
        (rule.name.to_owned(), schema)
    };
    let properties: Map<String, Value> = parts().map(reference).collect();
    json_schema!({
        "type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": false,
        "properties": properties, "x-rule": true
    })
}

/// Schemas of the parts, by name.
fn definitions() -> Map<String, Value> {
    parts().map(|rule| (rule.name.to_owned(), (rule.schema)())).collect()
}

/// Parameters of `hybrid`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("$defs" = definitions()))]
pub struct Params {
    /// The rule that decides when the expert is not sure: one rule by its name, and below it its parameters.
    #[schemars(
        schema_with = "part_schema",
        extend("x-source" = "chosen: the system in place, that the expert is to replace")
    )]
    pub base: PartOf,
    /// The rule whose signal is taken when it is sure: one rule by its name, and below it its parameters.
    #[schemars(schema_with = "part_schema", extend("x-source" = "chosen: the shipped rule of this name"))]
    pub expert: PartOf,
    /// The expert's signal is taken when its confidence is above this.
    #[schemars(
        range(min = 0.0, max = 100.0),
        extend(
            "x-unit" = "confidence, 0 to 100",
            "x-source" = "chosen: above the expert's own minimum of 65, so that its weakest entries need the base"
        )
    )]
    pub take_above: f64,
    /// When both name the same entry and the expert's confidence is above this, the size is multiplied by `boost`.
    #[schemars(
        range(min = 0.0, max = 100.0),
        extend("x-unit" = "confidence, 0 to 100", "x-source" = "chosen: halfway between taking and the expert's `sure_above`")
    )]
    pub boost_above: f64,
    /// What the size is multiplied by then, before all caps.
    #[schemars(
        range(min = 0.1, max = 10.0),
        extend("x-unit" = "factor", "x-source" = "chosen: two signals of equal worth, less what they have in common")
    )]
    pub boost: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            base: PartOf::plain("control"),
            expert: PartOf::plain("expert"),
            take_above: 70.0,
            boost_above: 75.0,
            boost: 1.5,
        }
    }
}

impl Parameters for Params {
    /// What is written of a part is completed with the defaults of the rule that it names.
    fn defaults(written: &Value) -> Self {
        let mut params = Self::default();
        for (key, part) in [("base", &mut params.base), ("expert", &mut params.expert)] {
            if let Some(Value::Object(named)) = written.get(key) {
                let complete = |(name, own): (&String, &Value)| Some((name.clone(), (rule(name)?.complete)(own)));
                part.0 = named.iter().filter_map(complete).collect();
            }
        }
        params
    }

    fn contradictions(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.base.contradictions("base", &mut faults);
        self.expert.contradictions("expert", &mut faults);
        if self.boost_above < self.take_above {
            let message = format!(
                "{} is below `take_above`, {}, where the expert is not taken; raise it or lower `take_above`",
                self.boost_above, self.take_above
            );
            faults.push(("boost_above".into(), message));
        }
        faults
    }
}
