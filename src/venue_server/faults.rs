//! Faults that can be ordered: what goes wrong, how often, and for which requests. Seeded, so that the same requests
//! meet the same faults.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// Rules at a time, at most.
pub(super) const MAX_RULES: usize = 64;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// The answer comes late.
    Latency {
        /// By how much, at most a minute.
        ms: u32,
    },
    /// 503 with a page of HTML; the request was not carried out.
    UnavailableBefore,
    /// 503 with code -1007; the request was carried out.
    UnavailableAfter,
    /// 429.
    Throttle {
        /// What the header `Retry-After` says.
        seconds: u32,
    },
    /// 418.
    Ban {
        /// What the header `Retry-After` says.
        seconds: u32,
    },
    /// 503 with code -1016.
    Maintenance,
    /// 400 with this code; the request was not carried out.
    Refuse {
        /// The venue's code, negative.
        code: i64,
    },
    /// 404 with a page of HTML, as where the venue does not have the call.
    NoSuchPath,
    /// Every stream connection is closed at the next frame.
    Disconnect,
    /// Stream connections stay open and nothing is sent.
    FreezeStreams,
    /// A frame is sent twice.
    DuplicateFrames,
    /// A frame is sent after the one that follows it.
    ReorderFrames,
    /// A frame is not sent.
    LoseFrames,
    /// The venue's clock is off, for `time` and for signatures.
    ClockSkew {
        /// By how much; negative is late.
        ms: i32,
    },
}

impl FaultKind {
    const fn is_of_frames(self) -> bool {
        matches!(
            self,
            Self::Disconnect | Self::FreezeStreams | Self::DuplicateFrames | Self::ReorderFrames | Self::LoseFrames
        )
    }
}

/// A fault, and when it happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FaultRule {
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// In which share of cases; always where nothing is said.
    #[serde(default = "always")]
    pub share: f64,
    /// How often at most; without end where nothing is said.
    #[serde(default)]
    pub times: Option<u32>,
    /// Part of `METHOD path` (or of a stream's name) that it is for; all where nothing is said.
    #[serde(default)]
    pub only: Option<String>,
}

const fn always() -> f64 {
    1.0
}

/// The rules in force.
#[derive(Debug)]
pub(super) struct Faults {
    pub rules: Vec<FaultRule>,
    random: ChaCha8Rng,
}

impl Faults {
    pub fn new(seed: u64) -> Self {
        Self { rules: Vec::new(), random: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// What is wrong with rules, if anything.
    pub fn fault(rules: &[FaultRule]) -> Option<&'static str> {
        if rules.len() > MAX_RULES {
            Some("at most 64 rules")
        } else if rules.iter().any(|rule| !(0.0..=1.0).contains(&rule.share)) {
            Some("a share is between 0 and 1")
        } else if rules.iter().any(|rule| matches!(rule.kind, FaultKind::Latency { ms } if ms > 60_000)) {
            Some("a latency is at most 60000 ms")
        } else {
            None
        }
    }

    /// How far the venue's clock is off, in milliseconds.
    pub fn skew_ms(&self) -> i64 {
        let skew = |rule: &FaultRule| if let FaultKind::ClockSkew { ms } = rule.kind { i64::from(ms) } else { 0 };
        self.rules.iter().map(skew).sum()
    }

    /// What happens to a request or, with `frames`, to a frame.
    pub fn strike(&mut self, subject: &str, frames: bool) -> Vec<FaultKind> {
        let mut struck = Vec::new();
        for rule in &mut self.rules {
            let clock = matches!(rule.kind, FaultKind::ClockSkew { .. });
            let meant = rule.only.as_deref().is_none_or(|part| subject.contains(part));
            if clock || rule.kind.is_of_frames() != frames || !meant || rule.times == Some(0) {
                continue;
            }
            let draw = f64::from(self.random.next_u32()) / 4_294_967_296.0;
            if draw < rule.share {
                rule.times = rule.times.map(|times| times - 1);
                struck.push(rule.kind);
            }
        }
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> FaultRule {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_fault_strikes_whom_it_is_for_as_often_as_it_says() {
        let mut faults = Faults::new(1);
        faults.rules = vec![rule(r#"{"kind":"unavailable_after","times":2,"only":"POST /fapi/v3/order"}"#)];
        assert!(faults.strike("GET /fapi/v3/order", false).is_empty());
        assert!(faults.strike("POST /fapi/v3/order", true).is_empty(), "a fault of requests is none of frames");
        for expected in [1, 1, 0] {
            assert_eq!(faults.strike("POST /fapi/v3/order", false).len(), expected);
        }
    }

    #[test]
    fn the_same_seed_strikes_the_same() {
        let strikes = |seed| {
            let mut faults = Faults::new(seed);
            faults.rules = vec![rule(r#"{"kind":"lose_frames","share":0.5}"#)];
            (0..64).map(|_| faults.strike("x", true).len()).collect::<Vec<_>>()
        };
        assert_eq!(strikes(7), strikes(7));
        assert_ne!(strikes(7), strikes(8));
        assert!((10..54).contains(&strikes(7).iter().sum::<usize>()));
    }
}
