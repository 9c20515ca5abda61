//! What can go wrong with a message. Knows no message's content.

use crate::model::Millis;
use std::collections::BTreeMap;

/// Which way a message goes, and whether it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// A request to the venue.
    Request,
    /// The venue's answer.
    Answer,
    /// An event of the user stream.
    Event,
}

/// Something that goes wrong at one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is lost: a request is not carried out, an answer or event is not heard.
    Lose,
    /// It comes this much later, in milliseconds, and what follows overtakes it.
    Delay(Millis),
    /// It comes twice.
    Repeat,
    /// The user stream breaks and is back after this long; what happens meanwhile is not told.
    Outage(Millis),
    /// The process dies and starts again after this long.
    Crash(Millis),
    /// The venue answers that it does not know what became of the request: it carried it out or not.
    Undecided {
        /// Whether it did.
        done: bool,
    },
    /// The request does not leave: limits are near for this long.
    Held(Millis),
}

impl Fault {
    /// Whether this can happen to a message of this kind.
    pub const fn strikes(self, message: Message) -> bool {
        match self {
            Self::Lose | Self::Delay(_) | Self::Crash(_) => true,
            Self::Repeat | Self::Outage(_) => matches!(message, Message::Event),
            Self::Undecided { .. } | Self::Held(_) => matches!(message, Message::Request),
        }
    }
}

/// Faults by the number of the message they strike at, counted from 0 in the order of sending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(BTreeMap<u64, Fault>);

impl Faults {
    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self::default()
    }

    /// Lets something go wrong at a message. Where it cannot, nothing does.
    pub fn at(mut self, message: u64, fault: Fault) -> Self {
        self.0.insert(message, fault);
        self
    }

    /// What strikes at this message.
    pub fn strike(&self, number: u64, message: Message) -> Option<Fault> {
        self.0.get(&number).copied().filter(|fault| fault.strikes(message))
    }
}
