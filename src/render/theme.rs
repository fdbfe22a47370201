//! What a role looks like: the one place that knows color, and the two sets of glyphs.
//!
//! Code says what a piece of text *is*, a [`Theme`] says how it looks. Without color every word is still there,
//! without the glyphs too.

use std::borrow::Cow;

use colored::{ColoredString, Colorize as _, control};

use crate::text::shown;
use crate::verdict::Mark;

/// How a screen looks. Plain, with Unicode marks, unless told otherwise.
///
/// What comes out depends on this value alone: neither the environment nor the terminal is consulted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Theme {
    paint: Paint,
    glyphs: Glyphs,
    reader: Reader,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Paint {
    #[default]
    Plain,
    Color,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Glyphs {
    #[default]
    Unicode,
    Ascii,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Reader {
    #[default]
    Program,
    Terminal,
}

/// What a piece of text is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// Nothing in particular.
    Plain,
    /// A mark or a verdict of something that goes through.
    Good,
    /// A mark or a verdict of something to know, or not known.
    Caution,
    /// A mark or a verdict of something that ends the request.
    Bad,
    /// The head of a block.
    Heading,
    /// A Kubernetes object's name.
    Object,
    /// A command to copy.
    Command,
    /// The number of a piece of evidence.
    Reference,
    /// What was never reached.
    Unreached,
}

impl Theme {
    /// The same in color.
    #[must_use]
    pub fn colored(self) -> Self {
        Self { paint: Paint::Color, ..self }
    }

    /// The same with marks that every terminal and every ticket can show.
    #[must_use]
    pub fn ascii(self) -> Self {
        Self { glyphs: Glyphs::Ascii, ..self }
    }

    /// The same for a terminal, which must not be steered by a value.
    #[must_use]
    pub fn on_terminal(self) -> Self {
        Self { reader: Reader::Terminal, ..self }
    }

    /// A value by itself: as it is for a program.
    pub(super) fn value(&self, value: &str) -> String {
        match self.reader {
            Reader::Program => value.to_owned(),
            Reader::Terminal => shown(value).into_owned(),
        }
    }

    /// The glyph of a step.
    pub(super) fn mark(&self, mark: Mark) -> &'static str {
        let (unicode, ascii) = match mark {
            Mark::Passed => ("✓", "+"),
            Mark::Warned => ("!", "!"),
            Mark::Stopped => ("✗", "x"),
            Mark::NotReached => ("·", "."),
            Mark::Unknown => ("?", "?"),
        };
        self.glyph(unicode, ascii)
    }

    /// What stands for things that are not shown.
    pub(super) fn ellipsis(&self) -> &'static str {
        self.glyph("…", "...")
    }

    /// A text in which names are shortened by an ellipsis.
    pub(super) fn shortened<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.glyphs {
            Glyphs::Unicode => Cow::Borrowed(text),
            Glyphs::Ascii => Cow::Owned(text.replace('\u{2026}', "...")),
        }
    }

    /// What stands between what is and what should be.
    pub(super) fn arrow(&self) -> &'static str {
        self.glyph("\u{2192}", "->")
    }

    /// The text as its role looks.
    pub(super) fn paint(&self, role: Role, text: &str) -> String {
        match self.paint {
            Paint::Plain => text.to_owned(),
            Paint::Color => painted(role, text),
        }
    }

    fn glyph(&self, unicode: &'static str, ascii: &'static str) -> &'static str {
        match self.glyphs {
            Glyphs::Unicode => unicode,
            Glyphs::Ascii => ascii,
        }
    }
}

impl Role {
    pub(super) fn of_mark(mark: Mark) -> Self {
        match mark {
            Mark::Passed => Self::Good,
            Mark::Warned | Mark::Unknown => Self::Caution,
            Mark::Stopped => Self::Bad,
            Mark::NotReached => Self::Unreached,
        }
    }
}

fn painted(role: Role, text: &str) -> String {
    let styled: ColoredString = match role {
        Role::Plain => return text.to_owned(),
        Role::Good => text.green().bold(),
        Role::Caution => text.yellow().bold(),
        Role::Bad => text.red().bold(),
        Role::Heading => text.bold(),
        Role::Object => text.cyan(),
        Role::Command => text.green(),
        Role::Reference | Role::Unreached => text.dimmed(),
    };
    // `colored` asks the environment whether to color. The theme has decided that already, so it is told: always.
    // Nobody ever tells it the contrary, hence threads cannot disagree.
    control::set_override(true);
    styled.to_string()
}
