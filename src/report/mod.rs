//! `report.html`: one file that shows a backtest and opens without a network.
//!
//! [`Collector`] follows the run in bounded memory, [`render`] makes the page of what it kept and of the report.
//! The room knows no command line and writes no file; it decides nothing and its figures are those of
//! report.json.

mod charts;
mod chosen;
mod collect;
mod data;
mod html;
mod page;
mod plots;
mod series;
mod tables;

pub use collect::Collector;
pub use page::{Page, render};
