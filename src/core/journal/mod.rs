//! The journal as bytes: the format of a record, how it is read back, and the fingerprint of a run.
//!
//! This room turns facts into bytes and bytes into facts. It deliberately knows no file, no lock, no
//! flush and no thread (`store` has those), and does not ask what a fact means: folding facts into
//! state is the business of the rooms that own the state.

mod decode;
mod fingerprint;
mod record;
mod wire;

pub use decode::{Decoder, FileHeader, Progress, Record, RecordError, Records, records};
pub use fingerprint::Fingerprint;
pub use record::{
    CHAIN_BYTES, FORMAT_VERSION, FactTooLarge, HEADER_BYTES, Link, MAGIC, MAX_PAYLOAD_BYTES, Position,
    RECORD_HEADER_BYTES, encode, first_header, header, write_fact,
};
