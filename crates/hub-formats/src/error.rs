//! What went wrong, in every vendor's words: the one place that knows them. Upstreams' errors are read here, and
//! those that clients get are written, whoever is to blame. Which status and which code of the hub's own an error
//! has is not decided here.

mod body;
mod failure;
mod kind;

pub use body::{ErrorBody, error_frame};
pub use failure::{Failure, read_failure, render_failure};
pub use kind::ErrorKind;
