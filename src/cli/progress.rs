//! The line on a terminal that says how far a backtest or a sweep is. Where stderr is not a terminal there is none, and it
//! costs nothing. Knows no swarm.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::time::Instant;
use swarm_core::model::Step;

/// Steps between two looks at the clock.
const STEPS_A_LOOK: u32 = 256;

/// How far a run is.
pub struct Progress {
    bar: Option<ProgressBar>,
    began: Instant,
    steps: u32,
    candles: u64,
}

impl Progress {
    /// On a terminal a bar over so many candles, else nothing.
    pub fn new(candles: u64) -> Self {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let bar = (std::io::stderr().is_terminal() && !is_dumb).then(|| {
            let bar = ProgressBar::with_draw_target(Some(candles), ProgressDrawTarget::stderr());
            // No colours at all, so NO_COLOR has nothing to switch off.
            let style = ProgressStyle::with_template("{percent:>3} % [{bar:30}] {msg}, {eta} left")
                .expect("invariant: the template is sound");
            bar.set_style(style.progress_chars("=> "));
            bar
        });
        Self { bar, began: Instant::now(), steps: 0, candles: 0 }
    }

    /// Takes the end of a step.
    #[inline]
    pub fn step(&mut self, step: &Step) {
        let Some(bar) = &self.bar else { return };
        self.candles += step.candles.iter().flatten().count() as u64;
        self.steps += 1;
        if self.steps.is_multiple_of(STEPS_A_LOOK) {
            self.show(bar, self.candles);
        }
    }

    /// Whether anybody sees it.
    pub const fn is_seen(&self) -> bool {
        self.bar.is_some()
    }

    /// So many candles are done.
    pub fn at(&self, candles: u64) {
        if let Some(bar) = &self.bar {
            self.show(bar, candles);
        }
    }

    fn show(&self, bar: &ProgressBar, candles: u64) {
        let rate = candles as f64 / self.began.elapsed().as_secs_f64().max(1e-9);
        bar.set_message(format!("{candles} candles, {rate:.0} candles/s"));
        bar.set_position(candles);
    }

    /// Takes the line away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
