//! A tree against a JSON Schema: unknown and missing keys, wrong types, values out of range. Each
//! fault is told at its place, and what is faulty is taken out of the tree, so that the rest can be
//! looked at further. What values mean together is not looked at here.

use super::diagnostic::{Diagnostic, Report};
use super::nearest::{list, nearest};
use super::tree::{Content, Node, Place, join};
use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use swarm_core::model::parse_decimal;

/// What to do with texts that do not match their pattern.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Patterns {
    /// Tell them.
    Tell,
    /// Leave them to the types that the tree is read into: those say better what they expect.
    Leave,
}

/// Steps from the root: keys, and indexes as text.
type Steps = Vec<String>;

/// A value's fault.
struct Fault {
    message: String,
    help: String,
    /// Told first when a value has several.
    rank: u8,
}

/// Tells the tree's faults and takes them out of it.
pub fn check(root: &mut Node, schema: &Value, validator: &Validator, patterns: Patterns, report: &mut Report) {
    let instance = instance(root, schema, schema);
    let mut seen = Seen { root, schema, patterns, values: BTreeMap::new(), remove: BTreeSet::new(), report };
    for error in validator.iter_errors(&instance) {
        seen.take(&error);
    }
    let Seen { values, mut remove, .. } = seen;
    for (steps, fault) in values {
        if let Some(node) = find(root, &steps) {
            report.error(node, fault.message, fault.help);
        }
        remove.insert(steps);
    }
    // From the back, so that indexes still hold.
    for steps in remove.iter().rev() {
        take_out(root, steps);
    }
}

/// The tree as JSON; decimals written as text become numbers where the schema takes either, so that
/// their range is checked too.
fn instance(node: &Node, root: &Value, schema: &Value) -> Value {
    let schema = resolve(root, schema);
    match &node.content {
        Content::List(items) => {
            let below = schema.get("items").unwrap_or(&Value::Null);
            Value::Array(items.iter().map(|item| instance(item, root, below)).collect())
        }
        Content::Map(entries) => {
            let mut map = Map::new();
            for entry in entries {
                let known = schema.get("properties").and_then(|properties| properties.get(&entry.key));
                let below = known.or_else(|| schema.get("additionalProperties")).unwrap_or(&Value::Null);
                map.insert(entry.key.clone(), instance(&entry.node, root, below));
            }
            Value::Object(map)
        }
        Content::Text(text) if accepts(schema, "number") && accepts(schema, "string") => {
            match (parse_decimal(text), text.parse::<f64>().ok().and_then(serde_json::Number::from_f64)) {
                (Ok(_), Some(number)) => Value::Number(number),
                _ => node.to_json(),
            }
        }
        _ => node.to_json(),
    }
}

fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
    target.and_then(|pointer| root.pointer(pointer)).unwrap_or(schema)
}

fn accepts(schema: &Value, name: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(only)) => only == name,
        Some(Value::Array(names)) => names.iter().any(|known| known == name),
        _ => false,
    }
}

struct Seen<'a> {
    root: &'a Node,
    schema: &'a Value,
    patterns: Patterns,
    /// Faulty values by their place in the tree, the most telling fault of each.
    values: BTreeMap<Steps, Fault>,
    /// Unknown keys.
    remove: BTreeSet<Steps>,
    report: &'a mut Report,
}

impl Seen<'_> {
    fn take(&mut self, error: &ValidationError<'_>) {
        let steps = pointer_steps(error.instance_path().as_str());
        let at = error.schema_path().as_str();
        let parent = at.rsplit_once('/').map_or("", |(parent, _)| parent);
        let rule = self.schema.pointer(parent).unwrap_or(&Value::Null);
        let Some(node) = find(self.root, &steps) else { return };
        match error.kind() {
            Kind::AdditionalProperties { unexpected } => {
                for key in unexpected {
                    self.unknown_key(node, rule, key);
                    self.remove.insert(below(&steps, key));
                }
            }
            Kind::Required { property } => self.missing_key(node, &steps, rule, property.as_str().unwrap_or_default()),
            Kind::PropertyNames { error } => self.key_name(node, error),
            Kind::Pattern { .. } if self.patterns == Patterns::Leave => {}
            Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
                let options = constants(rule, at.rsplit('/').next().unwrap_or_default());
                match branch(context, error) {
                    _ if !options.is_empty() => self.value(steps, one_of(node, &options)),
                    Some(errors) => errors.iter().for_each(|error| self.take(error)),
                    None => {
                        let fault = (format!("{} does not fit here", node.found()), help_of(rule));
                        self.value(steps, Fault { message: fault.0, help: fault.1, rank: 3 });
                    }
                }
            }
            kind => {
                let fault = value_fault(node, kind, rule);
                self.value(steps, fault);
            }
        }
    }

    fn value(&mut self, steps: Steps, fault: Fault) {
        match self.values.get(&steps) {
            Some(known) if known.rank <= fault.rank => {}
            _ => {
                self.values.insert(steps, fault);
            }
        }
    }

    fn unknown_key(&mut self, node: &Node, rule: &Value, key: &str) {
        let Some(entry) = node.entry(key) else { return };
        let none = Map::new();
        let known = rule.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let keys = || known.keys().map(String::as_str);
        let holder = known.iter().find(|(_, below)| {
            let below = resolve(self.schema, below);
            below.get("properties").is_some_and(|properties| properties.get(key).is_some())
        });
        let help = match (nearest(key, keys()), holder) {
            (_, Some((holder, _))) => format!("`{key}` belongs below `{holder}`"),
            (Some(near), None) => format!("did you mean `{near}`?"),
            (None, None) => format!("the keys here are {}", list(keys(), "and")),
        };
        self.report.error_at_key(entry, format!("unknown key `{key}`"), help);
    }

    fn missing_key(&mut self, node: &Node, steps: &[String], rule: &Value, key: &str) {
        let place = label(self.root, steps).unwrap_or(&node.place);
        let described = rule.get("properties").and_then(|properties| properties.get(key));
        let help = match described.map(|schema| help_of(resolve_description(self.schema, schema))) {
            Some(text) if !text.is_empty() => format!("add `{key}`: {text}"),
            _ => format!("add `{key}`"),
        };
        let path = join(&node.path, key);
        self.report.errors.push(Diagnostic::new(place, &path, format!("missing key `{key}`"), help));
    }

    fn key_name(&mut self, node: &Node, error: &ValidationError<'_>) {
        if self.patterns == Patterns::Leave && matches!(error.kind(), Kind::Pattern { .. }) {
            return;
        }
        let key = error.instance().as_str().unwrap_or_default();
        if let Some(entry) = node.entry(key) {
            self.report.error_at_key(entry, format!("`{key}` cannot be a key here"), error.to_string());
        }
    }
}

/// The errors of the branch that was probably meant: the one whose type the value has.
fn branch<'a>(
    context: &'a [Vec<ValidationError<'static>>],
    whole: &ValidationError<'_>,
) -> Option<&'a Vec<ValidationError<'static>>> {
    let same = |error: &ValidationError<'_>| error.instance_path().as_str() == whole.instance_path().as_str();
    let off = |error: &ValidationError<'_>| {
        same(error) && matches!(error.kind(), Kind::Type { .. } | Kind::Constant { .. } | Kind::Enum { .. })
    };
    context.iter().find(|errors| !errors.is_empty() && !errors.iter().any(off))
}

/// The texts of a choice, when it is one between constants.
fn constants(rule: &Value, keyword: &str) -> Vec<String> {
    let Some(branches) = rule.get(keyword).and_then(Value::as_array) else { return Vec::new() };
    let mut found = Vec::new();
    for branch in branches {
        match (branch.get("const"), branch.get("enum").and_then(Value::as_array)) {
            (Some(only), _) => found.push(plain(only)),
            (None, Some(several)) => found.extend(several.iter().map(plain)),
            (None, None) if branch["type"] == "null" => {}
            (None, None) => return Vec::new(),
        }
    }
    found
}

/// A JSON value as one writes it in YAML.
fn plain(value: &Value) -> String {
    match (value.as_str(), value.as_f64()) {
        (Some(text), _) => text.to_owned(),
        // 100, not 100.0.
        (None, Some(number)) => number.to_string(),
        (None, None) => value.to_string(),
    }
}

fn one_of(node: &Node, options: &[String]) -> Fault {
    let known = || options.iter().map(String::as_str);
    let help = match node.text().and_then(|text| nearest(text, known())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => String::new(),
    };
    let message = match options {
        [only] => format!("expected `{only}`, found {}", node.found()),
        _ => format!("expected one of {}, found {}", list(known(), "or"), node.found()),
    };
    Fault { message, help, rank: 1 }
}

fn value_fault(node: &Node, kind: &Kind, rule: &Value) -> Fault {
    let found = node.found();
    let limit = |name: &str| rule.get(name).map(plain);
    match kind {
        Kind::Type { .. } => {
            let (expected, hint) = expected_type(node, rule);
            let help = if hint.is_empty() { help_of(rule) } else { hint };
            Fault { message: format!("expected {expected}, found {found}"), help, rank: 0 }
        }
        Kind::Enum { options } => {
            let options: Vec<String> = options.as_array().into_iter().flatten().map(plain).collect();
            one_of(node, &options)
        }
        Kind::Constant { expected_value } => one_of(node, &[plain(expected_value)]),
        Kind::Minimum { .. } | Kind::Maximum { .. } | Kind::ExclusiveMinimum { .. } | Kind::ExclusiveMaximum { .. } => {
            let above = limit("exclusiveMinimum").map(|n| format!("more than {n}"));
            let under = limit("exclusiveMaximum").map(|n| format!("less than {n}"));
            let range = match (limit("minimum"), limit("maximum"), above, under) {
                (Some(min), Some(max), ..) if min == max => min,
                (Some(min), Some(max), ..) => format!("{min} to {max}"),
                (Some(min), None, _, under) => with(format!("at least {min}"), under),
                (None, Some(max), above, _) => with(format!("at most {max}"), above),
                (None, None, Some(above), under) => with(above, under),
                (None, None, None, under) => under.unwrap_or_default(),
            };
            Fault { message: format!("out of range: expected {range}, found {found}"), help: help_of(rule), rank: 2 }
        }
        Kind::MinItems { limit: 1 } | Kind::MinProperties { limit: 1 } | Kind::MinLength { limit: 1 } => {
            Fault { message: "expected at least one, found none".to_owned(), help: help_of(rule), rank: 2 }
        }
        Kind::MaxItems { limit: 1 } | Kind::MaxProperties { limit: 1 } => {
            let size = node.items().len().max(node.entries().len());
            Fault { message: format!("expected one entry, found {size}"), help: help_of(rule), rank: 2 }
        }
        Kind::MinItems { limit } | Kind::MinProperties { limit } => sized(rule, &format!("at least {limit}"), node),
        Kind::MaxItems { limit } | Kind::MaxProperties { limit } => sized(rule, &format!("at most {limit}"), node),
        Kind::Pattern { pattern } => {
            // Rules say in `x-unit` what a text looks like.
            let expected = rule.get("x-unit").and_then(Value::as_str).map_or_else(|| pattern.clone(), str::to_owned);
            Fault { message: format!("expected {expected}, found {found}"), help: help_of(rule), rank: 2 }
        }
        other => {
            Fault { message: format!("{found} does not satisfy {}", other.keyword()), help: help_of(rule), rank: 3 }
        }
    }
}

fn with(one: String, other: Option<String>) -> String {
    other.map_or(one.clone(), |other| format!("{one} and {other}"))
}

fn sized(rule: &Value, expected: &str, node: &Node) -> Fault {
    let size = node.items().len().max(node.entries().len());
    Fault { message: format!("expected {expected} entries, found {size}"), help: help_of(rule), rank: 2 }
}

/// What a type is called, and what to write where the value is nearly right.
fn expected_type(node: &Node, rule: &Value) -> (String, String) {
    let word = |name: &str| match name {
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "a text",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "a map",
        _ => "nothing",
    };
    let number = accepts(rule, "integer") || accepts(rule, "number");
    // Decimals may be text too, but a number is what one writes.
    let expected = match rule.get("type") {
        Some(Value::Array(_)) if number => "a number".to_owned(),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).map(word).collect::<Vec<_>>().join(" or "),
        Some(Value::String(name)) => word(name).to_owned(),
        _ => "something else".to_owned(),
    };
    let hint = match &node.content {
        Content::Text(text) if number && text.parse::<f64>().is_ok() => "write it without quotes".to_owned(),
        Content::Text(text) if accepts(rule, "boolean") => match text.to_lowercase().as_str() {
            "yes" | "on" | "y" => "write true".to_owned(),
            "no" | "off" | "n" => "write false".to_owned(),
            _ => String::new(),
        },
        // A length of time lacks its unit; quotes would not help.
        Content::Number(number) if accepts(rule, "string") && has_unit(rule) => {
            format!("add a unit, as in {0}s or {0}m", number.text)
        }
        Content::Number(number) if accepts(rule, "string") => format!("write it in quotes: \"{}\"", number.text),
        Content::Null => "give it a value, or leave the key out".to_owned(),
        Content::Text(text) if accepts(rule, "array") => format!("write it as a list: [{text}]"),
        _ => String::new(),
    };
    (expected, hint)
}

/// Whether a text is a number with a unit of time.
fn has_unit(rule: &Value) -> bool {
    let pattern = rule.get("pattern").and_then(Value::as_str).unwrap_or_default();
    ["[smhdw]", "(ms|s|m|h|d)"].iter().any(|units| pattern.contains(units))
}

fn help_of(rule: &Value) -> String {
    let text = rule.get("description").and_then(Value::as_str).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn resolve_description<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    if schema.get("description").is_some() { schema } else { resolve(root, schema) }
}

fn pointer_steps(pointer: &str) -> Steps {
    pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~")).collect()
}

fn below(steps: &[String], key: &str) -> Steps {
    steps.iter().cloned().chain([key.to_owned()]).collect()
}

fn find<'a>(root: &'a Node, steps: &[String]) -> Option<&'a Node> {
    root.dig(&steps.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Where a map's name stands: at its key, if it has one.
fn label<'a>(root: &'a Node, steps: &[String]) -> Option<&'a Place> {
    let (last, parents) = steps.split_last()?;
    find(root, parents)?.entry(last).map(|entry| &entry.place)
}

/// Removes a key or an item.
pub fn take_out(root: &mut Node, steps: &[String]) {
    let Some((last, parents)) = steps.split_last() else {
        root.content = Content::Map(Vec::new());
        return;
    };
    let mut node = root;
    for step in parents {
        let next = match &mut node.content {
            Content::Map(entries) => entries.iter_mut().find(|entry| entry.key == *step).map(|entry| &mut entry.node),
            Content::List(items) => step.parse::<usize>().ok().and_then(|i| items.get_mut(i)),
            _ => None,
        };
        let Some(next) = next else { return };
        node = next;
    }
    match &mut node.content {
        Content::Map(entries) => entries.retain(|entry| entry.key != *last),
        Content::List(items) => {
            if let Ok(i) = last.parse::<usize>()
                && i < items.len()
            {
                items.remove(i);
            }
        }
        _ => {}
    }
}
