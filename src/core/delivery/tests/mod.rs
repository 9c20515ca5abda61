//! Specifications of delivery: the rules one by one, and the property over every cut of the link.

mod bench;
mod cuts;
mod rules;
mod scenario;
mod strangers;
mod strategies;
