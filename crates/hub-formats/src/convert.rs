//! From one dialect into another: requests on their way to a provider, answers on their way back.
//!
//! `docs/conversion.md` tells how the parts fit. What passes in its own dialect never comes here.

mod answer;
mod chat;
mod claude;
mod context;
mod count;
mod facts;
mod fields;
mod gemini;
mod history;
mod ids;
mod ir;
pub(crate) mod json;
mod level;
mod loss;
mod names;
mod opaque;
mod openai;
mod plan;
mod refusal;
mod request;
mod responses;
mod schema;
pub(crate) mod tape;
mod target;

pub use crate::error::{Failure, read_failure, render_failure};
pub use answer::{Converter, End, Status};
pub use count::{convert_count, read_count, render_count};
pub use facts::{FactOverrides, ModelFacts, ModelOverride, ThinkingStyle};
pub use level::Level;
pub use loss::{Loss, LossClass, LossReport};
pub use plan::AnswerPlan;
pub use refusal::Refusal;
pub use request::{Converted, SignatureStash, Source, convert_request, convert_request_with};
pub use target::{Instructions, Options, Target};
