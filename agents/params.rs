//! Parameters of rules: how they are described, completed, checked and read.
//!
//! A rule's parameters are one struct. Its JSON Schema is what editors and the configuration check
//! against; its `Default` is what missing keys take. This file knows no rule and no YAML: parameters
//! arrive as JSON values.

use crate::proposal::Pace;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use swarm_core::model::{DECIMALS, Interval, Qty, Rate, Usd, parse_decimal};
use swarm_core::rule::Build;

/// What is wrong with a parameter: its path, such as `targets[1].at` (empty for all of them), and a
/// sentence that says what to do.
pub type Fault = (String, String);

/// A parameter with which a rule cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("parameter `{path}`: {message}")]
pub struct ParamError {
    /// Which parameter; empty where it is not a single one.
    pub path: String,
    /// What is wrong, and what to do.
    pub message: String,
}

impl ParamError {
    /// An error on one parameter.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

impl From<Fault> for ParamError {
    fn from((path, message): Fault) -> Self {
        Self { path, message }
    }
}

/// The parameters of a rule. The struct denies unknown fields and takes defaults for missing ones.
pub trait Parameters: Serialize + DeserializeOwned + JsonSchema + Default {
    /// The defaults in force for what was written: presets change them.
    fn defaults(_written: &Value) -> Self {
        Self::default()
    }
    /// Parameters that are each in range but make no sense together; empty when all is well.
    fn contradictions(&self) -> Vec<Fault>;
}

/// JSON Schema of `P`, with everything inline, so that it can be put inside of another schema.
pub fn schema<P: Parameters>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<P>();
    schema.remove("title");
    schema.to_value()
}

/// `written` with the default of every missing key filled in, at all depths. Keys that are written
/// stay as they are, right or wrong; lists are taken whole. `null` counts as nothing written.
pub fn complete<P: Parameters>(written: &Value) -> Value {
    let mut whole = serde_json::to_value(P::defaults(written)).expect("invariant: parameters serialize to JSON");
    overlay(&mut whole, written);
    whole
}

fn overlay(onto: &mut Value, written: &Value) {
    match (onto, written) {
        (Value::Object(onto), Value::Object(written)) => {
            for (key, value) in written {
                match onto.get_mut(key) {
                    Some(known) if known.is_object() && value.is_object() => overlay(known, value),
                    _ => drop(onto.insert(key.clone(), value.clone())),
                }
            }
        }
        (_, Value::Null) => {}
        (onto, written) => *onto = written.clone(),
    }
}

/// Reads parameters, defaults filled in; ranges are not looked at.
///
/// # Errors
/// One fault for each top-level key that cannot be read.
pub fn parse<P: Parameters>(written: &Value) -> Result<P, Vec<Fault>> {
    serde_json::from_value(complete::<P>(written)).map_err(|error| {
        let blame = |(key, value): (&String, &Value)| {
            let alone = Value::Object(Map::from_iter([(key.clone(), value.clone())]));
            let error = serde_json::from_value::<P>(alone).err()?;
            Some((key.clone(), format!("{error}; see the schema of this rule's parameters")))
        };
        let faults: Vec<Fault> =
            written.as_object().map(|keys| keys.iter().filter_map(blame).collect()).unwrap_or_default();
        if faults.is_empty() { vec![(String::new(), error.to_string())] } else { faults }
    })
}

/// Contradictory parameters, or else what cannot be read at all. Ranges are the schema's business.
pub fn check<P: Parameters>(written: &Value) -> Vec<Fault> {
    match parse::<P>(written) {
        Ok(params) => params.contradictions(),
        Err(faults) => faults,
    }
}

/// Reads parameters that a rule is about to be built with: types, ranges and contradictions.
///
/// # Errors
/// The first fault found.
pub fn read<P: Parameters>(written: &Value) -> Result<P, ParamError> {
    let first = |mut faults: Vec<Fault>| ParamError::from(faults.swap_remove(0));
    let params = parse::<P>(written).map_err(first)?;
    let mut faults = Vec::new();
    out_of_range(&schema::<P>(), &complete::<P>(written), "", &mut faults);
    faults.extend(params.contradictions());
    if faults.is_empty() { Ok(params) } else { Err(first(faults)) }
}

/// Numbers and lists outside of the bounds that the schema states.
fn out_of_range(schema: &Value, value: &Value, path: &str, faults: &mut Vec<Fault>) {
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    let mut limit = |seen: f64, at_least: Option<f64>, at_most: Option<f64>, what: &str| {
        if at_least.is_some_and(|bound| seen < bound) || at_most.is_some_and(|bound| seen > bound) {
            let (low, high) = (at_least.unwrap_or(f64::NEG_INFINITY), at_most.unwrap_or(f64::INFINITY));
            faults.push((path.to_owned(), format!("{what}{seen} is outside of {low} to {high}; choose one inside")));
        }
    };
    match value {
        Value::Number(number) => {
            limit(number.as_f64().unwrap_or(f64::NAN), bound("minimum"), bound("maximum"), "");
        }
        Value::Array(items) => {
            limit(items.len() as f64, bound("minItems"), bound("maxItems"), "length ");
            for (place, item) in items.iter().enumerate() {
                out_of_range(&schema["items"], item, &format!("{path}[{place}]"), faults);
            }
        }
        Value::Object(keys) => {
            for (key, value) in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                out_of_range(&schema["properties"][key], value, &path, faults);
            }
        }
        _ => {}
    }
}

/// The candles a rule decides on: the swarm's base interval, or another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timeframe(pub Option<Interval>);

impl Timeframe {
    /// The candles meant in this swarm.
    ///
    /// # Errors
    /// When the interval is not a multiple of the base interval.
    pub fn resolve(self, path: &str, build: &Build<'_>) -> Result<Pace, ParamError> {
        let interval = multiple_of(path, self.0.unwrap_or(build.base), build.base, "the swarm's base interval")?;
        Ok(Pace::new(interval, build.base))
    }
}

/// `interval`, if `lower` adds up to it.
///
/// # Errors
/// When it does not; `what` names `lower`.
pub fn multiple_of(path: &str, interval: Interval, lower: Interval, what: &str) -> Result<Interval, ParamError> {
    if lower.divides(interval) {
        return Ok(interval);
    }
    Err(ParamError::new(path, format!("{interval} is not a multiple of {lower}, {what}; choose a multiple of {lower}")))
}

impl Serialize for Timeframe {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            None => to.serialize_str("base"),
            Some(interval) => interval.serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Timeframe {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        if text == "base" {
            return Ok(Self(None));
        }
        text.parse().map(|interval| Self(Some(interval))).map_err(serde::de::Error::custom)
    }
}

/// Schema of a [`Timeframe`].
pub fn timeframe_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": "^(base|[1-9][0-9]{0,3}[smhdw])$", "x-unit": "`base` or an interval" })
}

/// Schema of an [`Interval`] or of a length of time written like one.
pub fn interval_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": "^[1-9][0-9]{0,3}[smhdw]$", "x-unit": "a whole number from 1 to 9999 and s, m, h, d or w" })
}

/// Schema of a length of time that `null` switches off.
pub fn optional_interval_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["string", "null"], "pattern": "^[1-9][0-9]{0,3}[smhdw]$",
        "x-unit": "a whole number from 1 to 9999 and s, m, h, d or w"
    })
}

/// A share or a factor, as it is written, as an exact number.
///
/// # Errors
/// When it has more than eight decimals, or is beyond what these in 64 bits hold.
pub fn rate(path: &str, value: f64) -> Result<Rate, ParamError> {
    exact(path, value).map(Rate)
}

/// An amount of money as an exact number.
///
/// # Errors
/// As of [`rate`].
pub fn usd(path: &str, value: f64) -> Result<Usd, ParamError> {
    exact(path, value).map(Usd)
}

/// A quantity as an exact number.
///
/// # Errors
/// As of [`rate`].
pub fn qty(path: &str, value: f64) -> Result<Qty, ParamError> {
    exact(path, value).map(Qty)
}

/// The mantissa of a number as it is written: the shortest text that gives this `f64` is that of the file, up to some
/// fifteen digits. Nothing is rounded.
fn exact(path: &str, value: f64) -> Result<i64, ParamError> {
    let text = value.to_string();
    let refuse = |message: String| Err(ParamError::new(path, message));
    match parse_decimal(&text) {
        Ok(mantissa) => Ok(mantissa),
        Err(_) if !value.is_finite() || value.abs() >= LARGEST => {
            refuse(format!("{value} is too large; choose less than 90 billion"))
        }
        Err(_) => {
            let decimals = text.split_once('.').map_or(0, |(_, decimals)| decimals.len());
            refuse(format!("{text} has {decimals} decimals; amounts are exact, with at most {DECIMALS} of them"))
        }
    }
}

/// Amounts below this fit into 64 bits with eight decimals.
const LARGEST: f64 = 9e10;

/// Smallest maintenance margin that any contract asks for, as a share of the notional: the first bracket of
/// BTCUSDT. What most contracts ask for is more, and their liquidation nearer still.
const LEAST_MAINTENANCE: f64 = 0.004;

/// A stop so far away that the position would be liquidated first, if it is: at leverage L that happens
/// when the price has moved by 1 / L less the maintenance margin.
pub fn stop_beyond_liquidation(path: &str, stop: f64, leverage: f64) -> Option<Fault> {
    (leverage * (stop + LEAST_MAINTENANCE) >= 1.0).then(|| {
        let message = format!(
            "a stop {stop} of the price away lies beyond the liquidation at leverage {leverage}; choose less than {:.4}",
            (1.0 / leverage - LEAST_MAINTENANCE).max(0.0)
        );
        (path.to_owned(), message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(default, deny_unknown_fields)]
    struct Sample {
        /// A share.
        #[schemars(range(min = 0.0, max = 1.0))]
        share: f64,
        /// Lists are taken whole.
        #[schemars(inner(range(min = 1, max = 9)), length(max = 3))]
        list: Vec<u32>,
        /// A group.
        group: Group,
        /// A group that can be off.
        maybe: Option<Group>,
        /// Candles.
        #[schemars(schema_with = "timeframe_schema")]
        timeframe: Timeframe,
    }
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(default, deny_unknown_fields)]
    struct Group {
        /// Left.
        #[schemars(range(max = 5))]
        a: u32,
        /// Right.
        b: u32,
    }
    impl Default for Group {
        fn default() -> Self {
            Self { a: 1, b: 2 }
        }
    }
    impl Default for Sample {
        fn default() -> Self {
            Self {
                share: 0.5,
                list: vec![1, 2],
                group: Group::default(),
                maybe: Some(Group::default()),
                timeframe: Timeframe(None),
            }
        }
    }
    impl Parameters for Sample {
        fn contradictions(&self) -> Vec<Fault> {
            if self.group.a > self.group.b { vec![("group.a".into(), "lower it".into())] } else { vec![] }
        }
    }

    #[test]
    fn missing_keys_take_defaults_at_all_depths_and_lists_are_taken_whole() {
        let whole = complete::<Sample>(&json!({ "list": [7], "group": { "b": 9 }, "maybe": null }));
        assert_eq!(
            whole,
            json!({ "share": 0.5, "list": [7], "group": { "a": 1, "b": 9 }, "maybe": null, "timeframe": "base" })
        );
        assert_eq!(complete::<Sample>(&whole), whole, "completing twice changes nothing");
        assert_eq!(complete::<Sample>(&Value::Null), serde_json::to_value(Sample::default()).unwrap());
    }

    #[test]
    fn what_cannot_be_read_is_blamed_on_its_key() {
        let faults =
            parse::<Sample>(&json!({ "share": "much", "list": [1], "shares": 2, "timeframe": "5x" })).unwrap_err();
        let keys: Vec<&str> = faults.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(keys, ["share", "shares", "timeframe"]);
        assert!(faults[1].1.contains("unknown field `shares`"), "{}", faults[1].1);
        assert_eq!(parse::<Sample>(&json!(3)).unwrap_err()[0].0, "");
    }

    #[test]
    fn building_refuses_what_is_out_of_range_or_contradictory() {
        for (written, path) in [
            (json!({ "share": 1.01 }), "share"),
            (json!({ "share": -0.01 }), "share"),
            (json!({ "list": [1, 2, 3, 4] }), "list"),
            (json!({ "list": [1, 10] }), "list[1]"),
            (json!({ "maybe": { "a": 6, "b": 7 } }), "maybe.a"),
            (json!({ "group": { "a": 3 } }), "group.a"),
        ] {
            assert_eq!(read::<Sample>(&written).unwrap_err().path, path, "{written}");
        }
        assert!(read::<Sample>(&json!({ "share": 1, "list": [9], "maybe": { "a": 5 } })).is_ok());
    }

    #[test]
    fn a_timeframe_is_base_or_a_multiple_of_it() {
        let mut wants = swarm_core::features::Wants::default();
        let build = Build { wants: &mut wants, base: Interval::M5, intervals: &[Interval::M5] };
        assert_eq!(Timeframe(None).resolve("timeframe", &build).unwrap().interval, Interval::M5);
        assert_eq!(Timeframe(Some(Interval::M15)).resolve("timeframe", &build).unwrap().interval, Interval::M15);
        let error = Timeframe(Some(Interval::M1)).resolve("timeframe", &build).unwrap_err();
        assert_eq!(
            error.to_string(),
            "parameter `timeframe`: 1m is not a multiple of 5m, the swarm's base interval; choose a multiple of 5m"
        );
    }
}
