//! The trading rules that ship with asterswarm.
