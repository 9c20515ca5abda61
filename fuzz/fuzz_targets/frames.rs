//! Coverage-guided: `cargo +nightly fuzz run frames`.
#![no_main]

#[path = "../targets.rs"]
#[allow(dead_code, reason = "each binary calls one of the targets")]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::frames(bytes));
