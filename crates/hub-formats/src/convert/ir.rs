//! The intermediate representation: what a request says, and what an answer does, in no vendor's words.
//!
//! Texts are borrowed from the client's body where they can be. Numbers stay as written.

mod request;
mod tool;
mod turn;

pub(crate) use request::{Output, Request, Thinking};
pub(crate) use tool::{Allowed, CallForm, Choice, Custom, Hosted, Tool};
pub(crate) use turn::{Kind, Media, Part, Role, Source, Turn};
