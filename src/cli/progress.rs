//! Progress on stderr, only where a terminal shows it.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;

fn drawn(bar: ProgressBar, style: &str) -> ProgressBar {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let target =
        if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    bar.set_draw_target(target);
    let style = if plain { style.replace(".cyan", "") } else { style.to_owned() };
    // A template that cannot be read would leave the default one.
    if let Ok(style) = ProgressStyle::with_template(&style) {
        bar.set_style(style);
    }
    bar
}

/// Something that goes on, without an end in sight.
pub fn spinner(what: &'static str) -> ProgressBar {
    let bar = drawn(ProgressBar::no_length(), "{spinner:.cyan} {prefix} {wide_msg}");
    bar.set_prefix(what);
    bar
}

/// Something with an end.
pub fn bar(what: String) -> ProgressBar {
    let bar = drawn(ProgressBar::new(0), "{prefix} {wide_bar:.cyan} {percent}% {msg}, {eta} to go");
    bar.set_prefix(what);
    bar
}
