//! Comparing two answers and two values. Knows nothing of markets.

use super::bench::Said;
use super::memory::TOLERANCE;
use serde_json::Value;
use swarm_core::model::{Decision, FeatureLine};

/// Relative difference of a number in a proposal that settled features explain.
const PROPOSAL_TOLERANCE: f64 = 1e-6;

/// How two values of a feature stand to each other.
pub(super) fn values_agree(one: f64, other: f64, unit: f64) -> bool {
    if one.to_bits() == other.to_bits() || (one.is_nan() && other.is_nan()) {
        return true;
    }
    (one - other).abs() <= TOLERANCE * one.abs().max(other.abs()).max(unit)
}

/// A value for people.
pub(super) fn value_text(value: f64) -> String {
    if value.is_nan() { "not ready".to_owned() } else { format!("{value:?}") }
}

/// An answer for people.
pub(super) fn said_text(said: Option<&Said>) -> String {
    match said {
        None => "not asked".to_owned(),
        Some(Err(panic)) => format!("panicked: {panic}"),
        Some(Ok(decision)) => decision_text(decision),
    }
}

/// A decision for people.
pub(super) fn decision_text(decision: &Decision) -> String {
    let Decision { action, confidence, target_score, proposal } = decision;
    let mut text = format!("{} confidence {confidence:?} score {target_score:?}", action.label().to_uppercase());
    if let Some(proposal) = proposal {
        text.push_str(&format!(" {}", serde_json::to_string(proposal).unwrap_or_default()));
    }
    text
}

/// Whether two answers are the same but for what the last digits of settled features do to numbers.
pub(super) fn nearly_same(one: Option<&Said>, other: Option<&Said>) -> bool {
    match (one, other) {
        (Some(Ok(one)), Some(Ok(other))) => {
            one.action == other.action && numbers_agree(&value_of(one), &value_of(other))
        }
        _ => one == other,
    }
}

fn value_of(decision: &Decision) -> Value {
    serde_json::to_value(decision).unwrap_or(Value::Null)
}

fn numbers_agree(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| numbers_agree(value, other)))
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| numbers_agree(one, other))
        }
        _ if one == other => true,
        _ => number_of(one).zip(number_of(other)).is_some_and(|(one, other)| {
            (one - other).abs() <= PROPOSAL_TOLERANCE * one.abs().max(other.abs()).max(PROPOSAL_TOLERANCE)
        }),
    }
}

/// Money is a decimal string for people.
fn number_of(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

/// The first feature that two explanations of one rule do not agree on.
pub(super) fn first_cause(one: &[FeatureLine], other: &[FeatureLine]) -> Option<String> {
    let shown = |value: Option<f64>| value.map_or("not ready".to_owned(), |value| format!("{value:?}"));
    one.iter().zip(other).find_map(|(one, other)| {
        let same = match (one.value, other.value) {
            (Some(one), Some(other)) => values_agree(one, other, 1.0),
            (one, other) => one.is_none() && other.is_none(),
        };
        (!same).then(|| format!("{} is {}, was {}", one.name, shown(other.value), shown(one.value)))
    })
}
