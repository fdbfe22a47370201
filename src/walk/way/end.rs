//! How one way ends.

use super::stop::Stop;

/// How one way ends.
#[derive(Clone, PartialEq, Debug)]
pub enum End {
    /// The request is handed to a host.
    HandedOver,
    /// It is not, and why.
    Stopped(Stop),
    /// It cannot be told.
    Unknown,
}

impl End {
    /// Why the request is not handed over, where it surely is not.
    pub fn stop(&self) -> Option<&Stop> {
        match self {
            Self::Stopped(stop) => Some(stop),
            Self::HandedOver | Self::Unknown => None,
        }
    }
}
