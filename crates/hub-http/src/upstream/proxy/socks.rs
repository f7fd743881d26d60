//! The hand-shake with a SOCKS5 proxy (RFC 1928), with user name and password if there are any (RFC 1929).

use std::net::IpAddr;

use hub_types::ProxyLogin;
use tokio::io::{AsyncRead, AsyncWrite};

use super::super::error::{ConnectError, ProxyFailure};
use super::{Target, read_exactly, write};

const VERSION: u8 = 5;
const NO_LOGIN: u8 = 0;
const PASSWORD: u8 = 2;
const CONNECT: u8 = 1;
const NOT_SOCKS: ProxyFailure = ProxyFailure::Malformed("SOCKS5");

/// Logs in and asks for a connection to the target.
pub(super) async fn shake_hands(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    target: Target<'_>,
    login: Option<&ProxyLogin>,
) -> Result<(), ConnectError> {
    log_in(stream, login).await?;
    let mut request = vec![VERSION, CONNECT, 0];
    push_target(&mut request, target).ok_or(ConnectError::Dns)?;
    write(stream, &request).await?;
    let [version, reply, _, kind] = read_exactly(stream).await?;
    if version != VERSION {
        return Err(NOT_SOCKS.into());
    }
    judge(reply)?;
    // The address that the proxy uses interests nobody, but has to be read.
    match kind {
        1 => drop(read_exactly::<6>(stream).await?),
        4 => drop(read_exactly::<18>(stream).await?),
        3 => {
            let [length] = read_exactly(stream).await?;
            for _ in 0..usize::from(length) + 2 {
                read_exactly::<1>(stream).await?;
            }
        }
        _ => return Err(NOT_SOCKS.into()),
    }
    Ok(())
}

async fn log_in(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    login: Option<&ProxyLogin>,
) -> Result<(), ProxyFailure> {
    let greeting: &[u8] =
        if login.is_some() { &[VERSION, 2, NO_LOGIN, PASSWORD] } else { &[VERSION, 1, NO_LOGIN] };
    write(stream, greeting).await?;
    let [version, method] = read_exactly(stream).await?;
    match (version, method, login) {
        (VERSION, NO_LOGIN, _) => Ok(()),
        (VERSION, PASSWORD, Some(login)) => {
            let mut request = vec![1];
            push_short(&mut request, &login.user).ok_or(ProxyFailure::Login)?;
            push_short(&mut request, &login.password).ok_or(ProxyFailure::Login)?;
            write(stream, &request).await?;
            match read_exactly(stream).await? {
                [1, 0] => Ok(()),
                [1, _] => Err(ProxyFailure::Login),
                _ => Err(NOT_SOCKS),
            }
        }
        (VERSION, 0xFF, _) => Err(ProxyFailure::Login),
        _ => Err(NOT_SOCKS),
    }
}

/// `None` if the name is longer than the DNS has any.
fn push_target(request: &mut Vec<u8>, target: Target<'_>) -> Option<()> {
    let (address, port) = match target {
        Target::Address(address) => (Ok(address.ip()), address.port()),
        Target::Name(origin) => (origin.host().parse().map_err(|_| origin.host()), origin.port()),
    };
    match address {
        Ok(IpAddr::V4(ip)) => {
            request.push(1);
            request.extend(ip.octets());
        }
        Ok(IpAddr::V6(ip)) => {
            request.push(4);
            request.extend(ip.octets());
        }
        Err(name) => {
            request.push(3);
            push_short(request, name.as_bytes())?;
        }
    }
    request.extend(port.to_be_bytes());
    Some(())
}

/// A length of one byte and so many bytes; `None` if they are too many.
fn push_short(request: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
    request.push(u8::try_from(bytes.len()).ok()?);
    request.extend(bytes);
    Some(())
}

fn judge(reply: u8) -> Result<(), ConnectError> {
    let unreachable = |why: &str| Err(ConnectError::Unreachable(why.to_owned()));
    let refused = |why: String| Err(ProxyFailure::Refused(why).into());
    match reply {
        0 => Ok(()),
        // Some say this when they don't find the name, others for faults of their own.
        1 => refused("general failure".to_owned()),
        2 => refused("not allowed by its rules".to_owned()),
        3 => unreachable("network unreachable"),
        4 => unreachable("host unreachable"),
        5 => unreachable("connection refused"),
        6 => unreachable("timed out"),
        other => refused(format!("reply {other}")),
    }
}
