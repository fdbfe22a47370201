//! The environment, as far as it is asked: a test gives another.

/// A variable of the environment.
pub(super) type Env<'a> = &'a dyn Fn(&str) -> Option<String>;
