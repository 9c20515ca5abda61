//! A reader of the text exposition format that takes nothing but what the format says, for tests.

use std::collections::{BTreeMap, BTreeSet};

/// One family as read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Family {
    pub(crate) kind: String,
    pub(crate) samples: Vec<Sample>,
}

/// One line as read.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: f64,
}

/// A page as read.
#[derive(Debug, Default)]
pub(crate) struct Page(pub(crate) BTreeMap<String, Family>);

impl Page {
    /// The value of the one series with this name and these labels, `mode` aside.
    #[track_caller]
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let found: Vec<_> = self.matching(name, labels).collect();
        assert_eq!(found.len(), 1, "{name} {labels:?}: {found:?}");
        found[0].value
    }

    /// All series with this name and at least these labels.
    pub(crate) fn matching<'a>(
        &'a self,
        name: &'a str,
        labels: &'a [(&'a str, &'a str)],
    ) -> impl Iterator<Item = &'a Sample> {
        self.0.values().flat_map(|family| &family.samples).filter(move |sample| {
            sample.name == name
                && labels.iter().all(|(key, value)| sample.labels.get(*key).is_some_and(|seen| seen == value))
        })
    }
}

fn is_name(text: &str, colon: bool) -> bool {
    !text.is_empty()
        && !text.starts_with(|first: char| first.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || (colon && c == ':'))
}

/// Reads `key="value",…}` and returns the labels and what follows the brace.
fn labels(mut text: &str) -> Result<(BTreeMap<String, String>, &str), String> {
    let mut found = BTreeMap::new();
    while !text.starts_with('}') {
        let (key, rest) = text.split_once("=\"").ok_or("label without =\"")?;
        if !is_name(key, false) {
            return Err(format!("bad label name `{key}`"));
        }
        let (mut value, mut characters, mut closed) = (String::new(), rest.char_indices(), None);
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    closed = Some(at);
                    break;
                }
                '\\' => match characters.next() {
                    Some((_, '\\')) => value.push('\\'),
                    Some((_, '"')) => value.push('"'),
                    Some((_, 'n')) => value.push('\n'),
                    other => return Err(format!("bad escape {other:?}")),
                },
                other => value.push(other),
            }
        }
        text = &rest[closed.ok_or("label value not closed")? + 1..];
        if found.insert(key.to_owned(), value).is_some() {
            return Err(format!("label `{key}` twice"));
        }
        match text.strip_prefix(',') {
            Some(rest) if !rest.starts_with('}') => text = rest,
            Some(_) => return Err("comma before }".into()),
            None if text.starts_with('}') => {}
            None => return Err("no comma between labels".into()),
        }
    }
    Ok((found, &text[1..]))
}

fn sample(line: &str) -> Result<Sample, String> {
    let end = line.find(['{', ' ']).ok_or("no value")?;
    let (name, rest) = line.split_at(end);
    if !is_name(name, true) {
        return Err(format!("bad name `{name}`"));
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (BTreeMap::new(), rest),
    };
    let value = rest.strip_prefix(' ').ok_or("no blank before the value")?;
    let value = match value {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        "NaN" => f64::NAN,
        other if other.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
            other.parse().map_err(|_| format!("bad value `{other}`"))?
        }
        other => return Err(format!("bad value `{other}`")),
    };
    Ok(Sample { name: name.to_owned(), labels, value })
}

/// Whether a sample of this name belongs to the family.
fn belongs(family: &str, kind: &str, name: &str) -> bool {
    let suffixes: &[&str] = match kind {
        "histogram" => &["_bucket", "_sum", "_count"],
        "summary" => &["_sum", "_count"],
        _ => &[""],
    };
    name.strip_prefix(family).is_some_and(|suffix| suffixes.contains(&suffix))
}

/// Buckets ascend, never fall, and end with all that was counted.
fn check_histogram(family: &Family, name: &str) -> Result<(), String> {
    type Buckets = BTreeMap<BTreeMap<String, String>, Vec<(f64, f64)>>;
    let mut buckets = Buckets::new();
    for sample in family.samples.iter().filter(|sample| sample.name.ends_with("_bucket")) {
        let mut labels = sample.labels.clone();
        let bound = labels.remove("le").ok_or("bucket without le")?;
        let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().map_err(|_| "bad le")? };
        buckets.entry(labels).or_default().push((bound, sample.value));
    }
    for (labels, buckets) in buckets {
        let count = family.samples.iter().find(|s| s.name == format!("{name}_count") && s.labels == labels);
        let count = count.ok_or("no count")?.value;
        let rising = buckets.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        if !rising || buckets.last() != Some(&(f64::INFINITY, count)) {
            return Err(format!("{name}: buckets {buckets:?}, count {count}"));
        }
    }
    Ok(())
}

/// Reads a page or says what is wrong with it.
pub(crate) fn parse(text: &str) -> Result<Page, String> {
    let mut page = Page::default();
    let mut current = String::new();
    let mut helped = BTreeSet::new();
    let mut series = BTreeSet::new();
    if !text.ends_with('\n') {
        return Err("the last line has no end".into());
    }
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').ok_or("HELP without text")?;
            if help.trim().is_empty() || !helped.insert(name.to_owned()) {
                return Err(format!("HELP of {name} empty or repeated"));
            }
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').ok_or("TYPE without kind")?;
            if !helped.contains(name) || !["counter", "gauge", "summary", "histogram"].contains(&kind) {
                return Err(format!("TYPE of {name} without HELP, or of unknown kind {kind}"));
            }
            if (kind == "counter") != name.ends_with("_total") {
                return Err(format!("{name} is a {kind}"));
            }
            let family = Family { kind: kind.to_owned(), samples: Vec::new() };
            if page.0.insert(name.to_owned(), family).is_some() {
                return Err(format!("family {name} in two places"));
            }
            current = name.to_owned();
        } else {
            let sample = sample(line).map_err(|error| format!("{error}: {line}"))?;
            let family = page.0.get_mut(&current).ok_or("a sample before any TYPE")?;
            if !belongs(&current, &family.kind, &sample.name) {
                return Err(format!("{} under {current}", sample.name));
            }
            if family.kind == "counter" && (sample.value.is_nan() || sample.value < 0.0) {
                return Err(format!("counter below 0: {line}"));
            }
            if !series.insert((sample.name.clone(), sample.labels.clone())) {
                return Err(format!("series twice: {line}"));
            }
            family.samples.push(sample);
        }
    }
    for (name, family) in &page.0 {
        if family.samples.is_empty() {
            return Err(format!("{name} has no samples"));
        }
        check_histogram(family, name)?;
    }
    Ok(page)
}

#[test]
fn what_the_format_forbids_is_found() {
    let head = "# HELP a_total A.\n# TYPE a_total counter\n";
    assert!(parse(&format!("{head}a_total{{x=\"q\\\"\\\\\\n\"}} 1\n")).is_ok());
    for wrong in [
        "a_total 1",
        "a_total{x=\"1\"} -1\n",
        "a_total{x=\"1\"}\n",
        "a_total{x=\"1\",} 1\n",
        "a_total{x=\"1\"y=\"2\"} 1\n",
        "a_total{x=\"1\",x=\"2\"} 1\n",
        "a_total{x=\"\\t\"} 1\n",
        "a_total{x=\"1} 1\n",
        "a_total{1x=\"1\"} 1\n",
        "a_total one\n",
        "a_total inf\n",
        "b_total 1\n",
        "a_total 1\na_total 2\n",
        "a_total 1\n\n",
        "a_total 1\n# HELP a_total A.\n",
        "a_total 1\n# TYPE b gauge\nb 1\n",
        "",
    ] {
        assert!(parse(&format!("{head}{wrong}")).is_err(), "{wrong}");
    }
    let histogram = |lines: &str| parse(&format!("# HELP h H.\n# TYPE h histogram\n{lines}"));
    assert!(histogram("h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n").is_ok());
    assert!(histogram("h_bucket{le=\"1\"} 3\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n").is_err());
    assert!(histogram("h_bucket{le=\"1\"} 1\nh_sum 3\nh_count 2\n").is_err());
}
