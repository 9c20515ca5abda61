//! Parameters given beside a file: `expert.entry_score=0.4` on a command line stands for `set: { entry_score: 0.4 }`
//! with every agent of the cohort. They are laid over the tree before it is checked, so what is wrong with them is
//! told like everything else, with the setting in the place of the file.

use super::diagnostic::{Diagnostic, Report};
use super::nearest::suggestion;
use super::tree::{Content, Entry, Node, Place};
use super::yaml;
use std::fmt;
use std::str::FromStr;

/// One parameter of one cohort.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Whose agents.
    pub cohort: String,
    /// Which parameter, with dots into maps: `indicators.rsi_fast`.
    pub key: String,
    /// The value, as YAML.
    pub value: String,
}

impl fmt::Display for Setting {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}={}", self.cohort, self.key, self.value)
    }
}

impl FromStr for Setting {
    type Err = String;

    /// From `COHORT.KEY=VALUE`.
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is not a setting: expected COHORT.KEY=VALUE, such as expert.entry_score=0.4");
        let (target, value) = text.split_once('=').ok_or_else(bad)?;
        let (cohort, key) = target.trim().split_once('.').ok_or_else(bad)?;
        let is_sound = !cohort.is_empty() && key.split('.').all(|step| !step.is_empty()) && !value.trim().is_empty();
        let part = |text: &str| text.trim().to_owned();
        is_sound.then(|| Self { cohort: part(cohort), key: part(key), value: part(value) }).ok_or_else(bad)
    }
}

impl Setting {
    /// As a map of parameters.
    fn yaml(&self) -> String {
        let (mut text, mut end) = (String::new(), String::new());
        for step in self.key.split('.') {
            text.push_str(&format!("{{ {step}: "));
            end.push_str(" }");
        }
        text + &self.value + &end
    }
}

/// Lays settings over the tree of a swarm file, the later ones over the earlier.
pub(super) fn lay(root: &mut Node, settings: &[Setting], report: &mut Report) {
    for setting in settings {
        let (file, text) = (setting.to_string(), setting.yaml());
        let fault = |message: String, help: String, report: &mut Report| {
            let place = Place { file: file.as_str().into(), line: 1, column: 1 };
            report.errors.push(Diagnostic::new(&place, "", message, help));
        };
        let parsed = match yaml::parse(&file, &text) {
            Ok(document) => document.root,
            Err(error) => {
                let help = if error.help.is_empty() { "quote the value" } else { error.help };
                fault(error.message, help.to_owned(), report);
                continue;
            }
        };
        report.sources.insert(file.clone(), text.clone());
        let cohorts: Vec<String> =
            root.get("cohorts").map_or(&[][..], Node::entries).iter().map(|entry| entry.key.clone()).collect();
        let Some(cohort) = root.get_mut("cohorts").and_then(|cohorts| cohorts.get_mut(&setting.cohort)) else {
            let help = suggestion(&setting.cohort, cohorts.iter().map(String::as_str));
            fault(format!("there is no cohort `{}`", setting.cohort), help, report);
            continue;
        };
        let Some(Content::List(agents)) = cohort.get_mut("agents").map(|agents| &mut agents.content) else { continue };
        agents.iter_mut().for_each(|agent| lay_one(agent, &parsed));
    }
}

fn lay_one(agent: &mut Node, params: &Node) {
    match agent.get_mut("set") {
        Some(set) => set.overlay(params),
        None => {
            if let Content::Map(entries) = &mut agent.content {
                let node = params.clone();
                entries.push(Entry { key: "set".to_owned(), place: params.place.clone(), node });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{load_text, load_text_with};
    use std::path::Path;

    const FILE: &str = "version: 1
name: t
market: { symbols: [BTCUSDT], intervals: [5m, 15m, 1h] }
portfolios: { one: { equity: 10000 } }
cohorts:
  a: { portfolio: one, agents: [ { use: agents/expert.yaml, set: { min_confidence: 70 } } ] }
";

    fn check(settings: &[&str]) -> Result<serde_json::Value, Vec<(String, String)>> {
        let settings: Vec<Setting> = settings.iter().map(|text| text.parse().unwrap()).collect();
        load_text_with(Path::new("t.yaml"), FILE, &settings)
            .map(|loaded| (*loaded.plan.agents[0].params).clone())
            .map_err(|report| report.errors.into_iter().map(|error| (error.file, error.message)).collect())
    }

    #[test]
    fn settings_stand_over_the_file_and_over_earlier_ones() {
        let params = check(&["a.min_confidence=60", "a.min_confidence=65", "a.indicators.rsi_fast=9"]).unwrap();
        assert_eq!(params["min_confidence"].as_f64(), Some(65.0));
        assert_eq!(params["indicators"]["rsi_fast"], 9);
        let written = load_text(Path::new("t.yaml"), FILE).unwrap();
        assert_eq!(written.plan.agents[0].params["min_confidence"], 70.0);
    }

    #[test]
    fn presets_still_set_the_defaults_of_what_is_not_set() {
        assert_eq!(check(&["a.entry_preset=fewer"]).unwrap()["entry_score"], 0.6);
    }

    #[test]
    fn faults_are_told_with_the_setting_as_their_place() {
        for (setting, message) in [
            ("b.min_confidence=60", "no cohort `b`"),
            ("a.min_confidenc=60", "min_confidenc"),
            ("a.min_confidence=600", "600"),
            ("a.min_confidence=[", "not YAML"),
        ] {
            let faults = check(&[setting]).unwrap_err();
            assert!(faults.iter().any(|(file, told)| file == setting && told.contains(message)), "{faults:?}");
        }
        for text in ["a", "a=1", "a.=1", ".x=1", "a.x=", "a..x=1"] {
            assert!(text.parse::<Setting>().is_err(), "{text}");
        }
    }
}
