//! Reading a request's body: whole, bounded in size and in time, decoded.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use http_body_util::BodyExt;
use thiserror::Error;
use tokio::time::Instant;

use crate::decode::{self, Coding};

/// Bounds on a request's body.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// Bytes, compressed and decoded alike.
    pub max_bytes: usize,
    /// How long a body may take before the minimum rate applies.
    pub grace: Duration,
    /// Bytes per second that a body must keep up after the grace.
    pub min_rate: u64,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self { max_bytes: 100 << 20, grace: Duration::from_secs(30), min_rate: 1024 }
    }
}

/// Why a body was not read.
#[derive(Debug, Error)]
pub enum BodyError {
    /// Larger than allowed.
    #[error("the request body is larger than {limit} bytes{}", if *.decoded { " once decoded" } else { "" })]
    TooLarge {
        /// The bound.
        limit: usize,
        /// Was it the decoded size?
        decoded: bool,
    },
    /// The bytes are not what `Content-Encoding` says.
    #[error("the request body is not valid {0}")]
    Corrupt(&'static str),
    /// A coding that the hub doesn't know.
    #[error("content encoding `{0}` is not supported: use zstd, gzip, br, deflate or none")]
    UnknownCoding(String),
    /// Slower than allowed.
    #[error("the request body came in too slowly")]
    TooSlow,
    /// The client hung up, or broke the framing.
    #[error("the request body ended early")]
    Broken,
}

/// Reads a body into one piece of memory and undoes its `Content-Encoding`.
///
/// A body that arrives in one piece is not copied.
pub async fn read_body<B>(headers: &HeaderMap, mut body: B, limits: BodyLimits) -> Result<Bytes, BodyError>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let coding = match headers.get(CONTENT_ENCODING) {
        None => None,
        Some(name) => Coding::parse(name.to_str().unwrap_or("?"))?,
    };
    let raw = read_raw(&mut body, limits).await?;
    match coding {
        None => Ok(raw),
        Some(coding) => decode::decode(&raw, coding, limits.max_bytes).await,
    }
}

async fn read_raw<B>(body: &mut B, limits: BodyLimits) -> Result<Bytes, BodyError>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let too_large = BodyError::TooLarge { limit: limits.max_bytes, decoded: false };
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limits.max_bytes {
        return Err(too_large);
    }
    let started = Instant::now();
    let mut gathered = Gathered::Nothing;
    loop {
        let earned = Duration::from_secs(gathered.len() as u64 / limits.min_rate.max(1));
        let frame = tokio::time::timeout_at(started + limits.grace + earned, body.frame())
            .await
            .map_err(|_| BodyError::TooSlow)?;
        let Some(frame) = frame else { return Ok(gathered.finish()) };
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        if gathered.len() + data.len() > limits.max_bytes {
            return Err(too_large);
        }
        gathered = gathered.push(data, announced);
    }
}

/// What has come of a body so far. One piece stays as it is.
enum Gathered {
    Nothing,
    One(Bytes),
    Many(BytesMut),
}

impl Gathered {
    fn len(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::One(bytes) => bytes.len(),
            Self::Many(bytes) => bytes.len(),
        }
    }

    fn push(self, data: Bytes, announced: usize) -> Self {
        match self {
            Self::Nothing => Self::One(data),
            Self::One(first) => {
                let least = first.len() + data.len();
                // What is announced is believed only up to a point: memory is for bytes that came.
                let mut all = BytesMut::with_capacity(announced.clamp(least, least.max(1 << 20)));
                all.extend_from_slice(&first);
                all.extend_from_slice(&data);
                Self::Many(all)
            }
            Self::Many(mut all) => {
                all.extend_from_slice(&data);
                Self::Many(all)
            }
        }
    }

    fn finish(self) -> Bytes {
        match self {
            Self::Nothing => Bytes::new(),
            Self::One(bytes) => bytes,
            Self::Many(bytes) => bytes.freeze(),
        }
    }
}
