//! Request bodies in the codings that clients use, broken ones, large ones, and bombs.

use async_compression::tokio::bufread::{
    BrotliEncoder, DeflateEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder,
};
use hub_types::Dialect;
use tokio::io::AsyncReadExt;

use crate::harness::child;
use crate::harness::client::{Reply, Request};
use crate::harness::sha256;
use crate::harness::speech;
use crate::harness::world::World;

/// Every coding by a name for messages, the name on the wire, and the encoded bytes.
async fn encodings(plain: &[u8]) -> Vec<(&'static str, &'static str, Vec<u8>)> {
    async fn all(mut reader: impl tokio::io::AsyncRead + Unpin) -> Vec<u8> {
        let mut out = Vec::new();
        reader.read_to_end(&mut out).await.unwrap();
        out
    }
    vec![
        ("zstd", "zstd", all(ZstdEncoder::new(plain)).await),
        ("gzip", "gzip", all(GzipEncoder::new(plain)).await),
        ("brotli", "br", all(BrotliEncoder::new(plain)).await),
        ("zlib", "deflate", all(ZlibEncoder::new(plain)).await),
        ("raw deflate", "deflate", all(DeflateEncoder::new(plain)).await),
    ]
}

async fn send(world: &World, dialect: Dialect, coding: &str, body: Vec<u8>, id: &str) -> Reply {
    Request::post(speech::path(dialect, false), body)
        .key(&world.key.text)
        .header("content-encoding", coding)
        .lab_id(id)
        .send(world.address())
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_coding_arrives_decoded() {
    let world = World::start().await;
    for dialect in [Dialect::Responses, Dialect::Claude, Dialect::Gemini] {
        let plain = speech::body_of(dialect, false, 300_000);
        for (name, coding, encoded) in encodings(plain.as_bytes()).await {
            let id = format!("{dialect} {name}");
            assert!(encoded.len() < plain.len());
            let reply = send(&world, dialect, coding, encoded, &id).await;
            assert_eq!(reply.status, 200, "{id}: {}", reply.text());
            let seen = world.witnessed(&id).await;
            assert_eq!(seen.request_sha256, Some(sha256(plain.as_bytes())), "{id}");
            assert_eq!(seen.header("content-encoding"), None, "{id}");
            assert_eq!(seen.header("accept-encoding"), Some("identity"), "{id}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn corrupt_unknown_and_oversized_bodies_are_refused_in_the_callers_dialect() {
    let world = World::with(&[("MAX_REQUEST_BYTES", "200000")]).await;
    let (small, large) = (b"{\"model\":\"m\"}".repeat(500), vec![b' '; 300_000]);
    for dialect in Dialect::ALL {
        for (name, coding, mut encoded) in encodings(&small).await {
            encoded.truncate(encoded.len() / 2);
            let reply = send(&world, dialect, coding, encoded, name).await;
            is_error(dialect, &reply, 400, name);
            let reply = send(&world, dialect, coding, b"\x07\x07 this is none of them".to_vec(), name).await;
            is_error(dialect, &reply, 400, name);
        }
        for coding in ["compress", "gzip, gzip", "snappy"] {
            let reply = send(&world, dialect, coding, small.clone(), coding).await;
            is_error(dialect, &reply, 415, coding);
        }
        for (name, coding, encoded) in encodings(&large).await {
            assert!(encoded.len() < 200_000, "only the decoded size is too large");
            is_error(dialect, &send(&world, dialect, coding, encoded, name).await, 413, name);
        }
        for coding in ["identity", "gzip", "zstd"] {
            is_error(dialect, &send(&world, dialect, coding, large.clone(), coding).await, 413, coding);
        }
    }
    assert_eq!(world.lab.witness().totals().received, 0, "no provider was asked");
}

fn is_error(dialect: Dialect, reply: &Reply, status: u16, case: &str) {
    assert_eq!(reply.status, status, "{dialect} {case}: {}", reply.text());
    let (body, at) = (reply.json(), format!("{dialect} {case}"));
    let error = &body["error"];
    match dialect {
        Dialect::Claude => {
            assert_eq!(body["type"], "error", "{at}");
            assert_eq!(body["request_id"], reply.id(), "{at}");
            let kind = if status == 413 { "request_too_large" } else { "invalid_request_error" };
            assert_eq!(error["type"], kind, "{at}");
        }
        Dialect::OpenAi | Dialect::Responses => {
            assert_eq!(error["type"], "invalid_request_error", "{at}");
            assert!(error["param"].is_null() && error["code"].is_string(), "{at}");
        }
        Dialect::Gemini | Dialect::GeminiCli => {
            assert_eq!(error["code"], status, "{at}");
            assert_eq!(error["status"], "INVALID_ARGUMENT", "{at}");
        }
    }
    assert!(!error["message"].as_str().unwrap().is_empty(), "{at}");
}

/// What a bomb decodes to.
const GIBIBYTE: usize = 1 << 30;

/// A gibibyte of spaces in 32 KB: blocks of 128 KiB that say "this byte, so many times".
fn zstd_bomb() -> Vec<u8> {
    const BLOCK: usize = 128 << 10;
    // Magic number, no flags, a window of 8 MiB.
    let mut bomb = vec![0x28, 0xB5, 0x2F, 0xFD, 0x00, 13 << 3];
    let blocks = GIBIBYTE / BLOCK;
    for block in 1..=blocks {
        let header = u32::try_from(BLOCK).unwrap() << 3 | 1 << 1 | u32::from(block == blocks);
        bomb.extend_from_slice(&header.to_le_bytes()[..3]);
        bomb.push(b' ');
    }
    bomb
}

/// A gibibyte of spaces in gzip: one deflate block of a mebibyte, flushed to a whole byte, again and again.
async fn gzip_bomb() -> Vec<u8> {
    use async_compression::tokio::write::DeflateEncoder;
    repeated(DeflateEncoder::new(Vec::new()), |encoder| encoder.get_ref().len(), DeflateEncoder::into_inner)
        .await
        .map(|chunks| [&[0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255], chunks.as_slice()].concat())
        .unwrap()
}

/// The same in brotli.
async fn brotli_bomb() -> Vec<u8> {
    use async_compression::tokio::write::BrotliEncoder;
    repeated(BrotliEncoder::new(Vec::new()), |encoder| encoder.get_ref().len(), BrotliEncoder::into_inner)
        .await
        .unwrap()
}

/// Encodes a few mebibytes, each flushed, and repeats the last until there is a gibibyte.
async fn repeated<E: tokio::io::AsyncWrite + Unpin>(
    mut encoder: E,
    length: impl Fn(&E) -> usize,
    into_inner: impl Fn(E) -> Vec<u8>,
) -> Option<Vec<u8>> {
    use tokio::io::AsyncWriteExt;
    let mebibyte = vec![b' '; 1 << 20];
    let mut ends = Vec::new();
    for _ in 0..4 {
        encoder.write_all(&mebibyte).await.ok()?;
        encoder.flush().await.ok()?;
        ends.push(length(&encoder));
    }
    let mut bomb = into_inner(encoder);
    bomb.truncate(ends[3]);
    let last = bomb[ends[2]..].to_vec();
    assert_eq!(last, bomb[ends[1]..ends[2]], "the chunks do not depend on what was before");
    for _ in 4..GIBIBYTE >> 20 {
        bomb.extend_from_slice(&last);
    }
    Some(bomb)
}

/// The most memory that this process ever had, in KiB.
fn high_water() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

const DIRECTORY: &str = "HUB_TEST_BOMBS";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bombs_are_refused_within_64_mebibytes() {
    // Made here: making them takes more memory than the hub may take to look at them.
    let directory = tempfile::tempdir().unwrap();
    for (coding, bomb) in [("zstd", zstd_bomb()), ("gzip", gzip_bomb().await), ("br", brotli_bomb().await)] {
        assert!(bomb.len() < 2 << 20, "{coding}: {} bytes are no bomb", bomb.len());
        std::fs::write(directory.path().join(coding), bomb).unwrap();
    }
    let path = directory.path().to_str().unwrap().to_owned();
    let run = move || child::run("encodings::bombs_in_a_process_of_their_own", &[(DIRECTORY, &path)]);
    tokio::task::spawn_blocking(run).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bombs_in_a_process_of_their_own() {
    if !child::is_child() {
        return;
    }
    let world = World::start().await;
    let plain = speech::body_of(Dialect::Claude, false, 100_000).into_bytes();
    assert_eq!(send(&world, Dialect::Claude, "identity", plain, "warm").await.status, 200);
    let directory = std::path::PathBuf::from(std::env::var_os(DIRECTORY).unwrap());
    let before = high_water();
    for coding in ["zstd", "gzip", "br"] {
        let bomb = std::fs::read(directory.join(coding)).unwrap();
        let reply = send(&world, Dialect::Claude, coding, bomb, coding).await;
        is_error(Dialect::Claude, &reply, 413, coding);
        assert!(reply.text().contains("once decoded"), "{coding}: {}", reply.text());
        let growth = high_water() - before;
        assert!(growth < 64 << 10, "{coding}: {growth} KiB more");
        println!("{coding}: {growth} KiB");
    }
    assert!(high_water() - before > 4 << 10, "the measure shows what decoding takes");
}
