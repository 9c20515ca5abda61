//! Inputs that failed, each with its story. None is taken out again.

/// Target and input.
pub const KEPT: &[(&str, &[u8])] = &[];
