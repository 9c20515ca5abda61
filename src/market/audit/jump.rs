//! Prices that move far beyond what was usual before. Knows nothing of files.
//!
//! A candle jumps when its close is further from the close before than [`JUMP_TIMES`] times the median of the last
//! [`JUMP_WINDOW`] such moves, and at least [`JUMP_LEAST`]. The median does not care how large the few largest are, so
//! a crash does not hide the next one; a few quiet candles do not make an ordinary one a jump, for the least move.

/// So many times the usual move.
pub const JUMP_TIMES: f64 = 25.0;
/// Moves from which the usual one is taken.
pub const JUMP_WINDOW: usize = 288;
/// Smallest move that is told, as a share of the price.
pub const JUMP_LEAST: f64 = 0.05;
/// Fewest moves that say what is usual.
const WINDOW_LEAST: usize = 48;

/// The last moves, in order of time and in order of size.
#[derive(Default)]
pub(super) struct Jumps {
    moves: std::collections::VecDeque<f64>,
    sorted: Vec<f64>,
    last: Option<f64>,
}

impl Jumps {
    /// Takes the next close; a move that is a jump, with how many times the usual one it is.
    pub(super) fn push(&mut self, close: f64) -> Option<(f64, f64)> {
        let last = self.last.replace(close)?;
        let change = close / last - 1.0;
        let jump = self.usual().filter(|usual| change.abs() > JUMP_TIMES * usual && change.abs() >= JUMP_LEAST);
        self.remember(change.abs());
        jump.map(|usual| (change, change.abs() / usual))
    }

    /// The series has a hole: the next close is not compared with this one.
    pub(super) fn interrupt(&mut self) {
        self.last = None;
    }

    /// The median; `None` while there are too few.
    fn usual(&self) -> Option<f64> {
        (self.sorted.len() >= WINDOW_LEAST).then(|| self.sorted[self.sorted.len() / 2])
    }

    fn remember(&mut self, size: f64) {
        if self.moves.len() == JUMP_WINDOW
            && let Some(oldest) = self.moves.pop_front()
        {
            let place = self.sorted.partition_point(|known| *known < oldest);
            self.sorted.remove(place);
        }
        self.moves.push_back(size);
        let place = self.sorted.partition_point(|known| *known < size);
        self.sorted.insert(place, size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_far_beyond_the_usual_is_a_jump_and_its_neighbours_are_not() {
        let mut jumps = Jumps::default();
        let wave = |place: usize| 100.0 + 0.1 * f64::from(u8::from(place.is_multiple_of(2)));
        for place in 0..400 {
            assert_eq!(jumps.push(wave(place)), None, "{place}");
        }
        let (change, times) = jumps.push(90.0).unwrap();
        assert!((change + 0.1).abs() < 1e-9 && times > 90.0, "{change} {times}");
        assert_eq!(jumps.push(90.1), None);
        assert!(jumps.push(99.0).is_some(), "the first one does not hide the second");
    }

    #[test]
    fn at_the_start_after_a_hole_and_below_the_least_move_nothing_is_a_jump() {
        let mut jumps = Jumps::default();
        assert!([100.0, 200.0, 100.0].iter().all(|close| jumps.push(*close).is_none()), "nothing is usual yet");
        let mut jumps = Jumps::default();
        (0..100).for_each(|_| assert_eq!(jumps.push(100.0), None));
        assert_eq!(jumps.push(104.0), None, "4 % is less than the least");
        jumps.interrupt();
        assert_eq!(jumps.push(200.0), None);
        assert!(jumps.push(220.0).is_some());
    }
}
