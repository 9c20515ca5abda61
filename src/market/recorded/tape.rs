//! Plays a recording step by step. Knows nothing of files.

use super::Recording;
use std::sync::Arc;
use swarm_core::model::{Candle, FundingDue, Step, Steps, SymbolId, Tape, Time};

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

    /// Reads the next step: when it closes, its candles by symbol, and the payments due. `None` at the end.
    #[inline]
    fn read(&mut self) -> Option<(Time, impl Iterator<Item = Option<&Candle>>, &[FundingDue])> {
        let Self { recording, cursors, funding, funding_cursor } = self;
        let heads = recording.series.iter().zip(&*cursors).filter_map(|(series, &at)| series.get(at));
        let open_time = heads.map(|candle| candle.open_time).min()?;
        let close_time = open_time.plus(recording.interval.ms());
        let first = *funding_cursor;
        while let Some(due) = funding.get_mut(*funding_cursor).filter(|due| due.at < close_time) {
            due.at = due.at.max(open_time);
            *funding_cursor += 1;
        }
        let candles = recording.series.iter().zip(cursors).map(move |(series, cursor)| {
            let candle = series.get(*cursor).filter(|candle| candle.open_time == open_time);
            *cursor += usize::from(candle.is_some());
            candle
        });
        Some((close_time, candles, &funding[first..*funding_cursor]))
    }
}

impl Tape for RecordedTape {
    fn next(&mut self, step: &mut Step) -> bool {
        let Some((close_time, candles, funding)) = self.read() else { return false };
        step.close_time = close_time;
        step.candles.clear();
        step.candles.extend(candles.map(Option::<&Candle>::copied));
        step.funding.clear();
        step.funding.extend_from_slice(funding);
        true
    }

    fn fill(&mut self, steps: &mut Steps) {
        while !steps.is_full()
            && let Some((close_time, candles, funding)) = self.read()
        {
            steps.push(close_time, candles, funding);
        }
    }
}
