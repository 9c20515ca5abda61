//! Bugs that are planted on purpose, to see whether the simulator finds them. They exist only with the feature
//! `planted`, which nothing that ships turns on; without it every question here is answered with `false` while
//! compiling. This room knows their names and nothing of where they are.

/// A bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// What a working entry may still execute is not reserved.
    SkipReservation,
    /// An order whose outcome is unknown is sent again.
    ResendOnTimeout,
    /// A tripped breaker does not refuse entries.
    ForgetBreaker,
    /// The old stop goes before the new one stands.
    CancelBeforePlacing,
    /// An execution in seven is not booked by the supervisor.
    DropFill,
    /// The age of the market's data is not looked at.
    TrustStaleMark,
    /// Two facts of one act change places in the journal.
    ReorderJournal,
    /// An execution that is told twice is booked twice.
    BookTwice,
    /// Orders leave before their facts are written.
    SendBeforeWriting,
    /// Every mark is believed, however far off.
    TrustWrongMark,
    /// A stop keeps the size that it had for the first part of its entry.
    KeepFirstStop,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::SkipReservation,
        Self::ResendOnTimeout,
        Self::ForgetBreaker,
        Self::CancelBeforePlacing,
        Self::DropFill,
        Self::TrustStaleMark,
        Self::ReorderJournal,
        Self::BookTwice,
        Self::SendBeforeWriting,
        Self::TrustWrongMark,
        Self::KeepFirstStop,
    ];
}

#[cfg(feature = "planted")]
mod ground {
    use super::Bug;
    use std::cell::Cell;

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
    }

    /// Plants a bug in this thread, or takes it out.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.set(bug);
    }

    pub(crate) fn is_planted(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }
}

#[cfg(feature = "planted")]
pub(crate) use ground::is_planted;
#[cfg(feature = "planted")]
pub use ground::plant;

/// Whether a bug is planted here.
#[cfg(not(feature = "planted"))]
#[inline(always)]
pub(crate) const fn is_planted(_: Bug) -> bool {
    false
}
