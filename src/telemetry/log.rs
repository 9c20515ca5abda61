//! Log lines on stderr: for a person, or one JSON object a line. What is logged is filtered by the
//! environment variable `SWARM_LOG`. Standard output stays free for results.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// The environment variable with the filter: a level such as `debug`, or `asterswarm::api=debug,warn`.
pub const FILTER_VARIABLE: &str = "SWARM_LOG";

/// What is logged unless the variable says otherwise. The server's own start-up lines say nothing that
/// `run` does not say.
const DEFAULT_FILTER: &str = "info,actix_server=warn";

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For a person.
    #[default]
    Text,
    /// One object a line.
    Json,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is not one.
    #[error(
        "{FILTER_VARIABLE}={filter}: {reason}; use a level (error, warn, info, debug, trace) or target=level pairs"
    )]
    Filter {
        /// As given.
        filter: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Logging was set up before.
    #[error("logging is already set up in this process")]
    AlreadySet,
}

/// Sets up logging for the process, once.
pub fn init(format: LogFormat) -> Result<(), LogError> {
    let filter = std::env::var(FILTER_VARIABLE).unwrap_or_default();
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let color = std::io::stderr().is_terminal() && !no_color;
    let subscriber = subscriber(format, &filter, color, std::io::stderr)?;
    tracing::dispatcher::set_global_default(subscriber).map_err(|_| LogError::AlreadySet)
}

/// A subscriber that writes to `writer`; an empty `filter` is the default one.
fn subscriber<W>(format: LogFormat, filter: &str, color: bool, writer: W) -> Result<tracing::Dispatch, LogError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = if filter.trim().is_empty() { DEFAULT_FILTER } else { filter };
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| LogError::Filter { filter: filter.to_owned(), reason: error.to_string() })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(color);
    Ok(match format {
        LogFormat::Text => tracing::Dispatch::new(builder.finish()),
        LogFormat::Json => tracing::Dispatch::new(builder.json().flatten_event(true).finish()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, filter: &str, color: bool) -> String {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let dispatch = subscriber(format, filter, color, move || writer.clone()).unwrap();
        tracing::dispatcher::with_default(&dispatch, || {
            tracing::info!(agent = "expert-btcusdt", "started");
            tracing::debug!("detail");
        });
        let bytes = buffer.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn text_is_plain_unless_colour_is_asked_for() {
        let plain = logged(LogFormat::Text, "", false);
        assert!(plain.contains("INFO") && plain.contains("started agent=\"expert-btcusdt\""), "{plain}");
        assert!(!plain.contains('\u{1b}') && !plain.contains("detail"), "{plain}");
        assert!(logged(LogFormat::Text, "", true).contains('\u{1b}'));
    }

    #[test]
    fn json_is_one_object_a_line() {
        let lines = logged(LogFormat::Json, "debug", false);
        let events: Vec<serde_json::Value> =
            lines.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        assert_eq!(events.len(), 2);
        assert_eq!(events[0]["message"], "started");
        assert_eq!(events[0]["agent"], "expert-btcusdt");
        assert_eq!(events[1]["level"], "DEBUG");
    }

    #[test]
    fn a_filter_that_is_none_is_refused_with_its_name() {
        let error = subscriber(LogFormat::Text, "asterswarm=loud", false, std::io::sink).unwrap_err().to_string();
        assert!(error.starts_with("SWARM_LOG=asterswarm=loud: "), "{error}");
    }
}
