//! Good requests of each dialect, and what can be wrong with their bodies.

use serde_json::{Value, json};

use crate::dice::Dice;
use crate::verdict::Shape;

/// A good request.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    pub(crate) path: &'static str,
    pub(crate) shape: Shape,
    pub(crate) body: Value,
}

impl Base {
    /// One that the provider of this kind serves.
    pub(crate) fn for_provider(kind: &str) -> Self {
        match kind {
            "claude" => Self::all(false)[0].clone(),
            "openai-compatible" => Self::all(false)[1].clone(),
            "codex" => Self::all(false)[2].clone(),
            _ => Self::all(false)[3].clone(),
        }
    }

    pub(crate) fn all(stream: bool) -> [Self; 4] {
        let gemini = if stream {
            "/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse"
        } else {
            "/v1beta/models/gemini-3-pro:generateContent"
        };
        let messages = json!([{"role": "user", "content": "Ünïcode \"hello\""}]);
        [
            Self {
                path: "/v1/messages?beta=true",
                shape: Shape::Claude,
                body: json!({"model": "claude-sonnet-4-5", "max_tokens": 64, "stream": stream, "system": "s",
                    "temperature": 1, "tools": [], "metadata": {"user_id": "u"}, "messages": messages}),
            },
            Self {
                path: "/v1/chat/completions",
                shape: Shape::OpenAi,
                body: json!({"model": "gpt-4o", "stream": stream, "stream_options": {"include_usage": false},
                    "max_tokens": 5, "n": 1, "user": "u", "messages": messages}),
            },
            Self {
                path: "/v1/responses",
                shape: Shape::OpenAi,
                body: json!({"model": "gpt-5", "stream": stream, "instructions": "i", "store": false,
                    "max_output_tokens": 5, "previous_response_id": null, "input": messages}),
            },
            Self {
                path: gemini,
                shape: Shape::Gemini,
                body: json!({"model": "gemini-3-pro", "systemInstruction": {"parts": [{"text": "s"}]},
                    "generationConfig": {"maxOutputTokens": 5},
                    "contents": [{"role": "user", "parts": [{"text": "hello"}]}]}),
            },
        ]
    }

    /// The head without its end; `more` are whole lines.
    pub(crate) fn head(&self, key: &str, more: &str) -> String {
        format!(
            "POST {} HTTP/1.1\r\nhost: hub\r\nx-api-key: {key}\r\ncontent-type: application/json\r\n{more}",
            self.path
        )
    }

    /// The whole request; `more` are whole header lines.
    pub(crate) fn wire(&self, key: &str, more: &str) -> Vec<u8> {
        self.wire_with(key, more, self.body.to_string().as_bytes())
    }

    /// The same head over another body.
    pub(crate) fn wire_with(&self, key: &str, more: &str, body: &[u8]) -> Vec<u8> {
        let head = format!("{}content-length: {}\r\n\r\n", self.head(key, more), body.len());
        [head.as_bytes(), body].concat()
    }
}

/// A body that is wrong in one way or another, and header lines that go with it.
pub(crate) fn mutate(base: &Base, dice: &mut Dice) -> (Vec<u8>, &'static str) {
    let good = base.body.to_string();
    let fields: Vec<String> = base.body.as_object().unwrap().keys().cloned().collect();
    let field = fields[dice.below(fields.len())].clone();
    let raw = |value: &str| {
        // Replaces one field by raw text that serde_json would not write.
        let mut body = base.body.clone();
        body[&field] = json!("@@");
        body.to_string().replace("\"@@\"", value).into_bytes()
    };
    let body = match dice.below(16) {
        0 | 1 => {
            let mut body = good.into_bytes();
            dice.garble(&mut body);
            body
        }
        2 => good.as_bytes()[..dice.below(good.len())].to_vec(),
        3 | 4 => {
            let wrong = ["null", "true", "-7", "\"x\"", "[]", "{}", "[[{}]]", "{\"a\":[1]}", "1.5e3", "\"\""];
            raw(dice.pick(&wrong))
        }
        5 => {
            let depth = [10, 130, 2_000, 100_000][dice.below(4)];
            let (open, close) = [("[", "]"), ("{\"a\":", "}")][dice.below(2)];
            let close = if dice.below(2) == 0 { close } else { "" };
            raw(&format!("{}1{}", open.repeat(depth), close.repeat(depth)))
        }
        6 => {
            let mut body = raw("\"@@@@\"");
            let at = body.windows(4).position(|window| window == b"@@@@").unwrap();
            let bad: [&[u8]; 5] =
                [b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe2\x28"];
            drop(body.splice(at..at + 4, dice.pick(&bad).iter().copied()));
            body
        }
        7 => raw(dice.pick(&[
            "\"a\0b\"",
            "\"a\\u0000b\"",
            "\"\\ud800\"",
            "\"\\udc00\\ud800\"",
            "\"\\uZZZZ\"",
            "\"a\nb\"",
        ])),
        8 => {
            let twice = dice.pick(&[
                "{\"model\":\"other\",",
                "{\"stream\":true,\"stream\":false,",
                "{\"model\":1,\"model\":null,",
                "{\"mod\\u0065l\":\"other\",",
            ]);
            good.replacen('{', twice, 1).into_bytes()
        }
        9 => raw(dice.pick(&[
            "1e999999",
            "-1e-999999",
            "99999999999999999999999999",
            "-0",
            "0x10",
            "NaN",
            "01",
            "1.",
        ])),
        10 => dice
            .pick(&["", " \r\n\t ", "[]", "\"text\"", "0", "null", "{}", "\u{feff}{}", "}{", "{\"\":"])
            .into(),
        11 => {
            let name = dice.pick(&[
                "\"\"",
                "\"a\\r\\nx-injected: 1\"",
                "\"..%2f..%0d%0ax-injected: 1\"",
                "\"\\u0000\"",
                "\"😀/../v1\"",
            ]);
            let long = format!("\"{}\"", "m".repeat(200_000));
            let name = if dice.below(6) == 0 { &long } else { name };
            good.replacen(&base.body["model"].to_string(), name, 1).into_bytes()
        }
        12 => [good.as_bytes(), &dice.bytes(40)].concat(),
        13 => {
            let codings = [
                "content-encoding: gzip\r\n",
                "content-encoding: zstd\r\n",
                "content-encoding: br\r\n",
                "content-encoding: deflate\r\n",
                "content-encoding: gzip, gzip\r\n",
                "content-encoding: ?!\r\n",
                "content-encoding: rot13\r\n",
            ];
            let body = match dice.below(3) {
                0 => good.into_bytes(),
                1 => dice.bytes(200),
                // The magic numbers of zstd and gzip, and nothing sensible behind them.
                _ => [dice.pick(&[b"\x28\xb5\x2f\xfd".as_slice(), b"\x1f\x8b\x08\x00"]), &dice.bytes(99)]
                    .concat(),
            };
            return (body, dice.pick(&codings));
        }
        14 => {
            let count = dice.below(3_000);
            dice.bytes(count)
        }
        _ => raw(&format!("[{}0]", "\"x\",".repeat(20_000))),
    };
    (body, "")
}
