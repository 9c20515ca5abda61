//! Why a market could not be read, in words that lead to the place and to the remedy. Knows no
//! exit code and no terminal.

use std::fmt;
use std::path::{Path, PathBuf};

/// A recorded market that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarketError {
    /// The file or directory it is about, where there is one.
    pub file: Option<PathBuf>,
    /// Line in that file, counted from 1 with the header as line 1; for gzip'd files the line of
    /// the text inside.
    pub line: Option<u64>,
    /// What is wrong.
    pub what: String,
    /// What to do about it; may be empty.
    pub help: String,
    /// The symbol that is missing, where that is what is wrong.
    pub symbol: Option<String>,
}

impl MarketError {
    /// About the request as a whole.
    pub(crate) fn new(what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { file: None, line: None, what: what.into(), help: help.into(), symbol: None }
    }

    /// The same, for want of this symbol.
    pub(crate) fn without(self, symbol: &str) -> Self {
        Self { symbol: Some(symbol.to_owned()), ..self }
    }

    /// About a file or directory.
    pub(crate) fn about(path: &Path, what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { file: Some(path.to_owned()), ..Self::new(what, help) }
    }

    /// The same, with the line.
    pub(crate) fn at(self, line: u64) -> Self {
        Self { line: Some(line), ..self }
    }

    /// The operating system's answer.
    pub(crate) fn io(path: &Path, error: &std::io::Error) -> Self {
        Self::about(path, format!("cannot be read: {error}"), "check that the path exists and is readable")
    }
}

impl fmt::Display for MarketError {
    /// `file:line: what; help`, without the parts that are absent.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(out, "{}:", file.display())?;
            if let Some(line) = self.line {
                write!(out, "{line}:")?;
            }
            out.write_str(" ")?;
        }
        out.write_str(&self.what)?;
        if !self.help.is_empty() {
            write!(out, "; {}", self.help)?;
        }
        Ok(())
    }
}

impl std::error::Error for MarketError {}
