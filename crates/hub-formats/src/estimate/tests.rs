use hub_types::Dialect;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{BodyTokens, TextCount, Tokenizer, tokens_in, tokens_in_body};
use crate::scan::{ConversationSpans, scan_request};

fn tokens_of(dialect: Dialect, body: &Value) -> BodyTokens {
    let body = body.to_string();
    let facts = scan_request(dialect, body.as_bytes()).unwrap();
    tokens_in_body(dialect, Tokenizer::OpenAi, body.as_bytes(), &facts.conversation)
}

#[test]
fn short_texts_have_plausible_tokens() {
    for (text, least, most) in [
        ("", 0, 0),
        ("a", 1, 1),
        ("hello world", 2, 3),
        ("let answer = 42;", 5, 8),
        ("你好，世界", 3, 5),
        ("привет, мир", 3, 6),
        ("😀", 1, 3),
        ("\n\n\n", 1, 2),
    ] {
        let tokens = tokens_in(text.as_bytes());
        assert!((least..=most).contains(&tokens), "{text:?}: {tokens}");
    }
}

#[test]
fn models_are_cut_by_their_vendors_tokenizer() {
    use Tokenizer::{Claude3, Claude47, Gemini, OpenAi};
    for (dialect, model, tokenizer) in [
        (Dialect::Claude, "claude-sonnet-4-20250514", Claude3),
        (Dialect::Claude, "claude-3-5-haiku-latest", Claude3),
        (Dialect::Claude, "anthropic/claude-opus-4.6", Claude3),
        (Dialect::Claude, "claude-opus-4-7", Claude47),
        (Dialect::Claude, "claude-sonnet-5", Claude47),
        (Dialect::Claude, "opus", Claude47),
        (Dialect::Claude, "glm-4.6", OpenAi),
        (Dialect::OpenAi, "gpt-5.1", OpenAi),
        (Dialect::OpenAi, "Gemini-3-pro", Gemini),
        (Dialect::Responses, "o3", OpenAi),
        (Dialect::Gemini, "", Gemini),
        (Dialect::GeminiCli, "claude-sonnet-4-5@20250929", Claude3),
    ] {
        assert_eq!(Tokenizer::of_model(dialect, model), tokenizer, "{dialect} {model}");
    }
}

const TEXT: &str = "Please read the file \"src/main.rs\" and tell me\nwhy the build is slow.";

/// The same conversation in each dialect.
fn conversation(dialect: Dialect, text: &str) -> Value {
    match dialect {
        Dialect::Claude => json!({"model": "m", "max_tokens": 9, "metadata": {"user_id": text}, "system": [
            {"type": "text", "text": text, "cache_control": {"type": "ephemeral", "ttl": "one hour and not a minute more"}}],
            "messages": [{"role": "user", "content": text}, {"role": "assistant", "content": [
            {"type": "thinking", "thinking": text, "signature": "c2lnbmF0dXJl".repeat(40)},
            {"type": "text", "text": text}]}]}),
        Dialect::OpenAi => {
            json!({"model": "m", "user": text, "messages": [{"role": "system", "content": text},
            {"role": "user", "content": [{"type": "text", "text": text}]},
            {"role": "assistant", "content": text, "reasoning_content": text}]})
        }
        Dialect::Responses => json!({"model": "m", "instructions": text, "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]},
            {"type": "reasoning", "id": "rs_1234567890", "summary": [{"type": "summary_text", "text": text}]},
            {"type": "message", "role": "assistant", "content": text}]}),
        Dialect::Gemini => json!({"systemInstruction": {"parts": [{"text": text}]}, "contents": [
            {"role": "user", "parts": [{"text": text}, {"text": text, "thought": true}]},
            {"role": "model", "parts": [{"text": text, "thoughtSignature": "c2lnbmF0dXJl".repeat(40)}]}]}),
        Dialect::GeminiCli => {
            json!({"model": "m", "project": text, "request": conversation(Dialect::Gemini, text)})
        }
    }
}

#[test]
fn all_texts_of_a_conversation_count_and_nothing_else() {
    let each = TextCount::of(TEXT.as_bytes()).tokens();
    for dialect in Dialect::ALL {
        let tokens = tokens_of(dialect, &conversation(dialect, TEXT));
        assert!(tokens.text.abs_diff(4 * each) <= 4, "{dialect}: {tokens:?}, {each}");
        assert_eq!((tokens.images, tokens.files), (0, 0), "{dialect}");
        assert!((3..40).contains(&tokens.frame), "{dialect}: {tokens:?}");
        let longer = tokens_of(dialect, &conversation(dialect, &TEXT.repeat(2)));
        assert!(longer.text > tokens.text + 3 * each, "{dialect}");
    }
}

#[test]
fn tools_and_their_arguments_count_as_the_json_that_they_are() {
    let schema = json!({"type": "object", "properties": {"path": {"type": "string", "description": TEXT}}});
    let arguments = json!({"path": "src/main.rs", "lines": [1, 2, 3]});
    let with = json!({"tools": [{"name": "read", "input_schema": schema}], "messages": [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "read", "input": arguments}]}]});
    let tokens = tokens_of(Dialect::Claude, &with);
    let expected =
        tokens_in(with["tools"].to_string().as_bytes()) + tokens_in(arguments.to_string().as_bytes());
    assert!(tokens.text.abs_diff(expected) <= 3, "{tokens:?} {expected}");
    assert!(tokens.frame > 346, "{tokens:?}");
    let none = tokens_of(Dialect::Claude, &json!({"tools": [], "messages": []}));
    assert_eq!((none.text, none.frame), (0, 3));
}

#[test]
fn the_published_examples_come_out_about_right() {
    // Both are examples of Anthropic's documentation of token counting, with the answers given there.
    let hello =
        json!({"system": "You are a scientist", "messages": [{"role": "user", "content": "Hello, Claude"}]});
    let weather = json!({"tools": [{"name": "get_weather", "description": "Get the current weather in a given location",
        "input_schema": {"type": "object", "properties": {"location": {"type": "string",
        "description": "The city and state, e.g. San Francisco, CA"}}, "required": ["location"]}}],
        "messages": [{"role": "user", "content": "What's the weather like in San Francisco?"}]});
    for (body, tokens) in [(hello, 14_u64), (weather, 403)] {
        let text = body.to_string();
        let spans = scan_request(Dialect::Claude, text.as_bytes()).unwrap().conversation;
        let estimate = tokens_in_body(Dialect::Claude, Tokenizer::Claude3, text.as_bytes(), &spans).likely();
        assert!(estimate.abs_diff(tokens) * 100 <= tokens * 30, "{estimate} for {tokens}");
    }
}

#[test]
fn pictures_count_flat_wherever_they_stand() {
    let png = format!("iVBORw0KGgo{}", "AAAB+/".repeat(50_000));
    let url = format!("data:image/jpeg;base64,{png}");
    for (dialect, body) in [
        (
            Dialect::Claude,
            json!({"messages": [{"content": [{"type": "image", "source":
            {"type": "base64", "media_type": "image/png", "data": png}}]}]}),
        ),
        (
            Dialect::Claude,
            json!({"messages": [{"content": [{"type": "tool_result", "content": [{"type": "image",
            "source": {"type": "url", "url": "https://example.org/a.png"}}]}]}]}),
        ),
        (
            Dialect::OpenAi,
            json!({"messages": [{"content": [{"type": "image_url", "image_url": {"url": url}}]}]}),
        ),
        (Dialect::Responses, json!({"input": [{"content": [{"type": "input_image", "image_url": url}]}]})),
        (
            Dialect::Gemini,
            json!({"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": png}}]}]}),
        ),
    ] {
        let tokens = tokens_of(dialect, &body);
        assert_eq!((tokens.images, tokens.text, tokens.files), (1, 0, 0), "{dialect} {tokens:?}");
        assert!((1_600..1_620).contains(&tokens.likely()) && tokens.at_most() >= 4_800, "{tokens:?}");
    }
}

#[test]
fn files_count_by_their_size_and_plain_documents_as_text() {
    let pdf = format!("JVBERi0xLjcK{}", "QUJD".repeat(24_000));
    let document =
        |source: Value| json!({"messages": [{"content": [{"type": "document", "source": source}]}]});
    let tokens = tokens_of(Dialect::Claude, &document(json!({"type": "base64", "data": pdf})));
    assert_eq!((tokens.files, tokens.text, tokens.images), (3_001, 0, 0));
    let tokens = tokens_of(Dialect::Claude, &document(json!({"type": "text", "data": TEXT})));
    assert_eq!((tokens.files, tokens.text), (0, tokens_in(TEXT.as_bytes())));
    let sealed = json!({"input": [{"type": "reasoning", "encrypted_content": "Z0FBQUFB".repeat(200)}]});
    assert_eq!(tokens_of(Dialect::Responses, &sealed).files, 300);
}

#[test]
fn the_upper_bound_is_above_the_estimate_and_below_a_token_a_byte() {
    let tokens = |text: String| tokens_of(Dialect::Claude, &json!({"messages": [{"content": text}]}));
    let prose = tokens(TEXT.repeat(100));
    assert_eq!(prose.at_most(), 2 * (prose.text + prose.frame));
    let marks = tokens("{}{}[]()".repeat(100));
    assert!(marks.at_most() < 2 * marks.likely().max(marks.text_bytes), "{marks:?}");
}

#[test]
fn a_value_that_never_ends_is_read_once() {
    for text in ["{\"a\":[".repeat(100_000), format!("[{}", "\"\\\\\\\"".repeat(100_000)), "[\"\\".to_owned()]
    {
        let spans = ConversationSpans { messages: Some(0..text.len()), ..ConversationSpans::default() };
        let tokens = tokens_in_body(Dialect::Claude, Tokenizer::OpenAi, text.as_bytes(), &spans);
        assert!(tokens.likely() > 0);
    }
}

proptest! {
    #[test]
    fn cuts_do_not_matter(text in prop::collection::vec(any::<u8>(), 0..400), at in any::<prop::sample::Index>()) {
        let at = at.index(text.len() + 1);
        let mut count = TextCount::of(&text[..at]);
        count.add(TextCount::of(&text[at..]));
        prop_assert_eq!(count, TextCount::of(&text));
    }

    #[test]
    fn a_longer_text_never_has_fewer_tokens(text in any::<String>(), more in any::<String>()) {
        let longer = format!("{text}{more}");
        for tokenizer in Tokenizer::ALL {
            let [part, whole] = [&text, &longer].map(|text| TextCount::of(text.as_bytes()).tokens_by(tokenizer));
            prop_assert!(part <= whole, "{part} {whole}");
        }
    }

    #[test]
    fn random_bytes_do_not_panic(body in prop::collection::vec(any::<u8>(), 0..300), at in 0_usize..320, to in 0_usize..320) {
        let spans = ConversationSpans { messages: Some(at..to), system: Some(to..at), tools: Some(0..to) };
        for dialect in Dialect::ALL {
            let tokens = tokens_in_body(dialect, Tokenizer::Claude47, &body, &spans);
            prop_assert!(tokens.likely() <= tokens.at_most(), "{:?}", tokens);
        }
    }
}
