//! The trading rules that ship with asterswarm.

pub mod registry;
