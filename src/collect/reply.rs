//! What a GET of an admin endpoint brings, whichever way it goes.

/// What a GET brought.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// Why a GET brought nothing: from the nearest cause to the root.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Failure {
    pub(super) causes: Vec<String>,
    pub(super) hint: Option<String>,
}

impl Failure {
    pub(super) fn new(cause: impl Into<String>) -> Self {
        Self { causes: vec![cause.into()], hint: None }
    }
}
