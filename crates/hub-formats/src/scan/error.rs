//! Why a body is not a request.

use thiserror::Error;

/// The body is not one well-formed JSON object. The offset counts bytes from the start of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the request body is not valid JSON: {kind} at byte {offset}")]
pub struct ScanError {
    /// What is wrong.
    pub kind: ScanErrorKind,
    /// Where.
    pub offset: usize,
}

/// What is wrong with a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ScanErrorKind {
    /// It stops in the middle.
    #[error("it ends too early")]
    UnexpectedEnd,
    /// It is JSON, but not an object.
    #[error("an object was expected")]
    NotAnObject,
    /// A member name was expected.
    #[error("a member name in double quotes was expected")]
    ExpectedKey,
    /// A colon was expected.
    #[error("a colon was expected")]
    ExpectedColon,
    /// A comma or the end of the object or list was expected.
    #[error("a comma or a closing bracket was expected")]
    ExpectedCommaOrEnd,
    /// A value was expected.
    #[error("a value was expected")]
    ExpectedValue,
    /// `nul`, `True`, …
    #[error("an unknown word stands")]
    BadLiteral,
    /// `01`, `1.`, `+1`, …
    #[error("a malformed number stands")]
    BadNumber,
    /// A backslash followed by something that JSON has no escape for.
    #[error("an unknown escape stands")]
    BadEscape,
    /// A control character inside a string; it has to be escaped.
    #[error("an unescaped control character stands")]
    ControlCharacter,
    /// Not UTF-8.
    #[error("a byte that is not UTF-8 stands")]
    InvalidUtf8,
    /// More levels of objects and lists than any client needs.
    #[error("objects and lists are nested too deeply (more than {max} levels)", max = crate::scan::MAX_DEPTH)]
    TooDeep,
    /// Something follows the object.
    #[error("something follows the object")]
    TrailingData,
}
