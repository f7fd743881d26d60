//! The gateway: it authenticates a request, chooses a provider, forwards, streams the answer back byte for
//! byte and keeps the account.
//!
//! What it needs comes in through traits ([`Directory`], [`RecordSink`]), so it runs inside any program,
//! without a database. Start reading at `pipeline`.

mod admission;
mod alert;
mod answer;
mod attempt;
mod authenticate;
mod bill;
mod booking;
mod breaker;
mod catalogue;
mod client;
mod content;
mod counting;
mod credentials;
mod directory;
mod docket;
mod error;
mod error_sample;
mod expectation;
mod failure;
mod forward;
mod gateway;
mod headers;
mod keep_alive;
mod last_use;
mod limit;
mod metrics;
mod models;
mod multipart;
mod nobody;
mod outgoing;
mod pick;
mod pipeline;
mod prober;
mod pulse;
mod receive;
mod redact;
mod relay;
mod render;
mod retry;
mod retry_after;
mod room;
mod round;
mod route;
mod running;
mod said;
mod session;
mod shared;
mod sink;
mod throttle;
mod transcript;

pub use alert::{Alert, AlertKind, AlertSink};
pub use catalogue::{Catalogue, CatalogueProblem, CatalogueRules};
pub use client::address as client_address;
pub use directory::{Directory, DirectoryUnavailable, MemoryDirectory};
pub use error::{AccessClosed, Blame, ProxyError, Retry};
pub use error_sample::{ErrorSample, SampleVerdict, SeenByClient};
pub use gateway::{Gateway, GatewayBuilder};
pub use last_use::LastUse;
pub use limit::{LimitKind, LimitReached};
pub use metrics::Metrics;
pub use nobody::Nobody;
pub use prober::{ModelList, ProbeReport, Prober, Unaskable};
pub use shared::GatewayOptions;
pub use sink::{Discard, RecordSink};
