use async_compression::tokio::write::{BrotliEncoder, DeflateEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
use tokio::io::AsyncWriteExt;

use super::{Coding, EAGER_BYTES, decode};
use crate::BodyError;

macro_rules! compress {
    ($encoder:ident, $text:expr) => {{
        let mut encoder = $encoder::new(Vec::new());
        encoder.write_all($text).await.unwrap();
        encoder.shutdown().await.unwrap();
        encoder.into_inner()
    }};
}

fn text(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|index| u8::try_from(index * index % 251).unwrap()).collect()
}

#[tokio::test]
async fn every_coding_gives_the_original_back_below_and_above_the_eager_part() {
    for bytes in [0, 1, 1000, EAGER_BYTES - 1, EAGER_BYTES, EAGER_BYTES + 1, EAGER_BYTES + 100_000] {
        let text = text(bytes);
        let packed = compress!(ZstdEncoder, &text);
        assert!(decode(&packed, Coding::Zstd, 100 << 20).await.unwrap() == text, "zstd {bytes}");
        if bytes > 1000 {
            // The seam is the same for all; the others are slow without optimisation.
            continue;
        }
        for (coding, packed) in [
            (Coding::Gzip, compress!(GzipEncoder, &text)),
            (Coding::Deflate, compress!(ZlibEncoder, &text)),
            (Coding::Deflate, compress!(DeflateEncoder, &text)),
        ] {
            let back = decode(&packed, coding, 100 << 20).await.unwrap();
            assert!(back == text, "{coding:?} {bytes}");
        }
    }
    let text = text(200_000);
    let packed = compress!(BrotliEncoder, &text);
    assert!(decode(&packed, Coding::Brotli, 100 << 20).await.unwrap() == text);
}

#[tokio::test]
async fn the_limit_is_exact() {
    for limit in [1000, EAGER_BYTES, EAGER_BYTES + 1, EAGER_BYTES + 5000] {
        for (bytes, fits) in [(limit, true), (limit + 1, false)] {
            let packed = compress!(ZstdEncoder, &text(bytes));
            let result = decode(&packed, Coding::Zstd, limit).await;
            assert_eq!(result.is_ok(), fits, "{bytes} of {limit}");
            assert!(fits || matches!(result, Err(BodyError::TooLarge { decoded: true, .. })));
        }
    }
}

#[tokio::test]
async fn corrupt_and_cut_bodies_are_told_apart_from_large_ones() {
    let packed = compress!(GzipEncoder, &text(5000));
    let cut = packed.split_at(packed.len() / 2).0;
    for bad in [cut, b"not gzip at all".as_slice()] {
        assert!(matches!(decode(bad, Coding::Gzip, 1 << 20).await, Err(BodyError::Corrupt("gzip"))));
    }
}
