//! Agents: which file each uses, which rule and parameters come of it, on which symbols, by which name.

use super::super::diagnostic::Report;
use super::super::nearest::{list, suggestion};
use super::super::rules::Rule;
use super::super::scalars::Symbol;
use super::super::schema;
use super::super::shape::{self, Patterns};
use super::super::written::{AgentFile, Agents, Risk};
use super::super::yaml::{self, Content, Node};
use super::{CheckedAgent, Scope, parse, told_twice, typed};
use jsonschema::Validator;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Most agents of a swarm.
const MAX_AGENTS: usize = 100_000;

pub(super) fn check(scope: &Scope<'_>, report: &mut Report) -> Vec<CheckedAgent> {
    let mut files = Files { scope, known: BTreeMap::new(), validators: BTreeMap::new() };
    let (mut agents, mut taken) = (Vec::new(), BTreeSet::new());
    for (cohort, (cohort_name, written)) in scope.swarm.cohorts.iter().flat_map(|all| &all.0).enumerate() {
        let mut counted: BTreeMap<String, u32> = BTreeMap::new();
        for (i, entry) in written.agents.iter().flatten().enumerate() {
            let index = i.to_string();
            let at = ["cohorts", cohort_name.0.as_str(), "agents", &index];
            let Some(node) = scope.node(&at) else { continue };
            super::swarm::risk_spans(scope, &[&at[..], &["risk"]].concat(), report);
            let symbols = symbols(scope, entry, node, report);
            let Some((rule, params, risk)) = files.agent(entry, node, report) else { continue };
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
                let (rule, params, risk) = (rule.clone(), params.clone(), risk.clone());
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
    let mut complete = true;
    match (&entry.symbols, named) {
        (Some(own), Some(named)) => {
            told_twice(named.items(), report);
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
        && !places.is_empty()
        && count as usize != places.len()
    {
        let (agents, symbols) = (plural(count as usize, "agent"), plural(places.len(), "symbol"));
        let help = match named {
            Some(_) => format!("write `count: {}`, or leave it out", places.len()),
            None => {
                format!("write `count: {}`, or name {} in `symbols`", places.len(), plural(count as usize, "symbol"))
            }
        };
        report.error(at, format!("{agents} cannot share {symbols}: each agent trades one symbol of its own"), help);
    }
    places
}

fn plural(n: usize, word: &str) -> String {
    format!("{n} {word}{}", if n == 1 { "" } else { "s" })
}

/// Agent files by what `use` says.
struct Files<'a> {
    scope: &'a Scope<'a>,
    known: BTreeMap<String, File>,
    validators: BTreeMap<usize, Validator>,
}

enum File {
    /// Neither there nor shipped.
    Absent,
    /// Its faults have been told.
    Faulty,
    Good {
        /// Place of the rule among the rules.
        rule: usize,
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
        let (rule, params, file_risk) = match &self.known[name] {
            File::Good { rule, params, risk } => (*rule, params, risk),
            File::Faulty => return None,
            File::Absent => {
                let shipped: Vec<String> = self.scope.rules.iter().map(|rule| shipped_name(name, rule.name)).collect();
                let help = suggestion(name, shipped.iter().map(String::as_str));
                report.error(at, format!("there is no agent file `{}`", yaml::shorten(name)), help);
                return None;
            }
        };
        let risk = entry.risk.as_ref().map_or_else(|| (**file_risk).clone(), |own| own.over(file_risk));
        let mut merged = params.clone();
        if let Some(set) = node.get("set") {
            merged.overlay(set);
        }
        let spec = &self.scope.rules[rule];
        let before = report.errors.len();
        let validator = self.validators.entry(rule).or_insert_with(|| super::validator(spec.schema));
        shape::check(&mut merged, spec.schema, validator, Patterns::Tell, report);
        if report.errors.len() > before {
            return None;
        }
        let json = merged.to_json();
        for (key, message) in (spec.check)(&json) {
            let at = nearest_node(&merged, &key).unwrap_or(at);
            let path = if at.path.ends_with(&key) { String::new() } else { format!("`{key}`: ") };
            report.error(at, format!("{path}{message}"), "");
        }
        (report.errors.len() == before).then(|| (spec.name.to_owned(), (spec.complete)(&json), risk))
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
            let stem = name.strip_prefix("./").unwrap_or(name);
            let stem = stem.strip_prefix("agents/").unwrap_or(stem);
            let stem = stem.strip_suffix(".yaml").unwrap_or(stem);
            match self.scope.rules.iter().find(|rule| rule.name == stem) {
                Some(rule) => self.read(&format!("shipped agents/{stem}.yaml"), rule.shipped_yaml, report),
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
        let chosen = root.get("rule").and_then(|node| choose(self.scope.rules, node, report));
        match chosen {
            Some((rule, params)) if report.errors.len() == before => {
                File::Good { rule, params, risk: Box::new(written.risk.unwrap_or_default()) }
            }
            _ => File::Faulty,
        }
    }
}

/// The rule that an agent file names, and its parameters.
fn choose(rules: &[Rule<'_>], node: &Node, report: &mut Report) -> Option<(usize, Node)> {
    let names = || rules.iter().map(|rule| rule.name);
    let (entry, further) = match node.entries() {
        [] => {
            report.error(node, "expected a rule, found none", format!("there is {}", list(names())));
            return None;
        }
        [first, further @ ..] => (first, further),
    };
    if let Some(second) = further.first() {
        let message = format!("a second rule `{}` beside `{}`", second.key, entry.key);
        report.error_at_key(second, message, "an agent file has one rule: write another file");
        return None;
    }
    let Some(rule) = rules.iter().position(|rule| rule.name == entry.key) else {
        let help = suggestion(&entry.key, names().collect::<Vec<_>>());
        report.error_at_key(entry, format!("there is no rule `{}`", yaml::shorten(&entry.key)), help);
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

/// A shipped file in the way that `like` is written.
fn shipped_name(like: &str, rule: &str) -> String {
    if like.contains('/') || like.ends_with(".yaml") { format!("agents/{rule}.yaml") } else { rule.to_owned() }
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
