//! Agents: which file each uses, which rule and parameters come of it, on which symbols, by which name.

use super::super::diagnostic::Report;
use super::super::nearest::{list, suggestion};
use super::super::scalars::Symbol;
use super::super::schema;
use super::super::shape::{self, Patterns};
use super::super::tree::{self, Content, Node};
use super::super::written::{AgentFile, Agents, Risk};
use super::{CheckedAgent, Scope, parse, told_twice, typed};
use jsonschema::Validator;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, OnceLock};
use swarm_agents::registry::{self, RuleSpec};
use swarm_core::features::Wants;
use swarm_core::model::Interval;
use swarm_core::rule::Build;

/// What names of shipped files begin with, in messages.
const SHIPPED: &str = "shipped ";
/// Most agents of a swarm.
const MAX_AGENTS: usize = 100_000;

pub(super) fn check(scope: &Scope<'_>, report: &mut Report) -> Vec<CheckedAgent> {
    let mut intervals = scope.swarm.market.as_ref().and_then(|market| market.intervals.clone()).unwrap_or_default();
    intervals.sort_unstable();
    let mut files = Files { scope, intervals, known: BTreeMap::new(), complete: BTreeMap::new() };
    let (mut agents, mut taken) = (Vec::new(), BTreeSet::new());
    for (cohort, (cohort_name, written)) in scope.swarm.cohorts.iter().flat_map(|all| &all.0).enumerate() {
        let mut counted: BTreeMap<String, u32> = BTreeMap::new();
        for (i, entry) in written.agents.iter().flatten().enumerate() {
            let index = i.to_string();
            let at = ["cohorts", cohort_name.0.as_str(), "agents", &index];
            let Some(node) = scope.node(&at) else { continue };
            super::swarm::risk_spans(scope, &[&at[..], &["risk"]].concat(), report);
            let symbols = symbols(scope, entry, node, report);
            let Some((rule, mut params, risk)) = files.agent(entry, node, report) else { continue };
            sort_keys(&mut params);
            let params = Arc::new(params);
            let prefix = &entry.name.as_ref().unwrap_or(cohort_name).0;
            for symbol in symbols {
                let base = format!("{prefix}-{}", scope.market_symbols()[symbol].0.to_lowercase());
                let number = counted.entry(base.clone()).or_default();
                *number += 1;
                let name = if *number == 1 { base } else { format!("{base}-{number}") };
                if !taken.insert(name.clone()) {
                    let at = node.get("name").or_else(|| node.get("use")).unwrap_or(node);
                    report.error(at, format!("agent name `{name}` is taken"), "give these agents another `name`");
                    break;
                }
                let (rule, params, risk) = (rule.clone(), Arc::clone(&params), risk.clone());
                agents.push(CheckedAgent { cohort, name, symbol, rule, params, risk });
            }
            if agents.len() > MAX_AGENTS {
                report.error(node, format!("more than {MAX_AGENTS} agents"), "split the swarm");
                return agents;
            }
        }
    }
    agents
}

impl Scope<'_> {
    fn market_symbols(&self) -> &[Symbol] {
        self.swarm.market.as_ref().and_then(|market| market.symbols.as_deref()).unwrap_or_default()
    }
}

/// The symbols of an entry's agents, one each, as places in `market.symbols`.
fn symbols(scope: &Scope<'_>, entry: &Agents, node: &Node, report: &mut Report) -> Vec<usize> {
    let market = scope.market_symbols();
    let named = node.get("symbols");
    let mut places: Vec<usize> = Vec::new();
    // A faulty symbol in `market.symbols` still counts as one.
    let mut number = scope.symbols().len();
    let mut complete = true;
    match (&entry.symbols, named) {
        (Some(own), Some(named)) => {
            told_twice(named.items(), report);
            number = named.items().len();
            let known = scope.symbols();
            for (symbol, at) in own.iter().zip(named.items()) {
                match market.iter().position(|candidate| candidate == symbol) {
                    Some(place) => places.push(place),
                    None => complete = false,
                }
                if !known.contains(&symbol.0.as_str()) {
                    let help = suggestion(&symbol.0, known.iter().copied());
                    report.error(at, format!("`{}` is not among market.symbols", symbol.0), help);
                }
            }
        }
        (Some(_), None) => {}
        (None, _) => places.extend(0..market.len()),
    }
    if let (Some(count), Some(at)) = (entry.count, node.get("count"))
        && complete
        && count as usize != number
    {
        let (agents, symbols) = (plural(count as usize, "agent"), plural(number, "symbol"));
        let help = match named {
            Some(_) => format!("write `count: {number}`, or leave it out"),
            None => format!("write `count: {number}`, or name {} in `symbols`", plural(count as usize, "symbol")),
        };
        report.error(at, format!("{agents} for {symbols}: each agent trades one symbol of its own"), help);
    }
    places
}

fn plural(n: usize, word: &str) -> String {
    format!("{n} {word}{}", if n == 1 { "" } else { "s" })
}

/// Puts the keys of all objects in order, so that a plan does not depend on how its file was written.
fn sort_keys(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.sort_keys();
            map.values_mut().for_each(sort_keys);
        }
        Value::Array(items) => items.iter_mut().for_each(sort_keys),
        _ => {}
    }
}

/// Agent files by what `use` says.
struct Files<'a> {
    scope: &'a Scope<'a>,
    /// Of the swarm, ascending; none when they are faulty.
    intervals: Vec<Interval>,
    known: BTreeMap<String, File>,
    /// Parameters without fault, by rule and text as written: thousands of agents may share them.
    complete: BTreeMap<(&'static str, String), Value>,
}

/// The schema of a rule's parameters, and what checks against it. Made once for all files: a sweep checks thousands.
fn schema_of(rule: &RuleSpec) -> &'static (Value, Validator) {
    type Schemas = BTreeMap<&'static str, OnceLock<(Value, Validator)>>;
    static SCHEMAS: LazyLock<Schemas> =
        LazyLock::new(|| registry::rules().iter().map(|rule| (rule.name, OnceLock::new())).collect());
    SCHEMAS[rule.name].get_or_init(|| {
        let schema = (rule.schema)();
        let validator = super::validator(&schema);
        (schema, validator)
    })
}

enum File {
    /// Neither there nor shipped.
    Absent,
    /// Its faults have been told.
    Faulty,
    Good {
        rule: &'static RuleSpec,
        /// Its parameters as written.
        params: Node,
        risk: Box<Risk>,
    },
}

impl Files<'_> {
    /// Rule, complete parameters and limits of an entry's agents, unless something about them is wrong.
    fn agent(&mut self, entry: &Agents, node: &Node, report: &mut Report) -> Option<(String, Value, Risk)> {
        let (name, at) = (entry.file.as_ref()?, node.get("use")?);
        if !self.known.contains_key(name) {
            let file = self.load(name, at, report);
            self.known.insert(name.clone(), file);
        }
        let (spec, params, file_risk) = match &self.known[name] {
            File::Good { rule, params, risk } => (*rule, params, risk),
            File::Faulty => return None,
            File::Absent => {
                let shipped: Vec<String> = registry::rules().iter().map(|rule| shipped_name(name, rule.name)).collect();
                let help = suggestion(name, shipped.iter().map(String::as_str));
                report.error(at, format!("there is no agent file `{}`", tree::shorten(name)), help);
                return None;
            }
        };
        let risk = entry.risk.as_ref().map_or_else(|| (**file_risk).clone(), |own| own.over(file_risk));
        let (schema, validator) = schema_of(spec);
        let mut merged = params.clone();
        if let Some(set) = node.get("set") {
            let empty = empty_parts(set, schema);
            for part in &empty {
                let rules = registry::rules().iter().map(|rule| rule.name).filter(|name| *name != spec.name);
                let help = format!("write one of {}, or leave the key out", list(rules, "or"));
                report.error(part, "expected one rule, found none", help);
            }
            if !empty.is_empty() {
                return None;
            }
            drop_replaced_parts(&mut merged, set, schema);
            merged.overlay(set);
        }
        let key = (spec.name, merged.to_json().to_string());
        if let Some(complete) = self.complete.get(&key) {
            return Some((spec.name.to_owned(), complete.clone(), risk));
        }
        let before = report.errors.len();
        shape::check(&mut merged, schema, validator, Patterns::Tell, report);
        if report.errors.len() > before {
            return None;
        }
        let json = merged.to_json();
        let mut faults = (spec.check)(&json);
        let complete = (spec.complete)(&json);
        if faults.is_empty() && !self.intervals.is_empty() {
            faults.extend(fit(spec, &complete, &self.intervals));
        }
        for (key, message) in faults {
            // Nobody can mend a shipped file: what is wrong there is told where it is used.
            let at = nearest_node(&merged, &key).filter(|node| !node.place.file.starts_with(SHIPPED)).unwrap_or(at);
            let told = key.is_empty() || at.path.ends_with(&key);
            let nested = key.rsplit('.').fold("…".to_owned(), |inner, step| match inner.as_str() {
                "…" => format!("{step}: …"),
                _ => format!("{step}: {{ {inner} }}"),
            });
            let help = if told { String::new() } else { format!("say otherwise with `set: {{ {nested} }}`") };
            report.error(at, if told { message } else { format!("`{key}`: {message}") }, help);
        }
        if report.errors.len() > before {
            return None;
        }
        self.complete.insert(key, complete.clone());
        Some((spec.name.to_owned(), complete, risk))
    }

    fn load(&self, name: &str, at: &Node, report: &mut Report) -> File {
        let path = self.scope.dir.join(name);
        if path.is_file() {
            match super::super::read_file(&path) {
                Ok(text) => self.read(&path.display().to_string(), &text, report),
                Err(message) => {
                    report.error(at, format!("{}: {message}", path.display()), "");
                    File::Faulty
                }
            }
        } else {
            match registry::shipped(name) {
                Some(text) => self.read(&format!("{SHIPPED}{}", shipped_name("/", stem(name))), text, report),
                None => File::Absent,
            }
        }
    }

    fn read(&self, file: &str, text: &str, report: &mut Report) -> File {
        report.sources.insert(file.to_owned(), text.to_owned());
        let before = report.errors.len();
        let Some(mut root) = parse(file, text, report) else { return File::Faulty };
        shape::check(&mut root, &schema::AGENT, &super::AGENT, Patterns::Leave, report);
        let written: AgentFile = typed(&mut root, report);
        let within = Scope { root: &root, whole: &root, ..*self.scope };
        super::swarm::risk_spans(&within, &["risk"], report);
        let chosen = root.get("rule").and_then(|node| choose(node, report));
        match chosen {
            Some((rule, params)) if report.errors.len() == before => {
                File::Good { rule, params, risk: Box::new(written.risk.unwrap_or_default()) }
            }
            _ => File::Faulty,
        }
    }
}

/// The rule that an agent file names, and its parameters.
fn choose(node: &Node, report: &mut Report) -> Option<(&'static RuleSpec, Node)> {
    let names = || registry::rules().iter().map(|rule| rule.name);
    let (entry, further) = match node.entries() {
        [] => {
            report.error(node, "expected a rule, found none", format!("there is {}", list(names(), "and")));
            return None;
        }
        [first, further @ ..] => (first, further),
    };
    if let Some(second) = further.first() {
        let message = format!("a second rule `{}` beside `{}`", second.key, entry.key);
        report.error_at_key(second, message, "an agent file has one rule: write another file");
        return None;
    }
    let Some(rule) = registry::find(&entry.key) else {
        let help = suggestion(&entry.key, names().collect::<Vec<_>>());
        report.error_at_key(entry, format!("there is no rule `{}`", tree::shorten(&entry.key)), help);
        return None;
    };
    let mut params = entry.node.clone();
    match params.content {
        Content::Map(_) => {}
        // `expert:` with nothing behind it: all parameters are the rule's defaults.
        Content::Null => params.content = Content::Map(Vec::new()),
        _ => {
            let message = format!("expected a map of parameters, found {}", params.found());
            report.error(&params, message, "write `{}` for the rule's defaults");
            return None;
        }
    }
    Some((rule, params))
}

/// A rule that cannot be built for these intervals says why; what is built here is thrown away.
fn fit(rule: &RuleSpec, params: &Value, intervals: &[Interval]) -> Option<(String, String)> {
    let mut wants = Wants::default();
    let mut build = Build { wants: &mut wants, base: *intervals.first()?, intervals };
    (rule.build)(params, &mut build).err().map(|error| (error.path, error.message))
}

/// `expert` of `agents/expert.yaml`.
fn stem(name: &str) -> &str {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.strip_suffix(".yaml").unwrap_or(file)
}

/// A shipped file in the way that `like` is written.
fn shipped_name(like: &str, rule: &str) -> String {
    if like.contains('/') || like.ends_with(".yaml") { format!("agents/{rule}.yaml") } else { rule.to_owned() }
}

/// What `set` gives as a rule inside of a rule without naming one. Laid over what the file says it would change nothing.
fn empty_parts<'a>(set: &'a Node, schema: &Value) -> Vec<&'a Node> {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let parts = properties.filter(|(_, property)| property["x-rule"] == true).filter_map(|(key, _)| set.get(key));
    parts.filter(|part| matches!(&part.content, Content::Map(entries) if entries.is_empty())).collect()
}

/// A rule inside of a rule is replaced by another one of `set`, not mixed with it: what a file says of a
/// part goes when `set` names a different rule there.
fn drop_replaced_parts(params: &mut Node, set: &Node, schema: &Value) {
    let properties = schema["properties"].as_object().into_iter().flatten();
    for (key, _) in properties.filter(|(_, property)| property["x-rule"] == true) {
        let named = |node: &Node| {
            node.get(key).map(|part| part.entries().iter().map(|one| one.key.clone()).collect::<Vec<_>>())
        };
        if let (Some(before), Some(now)) = (named(params), named(set))
            && !now.is_empty()
            && before != now
        {
            shape::take_out(params, std::slice::from_ref(key));
        }
    }
}

/// The value a parameter's path leads to, or the last one on the way that is written.
fn nearest_node<'a>(params: &'a Node, path: &str) -> Option<&'a Node> {
    let steps = path.split(['.', '[', ']']).filter(|step| !step.is_empty());
    let mut last = None;
    for step in steps {
        match last.unwrap_or(params).dig(&[step]) {
            Some(node) => last = Some(node),
            None => break,
        }
    }
    last
}
