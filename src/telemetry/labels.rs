//! The closed sets that label values come from. A value that is not in one of these enums, or in the
//! plan, cannot become a label, so the number of series is bounded by what is written here.

macro_rules! labels {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $label:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// All of them, in the order of the series.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The label's value.
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)+
                }
            }
        }
    };
}

labels! {
    /// Kinds of actors: who has a mailbox. All agents together are one kind.
    Actor {
        /// Hands out market data.
        Feed = "feed",
        /// Agents.
        Agent = "agent",
        /// Judges intents.
        Supervisor = "supervisor",
        /// Talks to venues.
        Execution = "execution",
        /// Writes the journal.
        Journal = "journal",
        /// Starts, stops and restarts.
        Director = "director",
        /// Answers HTTP.
        Api = "api",
        /// Keeps the gauges current.
        Observer = "observer",
    }
}

labels! {
    /// Why a message was not delivered.
    DropReason {
        /// The mailbox was full.
        Full = "full",
        /// The receiver had stopped.
        Closed = "closed",
        /// A newer value of the same thing took its place.
        Conflated = "conflated",
        /// Nobody waited for it any more.
        Late = "late",
        /// The listener was too slow.
        Lagged = "lagged",
    }
}

labels! {
    /// What became of orders.
    OrderOutcome {
        /// Handed to the venue.
        Sent = "sent",
        /// Confirmed by the venue.
        Accepted = "accepted",
        /// Executed in part.
        PartlyFilled = "partly_filled",
        /// Executed wholly.
        Filled = "filled",
        /// Ended without (full) execution.
        Canceled = "canceled",
        /// Refused by the venue.
        Rejected = "rejected",
        /// The venue's answer is not known.
        Unknown = "unknown",
    }
}

labels! {
    /// How entries left that were to bring their stop along.
    EntryWay {
        /// With it, as one strategy order that the venue took.
        WithStop = "with_stop",
        /// By themselves; the stop follows the fill.
        Alone = "alone",
    }
}

labels! {
    /// What became of a live candle that did not come as it should.
    CandleFate {
        /// The stream did not bring it, REST did.
        Filled = "filled",
        /// REST said otherwise before it was used; REST's was taken.
        Corrected = "corrected",
        /// REST says otherwise than what was used.
        Differs = "differs",
        /// It came after its step was played without it.
        Late = "late",
        /// Nobody brought it.
        Missing = "missing",
        /// It makes no sense and was passed over.
        Faulty = "faulty",
    }
}

labels! {
    /// Kinds of venues.
    VenueLabel {
        /// The simulated exchange.
        Simulated = "simulated",
        /// AsterDEX.
        Aster = "aster",
    }
}
