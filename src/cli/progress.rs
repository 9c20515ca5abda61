//! Progress on stderr, only where a terminal shows it. Knows no swarm.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::Instant;
use swarm_core::features::Reel;

fn drawn(bar: ProgressBar, style: &str) -> ProgressBar {
    let target =
        if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    bar.set_draw_target(target);
    // No colours, so NO_COLOR has nothing to switch off. A template that cannot be read would leave the default one.
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar
}

/// Something that goes on, without an end in sight.
pub fn spinner(what: &'static str) -> ProgressBar {
    let bar = drawn(ProgressBar::no_length(), "{spinner} {prefix} {wide_msg}");
    bar.set_prefix(what);
    bar
}

/// Something with an end.
pub fn bar(what: String) -> ProgressBar {
    let bar = drawn(ProgressBar::new(0), "{prefix} {wide_bar} {percent}% {msg}, {eta} left");
    bar.set_prefix(what);
    bar
}

/// How far a run over candles is. Where no terminal shows it, it costs nothing.
pub struct Progress {
    bar: Option<ProgressBar>,
    began: Instant,
    candles: u64,
}

impl Progress {
    /// On a terminal a bar over so many candles, else nothing.
    pub fn new(what: &str, candles: u64) -> Self {
        let bar = bar(what.to_owned());
        bar.set_length(candles);
        let bar = (!bar.is_hidden()).then_some(bar);
        Self { bar, began: Instant::now(), candles: 0 }
    }

    /// Takes what was played of it.
    pub fn reel(&mut self, reel: &Reel) {
        if self.is_seen() {
            self.candles += reel.steps().candles() as u64;
            self.at(self.candles);
        }
    }

    /// Whether anybody sees it.
    pub const fn is_seen(&self) -> bool {
        self.bar.is_some()
    }

    /// So many candles are done.
    pub fn at(&self, candles: u64) {
        let Some(bar) = &self.bar else { return };
        let rate = candles as f64 / self.began.elapsed().as_secs_f64().max(1e-9);
        bar.set_message(format!("{rate:.0} candles/s"));
        bar.set_position(candles);
    }

    /// Takes the line away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
