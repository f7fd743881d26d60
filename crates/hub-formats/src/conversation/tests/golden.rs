//! Hashes that stores may hold: they have to stay what they are.

use hub_types::Dialect;

use super::super::conversation_chain;
use super::WITH_SYSTEM;

#[test]
fn known_conversations_keep_their_hashes() {
    let claude = r#"{"system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=1"},{"type":"text","text":"You help."}],"messages":[
        {"role":"user","content":"Grüße \ud83d\ude00"},
        {"role":"assistant","content":[{"type":"text","text":"Looking."},{"type":"tool_use","id":"toolu_1","name":"Bash","input":{"b":[1,2.50,null],"a":{"x":true}}}]},
        {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"out","is_error":true},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}},{"type":"document","source":{"type":"text","data":"d"}}]}]}"#;
    let chat = r#"{"messages":[{"role":"system","content":"Rules."},{"role":"user","content":"hi"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"out"}]}"#;
    let responses = r#"{"instructions":"Rules.","input":[{"role":"user","content":[{"type":"input_text","text":"hi"}]},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"out"}]}"#;
    let gemini = r#"{"systemInstruction":{"parts":[{"text":"Rules."}]},"contents":[{"role":"user","parts":[{"text":"hi"}]},{"role":"model","parts":[{"functionCall":{"name":"f","args":{"a":1}}}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"out"}}},{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]}]}"#;
    for (dialect, body, expected) in [
        (Dialect::Claude, claude, [0x9228_b97d_5d24_b94e, 0xe28e_1321_2119_195b, 0xb4d9_8e8f_5366_2a8f]),
        (Dialect::OpenAi, chat, [0xedf4_11d4_817c_353d, 0x601b_48cd_b43b_87e7, 0x7190_bac8_278a_ac96]),
        (
            Dialect::Responses,
            responses,
            [0xe6b3_2993_c0d3_208d, 0x357a_4281_4623_4503, 0x31ef_b013_13f9_85b3],
        ),
        (Dialect::Gemini, gemini, [0xe6b3_2993_c0d3_208d, 0x6b77_6aee_eed1_abd4, 0x9475_0668_39de_db4b]),
    ] {
        let chain = conversation_chain(dialect, body.as_bytes(), WITH_SYSTEM);
        assert_eq!(chain[..], expected, "{dialect}: {chain:#x?}");
    }
}

#[test]
fn the_canonical_form_is_what_it_says() {
    use sha2::{Digest, Sha256};
    // A user's one text, written by hand: role, end, mark of a text, text, end, end of the message.
    let by_hand = Sha256::digest(b"user\xff\xf8hi\xff\xfe");
    let chain =
        conversation_chain(Dialect::OpenAi, br#"{"messages":[{"role":"user","content":"hi"}]}"#, WITH_SYSTEM);
    // Chat messages have their refusal behind their content, and each list has its end.
    let chat = Sha256::digest(b"user\xff\xf8hi\xff\xfe\xfe");
    assert_eq!(chain[0], u64::from_be_bytes(chat[..8].try_into().unwrap()));
    let chain =
        conversation_chain(Dialect::Claude, br#"{"messages":[{"role":"user","content":"hi"}]}"#, WITH_SYSTEM);
    assert_eq!(chain[0], u64::from_be_bytes(by_hand[..8].try_into().unwrap()));
}
