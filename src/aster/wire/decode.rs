//! Bytes to typed values, with an error that says which kind of wrong they are.

use serde::de::DeserializeOwned;

/// Most letters of a text that is quoted in an error.
const QUOTED: usize = 500;

/// Bytes that are not what was expected. Quotes the beginning of the text, unless it holds a listen key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Nothing at all.
    #[error("the answer is empty")]
    Empty,
    /// A page for people: from a firewall or a load balancer, not from the venue's engine.
    #[error("the answer is a page for people, not JSON: {head}")]
    Html {
        /// Its beginning.
        head: String,
    },
    /// The text ends in the middle.
    #[error("the answer is cut off after {length} bytes: {head}")]
    Truncated {
        /// How much there was.
        length: usize,
        /// Its beginning.
        head: String,
    },
    /// Neither of these, and not JSON.
    #[error("the answer is not JSON ({message}): {head}")]
    NotJson {
        /// What is wrong.
        message: String,
        /// Its beginning.
        head: String,
    },
    /// JSON of another shape, or with a value out of range.
    #[error("the answer is not as documented ({message}): {head}")]
    Shape {
        /// What is wrong, and where.
        message: String,
        /// Its beginning.
        head: String,
    },
}

/// Reads JSON into a type.
///
/// # Errors
/// Says which kind of wrong the bytes are; never panics.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, WireError> {
    serde_json::from_slice(bytes).map_err(|error| explain(bytes, &error))
}

/// What is wrong with bytes that a reader refused.
pub(super) fn explain(bytes: &[u8], error: &serde_json::Error) -> WireError {
    use serde_json::error::Category;
    let first = bytes.iter().copied().find(|byte| !byte.is_ascii_whitespace());
    let (head, message) = (head(bytes), error.to_string());
    match (first, error.classify()) {
        (None, _) => WireError::Empty,
        (Some(b'<'), _) => WireError::Html { head },
        (_, Category::Eof) => WireError::Truncated { length: bytes.len(), head },
        (_, Category::Data) => WireError::Shape { message, head },
        (_, Category::Syntax | Category::Io) => WireError::NotJson { message, head },
    }
}

fn head(bytes: &[u8]) -> String {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(QUOTED * 4)]);
    if head.contains("listenKey") {
        return "(not quoted: it holds a listen key)".to_owned();
    }
    head.chars().take(QUOTED).collect()
}
