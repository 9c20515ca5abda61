//! The fingerprint of a run: one number for everything that was decided, in its order.
//!
//! SHA-256 over the facts for which [`Fact::fingerprinted`] holds, each as its length (u32, little
//! endian) and its postcard bytes. The same inputs give the same fingerprint on any machine and in any
//! host. It knows nothing of records, sequence numbers and files: a journal that holds HOLDs or was
//! interrupted and continued has the same fingerprint as one that does not.

use super::record::write_fact;
use crate::model::Fact;
use serde::{Deserialize, Serialize};
use sha2::digest::generic_array::GenericArray;
use std::fmt::Write;

/// SHA-256 works on blocks of this length, in bytes.
const BLOCK_BYTES: usize = 64;
/// So many bytes are gathered before they are hashed: many blocks at a time.
const GATHERED_BYTES: usize = 64 * BLOCK_BYTES;
/// The state of SHA-256 before the first block (FIPS 180-4, 5.3.3).
const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// Grows with each fact and can be read at any time. A clone goes on by itself, and so does one that was
/// saved and restored: that is why the hash is kept here between its blocks, which a hasher does not show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    state: [u32; 8],
    hashed_bytes: u64,
    facts: u64,
    /// Not hashed yet. Facts are written right into it, so that adding one allocates nothing.
    gathered: Vec<u8>,
}

impl Default for Fingerprint {
    fn default() -> Self {
        Self { state: START, hashed_bytes: 0, facts: 0, gathered: Vec::with_capacity(2 * GATHERED_BYTES) }
    }
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
        let start = self.gathered.len();
        self.gathered.extend_from_slice(&[0; 4]);
        write_fact(fact, &mut self.gathered);
        let length = u32::try_from(self.gathered.len() - start - 4).expect("invariant: a fact is shorter than 4 GiB");
        self.gathered[start..start + 4].copy_from_slice(&length.to_le_bytes());
        self.facts += 1;
        if self.gathered.len() >= GATHERED_BYTES {
            self.hash_blocks();
        }
    }

    /// Hashes the whole blocks that are gathered; what is left stays.
    fn hash_blocks(&mut self) {
        let blocks = self.gathered.chunks_exact(BLOCK_BYTES);
        let left = blocks.remainder().len();
        for block in blocks {
            sha2::compress256(&mut self.state, std::slice::from_ref(GenericArray::from_slice(block)));
        }
        let hashed = self.gathered.len() - left;
        self.hashed_bytes += hashed as u64;
        self.gathered.copy_within(hashed.., 0);
        self.gathered.truncate(left);
    }

    /// How many facts it covers.
    pub const fn facts(&self) -> u64 {
        self.facts
    }

    /// The fingerprint of the facts so far: 64 hexadecimal digits.
    pub fn finish(&self) -> String {
        let mut last = self.clone();
        last.hash_blocks();
        let bits = (last.hashed_bytes + last.gathered.len() as u64) * 8;
        // The end of SHA-256: a one, zeros to the end of a block, and the length in bits.
        last.gathered.push(0x80);
        while last.gathered.len() % BLOCK_BYTES != BLOCK_BYTES - 8 {
            last.gathered.push(0);
        }
        last.gathered.extend_from_slice(&bits.to_be_bytes());
        last.hash_blocks();
        hex(&last.state.map(u32::to_be_bytes).concat())
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
    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

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

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn it_is_sha256_whatever_the_lengths_and_goes_on_where_it_was_saved(
            reasons in prop::collection::vec(".{0,900}", 0..40), saved_after in 0usize..40,
        ) {
            let (mut fingerprint, mut expected) = (Fingerprint::new(), Sha256::new());
            for (place, reason) in reasons.iter().enumerate() {
                if place == saved_after {
                    let bytes = postcard::to_allocvec(&fingerprint).unwrap();
                    fingerprint = postcard::from_bytes(&bytes).unwrap();
                }
                let fact = breaker(reason);
                let bytes = postcard::to_allocvec(&fact).unwrap();
                expected.update(u32::try_from(bytes.len()).unwrap().to_le_bytes());
                expected.update(&bytes);
                fingerprint.add(&fact);
            }
            prop_assert_eq!(fingerprint.finish(), hex(&expected.finalize()));
        }
    }
}
