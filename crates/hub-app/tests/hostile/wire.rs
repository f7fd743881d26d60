//! A client that sends any bytes and takes apart whatever comes back.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// However bad a request: by then it is answered or its connection is closed.
pub(crate) const WATCHDOG: Duration = Duration::from_secs(5);
/// An incomplete request gets no answer; after this time the client gives up sending.
const HESITATION: Duration = Duration::from_millis(150);

/// How long a client stays once it is answered.
const AFTERTHOUGHT: Duration = Duration::from_millis(15);

/// One answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Lower-case names.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The framing says that the body is all there.
    pub(crate) is_whole: bool,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// All that came back on a connection.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) answers: Vec<Answer>,
    /// Bytes that are no HTTP answer.
    pub(crate) garbage: Vec<u8>,
    /// Neither answered nor closed in time.
    pub(crate) hung: bool,
    /// The client ended its side before the first answer was there.
    pub(crate) gave_up: bool,
}

/// Connects from a loopback address that nobody used lately: the hub slows down addresses that send wrong
/// keys, and garbled keys are wrong keys.
pub(crate) async fn connect(to: SocketAddr) -> TcpStream {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed) % 60_000;
    let from = Ipv4Addr::from(u32::from(Ipv4Addr::new(127, 1, 0, 1)) + number);
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((from, 0))).unwrap();
    timeout(WATCHDOG, socket.connect(to)).await.expect("no connection in time").unwrap()
}

/// Sends `bytes`, waits a little for an answer, then ends its side and reads to the end.
pub(crate) async fn exchange(to: SocketAddr, bytes: &[u8]) -> Exchange {
    exchange_within(to, bytes, HESITATION).await
}

/// The same for a good request, which gets an answer however long it takes.
pub(crate) async fn exchange_patiently(to: SocketAddr, bytes: &[u8]) -> Exchange {
    exchange_within(to, bytes, WATCHDOG).await
}

async fn exchange_within(to: SocketAddr, bytes: &[u8], hesitation: Duration) -> Exchange {
    let (mut reading, mut writing) = connect(to).await.into_split();
    let mut wire = Vec::new();
    let mut gave_up = false;
    let talk = async {
        let send = async {
            // A hub that has heard enough closes: writing on fails then, and that is fine.
            let _ = writing.write_all(bytes).await;
            tokio::time::Instant::now() + hesitation
        };
        tokio::pin!(send);
        let mut give_up_at = None;
        let mut piece = vec![0; 16 << 10];
        while give_up_at.is_none() || !first_is_complete(&wire) {
            tokio::select! {
                sent = &mut send, if give_up_at.is_none() => give_up_at = Some(sent),
                read = reading.read(&mut piece) => match read {
                    Ok(count @ 1..) => wire.extend_from_slice(&piece[..count]),
                    _ => return,
                },
                () = tokio::time::sleep_until(give_up_at.unwrap_or_else(far)), if give_up_at.is_some() => {
                    gave_up = true;
                    break;
                }
            }
        }
        if !gave_up {
            // Whatever is behind the first request gets its chance.
            tokio::time::sleep(AFTERTHOUGHT).await;
        }
        let _ = writing.shutdown().await;
        while let Ok(count @ 1..) = reading.read(&mut piece).await {
            wire.extend_from_slice(&piece[..count]);
        }
    };
    let hung = timeout(WATCHDOG, talk).await.is_err();
    let (answers, garbage) = take_apart(&wire, true);
    Exchange { answers, garbage, hung, gave_up }
}

fn far() -> tokio::time::Instant {
    tokio::time::Instant::now() + WATCHDOG
}

fn first_is_complete(wire: &[u8]) -> bool {
    take_apart(wire, false).0.iter().any(|answer| answer.is_whole && answer.status >= 200)
}

/// Splits what came into answers; what is left over is no HTTP. `is_end`: nothing more will come.
pub(crate) fn take_apart(mut wire: &[u8], is_end: bool) -> (Vec<Answer>, Vec<u8>) {
    let mut answers = Vec::new();
    while !wire.is_empty() {
        let Some((mut answer, rest)) = head(wire) else { return (answers, wire.to_vec()) };
        wire = body(&mut answer, rest, is_end);
        answers.push(answer);
    }
    (answers, Vec::new())
}

fn head(wire: &[u8]) -> Option<(Answer, &[u8])> {
    let end = wire.windows(4).position(|window| window == b"\r\n\r\n")?;
    let text: String = wire[..end].iter().map(|byte| char::from(*byte)).collect();
    let mut lines = text.split("\r\n");
    let mut start = lines.next()?.splitn(3, ' ');
    let version = start.next()?;
    let digits = start.next()?;
    let is_status = digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !matches!(version, "HTTP/1.1" | "HTTP/1.0") || !is_status {
        return None;
    }
    let mut headers = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let is_clean = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_graphic())
            && !value.contains(['\r', '\n', '\0']);
        if !is_clean {
            return None;
        }
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let answer = Answer { status: digits.parse().ok()?, headers, body: Vec::new(), is_whole: false };
    Some((answer, &wire[end + 4..]))
}

/// Reads the body into `answer` and returns what follows it.
fn body<'a>(answer: &mut Answer, rest: &'a [u8], is_end: bool) -> &'a [u8] {
    if answer.status < 200 || answer.status == 204 || answer.status == 304 {
        answer.is_whole = true;
        return rest;
    }
    let is_chunked = answer.header("transfer-encoding").is_some_and(|value| value == "chunked");
    let length = answer.header("content-length").map(|value| {
        value.parse::<usize>().unwrap_or_else(|_| panic!("a length that is none: {:?}", answer.headers))
    });
    assert!(!(is_chunked && length.is_some()), "two framings at once: {:?}", answer.headers);
    let lengths = answer.headers.iter().filter(|(name, _)| name == "content-length").count();
    assert!(lengths <= 1, "more than one length: {:?}", answer.headers);
    if is_chunked {
        let (body, whole, rest) = chunks(rest);
        (answer.body, answer.is_whole) = (body, whole);
        return rest;
    }
    let Some(length) = length else {
        (answer.body, answer.is_whole) = (rest.to_vec(), is_end);
        return &[];
    };
    answer.is_whole = rest.len() >= length;
    let (body, rest) = rest.split_at(length.min(rest.len()));
    answer.body = body.to_vec();
    rest
}

fn chunks(mut rest: &[u8]) -> (Vec<u8>, bool, &[u8]) {
    let mut body = Vec::new();
    loop {
        let Some(line) = rest.windows(2).position(|window| window == b"\r\n") else {
            return (body, false, &[]);
        };
        let size = std::str::from_utf8(&rest[..line]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap_or_else(|_| panic!("chunk size {size:?}"));
        rest = &rest[line + 2..];
        if rest.len() < size + 2 {
            body.extend_from_slice(&rest[..size.min(rest.len())]);
            return (body, false, &[]);
        }
        body.extend_from_slice(&rest[..size]);
        rest = &rest[size + 2..];
        if size == 0 {
            return (body, true, rest);
        }
    }
}
