//! A client that sends bytes and reads what comes back.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const BOUND: Duration = Duration::from_secs(5);

pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        Self(TcpStream::connect(to).await.unwrap())
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Everything until the server closes.
    pub(crate) async fn read_to_end(&mut self) -> String {
        let mut all = Vec::new();
        let reading = async {
            // A reset is an end, too.
            while let Ok(1..) = self.0.read_buf(&mut all).await {}
        };
        timeout(BOUND, reading).await.expect("the server does not close");
        String::from_utf8(all).unwrap()
    }

    /// Reads until `end` has come.
    pub(crate) async fn read_until(&mut self, end: &str) -> String {
        let mut all = Vec::new();
        let reading = async {
            while !all.ends_with(end.as_bytes()) {
                let read = self.0.read_buf(&mut all).await.unwrap();
                assert!(read > 0, "closed after {:?}", String::from_utf8_lossy(&all));
            }
        };
        timeout(BOUND, reading).await.unwrap_or_else(|_| panic!("no {end:?}"));
        String::from_utf8(all).unwrap()
    }
}

/// Sends `bytes` and reads until the server closes.
pub(crate) async fn once(to: SocketAddr, bytes: impl AsRef<[u8]>) -> String {
    let mut client = Client::connect(to).await;
    client.send(bytes).await;
    client.read_to_end().await
}
