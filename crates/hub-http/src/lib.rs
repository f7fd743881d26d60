//! HTTP transport, in and out: the accept loop and its drain, request bodies with their bounds, the upstream
//! client with its pools, proxies and protocols. Nothing here knows what the bytes mean.

mod body;
mod decode;
mod receive;
mod server;
mod tasks;
mod unread;
mod upstream;

pub use body::Body;
pub use receive::{BodyError, BodyLimits, read_body};
pub use server::{Drained, Server, ServerSettings, Service};
pub use tasks::Tasks;
pub use unread::{Lent, Return, discard_body, lend};
pub use upstream::{
    AddressRule, ConnectError, Origin, ProxyFailure, Resolve, Resolving, Route, Sent, UpstreamBody,
    UpstreamClient, UpstreamError, UpstreamResponse, UpstreamSettings, tls_client_config,
};
