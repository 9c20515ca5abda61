//! A tree of values in which every key and value knows where it stands. It knows no file format and
//! nothing of what the values mean.

use std::sync::Arc;

/// A position in a file. Lines and columns count characters and begin at 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, as it is named to the user.
    pub file: Arc<str>,
    /// Line.
    pub line: u32,
    /// Column.
    pub column: u32,
}

/// A number and how it was written, so that money need not pass through `f64`.
#[derive(Clone, Debug, PartialEq)]
pub struct Number {
    /// As written.
    pub text: String,
    /// Its value; whole numbers are integers even when written `3.0`.
    pub value: serde_json::Number,
}

/// A value without its place.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Nothing: a key without a value, or `null`.
    Null,
    /// `true` or `false`; YAML 1.1's `yes` and `on` are texts here.
    Bool(bool),
    /// A plain number.
    Number(Number),
    /// A text, quoted or plain.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in written order.
    Map(Vec<Entry>),
}

/// A value where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it begins; for an alias, where the aliased value stands.
    pub place: Place,
    /// Keys and indexes from the root, such as `cohorts.expert.agents[0].use`; empty at the root.
    pub path: String,
    /// The value.
    pub content: Content,
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub place: Place,
    /// The value.
    pub node: Node,
}

/// The path of a key below a path.
pub fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

impl Node {
    /// The value of a key of a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// The value of a key of a map, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        let Content::Map(entries) = &mut self.content else { return None };
        entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.node)
    }

    /// A key of a map with its place.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// All keys of a map; none of anything else.
    pub fn entries(&self) -> &[Entry] {
        if let Content::Map(entries) = &self.content { entries } else { &[] }
    }

    /// All items of a list; none of anything else.
    pub fn items(&self) -> &[Node] {
        if let Content::List(items) = &self.content { items } else { &[] }
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        if let Content::Text(text) = &self.content { Some(text) } else { None }
    }

    /// The value at the end of keys and indexes (as decimal text).
    pub fn dig(&self, steps: &[&str]) -> Option<&Node> {
        steps.iter().try_fold(self, |node, step| match &node.content {
            Content::Map(_) => node.get(step),
            Content::List(items) => items.get(step.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// The value as JSON, numbers as numbers.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Number(number) => Value::Number(number.value.clone()),
            Content::Text(text) => Value::String(text.clone()),
            Content::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Content::Map(entries) => {
                Value::Object(entries.iter().map(|entry| (entry.key.clone(), entry.node.to_json())).collect())
            }
        }
    }

    /// What stands here, for the end of "expected …, found …".
    pub fn found(&self) -> String {
        match &self.content {
            Content::Null => "nothing".to_owned(),
            Content::Bool(value) => format!("`{value}`"),
            Content::Number(number) => number.text.clone(),
            Content::Text(text) if text.is_empty() => "an empty text".to_owned(),
            Content::Text(text) => format!("the text `{}`", shorten(text)),
            Content::List(_) => "a list".to_owned(),
            Content::Map(_) => "a map".to_owned(),
        }
    }

    /// Lays `over` on top: maps merge key by key, anything else is replaced. Values keep their places.
    pub fn overlay(&mut self, over: &Node) {
        match (&mut self.content, &over.content) {
            (Content::Map(mine), Content::Map(theirs)) => {
                for entry in theirs {
                    match mine.iter_mut().find(|known| known.key == entry.key) {
                        Some(known) => {
                            known.place = entry.place.clone();
                            known.node.overlay(&entry.node);
                        }
                        None => mine.push(entry.clone()),
                    }
                }
            }
            _ => *self = over.clone(),
        }
    }
}

/// At most 60 characters of a text, on one line.
pub fn shorten(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(61).collect();
    if line.chars().count() > 60 { line.chars().take(57).chain("...".chars()).collect() } else { line }
}

#[cfg(test)]
mod tests {
    use super::super::yaml::parse;

    #[test]
    fn layers_replace_values_and_merge_maps() {
        let tree = |text: &str| parse("t.yaml", text).unwrap().root;
        let mut file = tree("a: 1\nm: {x: 1, y: 2}\nl: [1, 2]\n");
        file.overlay(&tree("m: {y: 3, z: 4}\nl: [9]\n"));
        assert_eq!(file.to_json(), serde_json::json!({"a": 1, "m": {"x": 1, "y": 3, "z": 4}, "l": [9]}));
    }
}
