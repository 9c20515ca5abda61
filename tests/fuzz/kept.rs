//! Inputs that failed, each with its story. None is taken out again.

/// Target and input.
pub const KEPT: &[(&str, &[u8])] = &[
    // A carriage return alone ends a line of YAML: the place named was right, and the check that it lies in the text
    // counted line feeds only.
    ("configuration", b"version: 1\rname: a\rmarket: b: c"),
];
