//! Answers that no sane upstream gives.

use std::time::Duration;

use crate::dice::Dice;

/// A header of an answer that nobody asked for: no client may ever see it.
pub(crate) const POISON: &str = "x-poison";

/// One thing that the upstream does.
#[derive(Clone)]
pub(crate) enum Act {
    Send(Vec<u8>),
    /// A byte at a time.
    Trickle {
        bytes: Vec<u8>,
        pause: Duration,
    },
    /// The same over and over.
    Flood {
        bytes: Vec<u8>,
        times: usize,
    },
    /// Nothing, without closing.
    Silence,
    /// The connection is ready for the next request.
    Stay,
    Close,
    Reset,
}

impl std::fmt::Debug for Act {
    /// As short as a report of a failure needs it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let start = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(400)]).into_owned();
        match self {
            Self::Send(bytes) => write!(f, "send {:?} ({})", start(bytes), bytes.len()),
            Self::Trickle { bytes, pause } => write!(f, "trickle {:?} every {pause:?}", start(bytes)),
            Self::Flood { bytes, times } => write!(f, "{times} times {:?}", start(bytes)),
            Self::Silence => f.write_str("silence"),
            Self::Stay => f.write_str("stay"),
            Self::Close => f.write_str("close"),
            Self::Reset => f.write_str("reset"),
        }
    }
}

/// A good answer to a request for `path`.
pub(crate) fn good(path: &str) -> Vec<u8> {
    if path.contains("stream") {
        whole(200, "text/event-stream", good_stream(path).as_bytes())
    } else {
        whole(200, "application/json", good_body(path).as_bytes())
    }
}

fn good_body(path: &str) -> &'static str {
    if path.contains("messages") {
        r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}"#
    } else if path.contains("chat") {
        r#"{"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#
    } else if path.contains("responses") {
        r#"{"id":"r","object":"response","status":"completed","model":"m","output":[{"type":"message","content":[{"type":"output_text","text":"hi"}]}],"usage":{"input_tokens":1,"output_tokens":1}}"#
    } else {
        r#"{"candidates":[{"content":{"parts":[{"text":"hi"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":1}}"#
    }
}

fn good_stream(path: &str) -> String {
    if path.contains("messages") {
        let data = r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}"#;
        format!(
            "event: content_block_delta\ndata: {data}\n\nevent: message_stop\ndata: {{\"type\":\"message_stop\"}}\n\n"
        )
    } else {
        format!("data: {}\n\ndata: [DONE]\n\n", good_body(path))
    }
}

fn head(status: &str, headers: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}")
}

fn whole(status: u16, content_type: &str, body: &[u8]) -> Vec<u8> {
    let headers =
        format!("x-upstream: 1\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n", body.len());
    [head(&format!("{status} Whatever"), &headers).as_bytes(), body].concat()
}

/// Does forged answer `number` begin with the whole head of a success that is no stream?
pub(crate) fn begins_as_success(seed: u64, number: u64, path: &str) -> bool {
    let sent = |act: Act| match act {
        Act::Send(bytes) | Act::Trickle { bytes, .. } => bytes,
        Act::Flood { bytes, times } => bytes.repeat(times),
        _ => Vec::new(),
    };
    let all: Vec<u8> = script(seed, number, path).into_iter().flat_map(sent).collect();
    let text: String = all.iter().map(|byte| char::from(*byte)).collect();
    let is_success = |start: &str| start.starts_with("HTTP/1.") && start[8..].starts_with(" 2");
    text.split("\r\n\r\n")
        .any(|head| is_success(head) && !head.contains("\r\ncontent-type: text/event-stream"))
}

/// Forged answer `number` of a storm.
pub(crate) fn script(seed: u64, number: u64, path: &str) -> Vec<Act> {
    let mut dice = Dice::of_case(seed, number);
    let body = if dice.below(2) == 0 { good_body(path).to_owned() } else { good_stream(path) };
    let content_type = if body.starts_with('{') { "application/json" } else { "text/event-stream" };
    let any_status = [200, 200, 400, 401, 404, 422, 429, 500, 502, 529][dice.below(10)];
    let mut good = whole(any_status, content_type, body.as_bytes());
    let typed = format!("content-type: {content_type}\r\n");
    let with =
        |framing: &str| [head("200 OK", &typed).as_str(), framing, "\r\n\r\n", &body].concat().into_bytes();
    let sent = |bytes: Vec<u8>, dice: &mut Dice| {
        let end = [Act::Close, Act::Reset, Act::Stay][dice.below(3)].clone();
        vec![Act::Send(bytes), end]
    };
    match dice.below(32) {
        0..=3 => {
            dice.garble(&mut good);
            // Whoever is told of more than comes would wait for it.
            vec![Act::Send(good), [Act::Close, Act::Reset][dice.below(2)].clone()]
        }
        4 | 5 => {
            good.truncate(dice.below(good.len()));
            vec![Act::Send(good), [Act::Close, Act::Reset][dice.below(2)].clone()]
        }
        6 | 7 => {
            let line = dice.pick(&[
                "HTTP/1.1",
                "HTTP/1.1 abc OK",
                "HTTP/1.1 20 OK",
                "HTTP/1.1 2000 OK",
                "HTTP/2 200 OK",
                "HTTP/1.0 200 OK",
                "ICY 200 OK",
                "HTTP/1.1 200 \0",
                "200 OK",
                "HTTP/1.1  200 OK",
                "",
                "HTTP/1.1 -200 OK",
                "GET / HTTP/1.1",
                "http/1.1 200 ok",
                "HTTP/1.1 200",
            ]);
            let rest = format!("{line}\r\n{typed}content-length: {}\r\n\r\n{body}", body.len());
            sent(rest.into_bytes(), &mut dice)
        }
        8 | 9 => {
            let wrong = [
                format!("content-length: {}", body.len() + 9),
                format!("content-length: {}", body.len() - 9),
                "content-length: -1".to_owned(),
                "content-length: 99999999999999999999999".to_owned(),
                "content-length: 18446744073709551615".to_owned(),
                "content-length: 5\r\ncontent-length: 6".to_owned(),
                format!("content-length: {0}\r\ncontent-length: {0}", body.len()),
                format!("content-length: {0}, {0}", body.len()),
                "content-length: five".to_owned(),
                "content-length: 0".to_owned(),
                "x-no-length: 1".to_owned(),
            ];
            let wire = with(&wrong[dice.below(wrong.len())]);
            vec![Act::Send(wire), [Act::Close, Act::Reset][dice.below(2)].clone()]
        }
        10 | 11 => {
            let chunk = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
            let framing = dice.pick(&[
                "content-length: 5\r\ntransfer-encoding: chunked",
                "transfer-encoding: chunked\r\ncontent-length: 9999",
                "transfer-encoding: gzip, chunked",
                "transfer-encoding: chunked, chunked",
                "transfer-encoding: xchunked",
                "transfer-encoding: chunked\r\ncontent-length: 5\r\ncontent-length: 6",
            ]);
            let wire = [head("200 OK", &typed).as_str(), framing, "\r\n\r\n", &chunk].concat().into_bytes();
            sent(wire, &mut dice)
        }
        12 | 13 => {
            let chunks = [
                format!("zz\r\n{body}\r\n0\r\n\r\n"),
                format!("-5\r\n{body}\r\n0\r\n\r\n"),
                format!("FFFFFFFFFFFFFFFFF\r\n{body}"),
                format!("{:x}\r\n{body}0\r\n\r\n", body.len()),
                format!("{:x}\r\n{body}\r\n", body.len()),
                format!("{:x};{}\r\n{body}\r\n0\r\n\r\n", body.len(), "x".repeat(40_000)),
                format!("{:x}\r\n{body}\r\n0\r\n{}\r\n", body.len(), "x-t: 1\r\n".repeat(9_000)),
                "0\r\n\r\n".to_owned(),
            ];
            let framing = format!("{typed}transfer-encoding: chunked\r\n\r\n");
            let wire = [head("200 OK", &framing), chunks[dice.below(chunks.len())].clone()].concat();
            vec![Act::Send(wire.into_bytes()), [Act::Close, Act::Reset][dice.below(2)].clone()]
        }
        14 => {
            let opening = Act::Send(head("200 OK", &typed).into_bytes());
            let flood = match dice.below(3) {
                0 => Act::Flood { bytes: vec![b'a'; 1 << 16], times: 16 },
                1 => Act::Flood { bytes: b"x-endless: header\r\n".repeat(4096), times: 64 },
                _ => Act::Flood { bytes: b"x-many: 1\r\n".repeat(120), times: 1 },
            };
            vec![opening, flood, Act::Send(b"\r\n\r\n".to_vec()), Act::Close]
        }
        15 | 16 => {
            let count = dice.below(5_000);
            let noise = dice.bytes(count);
            match dice.below(3) {
                0 => sent(noise, &mut dice),
                1 => sent(whole(any_status, "application/octet-stream", &noise), &mut dice),
                _ => sent(whole(any_status, content_type, &noise), &mut dice),
            }
        }
        17 | 18 => {
            let page = b"<!DOCTYPE html><html><head><title>502</title></head><body>nginx</body></html>";
            sent(whole(any_status, "text/html; charset=utf-8", page), &mut dice)
        }
        19 => {
            let noise = dice.bytes(300);
            let headers = format!("{typed}content-encoding: gzip\r\ncontent-length: 300\r\n\r\n");
            let wire = [head(&format!("{any_status} X"), &headers).as_bytes(), &noise].concat();
            sent(wire, &mut dice)
        }
        20 => {
            let text = dice.pick(&[
                "{",
                "{\"error\":",
                "[1,2",
                "null",
                "",
                "{\"error\":\"text\"}",
                "{\"error\":{}}",
                "{}",
                "[]",
                "\"text\"",
                "{\"error\":{\"message\":\"\"}}",
                "{\"error\":{\"message\":7}}",
                "{\"detail\":\"Not Found\"}",
                "{\"error\":{\"message\":\"words of another API\",\"code\":\"x\"}}",
                "{\"message\":\"no\"}",
            ]);
            sent(whole(any_status, "application/json", text.as_bytes()), &mut dice)
        }
        21 | 22 => {
            let frames = [
                "data: {\n\n".to_owned(),
                "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"m\"}}\n\n".to_owned(),
                "data".to_owned(),
                ":".repeat(9_000),
                format!("data: {}\n\n", "x".repeat(2 << 20)),
                "\n\n\n\n\r\r\r\n".to_owned(),
                format!("{body}{body}{body}"),
                "event: message_stop\n\n".to_owned(),
                "data: [DONE]\n\n".to_owned(),
                "id: 1\nretry: -5\nfoo: bar\ndata:\n\n".to_owned(),
            ];
            let mut frames = frames[dice.below(frames.len())].clone().into_bytes();
            if dice.below(2) == 0 {
                dice.garble(&mut frames);
            }
            sent(whole(200, "text/event-stream", &frames), &mut dice)
        }
        23 => {
            let interim = dice.pick(&[
                "HTTP/1.1 100 Continue\r\n\r\n",
                "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n",
                "HTTP/1.1 199 X\r\n\r\n",
            ]);
            let flood = Act::Flood { bytes: interim.as_bytes().repeat(100), times: dice.below(100) };
            vec![flood, Act::Send(good), [Act::Close, Act::Stay][dice.below(2)].clone()]
        }
        24 => vec![[Act::Close, Act::Reset][dice.below(2)].clone()],
        25 if dice.below(3) == 0 => match dice.below(3) {
            0 => vec![Act::Silence],
            1 => vec![Act::Send(head("200 OK", &typed).into_bytes()), Act::Silence],
            _ => vec![
                Act::Send(
                    head(&format!("{any_status} X"), &format!("{typed}content-length: 900\r\n\r\n{{"))
                        .into_bytes(),
                ),
                Act::Silence,
            ],
        },
        25..=27 => {
            let status = dice.pick(&[
                "000 Nothing",
                "999 Everything",
                "099 X",
                "600 X",
                "700 X",
                "199 X",
                "101 Switching Protocols",
                "204 No Content",
                "205 Reset",
                "206 Partial",
                "226 X",
                "300 X",
                "301 Moved",
                "302 Found",
                "303 See",
                "304 Not Modified",
                "307 Temporary",
                "308 Permanent",
                "399 X",
                "402 Pay",
                "407 Proxy",
                "408 Late",
                "418 Teapot",
                "426 Upgrade",
                "451 Law",
                "499 Gone",
                "505 Version",
                "511 Net",
                "529 Full",
                "599 X",
            ]);
            let headers = format!(
                "{typed}location: http://upstream.example/secret\r\nupgrade: websocket\r\nconnection: upgrade\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            sent(head(status, &headers).into_bytes(), &mut dice)
        }
        28 => {
            let line = dice.pick(&[
                "x-a: b\r\n folded: c\r\n",
                "x-a : b\r\n",
                "x-a\r\n",
                ": b\r\n",
                "x-a: b\rx-injected: 1\r\n",
                "x-a: b\0c\r\n",
                "x-a: \u{fc}\r\n",
                "set-cookie: a=b\r\n",
                "x-request-id: theirs\r\n",
                "connection: x-request-id, content-type, content-length\r\n",
                "trailer: x-t\r\n",
                "retry-after: never\r\n",
                "x-large: AAAA\r\n",
            ]);
            let line = if line.contains("AAAA") {
                line.replace("AAAA", &"A".repeat(60_000))
            } else {
                line.to_owned()
            };
            let headers = format!("{line}{typed}content-length: {}\r\n\r\n{body}", body.len());
            sent(head(&format!("{any_status} X"), &headers).into_bytes(), &mut dice)
        }
        29 => {
            let pause = Duration::from_millis(1);
            vec![Act::Trickle { bytes: good, pause }, Act::Stay]
        }
        _ => {
            // A second answer that nobody asked for, at once or a little later.
            let poison = format!("HTTP/1.1 200 OK\r\n{POISON}: 1\r\ncontent-length: 2\r\n\r\n{{}}");
            if dice.below(2) == 0 {
                vec![Act::Send([good, poison.into_bytes()].concat()), Act::Stay]
            } else {
                vec![Act::Send(good), Act::Send(poison.into_bytes()), Act::Stay]
            }
        }
    }
}
