//! The rules there are, by name: schema, checks, defaults, construction and shipped YAML of each.
//!
//! This is all that the rest of asterswarm knows of a rule. The registry itself knows nothing of what
//! rules do with their parameters.

use crate::params::{self, Fault, ParamError, Parameters};
use crate::{control, ema_cross, expert, hybrid, trend};
use serde_json::Value;
use std::sync::Arc;
use swarm_core::model::{Action, Decision, Explanation};
use swarm_core::rule::{Build, Rule, View};

static RULES: &[RuleSpec] = &[
    RuleSpec::of::<expert::Expert>(),
    RuleSpec::of::<control::Control>(),
    RuleSpec::of::<hybrid::Hybrid>(),
    RuleSpec::of::<trend::Trend>(),
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

/// One agent's rule, or the parameter that stands in its way.
pub type Built = Result<Box<dyn Rule>, ParamError>;

/// A rule as the rest of asterswarm sees it.
pub struct RuleSpec {
    /// Its name in agent files, reports and logs.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// JSON Schema of its parameters: description, unit, range, default and the default's source of each, no
    /// unknown keys.
    pub schema: fn() -> Value,
    /// Parameters that contradict each other: path and what to do. Expects what the schema accepts;
    /// what cannot be read at all is told too.
    pub check: fn(&Value) -> Vec<Fault>,
    /// The parameters with all defaults filled in.
    pub complete: fn(&Value) -> Value,
    /// Reads and checks parameters once for all agents that have the same: they share the result.
    pub prepare: fn(&Value) -> Result<Arc<dyn RuleFactory>, ParamError>,
    /// Builds one agent's rule: [`prepare`](Self::prepare) and then [`RuleFactory::build`].
    pub build: fn(&Value, &mut Build<'_>) -> Built,
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

/// A rule that another one may be made of: it keeps no memory, so it decides without being changed.
pub trait Part: Rule {
    /// Decides, the size of an entry multiplied by `factor` before the rule's own caps.
    fn decide_sized(&self, view: &View<'_>, factor: f64) -> Decision;
    /// Action and confidence of what it decides; a rule that can say so without making the proposal does.
    fn glance(&self, view: &View<'_>) -> (Action, f64) {
        let decision = self.decide_sized(view, 1.0);
        (decision.action, decision.confidence)
    }
    /// Why it was decided so.
    fn explain_sized(&self, view: &View<'_>, decision: &Decision, _factor: f64) -> Explanation {
        self.explain(view, decision)
    }
}

/// One agent's rule as a part of another one, or the parameter that stands in its way.
pub type BuiltPart = Result<Box<dyn Part>, ParamError>;

/// What a rule tells the registry.
pub trait Registered: Part + Sized + 'static {
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
    fn build(&self, build: &mut Build<'_>) -> Built {
        Ok(self.build_part(build)?)
    }
    /// The same, for a rule that is made of others.
    ///
    /// # Errors
    /// As of [`build`](Self::build).
    fn build_part(&self, build: &mut Build<'_>) -> BuiltPart;
}

struct Factory<R: Registered>(Arc<R::Setup>);

impl<R: Registered> RuleFactory for Factory<R> {
    fn build_part(&self, build: &mut Build<'_>) -> BuiltPart {
        Ok(Box::new(R::new(Arc::clone(&self.0), build)?))
    }
}

fn prepare<R: Registered>(written: &Value) -> Result<Arc<dyn RuleFactory>, ParamError> {
    let setup = R::setup(params::read::<R::Params>(written)?)?;
    Ok(Arc::new(Factory::<R>(Arc::new(setup))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use swarm_core::features::Wants;
    use swarm_core::model::Interval;

    #[test]
    fn names_are_unique_and_found() {
        for (place, rule) in rules().iter().enumerate() {
            assert!(rules()[..place].iter().all(|other| other.name != rule.name), "{} twice", rule.name);
            assert!(std::ptr::eq(find(rule.name).unwrap(), rule));
            assert!(rule.summary.ends_with('.'), "{}", rule.name);
            for file in [rule.name.to_owned(), format!("{}.yaml", rule.name), format!("agents/{}.yaml", rule.name)] {
                assert_eq!(shipped(&file), Some(rule.shipped_yaml), "{file}");
            }
        }
        assert!(
            find("Expert").is_none() && shipped("no_such.yaml").is_none() && shipped("other/expert.yaml").is_none()
        );
    }

    /// Everything a person needs to know about a parameter is in the schema.
    fn documented(schema: &Value, path: &str, in_list: bool) {
        let Some(properties) = schema["properties"].as_object() else {
            if schema["type"] == "array" {
                return documented(&schema["items"], &format!("{path}[]"), true);
            }
            return;
        };
        assert_eq!(schema["additionalProperties"], json!(false), "`{path}` takes unknown keys");
        for (key, property) in properties {
            let path = format!("{path}.{key}");
            assert!(
                property["description"].as_str().is_some_and(|text| text.ends_with('.')),
                "`{path}` is not described"
            );
            assert!(in_list || property.get("default").is_some(), "`{path}` has no default");
            let is_group = property.get("properties").is_some() && property.get("x-rule").is_none();
            assert!(
                is_group || property["x-source"].as_str().is_some_and(|text| text.len() > 3),
                "`{path}` does not say where its default comes from"
            );
            let kinds = property["type"].as_array().cloned().unwrap_or_else(|| vec![property["type"].clone()]);
            if kinds.iter().any(|kind| kind == "number" || kind == "integer") {
                for bound in ["minimum", "maximum", "x-unit"] {
                    assert!(property.get(bound).is_some(), "`{path}` has no {bound}");
                }
            }
            // A part of a hybrid is described where its rule is.
            if property.get("x-rule").is_none() {
                documented(property, &path, in_list);
            }
        }
    }

    #[test]
    fn every_parameter_has_description_unit_range_default_and_source() {
        for rule in rules() {
            let schema = (rule.schema)();
            assert!(schema["description"].is_string() && schema.get("$ref").is_none());
            documented(&schema, rule.name, false);
        }
    }

    /// Defaults of a schema, put together from its properties.
    fn defaults(schema: &Value) -> Value {
        let properties = schema["properties"].as_object().expect("an object");
        properties.iter().map(|(key, property)| (key.clone(), property["default"].clone())).collect()
    }

    #[test]
    fn the_schemas_defaults_are_the_ones_filled_in() {
        for rule in rules() {
            let schema = (rule.schema)();
            assert_eq!((rule.complete)(&Value::Null), defaults(&schema), "{}", rule.name);
            for (key, property) in schema["properties"].as_object().unwrap() {
                if property.get("properties").is_some()
                    && property.get("x-rule").is_none()
                    && !property["default"].is_null()
                {
                    assert_eq!(defaults(property), property["default"], "{}.{key}", rule.name);
                }
            }
        }
    }

    #[test]
    fn defaults_are_fine_and_build() {
        for rule in rules() {
            let whole = (rule.complete)(&json!({}));
            assert_eq!((rule.check)(&whole), []);
            assert_eq!((rule.complete)(&whole), whole);
            let mut wants = Wants::default();
            let mut build = Build { wants: &mut wants, base: Interval::M5, intervals: &[Interval::M5] };
            assert!((rule.build)(&whole, &mut build).is_ok(), "{}", rule.name);
            assert!(!wants.specs().is_empty());
        }
    }

    #[test]
    fn unknown_keys_are_refused() {
        for rule in rules() {
            let written = json!({ "no_such_key": 1 });
            assert_eq!((rule.check)(&written)[0].0, "no_such_key");
            assert!((rule.prepare)(&written).is_err());
        }
    }

    #[test]
    fn agents_with_the_same_parameters_share_them_and_their_features() {
        let params = crate::params::read::<expert::Params>(&Value::Null).unwrap();
        let setup = Arc::new(expert::Expert::setup(params).unwrap());
        let factory = Factory::<expert::Expert>(Arc::clone(&setup));
        let mut wants = Wants::default();
        let mut specs = 0;
        let mut agents = Vec::new();
        for _ in 0..100 {
            let mut build = Build { wants: &mut wants, base: Interval::M5, intervals: &[Interval::M5] };
            agents.push(factory.build(&mut build).unwrap());
            specs = if specs == 0 { wants.specs().len() } else { specs };
        }
        assert_eq!(Arc::strong_count(&setup), 102, "one here, one in the factory, one in each agent");
        assert_eq!(wants.specs().len(), specs, "the hundredth agent asks for nothing new");
    }

    /// Enough YAML for the shipped files: `key: value` at the depth of a rule's parameters.
    fn written_in(yaml: &str) -> Vec<(&str, Value)> {
        let lines = yaml.lines().filter_map(|line| line.strip_prefix("    "));
        let pairs = lines.filter(|line| line.starts_with(char::is_alphabetic)).filter_map(|line| {
            let (key, value) = line.split_once(':')?;
            let value = value.split('#').next().unwrap_or_default().trim();
            Some((key, serde_json::from_str(value).unwrap_or_else(|_| json!(value))))
        });
        pairs.collect()
    }

    #[test]
    fn shipped_files_declare_their_rule_with_its_defaults() {
        for rule in rules() {
            let yaml = rule.shipped_yaml;
            assert!(
                yaml.starts_with("# yaml-language-server: $schema=../schema/agent.json\ndescription: "),
                "{}",
                rule.name
            );
            assert!(yaml.contains(&format!("\nrule:\n  {}:\n    ", rule.name)));
            let defaults = (rule.complete)(&Value::Null);
            let written = written_in(yaml);
            assert!(written.len() > 4, "{}: {written:?}", rule.name);
            for (key, value) in written {
                let known = defaults.get(key).unwrap_or_else(|| panic!("{}: `{key}` is no parameter", rule.name));
                if known.is_object() {
                    continue;
                }
                let same = known == &value || known.as_f64().is_some_and(|known| Some(known) == value.as_f64());
                assert!(same, "{}: `{key}` is {value}, its default is {known}", rule.name);
            }
        }
    }
}
