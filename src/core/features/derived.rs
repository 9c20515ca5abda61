//! Values that rules derive from frames, announced so that many rules which derive the same one have it computed once
//! a candle. It knows neither what they mean nor who asks.

use super::{Frame, Slot};
use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

/// A number derived from a frame, such as a score that one threshold or another is compared with.
///
/// Those that are equal share one [`Column`] a symbol, so equal ones have to give the same bits on every frame. Hence a
/// value may depend on nothing but the frame and what it compares with others: slots, and parameters by their bits
/// ([`Eq`] rather than `PartialEq`, since `f64` would call 0 and -0 the same).
pub trait Derived: Debug + Eq + Send + Sync + 'static {
    /// So many rules have to share it before it is computed for every candle, also for those that no rule would look
    /// at: the fewer candles need it and the dearer it is, the more.
    const LEAST_USERS: usize;

    /// The value; NaN while something it needs is absent.
    fn value(&self, frame: &Frame<'_>) -> f64;
}

/// A feature as it is: laid out candle by candle it is read faster than frame by frame.
impl Derived for Slot {
    const LEAST_USERS: usize = 1;

    #[inline]
    fn value(&self, frame: &Frame<'_>) -> f64 {
        frame.raw(*self)
    }
}

/// Where a derived value stands, candle by candle, on a reel that is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column(u32);

impl Column {
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A derived value of any type.
pub(super) trait AnyDerived: Debug + Send + Sync {
    fn value(&self, frame: &Frame<'_>) -> f64;
    fn least_users(&self) -> usize;
    fn is_same(&self, other: &dyn Any) -> bool;
}

impl<D: Derived> AnyDerived for D {
    fn value(&self, frame: &Frame<'_>) -> f64 {
        Derived::value(self, frame)
    }
    fn least_users(&self) -> usize {
        D::LEAST_USERS
    }
    fn is_same(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<D>() == Some(self)
    }
}

/// By column what to compute; `None` where too few rules want it.
pub(super) type Derivable = Arc<[Option<Arc<dyn AnyDerived>>]>;

/// The derived values of one symbol, each once.
#[derive(Clone, Debug, Default)]
pub(super) struct Derivations(Vec<Announced>);

#[derive(Clone, Debug)]
struct Announced {
    derived: Arc<dyn AnyDerived>,
    users: usize,
}

impl Derivations {
    /// One more rule wants a value.
    pub(super) fn announce<D: Derived>(&mut self, derived: D) -> Column {
        let known = self.0.iter().position(|known| known.derived.is_same(&derived));
        let place = known.unwrap_or_else(|| {
            self.0.push(Announced { derived: Arc::new(derived), users: 0 });
            self.0.len() - 1
        });
        self.0[place].users += 1;
        Column(u32::try_from(place).expect("invariant: fewer derived values than 2^32"))
    }

    /// What is to be computed.
    pub(super) fn worthwhile(&self) -> Derivable {
        let is_worth_it = |one: &Announced| one.users >= one.derived.least_users();
        self.0.iter().map(|one| is_worth_it(one).then(|| Arc::clone(&one.derived))).collect()
    }
}
