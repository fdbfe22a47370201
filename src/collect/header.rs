//! What an HTTP header takes: tokens and names come from files and programs of others.

use http::HeaderValue;

/// What is wrong with text that no header takes.
pub(super) const NO_HEADER: &str = "it holds a character that no HTTP header takes, such as a line break";

/// Whether a header takes this text.
pub(super) fn is_header(text: &str) -> bool {
    HeaderValue::from_str(text).is_ok()
}
