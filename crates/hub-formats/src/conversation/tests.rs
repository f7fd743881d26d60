mod golden;
mod growth;
mod meaning;
mod random;

use hub_types::Dialect;
use serde_json::Value;

use super::{Chain, ChainRules, conversation_chain};

const DEEP: ChainRules = ChainRules { message_count: 100, include_system_prompt: false };
const WITH_SYSTEM: ChainRules = ChainRules { message_count: 100, include_system_prompt: true };

fn chain(dialect: Dialect, body: &Value) -> Chain {
    conversation_chain(dialect, body.to_string().as_bytes(), DEEP)
}

/// The same with the system prompt.
fn full_chain(dialect: Dialect, body: &Value) -> Chain {
    conversation_chain(dialect, body.to_string().as_bytes(), WITH_SYSTEM)
}

/// The later turn begins as the earlier one, and goes on.
#[track_caller]
fn assert_goes_on(dialect: Dialect, earlier: &Value, later: &Value) {
    for rules in [DEEP, WITH_SYSTEM] {
        let earlier = conversation_chain(dialect, earlier.to_string().as_bytes(), rules);
        let later = conversation_chain(dialect, later.to_string().as_bytes(), rules);
        assert!(!earlier.is_empty() && later.len() > earlier.len(), "{earlier:x?} {later:x?}");
        assert_eq!(later[..earlier.len()], earlier[..]);
    }
}
