//! YAML text to a tree whose every key and value knows where it stands.
//!
//! The only file that knows which YAML library is used. It deliberately knows nothing of what a
//! swarm file means: it hands over the tree, the keys written twice, and the place where the text
//! stops being YAML.

use super::tree::{Content, Entry, Node, Number, Place, join};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Location, Spanned};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// Largest file that is read, in bytes; a swarm of ten thousand declared agents stays far below.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
/// Most values in a file, aliases expanded.
const MAX_NODES: usize = 200_000;
/// Deepest nesting.
const MAX_DEPTH: usize = 32;
/// Most values that aliases may stand for.
const MAX_ALIAS_EVENTS: usize = 50_000;

/// The text cannot be read from here on.
#[derive(Clone, Debug, PartialEq)]
pub struct SyntaxError {
    /// Where.
    pub place: Place,
    /// Why.
    pub message: String,
    /// What to do; empty where it stops being YAML, since that depends on where the text is from.
    pub help: &'static str,
}

/// A tree, and the keys that stand in one map twice (the first one counts).
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The root.
    pub root: Node,
    /// The later ones of equal keys, values included.
    pub duplicates: Vec<Entry>,
}

/// Reads a document. `file` is what messages call it.
pub fn parse(file: &str, text: &str) -> Result<Document, SyntaxError> {
    let file: Arc<str> = file.into();
    if text.len() > MAX_BYTES {
        let place = Place { file, line: 1, column: 1 };
        let message = format!("the file has {} bytes; at most {MAX_BYTES} are read", text.len());
        return Err(SyntaxError { place, message, help: "split it: agents may have files of their own" });
    }
    let options = serde_saphyr::options! {
        strict_booleans: true,
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        underscored_numbers_as_strings: true,
        leading_zero_numbers_as_strings: true,
        reject_unsupported_tags: true,
        with_snippet: false,
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_ALIAS_EVENTS },
        budget: serde_saphyr::budget! { max_nodes: MAX_NODES, max_depth: MAX_DEPTH, max_events: 4 * MAX_NODES },
    };
    match serde_saphyr::from_str_with_options::<Raw>(text, options) {
        Ok(raw) => {
            let mut build = Build { file, text, duplicates: Vec::new() };
            let root = build.node(raw, String::new());
            Ok(Document { root, duplicates: build.duplicates })
        }
        Err(error) => {
            let place = place_of(&file, error.location().unwrap_or(Location::UNKNOWN));
            let (message, help) = in_words(&plain_message(&error.without_snippet().to_string()));
            Err(SyntaxError { place, message, help })
        }
    }
}

/// The library's message without the position it appends: the place is told apart from it.
fn plain_message(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    let cut = first.find(" at line ").or_else(|| first.find(", line ")).unwrap_or(first.len());
    first[..cut].trim_end_matches([' ', ':', ',']).trim_start_matches("error: ").to_owned()
}

/// What the library refuses although it is YAML is said as what it is; the rest is not YAML.
fn in_words(message: &str) -> (String, &'static str) {
    if message.starts_with("non-finite float") {
        let written = message.split('`').nth(1).unwrap_or(".nan");
        return (format!("{written} is not a finite number"), "write a number");
    }
    if message.starts_with("multiple YAML documents") {
        return ("a second document begins before this place".to_owned(), "one is read: remove the line `---` between");
    }
    (format!("not YAML: {message}"), "")
}

fn place_of(file: &Arc<str>, location: Location) -> Place {
    let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).max(1);
    Place { file: Arc::clone(file), line: number(location.line()), column: number(location.column()) }
}

/// What the library hands over: values with positions, duplicates still in.
struct Raw(Spanned<RawContent>);

enum RawContent {
    Null,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    Text(String),
    List(Vec<Raw>),
    Map(Vec<(Spanned<String>, Raw)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Spanned::deserialize(from).map(Self)
    }
}

impl<'de> Deserialize<'de> for RawContent {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = RawContent;
    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a value")
    }
    fn visit_unit<E>(self) -> Result<RawContent, E> {
        Ok(RawContent::Null)
    }
    fn visit_none<E>(self) -> Result<RawContent, E> {
        Ok(RawContent::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<RawContent, E> {
        Ok(RawContent::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<RawContent, E> {
        Ok(RawContent::Signed(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<RawContent, E> {
        Ok(RawContent::Unsigned(value))
    }
    fn visit_f64<E>(self, value: f64) -> Result<RawContent, E> {
        Ok(RawContent::Float(value))
    }
    fn visit_str<E>(self, value: &str) -> Result<RawContent, E> {
        Ok(RawContent::Text(value.to_owned()))
    }
    fn visit_string<E>(self, value: String) -> Result<RawContent, E> {
        Ok(RawContent::Text(value))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<RawContent, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(RawContent::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<RawContent, A::Error> {
        let mut map = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            map.push(entry);
            if map.len() > MAX_NODES {
                return Err(A::Error::custom("too many keys"));
            }
        }
        Ok(RawContent::Map(map))
    }
}

struct Build<'a> {
    file: Arc<str>,
    text: &'a str,
    duplicates: Vec<Entry>,
}

impl Build<'_> {
    // Recursion is bounded: the parser refuses more than MAX_DEPTH levels.
    fn node(&mut self, Raw(raw): Raw, path: String) -> Node {
        let written = self.written(raw.defined);
        let content = match raw.value {
            RawContent::Null => Content::Null,
            RawContent::Bool(value) => Content::Bool(value),
            RawContent::Signed(value) => Content::Number(Number { text: value.to_string(), value: value.into() }),
            RawContent::Unsigned(value) => Content::Number(Number { text: value.to_string(), value: value.into() }),
            RawContent::Float(value) => float(value, written),
            RawContent::Text(text) => Content::Text(text),
            RawContent::List(items) => Content::List(
                items.into_iter().enumerate().map(|(i, item)| self.node(item, format!("{path}[{i}]"))).collect(),
            ),
            RawContent::Map(entries) => self.map(entries, &path),
        };
        Node { place: place_of(&self.file, raw.defined), path, content }
    }

    fn map(&mut self, entries: Vec<(Spanned<String>, Raw)>, path: &str) -> Content {
        let (mut map, mut seen) = (Vec::with_capacity(entries.len()), BTreeSet::new());
        for (key, value) in entries {
            let place = place_of(&self.file, key.defined);
            let node = self.node(value, join(path, &key.value));
            let first = seen.insert(key.value.clone());
            let entry = Entry { key: key.value, place, node };
            if first { map.push(entry) } else { self.duplicates.push(entry) }
        }
        Content::Map(map)
    }

    /// The source text of a scalar.
    fn written(&self, location: Location) -> Option<&str> {
        let span = location.span();
        let start = usize::try_from(span.byte_offset()?).ok()?;
        let end = start.checked_add(usize::try_from(span.byte_len()?).ok()?)?;
        self.text.get(start..end).map(str::trim)
    }
}

/// 2^53: up to here every whole number has a float of its own.
const WHOLE_LIMIT: f64 = 9_007_199_254_740_992.0;

fn float(value: f64, written: Option<&str>) -> Content {
    let text = match written {
        // What the span covers must be this number, else it is not trusted.
        Some(text) if text.parse::<f64>().is_ok_and(|again| again == value) => text.to_owned(),
        _ => value.to_string(),
    };
    if value.fract() == 0.0 && value.abs() < WHOLE_LIMIT {
        return Content::Number(Number { text, value: (value as i64).into() });
    }
    match serde_json::Number::from_f64(value) {
        Some(value) => Content::Number(Number { text, value }),
        None => Content::Text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(text: &str) -> Node {
        parse("t.yaml", text).unwrap().root
    }

    #[test]
    fn keys_and_values_know_their_places() {
        let root = tree("a: 1\nb:\n  - x: 0.15\n  - [p, 'q']\nc: {d: yes, e: true, f: }\n");
        let at = |node: &Node| (node.place.line, node.place.column);
        assert_eq!(at(root.get("a").unwrap()), (1, 4));
        let x = root.dig(&["b", "0", "x"]).unwrap();
        assert_eq!((at(x), x.path.as_str()), ((3, 8), "b[0].x"));
        assert!(matches!(&x.content, Content::Number(n) if n.text == "0.15"));
        assert_eq!(at(root.dig(&["b", "1", "1"]).unwrap()), (4, 9));
        let entry = root.get("c").unwrap().entry("e").unwrap();
        assert_eq!((entry.place.line, entry.place.column), (5, 13));
        assert_eq!(root.dig(&["c", "d"]).unwrap().text(), Some("yes"));
        assert_eq!(entry.node.content, Content::Bool(true));
        assert_eq!(root.dig(&["c", "f"]).unwrap().content, Content::Null);
    }

    #[test]
    fn numbers_keep_their_text() {
        for (written, kept, json) in [
            ("0.15", "0.15", "0.15"),
            ("3", "3", "3"),
            ("3.0", "3.0", "3"),
            ("0.1234567891", "0.1234567891", "0.1234567891"),
            ("1e3", "1e3", "1000"),
            ("-0.5", "-0.5", "-0.5"),
        ] {
            let root = tree(&format!("a: {written} # comment\n"));
            let Content::Number(number) = &root.get("a").unwrap().content else { panic!("{written}") };
            assert_eq!((number.text.as_str(), number.value.to_string().as_str()), (kept, json));
        }
        let aliased = tree("a: &x 0.25\nb: *x\n");
        assert!(matches!(&aliased.get("b").unwrap().content, Content::Number(n) if n.text == "0.25"));
    }

    #[test]
    fn equal_keys_are_handed_over_and_the_first_one_counts() {
        let document = parse("t.yaml", "a: 1\nb: 2\na: 3\n").unwrap();
        assert_eq!(document.root.get("a").unwrap().to_json(), 1);
        let duplicate = &document.duplicates[0];
        assert_eq!((duplicate.key.as_str(), duplicate.place.line, duplicate.place.column), ("a", 3, 1));
    }

    #[test]
    fn merge_keys_and_anchors_work() {
        let root = tree("x: &x {p: 1, q: 2}\ny:\n  <<: *x\n  q: 3\n");
        assert_eq!(root.get("y").unwrap().to_json(), serde_json::json!({"q": 3, "p": 1}));
    }

    #[test]
    fn syntax_errors_and_bombs_are_refused_at_their_place() {
        let error = parse("t.yaml", "a: 1\nb: [1, 2\n").unwrap_err();
        assert_eq!((error.place.line, error.place.column), (2, 4), "{error:?}");
        assert!(!error.message.contains("line "), "{}", error.message);
        let mut bomb = "a0: &a0 [x]\n".to_owned();
        for i in 1..30 {
            bomb.push_str(&format!("a{i}: &a{i} [*a{0}, *a{0}, *a{0}, *a{0}]\n", i - 1));
        }
        assert!(parse("t.yaml", &bomb).unwrap_err().message.starts_with("not YAML: "));
        assert!(parse("t.yaml", &"[".repeat(500)).is_err());
    }

    #[test]
    fn what_is_yaml_and_not_taken_is_said_as_what_it_is() {
        for (text, place, message) in [
            ("a: .nan\n", (1, 4), ".nan is not a finite number"),
            ("a: 1\nb: -.inf\n", (2, 4), "-.inf is not a finite number"),
            ("a: 1\n---\nb: 2\n", (3, 1), "a second document begins before this place"),
        ] {
            let error = parse("t.yaml", text).unwrap_err();
            assert_eq!(((error.place.line, error.place.column), error.message.as_str()), (place, message));
            assert!(!error.help.is_empty(), "{error:?}");
        }
    }
}
