//! What an explanation consists of: as a table holds it, and as it is told.

/// What kind of word is explained.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// A finding of this program.
    Finding,
    /// A response flag of Envoy.
    Flag,
    /// Envoy's details of a response's code.
    Details,
    /// A code of `istioctl analyze` or of Kiali.
    Code,
}

/// A row of a table. What a row does not say is empty.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// The word, as it is printed. Of details that go on in braces, what stands before the braces.
    pub(super) name: &'static str,
    /// Other spellings: a flag's long name, what older releases print.
    pub(super) also: &'static [&'static str],
    /// What it says, in one line.
    pub(super) title: &'static str,
    /// What the client usually gets.
    pub(super) status: &'static str,
    /// What it means.
    pub(super) means: &'static str,
    /// How it comes about.
    pub(super) arises: &'static str,
    /// How to confirm it.
    pub(super) confirm: &'static str,
    /// How to fix it.
    pub(super) fix: &'static str,
    /// The flags that stand beside it in the access log.
    pub(super) flags: &'static [&'static str],
    /// The ids of the findings that explain it.
    pub(super) findings: &'static [&'static str],
    /// What can stand in the braces behind it.
    pub(super) parts: &'static [Part],
}

impl Entry {
    /// A row that says nothing.
    pub(super) const EMPTY: Self = Self {
        name: "",
        also: &[],
        title: "",
        status: "",
        means: "",
        arises: "",
        confirm: "",
        fix: "",
        flags: &[],
        findings: &[],
        parts: &[],
    };
}

/// What can stand in the braces of details.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part {
    /// How it begins, or what is in it, as the access log writes it.
    pub word: &'static str,
    /// What it says.
    pub means: &'static str,
    /// The flag that goes with it; empty where it has none of its own.
    pub flag: &'static str,
    /// The ids of the findings that explain it.
    pub findings: &'static [&'static str],
}

/// A word, explained.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Topic {
    /// What kind of word it is.
    pub kind: Kind,
    /// The word.
    pub name: &'static str,
    /// Its other spellings.
    pub also: &'static [&'static str],
    /// What it says, in one line, with a full stop.
    pub title: String,
    /// What the client usually gets; empty where nothing is usual.
    pub status: &'static str,
    /// What it means: paragraphs, with an empty line between them.
    pub means: String,
    /// How it comes about.
    pub arises: String,
    /// How to confirm it.
    pub confirm: String,
    /// How to fix it.
    pub fix: String,
    /// What stands in the braces of the word that was asked for, with what that says; else what can stand there.
    pub parts: Vec<Within>,
    /// The ids of the findings that explain it.
    pub findings: Vec<&'static str>,
    /// The flags that go with it.
    pub flags: Vec<&'static str>,
    /// The details that go with it.
    pub details: Vec<&'static str>,
    /// The codes of analyzers that go with it.
    pub codes: Vec<&'static str>,
}

/// One thing in the braces of details.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Within {
    /// As it was asked for, or as the access log writes it.
    pub text: String,
    /// What it says; empty where only its author knows.
    pub means: &'static str,
}

impl Kind {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::Finding, Self::Flag, Self::Details, Self::Code];

    /// As in the JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Finding => "finding",
            Self::Flag => "flag",
            Self::Details => "details",
            Self::Code => "code",
        }
    }

    /// As a sentence names one.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Finding => "finding",
            Self::Flag => "response flag",
            Self::Details => "details of a response",
            Self::Code => "analyzer code",
        }
    }

    /// The head of their list.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Finding => "findings",
            Self::Flag => "response flags",
            Self::Details => "details of a response",
            Self::Code => "analyzer codes",
        }
    }
}
