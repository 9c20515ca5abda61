//! What a command reads from and writes to: results on stdout, questions and errors on stderr, colour
//! only where it is seen. Tests put buffers in its place.

use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use swarm_core::model::Mode;

/// Why a command did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Exit code: 1 it failed, 2 the input is wrong.
    pub exit: u8,
    /// For programs.
    pub code: String,
    /// For people.
    pub message: String,
    /// What has been told of it before the command ends.
    pub told: Told,
    /// What programs get besides, as `error.details` of the document.
    pub details: Option<Box<serde_json::Value>>,
}

/// What has been told of a failure before the command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Nothing.
    Nothing,
    /// All in words, on stderr; a document is still owed to whoever asked for one.
    InWords,
    /// All, the document included, which says what failed: only the exit code is left.
    InFull,
}

impl Failure {
    /// What was asked for makes no sense.
    pub fn input(message: impl Into<String>) -> Self {
        Self::of(2, "wrong_input", message.into())
    }

    /// It could not be done.
    pub fn failed(code: &str, message: impl Into<String>) -> Self {
        Self::of(1, code, message.into())
    }

    /// Of which nothing has been told.
    pub fn of(exit: u8, code: &str, message: String) -> Self {
        Self { exit, code: code.to_owned(), message, told: Told::Nothing, details: None }
    }

    /// The same, when its words are on stderr already, with more than fits here.
    pub fn in_words(self) -> Self {
        Self { told: Told::InWords, ..self }
    }

    /// The same, when it has been told and what the command printed says it as well.
    pub fn in_full(self) -> Self {
        Self { told: Told::InFull, ..self }
    }

    /// With what programs get besides.
    pub fn with_details(self, details: serde_json::Value) -> Self {
        Self { details: Some(Box::new(details)), ..self }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::failed("output", format!("cannot write the result: {error}"))
    }
}

/// Input, output and whether colour is seen.
pub struct Console {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    input: Box<dyn BufRead + Send>,
    color: bool,
}

/// A colour of a cell; the meaning, not the shade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Worth a look.
    Warn,
    /// Needs an operator.
    Bad,
}

/// A cell of a table.
#[derive(Clone, Debug)]
pub struct Cell {
    text: String,
    tone: Option<Tone>,
    right: bool,
}

impl Cell {
    /// To the left.
    pub fn text(text: impl ToString) -> Self {
        Self { text: printable(&text.to_string()), tone: None, right: false }
    }

    /// To the right.
    pub fn number(text: impl ToString) -> Self {
        Self { right: true, ..Self::text(text) }
    }

    /// In a colour.
    pub fn toned(self, tone: Tone) -> Self {
        Self { tone: Some(tone), ..self }
    }
}

/// Writes a result to stdout, whole.
///
/// # Errors
/// What the system says to it, such as that the disk is full. A reader that closed the pipe has read what it wanted.
pub fn print(text: &str) -> Result<(), Failure> {
    put(&mut io::stdout().lock(), text)
}

fn put(out: &mut dyn Write, text: &str) -> Result<(), Failure> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => Ok(done?),
    }
}

/// Text from elsewhere without characters that could steer a terminal.
fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '\u{fffd}' } else { character }).collect()
}

impl Console {
    /// The process's own.
    pub fn standard() -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self {
            out: Box::new(io::stdout()),
            err: Box::new(io::stderr()),
            input: Box::new(BufReader::new(io::stdin())),
            color: io::stdout().is_terminal() && !no_color,
        }
    }

    /// Of these parts.
    pub fn new(
        out: impl Write + Send + 'static,
        err: impl Write + Send + 'static,
        input: impl BufRead + Send + 'static,
        color: bool,
    ) -> Self {
        Self { out: Box::new(out), err: Box::new(err), input: Box::new(input), color }
    }

    /// A line of the result.
    pub fn line(&mut self, text: &str) -> Result<(), Failure> {
        put(&mut self.out, &format!("{}\n", printable(text)))
    }

    /// The one JSON document of `--json`.
    pub fn json(&mut self, document: &impl serde::Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(document)
            .map_err(|error| Failure::failed("output", format!("cannot write the result: {error}")))?;
        put(&mut self.out, &format!("{text}\n"))
    }

    /// A table with its columns aligned; a column stands like its cells.
    pub fn table(&mut self, columns: &[&str], rows: &[Vec<Cell>]) -> Result<(), Failure> {
        let width_of = |index: usize| {
            let cells = rows.iter().filter_map(|row| row.get(index)).map(|cell| cell.text.chars().count());
            cells.chain([columns[index].chars().count()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns.len()).map(width_of).collect();
        let head: Vec<Cell> = columns
            .iter()
            .enumerate()
            .map(|(index, column)| {
                let right = rows.first().and_then(|row| row.get(index)).is_some_and(|cell| cell.right);
                Cell { text: (*column).to_owned(), tone: None, right }
            })
            .collect();
        let mut lines = String::new();
        for row in std::iter::once(&head).chain(rows) {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| self.pad(cell, *width)).collect();
            lines.push_str(cells.join("  ").trim_end());
            lines.push('\n');
        }
        put(&mut self.out, &lines)
    }

    fn pad(&self, cell: &Cell, width: usize) -> String {
        let blanks = " ".repeat(width.saturating_sub(cell.text.chars().count()));
        let text = match cell.tone {
            Some(tone) if self.color => {
                let code = match tone {
                    Tone::Good => 32,
                    Tone::Warn => 33,
                    Tone::Bad => 31,
                };
                format!("\u{1b}[{code}m{}\u{1b}[0m", cell.text)
            }
            _ => cell.text.clone(),
        };
        if cell.right { format!("{blanks}{text}") } else { format!("{text}{blanks}") }
    }

    /// Asks before an act on money. On live money the answer is a name, typed out; else a yes.
    pub fn confirm(&mut self, mode: Mode, act: &str, name: &str) -> Result<(), Failure> {
        let act = printable(act);
        let expected = match mode {
            Mode::Live => {
                write!(self.err, "LIVE, real money. {act}\nType `{}` to go on: ", printable(name))?;
                vec![name.to_owned()]
            }
            Mode::Paper | Mode::Backtest => {
                write!(self.err, "{act} [y/N] ")?;
                vec!["y".to_owned(), "yes".to_owned()]
            }
        };
        self.err.flush()?;
        let mut answer = String::new();
        let read = self.input.read_line(&mut answer)?;
        if read == 0 {
            writeln!(self.err)?;
        }
        let answer = answer.trim();
        let agreed =
            expected.iter().any(|word| word == answer || (mode != Mode::Live && word.eq_ignore_ascii_case(answer)));
        if agreed {
            return Ok(());
        }
        Err(Failure::failed("not_confirmed", "not confirmed, so nothing was done; `--yes` goes on without asking"))
    }

    /// Ends a command: says what failed, and gives the exit code. With `json`, a failure is the one
    /// document on stdout, in the API's shape.
    pub fn finish(&mut self, json: bool, result: Result<(), Failure>) -> u8 {
        let Err(failure) = result else { return 0 };
        if json && failure.told != Told::InFull {
            let mut document = serde_json::json!({"error": {"code": failure.code, "message": failure.message}});
            if let Some(details) = failure.details {
                document["error"]["details"] = *details;
            }
            // Where not even this can be written, the exit code still says it.
            let _ = self.json(&document);
        }
        if failure.told == Told::Nothing {
            let _ = writeln!(self.err, "error: {}", printable(&failure.message));
        }
        failure.exit
    }
}
