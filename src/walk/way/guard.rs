//! What sends requests one way and not another.

use std::sync::Arc;

use crate::snapshot::{Evidence, Need};
use crate::verdict::{Outcome, Power, Side, Stage};

use super::asked_for::{AskedFor, Weight};
use super::repair::Repair;

/// What a thing that is not modeled could do, where nothing is known of it.
pub(in crate::walk) const ANYTHING: &[Power] = &[Power::Refuse, Power::Answer, Power::Rewrite];

/// What sends requests this way.
#[derive(Clone, Debug)]
pub enum Guard {
    /// Chance: weights, percentages of faults, fractions.
    Drawn {
        /// What is drawn, in a few words.
        by: String,
        /// The share, 0 to 1.
        share: f64,
        /// Whose proxy draws.
        side: Side,
        /// Which draw it is: two may be called alike.
        id: Arc<()>,
    },
    /// They look so: the question left it open.
    Asked(Arc<AskedFor>),
    /// They are sent to this address.
    Address {
        /// `None` stands for any that no listener names.
        address: Option<String>,
        /// One of how many.
        share: f64,
    },
    /// They are taken by this pod of B, or by one that is like it.
    Pod {
        /// Its name.
        pod: String,
        /// The share of the pods that are like it.
        share: f64,
    },
    /// Something lets them pass, or is as this says.
    Provided {
        /// What they depend on.
        condition: Arc<Condition>,
        /// What it would have to be, where there are several.
        alternative: Option<Arc<Alternative>>,
    },
    /// What stops them is taken as repaired. Such ways count for nothing.
    Repaired(Repair),
}

/// What a condition is about where the client's own TLS goes into that of A's proxy.
pub const TLS_IN_TLS: &str = "TLS inside of TLS";

/// Something that decides and is not modeled, or was not read.
#[derive(Clone, PartialEq, Debug)]
pub struct Condition {
    /// Whose proxy.
    pub side: Side,
    /// Where on the way.
    pub stage: Stage,
    /// The thing's name, verbatim.
    pub subject: String,
    /// What it could do.
    pub powers: Vec<Power>,
    /// Why it is open, a sentence.
    pub why: String,
    /// What has to be for the walk to be right, as it follows `if`.
    pub proviso: String,
    /// What would have to be read to settle it.
    pub need: Option<Need>,
    /// What this rests on.
    pub evidence: Vec<Evidence>,
}

/// One of the things that an open condition could be.
#[derive(Clone, PartialEq, Debug)]
pub struct Alternative {
    /// Its place among them.
    pub place: usize,
    /// What it would have to be, in a few words.
    pub words: String,
    /// What becomes of the request, where that is the same for every alternative.
    pub outcome: Option<Outcome>,
}

impl Guard {
    /// Chance, by this.
    pub(in crate::walk) fn drawn(by: &str, share: f64) -> Self {
        Self::Drawn { by: by.to_owned(), share, side: Side::Source, id: Arc::new(()) }
    }

    /// What it depends on, where it depends on something open.
    pub(in crate::walk) fn condition(&self) -> Option<&Arc<Condition>> {
        match self {
            Self::Provided { condition, .. } => Some(condition),
            Self::Drawn { .. } | Self::Asked(_) | Self::Address { .. } | Self::Pod { .. } | Self::Repaired(_) => None,
        }
    }

    /// What the open thing that it depends on would have to be, where that could be several things.
    pub(in crate::walk) fn alternative(&self) -> Option<&Arc<Alternative>> {
        match self {
            Self::Provided { alternative, .. } => alternative.as_ref(),
            Self::Drawn { .. } | Self::Asked(_) | Self::Address { .. } | Self::Pod { .. } | Self::Repaired(_) => None,
        }
    }

    /// What is taken as repaired, where something is.
    pub(crate) fn repair(&self) -> Option<&Repair> {
        match self {
            Self::Repaired(repair) => Some(repair),
            Self::Drawn { .. } | Self::Asked(_) | Self::Address { .. } | Self::Pod { .. } | Self::Provided { .. } => {
                None
            }
        }
    }

    /// The requests that pass it, where it parts an open question.
    pub(in crate::walk) fn asked_for(&self) -> Option<&Arc<AskedFor>> {
        match self {
            Self::Asked(asked_for) => Some(asked_for),
            Self::Drawn { .. }
            | Self::Provided { .. }
            | Self::Address { .. }
            | Self::Pod { .. }
            | Self::Repaired(_) => None,
        }
    }

    /// Whether the answer about all requests rests on those that pass it.
    pub(in crate::walk) fn counts(&self) -> bool {
        self.asked_for().is_none_or(|asked_for| asked_for.weight == Weight::Counts)
    }

    /// The outcome that every alternative comes to, where they come to one.
    pub(in crate::walk) fn settled(&self) -> Option<Outcome> {
        match self {
            Self::Provided { alternative: Some(alternative), .. } => alternative.outcome,
            Self::Provided { .. }
            | Self::Drawn { .. }
            | Self::Asked(_)
            | Self::Address { .. }
            | Self::Pod { .. }
            | Self::Repaired(_) => None,
        }
    }

    /// The same, where all alternatives come to this.
    pub(in crate::walk) fn settled_as(self, outcome: Option<Outcome>) -> Self {
        match self {
            Self::Provided { condition, alternative: Some(alternative) } => {
                let alternative = Alternative { outcome, ..(*alternative).clone() };
                Self::Provided { condition, alternative: Some(Arc::new(alternative)) }
            }
            other @ (Self::Provided { .. }
            | Self::Drawn { .. }
            | Self::Asked(_)
            | Self::Address { .. }
            | Self::Pod { .. }
            | Self::Repaired(_)) => other,
        }
    }

    /// Whether B's side sets it.
    pub(in crate::walk) fn is_of_b(&self) -> bool {
        match self {
            Self::Pod { .. } => true,
            Self::Drawn { side, .. } => *side == Side::Destination,
            Self::Provided { condition, .. } => condition.side == Side::Destination,
            Self::Repaired(repair) => repair.side == Side::Destination,
            Self::Asked(_) | Self::Address { .. } => false,
        }
    }

    /// Whether two guards are the same.
    pub(in crate::walk) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Drawn { id, .. }, Self::Drawn { id: other, .. }) => Arc::ptr_eq(id, other),
            (Self::Asked(asked_for), Self::Asked(other)) => Arc::ptr_eq(asked_for, other),
            (Self::Address { address, .. }, Self::Address { address: other, .. }) => address == other,
            (Self::Pod { pod, .. }, Self::Pod { pod: other, .. }) => pod == other,
            (
                Self::Provided { condition, alternative },
                Self::Provided { condition: other, alternative: other_one },
            ) => condition == other && alternative == other_one,
            (Self::Repaired(repair), Self::Repaired(other)) => repair == other,
            _ => false,
        }
    }

    /// The share of requests that it lets pass, among those that came to it.
    pub(in crate::walk) fn share(&self) -> f64 {
        match self {
            Self::Drawn { share, .. } | Self::Address { share, .. } | Self::Pod { share, .. } => *share,
            Self::Asked(_) | Self::Provided { .. } | Self::Repaired(_) => 1.0,
        }
    }

    /// Whether every request passes it, for sure.
    pub(in crate::walk) fn is_for_all(&self) -> bool {
        !matches!(self, Self::Provided { .. } | Self::Asked(_) | Self::Repaired(_)) && self.share() >= 1.0
    }

    /// The same, where B's proxy sets it.
    pub(in crate::walk) fn beyond(self) -> Self {
        match self {
            Self::Provided { condition, alternative } => {
                let condition = Arc::new(Condition { side: Side::Destination, ..(*condition).clone() });
                Self::Provided { condition, alternative }
            }
            Self::Drawn { by, share, id, .. } => Self::Drawn { by, share, side: Side::Destination, id },
            other @ (Self::Asked(_) | Self::Address { .. } | Self::Pod { .. } | Self::Repaired(_)) => other,
        }
    }
}

impl Alternative {
    /// As it follows `if`.
    pub fn proviso(&self) -> String {
        if self.words.starts_with("no ") {
            format!("{} takes it", self.words)
        } else if [" is ", " has ", " shows "].iter().any(|verb| self.words.contains(verb)) {
            self.words.clone()
        } else {
            format!("it takes {}", self.words)
        }
    }
}

impl Condition {
    /// Something that decides and is not modeled.
    pub(in crate::walk) fn of(stage: Stage, subject: &str, powers: &[Power], why: &str) -> Self {
        let proviso = if subject.is_empty() {
            format!("the {} lets it pass", stage.noun())
        } else {
            format!("{subject} lets it pass")
        };
        Self {
            side: Side::Source,
            stage,
            subject: subject.to_owned(),
            powers: powers.to_vec(),
            why: why.to_owned(),
            proviso,
            need: None,
            evidence: Vec::new(),
        }
    }

    /// Something that was not read, or cannot be told.
    pub(in crate::walk) fn withheld(stage: Stage, subject: &str, why: &str) -> Self {
        Self::of(stage, subject, &[Power::Withhold], why)
    }

    /// The same, with what has to be.
    pub(in crate::walk) fn provided_that(self, proviso: &str) -> Self {
        Self { proviso: proviso.to_owned(), ..self }
    }

    /// The same, with what would settle it.
    pub(in crate::walk) fn settled_by(self, need: Need) -> Self {
        Self { need: Some(need), ..self }
    }
}
