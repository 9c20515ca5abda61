//! Changes to seeds, drawn from a seeded generator: bytes, pieces, numbers, words, and the values of JSON.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

/// Words that readers take notice of.
const WORDS: [&str; 26] = [
    "null",
    "true",
    "\"\"",
    "{}",
    "[]",
    "-1",
    "0",
    "1e400",
    "NaN",
    "99999999999999999999",
    "0.000000001",
    "-0",
    "\\u0000",
    "\u{feff}",
    "&",
    "*a",
    "<<:",
    "!!",
    "\n",
    "\t",
    "'",
    "\"",
    "%zz",
    "&symbol=&symbol=",
    "..",
    "e",
];

/// Numbers at which readers go wrong.
const NUMBERS: [u64; 12] =
    [0, 1, 127, 128, 255, 256, 65_535, 65_536, u32::MAX as u64, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX];

/// An endless row of changed seeds.
pub struct Changes<'a> {
    random: ChaCha8Rng,
    seeds: &'a [Vec<u8>],
}

impl<'a> Changes<'a> {
    pub fn new(start: u64, seeds: &'a [Vec<u8>]) -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(start), seeds }
    }

    pub fn next(&mut self) -> Vec<u8> {
        let mut input = self.pick().clone();
        for _ in 0..self.random.random_range(1..5) {
            self.change(&mut input);
        }
        input.truncate(1 << 16);
        input
    }

    fn pick(&mut self) -> &'a Vec<u8> {
        &self.seeds[self.random.random_range(0..self.seeds.len())]
    }

    fn place(&mut self, input: &[u8]) -> usize {
        self.random.random_range(0..=input.len())
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let at = self.place(input);
        match self.random.random_range(0..9) {
            0 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << self.random.random_range(0..8);
                }
            }
            1 => input.truncate(at),
            2 => {
                let to = (at + self.random.random_range(1..40)).min(input.len());
                input.drain(at..to);
            }
            3 => {
                let to = (at + self.random.random_range(1..40)).min(input.len());
                let piece = input[at..to].to_vec();
                let to = self.place(input);
                input.splice(to..to, piece);
            }
            4 => {
                let word = WORDS[self.random.random_range(0..WORDS.len())];
                input.splice(at..at, word.bytes());
            }
            5 => {
                let number = NUMBERS[self.random.random_range(0..NUMBERS.len())];
                if self.random.random() {
                    replace_number(input, at, &number.to_string());
                } else {
                    let bytes = number.to_le_bytes();
                    let count = [1, 2, 4, 8][self.random.random_range(0..4)];
                    let to = (at + count).min(input.len());
                    input.splice(at..to, bytes[..count].iter().copied());
                }
            }
            6 => {
                let other = self.pick();
                let from = self.random.random_range(0..=other.len());
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            _ => self.change_json(input),
        }
    }

    /// Changes a value of the JSON that begins at the first bracket.
    fn change_json(&mut self, input: &mut Vec<u8>) {
        let Some(start) = input.iter().position(|byte| matches!(byte, b'{' | b'[')) else { return };
        let Ok(mut value) = serde_json::from_slice::<Value>(&input[start..]) else { return };
        self.change_value(&mut value);
        input.truncate(start);
        input.extend_from_slice(value.to_string().as_bytes());
    }

    fn change_value(&mut self, value: &mut Value) {
        match value {
            Value::Object(fields) if !fields.is_empty() && self.random.random_range(0..8) > 0 => {
                let at = self.random.random_range(0..fields.len());
                let key = fields.keys().nth(at).unwrap().clone();
                match self.random.random_range(0..10) {
                    0 => drop(fields.remove(&key)),
                    1 => {
                        let value = fields.remove(&key).unwrap();
                        fields.insert(format!("{key}2"), value);
                    }
                    _ => self.change_value(&mut fields[&key]),
                }
            }
            Value::Array(rows) if !rows.is_empty() && self.random.random_range(0..8) > 0 => {
                let at = self.random.random_range(0..rows.len());
                self.change_value(&mut rows[at]);
            }
            Value::String(text) if self.random.random() => {
                // The same number, or another one, of another type.
                *value = serde_json::from_str(text).unwrap_or(Value::Null);
            }
            Value::Number(number) if self.random.random() => *value = Value::String(number.to_string()),
            _ => {
                let others = [
                    Value::Null,
                    json!(""),
                    json!({}),
                    json!([]),
                    json!(true),
                    json!(-1),
                    json!(1.5),
                    json!("0.1"),
                    json!("-0.00000001"),
                    json!("92233720368.54775807"),
                    json!("1e3"),
                    json!(u64::MAX),
                    json!("\u{0}"),
                ];
                *value = others[self.random.random_range(0..others.len())].clone();
            }
        }
    }
}

/// Puts a number in the place of the first one from `at` on.
fn replace_number(input: &mut Vec<u8>, at: usize, number: &str) {
    let Some(from) = input[at..].iter().position(u8::is_ascii_digit).map(|found| at + found) else { return };
    let length = input[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    input.splice(from..from + length, number.bytes());
}
