//! The streams that connections run over, as one type.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// What leads to the origin: the network, or TLS with a proxy.
pub(super) enum Carrier {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A stream to an upstream, with or without TLS of its own.
pub(super) enum Stream {
    Plain(Carrier),
    Tls(Box<TlsStream<Carrier>>),
}

/// Reading and writing are the stream's that is inside, whichever it is.
macro_rules! either {
    ($($either:ident: $plain:ident or $tls:ident;)*) => {$(
        impl AsyncRead for $either {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                match self.get_mut() {
                    Self::$plain(stream) => Pin::new(stream).poll_read(cx, buffer),
                    Self::$tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buffer),
                }
            }
        }

        impl AsyncWrite for $either {
            fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
                match self.get_mut() {
                    Self::$plain(stream) => Pin::new(stream).poll_write(cx, bytes),
                    Self::$tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, bytes),
                }
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                slices: &[io::IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                match self.get_mut() {
                    Self::$plain(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
                    Self::$tls(stream) => Pin::new(stream.as_mut()).poll_write_vectored(cx, slices),
                }
            }

            fn is_write_vectored(&self) -> bool {
                match self {
                    Self::$plain(stream) => stream.is_write_vectored(),
                    Self::$tls(stream) => stream.is_write_vectored(),
                }
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                match self.get_mut() {
                    Self::$plain(stream) => Pin::new(stream).poll_flush(cx),
                    Self::$tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
                }
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                match self.get_mut() {
                    Self::$plain(stream) => Pin::new(stream).poll_shutdown(cx),
                    Self::$tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
                }
            }
        }
    )*};
}

either! {
    Carrier: Tcp or Tls;
    Stream: Plain or Tls;
}
