//! How long an order takes to leave: from the approved command, and from the candle that led to it, until its bytes are
//! at the other end of a loopback connection.
//!
//! `approved`: one desk, the AsterDEX link and a connection that is open. A thread at the other end asks its socket
//! without pause, so that no waking up is in the figure; a bare write of the same bytes over the same kind of connection
//! is the kernel's share of it.
//!
//! `candle`: the actors as `swarm run` has them on a live market: feed, agents (each the shipped expert), supervisor,
//! journal, execution, desk, link. Candles are handed over as the market's stream would; the other end sleeps until
//! something comes, as a venue would, and refuses each order, so that the next candle leads to another one. Once with
//! the journal on disk before anything leaves, as trading does it, and once without waiting for the disk, which shows
//! what of the time is the disk's.
//!
//! `cargo bench --bench order_path`; without `--bench` it only tries out whether everything runs.

mod approved;
mod candle;
mod venue;

use std::time::Duration;

/// A quantile of times, in microseconds.
pub(crate) fn quantile(times: &[Duration], share: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let place = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
    sorted.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e6)
}

pub(crate) fn tell(what: &str, times: &[Duration]) {
    let (median, p99) = (quantile(times, 0.5), quantile(times, 0.99));
    println!("{what:<68} p50 {median:>9.1} us   p99 {p99:>9.1} us   ({} times)", times.len());
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // `cargo bench` says --bench; anything else only tries it out.
    let is_short = !arguments.iter().any(|argument| argument == "--bench");
    let wants = |name: &str| {
        let mut named = arguments.iter().filter(|argument| !argument.starts_with('-')).peekable();
        named.peek().is_none() || named.any(|argument| argument == name)
    };
    // `candle 30` measures swarms of 30 agents only.
    let sizes: Vec<usize> = arguments.iter().filter_map(|argument| argument.parse().ok()).collect();
    let sizes = match (sizes.is_empty(), is_short) {
        (false, _) => sizes,
        (true, true) => vec![1, 3],
        (true, false) => vec![1, 10, 100],
    };
    if wants("approved") {
        approved::measure(if is_short { 20 } else { 5_000 });
    }
    if wants("candle") {
        for agents in sizes {
            candle::measure(agents, if is_short { 8 } else { 300 });
        }
    }
}
