//! The type that makes an unapproved order untypeable.

/// Something the supervisor approved. Execution accepts nothing else, and only this room can make one.
///
/// ```compile_fail
/// // The field and the constructor are private to `risk`.
/// let forged = swarm_core::risk::Approved { inner: 1 };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved<T> {
    inner: T,
}

impl<T> Approved<T> {
    pub(super) const fn new(inner: T) -> Self {
        Self { inner }
    }
    /// What was approved.
    pub const fn get(&self) -> &T {
        &self.inner
    }
    /// What was approved, by value.
    pub fn into_inner(self) -> T {
        self.inner
    }
}
