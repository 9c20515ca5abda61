//! The runtime around `swarm-core`: one room a module.

pub mod actors;
pub mod api;
pub mod aster;
pub mod bias;
pub mod cli;
pub mod config;
pub mod control;
pub mod doctor;
pub mod fold;
pub mod market;
pub mod record;
pub mod replay;
pub mod report;
pub mod side_by_side;
pub mod simulation;
pub mod store;
pub mod telemetry;
pub mod venue;
pub mod venue_server;
