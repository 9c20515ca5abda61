//! Plays a recording step by step. Knows nothing of files.

use super::Recording;
use std::sync::Arc;
use swarm_core::model::{FundingDue, Step, SymbolId, Tape, Time};

/// The steps of a [`Recording`]: one for each time at which any symbol has a candle.
///
/// A symbol without a candle at that time is `None` in the step. A time at which no symbol has one
/// gives no step: the next one simply closes later. Funding that fell due in such a hole comes with
/// the next step, dated to its open, as nothing could be booked in between.
#[derive(Clone, Debug)]
pub struct RecordedTape {
    recording: Arc<Recording>,
    /// By symbol, the next candle.
    cursors: Vec<usize>,
    /// Of all symbols, by time and symbol.
    funding: Vec<FundingDue>,
    funding_cursor: usize,
}

impl RecordedTape {
    pub(super) fn new(recording: Arc<Recording>) -> Self {
        let mut funding: Vec<FundingDue> = recording
            .funding
            .iter()
            .enumerate()
            .flat_map(|(index, schedule)| {
                let symbol = SymbolId(index as u16);
                schedule.iter().map(move |&(at, rate)| FundingDue { symbol, at, rate })
            })
            .collect();
        funding.sort_by_key(|due| (due.at, due.symbol));
        Self { cursors: vec![0; recording.series.len()], recording, funding, funding_cursor: 0 }
    }

    /// Open time of the next step.
    fn next_open(&self) -> Option<Time> {
        let heads = self.recording.series.iter().zip(&self.cursors).filter_map(|(series, &at)| series.get(at));
        heads.map(|candle| candle.open_time).min()
    }
}

impl Tape for RecordedTape {
    fn next(&mut self, step: &mut Step) -> bool {
        let Some(open_time) = self.next_open() else { return false };
        step.close_time = open_time.plus(self.recording.interval.ms());
        step.candles.clear();
        step.funding.clear();
        for (series, cursor) in self.recording.series.iter().zip(&mut self.cursors) {
            let candle = series.get(*cursor).filter(|candle| candle.open_time == open_time).copied();
            *cursor += usize::from(candle.is_some());
            step.candles.push(candle);
        }
        while let Some(&due) = self.funding.get(self.funding_cursor).filter(|due| due.at < step.close_time) {
            step.funding.push(FundingDue { at: due.at.max(open_time), ..due });
            self.funding_cursor += 1;
        }
        true
    }
}
