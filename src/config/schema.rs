//! The JSON Schemas of swarm.yaml and of agent files, made from the types that read them. Editors get
//! them from `schema/`, and files are checked against them.

use super::written;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;
use swarm_agents::registry;

/// Schema of swarm.yaml.
pub fn swarm() -> Value {
    SWARM.clone()
}

/// Schema of an agent file, with the parameters of the rules in the registry.
pub fn agent() -> Value {
    let mut schema = AGENT.clone();
    let mut properties = Map::new();
    for rule in registry::rules() {
        let mut own = (rule.schema)();
        // A rule that is made of rules brings their schemas along; here they stand under the same names.
        let parts = own.as_object_mut().and_then(|own| own.shift_remove("$defs"));
        if parts.is_none() {
            rebase(&mut own, &format!("#/$defs/{}", rule.name));
        }
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

/// A schema as it stands in `schema/`.
pub fn text(schema: &Value) -> String {
    format!("{schema:#}\n")
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

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;

    /// Every key of a schema has a description, whatever it is made of.
    fn described(root: &Value, schema: &Value, path: &str, seen: &mut Vec<String>) {
        if let Some(name) = schema["$ref"].as_str() {
            if seen.iter().any(|known| known == name) {
                return;
            }
            seen.push(name.to_owned());
            let target = root.pointer(name.trim_start_matches('#')).expect("a reference leads somewhere");
            return described(root, target, path, seen);
        }
        for (key, below) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{key}");
            let own = below["description"].is_string();
            assert!(own || path.starts_with(".rule."), "{path} has no description");
            described(root, below, &path, seen);
        }
        for below in [&schema["additionalProperties"], &schema["items"]].into_iter().filter(|below| below.is_object()) {
            described(root, below, &format!("{path}.*"), seen);
        }
    }

    #[test]
    fn every_key_is_described() {
        for schema in [swarm(), agent()] {
            described(&schema, &schema, "", &mut Vec::new());
        }
    }

    #[test]
    fn shipped_agent_files_fit_the_schema_that_editors_get() {
        let validator = jsonschema::draft202012::new(&agent()).unwrap();
        for rule in registry::rules() {
            let tree = yaml::parse(rule.name, rule.shipped_yaml).unwrap().root.to_json();
            let faults: Vec<String> = validator.iter_errors(&tree).map(|error| error.to_string()).collect();
            assert!(faults.is_empty(), "{}: {faults:?}", rule.name);
        }
        let wrong = serde_json::json!({ "rule": { "expert": { "min_confidence": 101 } } });
        assert!(!validator.is_valid(&wrong));
        assert!(!validator.is_valid(&serde_json::json!({ "rule": { "nobody": {} } })));
        assert!(!validator.is_valid(&serde_json::json!({ "rule": {} })));
    }

    #[test]
    fn schemas_are_valid_and_null_is_no_value() {
        for schema in [swarm(), agent()] {
            jsonschema::meta::validate(&schema).unwrap();
        }
        assert!(!swarm().to_string().contains("\"null\""));
    }
}
