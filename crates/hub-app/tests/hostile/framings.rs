//! What can be wrong with a request's head and framing.

use std::fmt::Write as _;

use crate::bodies::Base;
use crate::dice::Dice;

/// A header that only a smuggled request carries: an upstream must never see it.
pub(crate) const SMUGGLED: &str = "x-smuggled";

/// A request hidden behind another one.
fn hidden(base: &Base, key: &str) -> Vec<u8> {
    base.wire(key, &format!("{SMUGGLED}: 1\r\n"))
}

/// A request whose head or framing is wrong in one way or another.
pub(crate) fn mutate(base: &Base, key: &str, dice: &mut Dice) -> Vec<u8> {
    let body = base.body.to_string();
    let length = body.len();
    let with = |framing: &str, body: &[u8]| {
        [format!("{}{framing}\r\n\r\n", base.head(key, "")).as_bytes(), body].concat()
    };
    match dice.below(16) {
        0 => {
            let mut wire = base.wire(key, "x-note: abcdefghijklmnopqrstuvwxyz\r\n");
            let head = wire.len() - length;
            let tail = wire.split_off(head);
            dice.garble(&mut wire);
            [wire, tail].concat()
        }
        1 => {
            let wrong = [length + 7, length - 5, length.saturating_mul(1000), 1, 0];
            with(&format!("content-length: {}", wrong[dice.below(wrong.len())]), body.as_bytes())
        }
        2 => {
            let wrong = [
                "-5",
                "+5",
                "0x10",
                "5, 6",
                "18446744073709551616",
                "99999999999999999999999",
                "",
                "5 5",
                "five",
                "5\r\ncontent-length: 6",
                "1\u{b}0",
            ];
            with(&format!("content-length: {}", dice.pick(&wrong)), body.as_bytes())
        }
        3 | 4 => smuggling(base, key, dice),
        5 => {
            let line = dice.pick(&[
                "x-a: b\r\n folded: c\r\n",
                "x-a : b\r\n",
                "x-a\r\n",
                ": b\r\n",
                " x-a: b\r\n",
                "x-a: b\rx-injected: 1\r\n",
                "x-a: b\0c\r\n",
                "x-a: \u{fc}\r\n",
                "x-a: \x1b[31m\r\n",
                "x(a): b\r\n",
                "x-a: b\r\n\tc\r\n",
                "transfer-encoding : chunked\r\n",
                "x-\u{e9}: b\r\n",
            ]);
            base.wire(key, line)
        }
        6 => String::from_utf8(base.wire(key, "")).unwrap().replace("\r\n", "\n").into_bytes(),
        7 | 8 => chunked(base, key, dice),
        9 => {
            let tail: Vec<u8> = match dice.below(4) {
                0 => dice.bytes(64),
                1 => b"GET\r\n\r\n".to_vec(),
                2 => b"\0\0\0\0".to_vec(),
                _ => b"POST /v1/messages HTTP/1.1\r\nbad header\r\n\r\n".to_vec(),
            };
            [base.wire(key, ""), tail].concat()
        }
        10 => match dice.below(8) {
            0 => base.wire(key, &format!("x-big: {}\r\n", "a".repeat(1 << 20))),
            1 => base.wire(key, &"x-many: 1\r\n".repeat(10_000)),
            2 => base.wire(key, &"x-many: 1\r\n".repeat(101)),
            3 => [b"POST /".as_slice(), &vec![b'a'; 1 << 20], b" HTTP/1.1\r\nhost: hub\r\n\r\n"].concat(),
            4 => base.wire(key, &format!("{}: 1\r\n", "n".repeat(70_000))),
            _ => base.wire(key, &format!("x-large: {}\r\n", "a".repeat(60_000))),
        },
        11 => {
            let line = dice.pick(&[
                "GE T / HTTP/1.1",
                "ASDF /v1/messages HTTP/1.1",
                "CONNECT evil:1 HTTP/1.1",
                "TRACE /v1/messages HTTP/1.1",
                "OPTIONS * HTTP/1.1",
                "POST * HTTP/1.1",
                "POST v1/messages HTTP/1.1",
                "DELETE /v1/responses/x HTTP/1.1",
                "POST /v1/models/..:generateContent HTTP/1.1",
                "POST /v1beta/models/%2e%2e%2f%2e%2e:generateContent HTTP/1.1",
                "POST /v1beta/models/a%0d%0ax-injected:%201:generateContent HTTP/1.1",
                "POST /v1beta/models/%ff%fe:generateContent HTTP/1.1",
                "POST /v1beta/models/%00:generateContent HTTP/1.1",
                "POST /v1/models/:generateContent HTTP/1.1",
                "POST /v1/models/a:b:c HTTP/1.1",
                "POST /v1/../../etc/passwd HTTP/1.1",
                "POST //evil/v1/messages HTTP/1.1",
                "POST /v1/mess ages HTTP/1.1",
                "POST /v1/\u{e9}t\u{e9} HTTP/1.1",
                "POST /v1/messages?key=a&key=b HTTP/1.1",
                "POST /v1/messages?%0d%0ax-injected:1 HTTP/1.1",
                "POST /v1/messages#f HTTP/1.1",
                "POST /v1internal:v1internal:generateContent HTTP/1.1",
                "POST http://evil.example/v1/messages HTTP/1.1",
                "POST http://evil.example HTTP/1.1",
                "POST /%2fv1/messages HTTP/1.1",
                "GET /v1/responses HTTP/1.1",
            ]);
            let wire = String::from_utf8(base.wire(key, "")).unwrap();
            let rest = wire.split_once("\r\n").unwrap().1;
            format!("{line}\r\n{rest}").into_bytes()
        }
        12 => {
            let version =
                dice.pick(&["HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/9.9", "http/1.1", "HTTP/11", "", "X"]);
            String::from_utf8(base.wire(key, "")).unwrap().replacen("HTTP/1.1", version, 1).into_bytes()
        }
        13 => {
            let noise = dice.bytes(300);
            let openings: [&[u8]; 7] = [
                b"GET /\r\n",
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
                b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
                b"\r\n\r\n\r\n\r\n",
                b"",
                b"SSH-2.0-x\r\n",
                &noise,
            ];
            dice.pick(&openings).to_vec()
        }
        14 => {
            let line = dice.pick(&[
                "expect: 100-continue\r\n",
                "expect: something\r\n",
                "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n",
                "connection: x-api-key, host, content-length, transfer-encoding\r\n",
                "connection: close\r\n",
                "host: evil\r\n",
                "x-request-id: mine\r\nx-forwarded-for: 8.8.8.8\r\n",
                "authorization: Bearer another\r\n",
                "trailer: x-smuggled\r\nte: trailers\r\n",
                "accept-encoding: gzip, br;q=nan\r\nrange: bytes=0-1\r\n",
            ]);
            base.wire(key, line)
        }
        _ => {
            // The client goes away somewhere in the middle.
            let mut wire = base.wire(key, "");
            wire.truncate(dice.below(wire.len()));
            wire
        }
    }
}

/// Two framings that lead to two readings: whoever believes the one sees a second request in the other.
fn smuggling(base: &Base, key: &str, dice: &mut Dice) -> Vec<u8> {
    let body = base.body.to_string();
    let hidden = hidden(base, key);
    let chunk = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    // By its chunks the request ends before the hidden one, by its length it contains it.
    let behind_chunks = [chunk.as_bytes(), &hidden].concat();
    let length = format!("content-length: {}\r\n", behind_chunks.len());
    let coding = dice.pick(&[
        "transfer-encoding: chunked\r\n",
        "Transfer-Encoding: Chunked\r\n",
        "transfer-encoding:\tchunked\r\n",
        "transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
        "transfer-encoding: gzip, chunked\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding: chunked\u{b}\r\n",
        "transfer-encoding: \"chunked\"\r\n",
        "transfer_encoding: chunked\r\n",
        "x-a: b\r\n transfer-encoding: chunked\r\n",
        "transfer-encoding\r\n: chunked\r\n",
        "transfer-encoding:\r\n chunked\r\n",
    ]);
    // A name with `_` is no framing at all: there the length alone counts, and what follows it is no secret.
    let ways = if coding.contains('_') { 2 } else { 3 };
    let more = match dice.below(ways) {
        0 => format!("{coding}{length}"),
        1 => format!("{length}{coding}"),
        // By its length the request ends early, and the hidden one follows; the chunks contain it.
        _ => {
            let inside = String::from_utf8_lossy(&hidden).into_owned();
            let chunks = format!("{:x}\r\n{inside}\r\n0\r\n\r\n", inside.len());
            let short = chunks.find('\n').unwrap() + 1;
            let more = format!("content-length: {short}\r\n{coding}\r\n");
            return [base.head(key, &more).as_bytes(), chunks.as_bytes()].concat();
        }
    };
    [format!("{}\r\n", base.head(key, &more)).as_bytes(), &behind_chunks].concat()
}

/// Chunked bodies that are wrong, or right in an unusual way.
fn chunked(base: &Base, key: &str, dice: &mut Dice) -> Vec<u8> {
    let body = base.body.to_string();
    let size = format!("{:x}", body.len());
    let huge_extension = format!("{size};x={}\r\n{body}\r\n0\r\n\r\n", "y".repeat(40_000));
    let trailers = format!("{size}\r\n{body}\r\n0\r\n{SMUGGLED}: 1\r\ncontent-length: 3\r\n\r\n");
    let many_trailers = format!("{size}\r\n{body}\r\n0\r\n{}\r\n", "x-t: 1\r\n".repeat(20_000));
    let mut crumbs = String::new();
    for crumb in body.chars() {
        write!(crumbs, "{:x}\r\n{crumb}\r\n", crumb.len_utf8()).unwrap();
    }
    let chunks = match dice.below(16) {
        0 => format!("zz\r\n{body}\r\n0\r\n\r\n"),
        1 => format!("-{size}\r\n{body}\r\n0\r\n\r\n"),
        2 => format!("\r\n{body}\r\n0\r\n\r\n"),
        3 => format!("FFFFFFFFFFFFFFFFF\r\n{body}\r\n0\r\n\r\n"),
        4 => format!("FFFFFFFFFFFFFFFE\r\n{body}\r\n0\r\n\r\n"),
        5 => format!("0x{size}\r\n{body}\r\n0\r\n\r\n"),
        6 => format!(" {size} \r\n{body}\r\n0\r\n\r\n"),
        7 => format!("{size};a=b;c=\"d\"\r\n{body}\r\n0\r\n\r\n"),
        8 => format!("{size};\n{body}\r\n0\r\n\r\n"),
        9 => format!("{size}\r\n{body}0\r\n\r\n"),
        10 => format!("{size}\r\n{body}\r\n"),
        11 => format!("{size}\n{body}\n0\n\n"),
        12 => huge_extension,
        13 => trailers,
        14 => many_trailers,
        _ => format!("{crumbs}0\r\n\r\n"),
    };
    let head = base.head(key, "transfer-encoding: chunked\r\n\r\n");
    [head.as_bytes(), chunks.as_bytes()].concat()
}
