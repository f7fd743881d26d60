//! The hand-shake with an HTTP proxy: CONNECT (RFC 9110, 9.3.6).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hub_types::ProxyLogin;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::super::error::{ConnectError, ProxyFailure};
use super::Target;

/// Of the head of a proxy's answer.
const MAX_HEAD: usize = 16 << 10;
const MAX_HEADERS: usize = 64;

/// Asks for a tunnel to the target and reads the answer.
pub(super) async fn shake_hands(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    target: Target<'_>,
    login: Option<&ProxyLogin>,
) -> Result<(), ConnectError> {
    let authority = match target {
        Target::Name(origin) => origin.authority(),
        Target::Address(address) => address.to_string(),
    };
    let mut request = format!("CONNECT {authority} HTTP/1.1\r\nhost: {authority}\r\n");
    if let Some(ProxyLogin { user, password }) = login {
        let pair = [user.as_slice(), b":", password].concat();
        request.push_str("proxy-authorization: Basic ");
        BASE64_STANDARD.encode_string(pair, &mut request);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    super::write(stream, request.as_bytes()).await?;
    judge(read_status(stream).await?)
}

fn judge(status: u16) -> Result<(), ConnectError> {
    match status {
        200..=299 => Ok(()),
        // Some programs say 401 of a wrong login.
        401 | 407 => Err(ProxyFailure::Login.into()),
        // That's how proxies say that they tried and did not get there.
        500..=599 => Err(ConnectError::Unreachable(format!("it answered {status}"))),
        _ => Err(ProxyFailure::Refused(format!("it answered {status}")).into()),
    }
}

/// The status of the answer. The origin says nothing before it is spoken to, so that a byte after the head of
/// a good answer is no byte of the origin's.
async fn read_status(stream: &mut (impl AsyncRead + Unpin)) -> Result<u16, ProxyFailure> {
    const NOT_HTTP: ProxyFailure = ProxyFailure::Malformed("HTTP");
    let mut head = Vec::with_capacity(1024);
    loop {
        let mut piece = [0; 1024];
        let read = stream.read(&mut piece).await.map_err(|_| ProxyFailure::Closed)?;
        if read == 0 {
            return Err(if head.is_empty() { ProxyFailure::Closed } else { NOT_HTTP });
        }
        head.extend_from_slice(piece.get(..read).unwrap_or_default());
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let parsed = response.parse(&head).map_err(|_| NOT_HTTP)?;
        match (parsed, response.code) {
            (httparse::Status::Complete(length), Some(status)) => {
                let is_clean = length == head.len() || !(200..300).contains(&status);
                return if is_clean { Ok(status) } else { Err(NOT_HTTP) };
            }
            _ if head.len() > MAX_HEAD => return Err(NOT_HTTP),
            _ => {}
        }
    }
}
