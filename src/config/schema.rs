//! The JSON Schemas of swarm.yaml and of agent files, made from the types that read them. Editors get
//! them from `schema/`, and [`shape`](super::shape) checks against them.

use super::rules::Rule;
use super::written;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// Schema of swarm.yaml.
pub fn swarm() -> Value {
    SWARM.clone()
}

/// Schema of an agent file, with the parameters of the rules in the registry.
pub fn agent() -> Value {
    agent_with(&super::rules::shipped())
}

/// Schema of an agent file, with the parameters of these rules.
pub fn agent_with(rules: &[Rule<'_>]) -> Value {
    let mut schema = AGENT.clone();
    let mut properties = Map::new();
    for rule in rules {
        let mut own = rule.schema.clone();
        rebase(&mut own, &format!("#/$defs/{}", rule.name));
        if let Some(own) = own.as_object_mut() {
            own.shift_remove("$schema");
        }
        schema["$defs"][rule.name] = own;
        properties.insert(rule.name.to_owned(), json!({ "$ref": format!("#/$defs/{}", rule.name) }));
    }
    let rule = &mut schema["properties"]["rule"];
    rule["minProperties"] = 1.into();
    rule["maxProperties"] = 1.into();
    rule["additionalProperties"] = false.into();
    rule["properties"] = properties.into();
    schema
}

pub(super) static SWARM: LazyLock<Value> = LazyLock::new(|| generate::<written::Swarm>("swarm.yaml"));
pub(super) static AGENT: LazyLock<Value> = LazyLock::new(|| generate::<written::AgentFile>("An agent file"));

fn generate<T: schemars::JsonSchema>(title: &str) -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value();
    tidy(&mut schema);
    schema["title"] = title.into();
    schema
}

/// Absent is not null: a key without a value is a fault, since it looks like a setting and is none. And
/// descriptions are one line each.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    object.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(options)) = object.get_mut("anyOf") {
                options.retain(|option| option["type"] != "null");
                if let [Value::Object(only)] = options.as_slice() {
                    let only = only.clone();
                    object.shift_remove("anyOf");
                    for (key, value) in only {
                        object.entry(key).or_insert(value);
                    }
                }
            }
            if let Some(Value::String(text)) = object.get_mut("description") {
                *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            }
            // Integer widths are said by minimum and maximum.
            if object.get("format").and_then(Value::as_str).is_some_and(|name| name.starts_with("uint")) {
                object.shift_remove("format");
            }
            object.values_mut().for_each(tidy);
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// Makes references within a schema hold after it has been moved to `place`.
fn rebase(schema: &mut Value, place: &str) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::String(target)) = object.get_mut("$ref")
                && let Some(inner) = target.strip_prefix('#')
            {
                *target = format!("{place}{inner}");
            }
            object.values_mut().for_each(|value| rebase(value, place));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rebase(item, place)),
        _ => {}
    }
}
