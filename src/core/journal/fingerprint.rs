//! The fingerprint of a run: one number for everything that was decided, in its order.
//!
//! SHA-256 over the facts for which [`Fact::fingerprinted`] holds, each as its length (u32, little
//! endian) and its postcard bytes. The same inputs give the same fingerprint on any machine and in any
//! host. It knows nothing of records, sequence numbers and files: a journal that holds HOLDs or was
//! interrupted and continued has the same fingerprint as one that does not.

use super::record::write_fact;
use crate::model::Fact;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Grows with each fact and can be read at any time. A clone goes on by itself.
#[derive(Clone, Debug, Default)]
pub struct Fingerprint {
    hash: Sha256,
    facts: u64,
    /// Reused, so that adding a fact allocates nothing.
    buffer: Vec<u8>,
}

impl Fingerprint {
    /// Of no fact yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the fact in, if the fingerprint covers its kind.
    pub fn add(&mut self, fact: &Fact) {
        if !fact.fingerprinted() {
            return;
        }
        self.buffer.clear();
        self.buffer.extend_from_slice(&[0; 4]);
        write_fact(fact, &mut self.buffer);
        let length = u32::try_from(self.buffer.len() - 4).expect("invariant: a fact is shorter than 4 GiB");
        self.buffer[..4].copy_from_slice(&length.to_le_bytes());
        self.hash.update(&self.buffer);
        self.facts += 1;
    }

    /// How many facts it covers.
    pub const fn facts(&self) -> u64 {
        self.facts
    }

    /// The fingerprint of the facts so far: 64 hexadecimal digits.
    pub fn finish(&self) -> String {
        hex(&self.hash.clone().finalize())
    }
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("invariant: writing to a text cannot fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AgentId, BreakerChange, BreakerScope, Time, Usd};

    fn breaker(reason: &str) -> Fact {
        let change = BreakerChange::Reset { reason: reason.into() };
        Fact::Breaker { at: Time(1), scope: BreakerScope::Agent(AgentId(2)), change }
    }

    fn of(facts: &[Fact]) -> String {
        let mut fingerprint = Fingerprint::new();
        facts.iter().for_each(|fact| fingerprint.add(fact));
        fingerprint.finish()
    }

    #[test]
    fn it_is_the_sha256_of_lengths_and_postcard_bytes() {
        // Breaker is variant 9; its time is zigzag; scope 2 is an agent; change 2 is a reset.
        let bytes = [8, 0, 0, 0, 9, 2, 2, 2, 2, 2, b'o', b'k'];
        let expected: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(of(&[breaker("ok")]), expected);
    }

    #[test]
    fn order_and_content_count() {
        let (a, b) = (breaker("a"), breaker("b"));
        assert_ne!(of(&[a.clone(), b.clone()]), of(&[b.clone(), a.clone()]));
        assert_ne!(of(&[a.clone(), b.clone()]), of(&[a]));
        assert_ne!(of(&[b]), of(&[]));
    }

    #[test]
    fn what_depends_on_the_operator_or_the_recording_leaves_no_trace() {
        let silent = [
            Fact::StepEnd { at: Time(5) },
            Fact::End { at: Time(5), complete: false },
            Fact::Watermark { scope: BreakerScope::Swarm, mark: crate::model::Watermark::default() },
        ];
        let mut facts = vec![breaker("a")];
        facts.extend(silent);
        facts.push(breaker("b"));
        assert_eq!(of(&facts), of(&[breaker("a"), breaker("b")]));
    }

    #[test]
    fn it_can_be_read_in_the_middle_of_a_run() {
        let mut fingerprint = Fingerprint::new();
        fingerprint.add(&breaker("a"));
        let (early, mut copy) = (fingerprint.finish(), fingerprint.clone());
        fingerprint.add(&Fact::Breaker {
            at: Time(2),
            scope: BreakerScope::Swarm,
            change: BreakerChange::Tripped {
                equity: Usd::whole(84),
                peak: Usd::whole(100),
                drawdown: crate::model::Rate::percent(16),
            },
        });
        assert_eq!(early, of(&[breaker("a")]));
        assert_ne!(early, fingerprint.finish());
        assert_eq!((copy.finish(), copy.facts(), fingerprint.facts()), (early, 1, 2));
        copy.add(&breaker("b"));
        assert_eq!(copy.finish(), of(&[breaker("a"), breaker("b")]));
    }
}
