//! Undoing a `Content-Encoding` without falling for a bomb.
//!
//! A few kilobytes can decode to gigabytes. Up to [`EAGER_BYTES`] a body is decoded straight into memory; a
//! larger one is first decoded into nothing to learn its size, and only then for real. So a bomb costs time
//! that its size limit bounds, and no memory beyond the eager part.

use async_compression::tokio::bufread::{
    BrotliDecoder, DeflateDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder,
};
use async_compression::zstd::DParameter;
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::BodyError;

const EAGER_BYTES: usize = 16 << 20;
const PIECE_BYTES: usize = 64 << 10;
/// RFC 8878 asks decoders for windows up to 8 MiB and lets them refuse larger ones.
const ZSTD_WINDOW_LOG: u32 = 23;

/// The codings that clients use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Zstd,
    Gzip,
    Brotli,
    Deflate,
}

impl Coding {
    /// Reads a header value; `None` is for no coding at all.
    pub(crate) fn parse(value: &str) -> Result<Option<Self>, BodyError> {
        match value.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(None),
            "zstd" => Ok(Some(Self::Zstd)),
            "gzip" | "x-gzip" => Ok(Some(Self::Gzip)),
            "br" => Ok(Some(Self::Brotli)),
            "deflate" => Ok(Some(Self::Deflate)),
            other => Err(BodyError::UnknownCoding(other.chars().take(64).collect())),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
            Self::Brotli => "br",
            Self::Deflate => "deflate",
        }
    }

    fn reader<'a>(self, raw: &'a [u8]) -> Box<dyn AsyncRead + Unpin + Send + 'a> {
        match self {
            Self::Zstd => {
                Box::new(ZstdDecoder::with_params(raw, &[DParameter::window_log_max(ZSTD_WINDOW_LOG)]))
            }
            Self::Gzip => Box::new(GzipDecoder::new(raw)),
            Self::Brotli => Box::new(BrotliDecoder::new(raw)),
            // The name means zlib, yet some senders leave its two-byte header out.
            Self::Deflate if has_zlib_header(raw) => Box::new(ZlibDecoder::new(raw)),
            Self::Deflate => Box::new(DeflateDecoder::new(raw)),
        }
    }
}

fn has_zlib_header(raw: &[u8]) -> bool {
    matches!(raw, [cmf, flags, ..] if cmf & 15 == 8 && (u16::from(*cmf) << 8 | u16::from(*flags)) % 31 == 0)
}

/// Decodes a whole body of at most `limit` bytes.
pub(crate) async fn decode(raw: &[u8], coding: Coding, limit: usize) -> Result<Bytes, BodyError> {
    let eager = limit.min(EAGER_BYTES);
    let mut out = Vec::with_capacity(raw.len().saturating_mul(4).clamp(PIECE_BYTES, eager.max(PIECE_BYTES)));
    let mut reader = coding.reader(raw);
    if read_up_to(&mut reader, eager, coding, |piece| out.extend_from_slice(piece)).await?.is_whole {
        return Ok(out.into());
    }
    drop(out);
    // One byte more than the eager part has been read.
    let too_large = BodyError::TooLarge { limit, decoded: true };
    let Some(left) = limit.checked_sub(eager + 1) else { return Err(too_large) };
    let rest = read_up_to(&mut reader, left, coding, |_| ()).await?;
    if !rest.is_whole {
        return Err(too_large);
    }
    drop(reader);
    let mut out = Vec::with_capacity(eager + 1 + rest.bytes);
    read_up_to(&mut coding.reader(raw), limit, coding, |piece| out.extend_from_slice(piece)).await?;
    Ok(out.into())
}

struct Read {
    bytes: usize,
    is_whole: bool,
}

/// Reads until the end or until more than `limit` bytes came; the surplus is not handed on.
async fn read_up_to(
    reader: &mut (dyn AsyncRead + Unpin + Send),
    limit: usize,
    coding: Coding,
    mut take: impl FnMut(&[u8]),
) -> Result<Read, BodyError> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut bytes = 0;
    loop {
        // Once the limit is reached one more byte tells whether that was the end.
        let wanted = (limit - bytes).clamp(1, PIECE_BYTES);
        let window = piece.get_mut(..wanted).unwrap_or_default();
        let count = reader.read(window).await.map_err(|_| BodyError::Corrupt(coding.name()))?;
        if count == 0 {
            return Ok(Read { bytes, is_whole: true });
        }
        if bytes + count > limit {
            return Ok(Read { bytes, is_whole: false });
        }
        take(window.get(..count).unwrap_or_default());
        bytes += count;
        // Decoding is pure computing: let others have the thread from time to time.
        tokio::task::consume_budget().await;
    }
}

#[cfg(test)]
mod tests;
