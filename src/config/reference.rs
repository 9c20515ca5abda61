//! `docs/configuration.md`: every key of swarm.yaml and of agent files in tables, rendered from the same
//! JSON Schemas that files are checked against, so that the page cannot say what the program does not do.
//!
//! It knows schemas only: nothing of swarms, and nothing of files.

use super::schema;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use swarm_agents::registry;

const HEAD: &str = "\
# Configuration

<!-- Generated from the JSON Schemas: UPDATE_DOCS=1 cargo test --lib reference -->

A swarm is one YAML file, `swarm.yaml`, and the agent files that it names. `swarm check` finds every fault in
them in one go and says where it is; a key that is not in these tables is a fault, not a comment. `swarm schema`
and `swarm schema agent` print the JSON Schemas that this page is made from; the copies in `schema/` make editors
complete and check keys as you type.

Ratios are fractions (0.15 is 15 %), money is in USDT, lengths of time are written 90s, 5m, 8h, 2d. A decimal has
at most eight decimals and may be quoted. *required* means that there is no default. In italics stands where a
rule's default comes from: the author and year of what it is taken from, or why it was chosen.
";

/// The whole page.
pub fn page() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("\n## swarm.yaml\n");
    let swarm = schema::swarm();
    let mut tables = Tables { root: &swarm, shown: BTreeMap::new(), text: String::new() };
    tables.object(&swarm, "");
    text.push_str(&tables.text);
    text.push_str(
        "\n## Agent files\n\nAn agent file declares a rule with its parameters. `use: expert` takes the shipped one of that name; a path is \
         relative to swarm.yaml. `set:` in swarm.yaml changes single parameters.\n\n| key | type | range | default | meaning |\n|---|---|---|---|---|\n\
         | `description` | text | | | What this agent is, for people. |\n\
         | `rule` | map | one entry | *required* | The rule by its name, and below it the parameters that differ from the rule's defaults. |\n\
         | `risk` | map | | | Limits of each agent that uses this file: see [`risk`](#risk). |\n",
    );
    for rule in registry::rules() {
        let own = (rule.schema)();
        let _ = write!(text, "\n## Rule `{}`\n\n{}\n", rule.name, rule.summary);
        let mut tables = Tables { root: &own, shown: BTreeMap::new(), text: String::new() };
        tables.object(&own, rule.name);
        text.push_str(&tables.text);
    }
    text
}

/// Renders the objects of one schema, each as a table under its path.
struct Tables<'a> {
    root: &'a Value,
    /// Definitions that have a table already, and where.
    shown: BTreeMap<String, String>,
    text: String,
}

impl<'a> Tables<'a> {
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let target = schema["$ref"].as_str().and_then(|name| self.root.pointer(name.trim_start_matches('#')));
        target.unwrap_or(schema)
    }

    /// A table of an object's keys, and then the tables of the objects below it.
    fn object(&mut self, schema: &'a Value, path: &str) {
        if !path.is_empty() {
            let _ = write!(self.text, "\n### `{path}`\n\n");
            if let Some(description) = schema["description"].as_str() {
                let _ = write!(self.text, "{}\n\n", line(description));
            }
        } else {
            self.text.push('\n');
        }
        self.text.push_str("| key | type | range | default | meaning |\n|---|---|---|---|---|\n");
        let mut below = Vec::new();
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let required = schema["required"].as_array().is_some_and(|keys| keys.iter().any(|name| name == key));
            self.row(key, property, required);
            self.objects_below(property, path, &mut below);
        }
        for (schema, path, reference) in below {
            match reference.as_ref().and_then(|name| self.shown.get(name)) {
                Some(place) => {
                    let anchor: String = place.chars().filter(|letter| !".[]".contains(*letter)).collect();
                    let _ =
                        write!(self.text, "\n### `{path}`\n\nThe keys of [`{place}`](#{}).\n", anchor.to_lowercase());
                }
                None => {
                    if let Some(name) = reference {
                        self.shown.insert(name, path.clone());
                    }
                    self.object(schema, &path);
                }
            }
        }
    }

    /// Objects in a value: itself, the values of a map with free names, the entries of a list.
    fn objects_below(&self, schema: &'a Value, path: String, found: &mut Vec<(&'a Value, String, Option<String>)>) {
        let target = self.resolve(schema);
        if target["x-rule"] == true {
            // A rule inside of a rule: its parameters stand under its own heading.
        } else if target["properties"].is_object() {
            found.push((target, path, schema["$ref"].as_str().map(str::to_owned)));
        } else if target["additionalProperties"].is_object() {
            self.objects_below(&target["additionalProperties"], format!("{path}.NAME"), found);
        } else if target["items"].is_object() {
            self.objects_below(&target["items"], format!("{path}[]"), found);
        }
    }

    fn row(&mut self, key: &str, property: &'a Value, required: bool) {
        let target = self.resolve(property);
        let description = property["description"].as_str().or(target["description"].as_str()).unwrap_or_default();
        let (meaning, told) = match description.split_once("Default: ") {
            Some((meaning, told)) => (line(meaning), Some(told.trim_end_matches('.').trim())),
            None => (line(description), None),
        };
        let default = match (told, property.get("default")) {
            _ if required => "*required*".to_owned(),
            (Some(told), _) => line(told),
            (None, Some(Value::Object(_))) | (None, None) => String::new(),
            (None, Some(value)) => format!("`{}`", plain(value)),
        };
        let source = target["x-source"].as_str().or(property["x-source"].as_str());
        let source = source.map(|source| format!(" *{}.*", line(source))).unwrap_or_default();
        let cells = [kind(target), range(target), default, format!("{meaning}{}{source}", self.choices(target))];
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        let _ = writeln!(self.text, "| `{key}` | {} |", cells.join(" | "));
    }

    /// What each choice means, for a value that is one of several words.
    fn choices(&self, schema: &'a Value) -> String {
        let list = if schema["items"].is_object() { self.resolve(&schema["items"]) } else { schema };
        let choices = list["oneOf"].as_array().into_iter().flatten().filter_map(|choice| {
            let (word, meaning) = (choice["const"].as_str()?, choice["description"].as_str()?);
            Some(format!(" `{word}`: {}", line(meaning)))
        });
        choices.collect()
    }
}

/// A description as it may stand in a cell.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A value as one would write it: `100`, not `100.0`.
fn plain(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if value.is_f64() { text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned) } else { text }
}

/// The type in words, with its unit.
fn kind(schema: &Value) -> String {
    let types: Vec<&str> = match &schema["type"] {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect(),
        _ => Vec::new(),
    };
    let word = match types.as_slice() {
        ["number", "string"] => "decimal",
        ["number"] => "number",
        ["integer"] => "integer",
        ["boolean"] => "`true` or `false`",
        ["array"] => "list",
        ["object"] => "map",
        ["string"] => "text",
        _ if schema["oneOf"].is_array() => "one of",
        _ => "value",
    };
    match schema["x-unit"].as_str() {
        Some(unit) => format!("{word}: {unit}"),
        None => word.to_owned(),
    }
}

/// Bounds, choices or an example.
fn range(schema: &Value) -> String {
    if let Some(choices) = schema["oneOf"].as_array() {
        let words = choices.iter().filter_map(|choice| choice["const"].as_str());
        return words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    }
    for (low, high, unit) in [
        ("minimum", "maximum", ""),
        ("minItems", "maxItems", " entries"),
        ("minProperties", "maxProperties", " entries"),
    ] {
        match (schema.get(low), schema.get(high)) {
            (Some(low), Some(high)) if low == high => return format!("{}{unit}", plain(low)),
            (Some(low), Some(high)) => return format!("{} to {}{unit}", plain(low), plain(high)),
            (Some(low), None) => return format!("from {}{unit}", plain(low)),
            (None, Some(high)) => return format!("up to {}{unit}", plain(high)),
            (None, None) => {}
        }
    }
    let examples =
        schema["examples"].as_array().into_iter().flatten().take(2).map(|example| format!("`{}`", plain(example)));
    let examples = examples.collect::<Vec<_>>().join(", ");
    if examples.is_empty() { String::new() } else { format!("such as {examples}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// `UPDATE_DOCS=1 cargo test --lib reference` writes it.
    #[test]
    fn the_committed_page_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");
        let page = page();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &page).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == page, "docs/configuration.md is not current: run this test with UPDATE_DOCS=1");
    }

    #[test]
    fn a_row_says_type_range_default_and_meaning() {
        let root = json!({
            "properties": {
                "speed": { "type": "integer", "minimum": 1, "maximum": 9, "default": 3, "description": "How | fast.", "x-unit": "m/s", "x-source": "A 1" },
                "rule": { "type": "object", "x-rule": true, "properties": { "hidden": {} }, "description": "A rule." },
                "name": { "type": "string", "examples": ["a"], "description": "Whose.\nDefault: none." },
                "way": { "oneOf": [{ "const": "up", "description": "Higher." }], "description": "Where.", "default": "up" },
                "parts": { "type": "array", "items": { "$ref": "#/$defs/Part" }, "minItems": 2, "description": "Of it." },
                "other": { "description": "One more.", "$ref": "#/$defs/Part" }
            },
            "required": ["parts"],
            "$defs": { "Part": { "type": "object", "properties": { "weight": { "type": ["number", "string"], "minimum": 0.5, "maximum": 7.0 } } } }
        });
        let mut tables = Tables { root: &root, shown: BTreeMap::new(), text: String::new() };
        tables.object(&root, "");
        let rows: Vec<&str> = tables
            .text
            .lines()
            .filter(|line| line.starts_with("| `") || line.starts_with("The") || line.starts_with('#'))
            .collect();
        assert_eq!(
            rows,
            [
                "| `speed` | integer: m/s | 1 to 9 | `3` | How \\| fast. *A 1.* |",
                "| `rule` | map |  |  | A rule. |",
                "| `name` | text | such as `a` | none | Whose. |",
                "| `way` | one of | `up` | `up` | Where. `up`: Higher. |",
                "| `parts` | list | from 2 entries | *required* | Of it. |",
                "| `other` | map |  |  | One more. |",
                "### `parts[]`",
                "| `weight` | decimal | 0.5 to 7 |  |  |",
                "### `other`",
                "The keys of [`parts[]`](#parts).",
            ]
        );
    }
}
