//! What one exchange on a kept plain connection costs: `cargo run --example direct -- 20000`. The provider is
//! a thread that answers whatever comes with the same bytes.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use anyhow::Context;
use bytes::Bytes;
use http::Request;

use hub_http::{Origin, UpstreamClient, UpstreamSettings, tls_client_config};

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\nok";

fn answer(mut socket: TcpStream) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let mut buffer = [0; 4096];
    while socket.read(&mut buffer)? > 0 {
        socket.write_all(ANSWER)?;
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let rounds: u32 = std::env::args().nth(1).as_deref().unwrap_or("20000").parse()?;
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok().context("a TLS provider is set")?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let origin = Origin::new(false, "127.0.0.1", listener.local_addr()?.port());
    std::thread::spawn(move || listener.accept().and_then(|(socket, _)| answer(socket)));
    let client = UpstreamClient::new(UpstreamSettings::new(tls_client_config()));
    let start = Instant::now();
    for _ in 0..rounds {
        let request = Request::post("/v1/any").header("host", "h").body(Bytes::from_static(b"body"))?;
        let mut response = client.send(&origin, request).await?;
        while let Some(piece) = response.body.next().await {
            piece?;
        }
    }
    let micros = start.elapsed().as_secs_f64() * 1e6 / f64::from(rounds);
    writeln!(std::io::stdout(), "{micros:.1} µs an exchange")?;
    Ok(())
}
