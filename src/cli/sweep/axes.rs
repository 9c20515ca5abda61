//! What is varied: parameters with the values to try, as a grid or as a sample of it. Knows neither what the
//! parameters mean nor what comes of them.

use crate::config::Setting;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::str::FromStr;

/// Most sets of parameters in one sweep.
pub const MAX_SETS: usize = 100_000;

/// One parameter and its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    cohort: String,
    key: String,
    values: Values,
}

#[derive(Clone, Debug, PartialEq)]
enum Values {
    /// Each of these, as YAML.
    List(Vec<String>),
    /// Any number between the two, evenly likely: for samples only.
    Between(f64, f64),
}

/// The settings that make one swarm of the sweep.
pub type Set = Vec<Setting>;

/// A set as JSON: each parameter by its name.
pub fn values(set: &Set) -> Map<String, Value> {
    let value = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()));
    set.iter().map(|one| (format!("{}.{}", one.cohort, one.key), value(&one.value))).collect()
}

impl FromStr for Axis {
    type Err = String;

    /// From `COHORT.KEY=A,B,C`, `COHORT.KEY=LOW..HIGH/COUNT` or, for samples, `COHORT.KEY=LOW..HIGH`.
    fn from_str(text: &str) -> Result<Self, String> {
        let Setting { cohort, key, value } = text.parse().map_err(|_| {
            format!(
                "`{text}` is no parameter to vary: expected COHORT.KEY=A,B,C or COHORT.KEY=LOW..HIGH/COUNT, \
                 such as expert.entry_score=0.4,0.5,0.6"
            )
        })?;
        let values = match value.split_once("..") {
            Some((low, rest)) => range(text, low, rest)?,
            None => Values::List(list(&value)),
        };
        if let Values::List(values) = &values {
            let distinct: BTreeSet<&String> = values.iter().collect();
            if distinct.len() < values.len() || distinct.iter().any(|value| value.is_empty()) {
                return Err(format!("`{text}`: every value must be there once and none may be empty"));
            }
        }
        Ok(Self { cohort, key, values })
    }
}

fn range(text: &str, low: &str, rest: &str) -> Result<Values, String> {
    let number = |part: &str| {
        part.trim()
            .parse::<f64>()
            .ok()
            .filter(|value| value.is_finite())
            .ok_or_else(|| format!("`{text}`: `{part}` is not a number"))
    };
    let (high, count) = rest.split_once('/').map_or((rest, None), |(high, count)| (high, Some(count)));
    let (low, high) = (number(low)?, number(high)?);
    if low >= high {
        return Err(format!("`{text}`: {low} is not below {high}"));
    }
    let Some(count) = count else { return Ok(Values::Between(low, high)) };
    let count: u32 = count
        .trim()
        .parse()
        .ok()
        .filter(|count| (2..=10_000).contains(count))
        .ok_or_else(|| format!("`{text}`: `{count}` is not a number of values: expected 2 to 10000"))?;
    let value = |step: u32| tidy(low + (high - low) * f64::from(step) / f64::from(count - 1));
    Ok(Values::List((0..count).map(value).collect()))
}

/// A number without the noise of binary fractions, with the eight decimals that exact parameters may have.
fn tidy(value: f64) -> String {
    let rounded: f64 = format!("{value:.8}").parse().unwrap_or(value);
    rounded.to_string()
}

/// Splits at commas outside of brackets and quotes.
fn list(text: &str) -> Vec<String> {
    let (mut values, mut depth, mut quote) = (vec![String::new()], 0i32, None);
    for letter in text.chars() {
        match letter {
            '\'' | '"' if quote == Some(letter) => quote = None,
            '\'' | '"' if quote.is_none() => quote = Some(letter),
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            _ => {}
        }
        if letter == ',' && depth == 0 && quote.is_none() {
            values.push(String::new());
        } else if let Some(last) = values.last_mut() {
            last.push(letter);
        }
    }
    values.into_iter().map(|value| value.trim().to_owned()).collect()
}

impl Axis {
    /// `COHORT.KEY`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.cohort, self.key)
    }

    fn setting(&self, value: &str) -> Setting {
        Setting { cohort: self.cohort.clone(), key: self.key.clone(), value: value.to_owned() }
    }
}

/// All combinations, the last axis fastest.
///
/// # Errors
/// An axis without a list of values, a parameter that is varied twice, or more than [`MAX_SETS`] sets.
pub fn grid(axes: &[Axis]) -> Result<Vec<Set>, String> {
    check(axes)?;
    let mut sets: Vec<Set> = vec![Vec::new()];
    for axis in axes {
        let Values::List(values) = &axis.values else {
            return Err(format!("{}: a range needs a number of values, LOW..HIGH/COUNT, or --sample", axis.name()));
        };
        if sets.len().saturating_mul(values.len()) > MAX_SETS {
            return Err(format!("the grid has more than {MAX_SETS} sets: try fewer values, or --sample N of them"));
        }
        let with = |set: &Set, value: &String| set.iter().cloned().chain([axis.setting(value)]).collect();
        sets = sets.iter().flat_map(|set| values.iter().map(move |value| with(set, value))).collect();
    }
    Ok(sets)
}

/// So many sets drawn at random, each once; the same for the same seed. Fewer when there are not so many.
///
/// # Errors
/// A parameter that is varied twice, or more than [`MAX_SETS`] sets.
pub fn sample(axes: &[Axis], count: usize, seed: u64) -> Result<Vec<Set>, String> {
    check(axes)?;
    if count > MAX_SETS {
        return Err(format!("a sample of {count} is too large: at most {MAX_SETS}"));
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut draw = |axis: &Axis| match &axis.values {
        Values::List(values) => axis.setting(&values[random.random_range(0..values.len())]),
        Values::Between(low, high) => axis.setting(&tidy(low + (high - low) * random.random::<f64>())),
    };
    let (mut sets, mut known, mut misses) = (Vec::new(), BTreeSet::new(), 0);
    // A small grid is exhausted: after so many draws in a row that were known, nearly all have been drawn.
    while sets.len() < count && misses < 10_000 {
        let set: Set = axes.iter().map(&mut draw).collect();
        let name: Vec<String> = set.iter().map(|setting| setting.value.clone()).collect();
        if known.insert(name) {
            misses = 0;
            sets.push(set);
        } else {
            misses += 1;
        }
    }
    Ok(sets)
}

fn check(axes: &[Axis]) -> Result<(), String> {
    let mut names = BTreeSet::new();
    match axes.iter().find(|axis| !names.insert(axis.name())) {
        Some(twice) => Err(format!("{} is varied twice: put all its values into one --param", twice.name())),
        None if axes.is_empty() => Err("nothing to vary: name at least one --param COHORT.KEY=A,B,C".to_owned()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes(texts: &[&str]) -> Vec<Axis> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn values(sets: &[Set]) -> Vec<String> {
        sets.iter().map(|set| set.iter().map(|one| one.value.clone()).collect::<Vec<_>>().join(" ")).collect()
    }

    #[test]
    fn a_grid_has_every_combination_once() {
        let sets = grid(&axes(&["a.x=1,2", "a.y=[bb, macd],[]", "b.z=0.1..0.3/3"])).unwrap();
        assert_eq!(sets.len(), 12);
        assert_eq!(&values(&sets)[..4], ["1 [bb, macd] 0.1", "1 [bb, macd] 0.2", "1 [bb, macd] 0.3", "1 [] 0.1"]);
        assert_eq!(sets[0][2].to_string(), "b.z=0.1");
    }

    #[test]
    fn a_sample_is_repeatable_within_its_bounds_and_has_nothing_twice() {
        let axes = axes(&["a.x=1,2,3", "a.y=0.5..0.6"]);
        let sets = sample(&axes, 200, 7).unwrap();
        assert_eq!((sets.len(), &sets), (200, &sample(&axes, 200, 7).unwrap()));
        assert_ne!(sets, sample(&axes, 200, 8).unwrap());
        assert!(sets.iter().all(|set| (0.5..0.6).contains(&set[1].value.parse::<f64>().unwrap())));
        let few = sample(&super::tests::axes(&["a.x=1,2", "a.y=1,2"]), 50, 1).unwrap();
        assert_eq!(values(&few).into_iter().collect::<BTreeSet<_>>().len(), 4, "all there are");
        assert_eq!(few.len(), 4);
    }

    #[test]
    fn what_cannot_be_varied_is_told() {
        for (text, told) in [
            ("x=1", "COHORT.KEY"),
            ("a.x=2..1/3", "not below"),
            ("a.x=1..2/1", "number of values"),
            ("a.x=one..2", "not a number"),
            ("a.x=1,,2", "empty"),
            ("a.x=1,1", "once"),
        ] {
            assert!(text.parse::<Axis>().unwrap_err().contains(told), "{text}");
        }
        assert!(grid(&axes(&["a.x=1..2"])).unwrap_err().contains("--sample"));
        assert!(grid(&axes(&["a.x=1", "a.x=2"])).unwrap_err().contains("twice"));
        assert!(grid(&[]).is_err());
        assert!(grid(&axes(&["a.x=0..1/1000", "a.y=0..1/1000"])).unwrap_err().contains("more than"));
    }
}
