//! Trying error rules out, as hub-management asks for it: hub-proxy says what it would make of an answer.

use http::StatusCode;
use serde_json::Value;

use hub_management::view::{ErrorRuleTestView, ErrorSeenView};
use hub_management::{ErrorRuleTests, SampleAnswer};
use hub_proxy::{ErrorSample, SeenByClient};
use hub_routing::{ErrorRules, verdict};
use hub_types::ErrorRule;

/// See the module's documentation.
pub(crate) struct RuleTests;

impl ErrorRuleTests for RuleTests {
    fn judge(&self, rules: Vec<ErrorRule>, answer: SampleAnswer) -> ErrorRuleTestView {
        let names: Vec<_> = rules.iter().map(|rule| (rule.id, rule.name.clone())).collect();
        let (rules, _) = ErrorRules::build(rules);
        let sample = ErrorSample {
            provider: answer.provider,
            provider_type: answer.provider_type,
            status: StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY),
            body: answer.body.into(),
        };
        let Some(judged) = sample.judge(&rules) else { return ErrorRuleTestView::default() };
        let rule_name = names.into_iter().find(|(id, _)| judged.rule == Some(*id)).map(|(_, name)| name);
        let what_follows = verdict(judged.class);
        ErrorRuleTestView {
            is_failure: true,
            rule_id: judged.rule,
            rule_name,
            class: Some(judged.class),
            built_in_class: Some(judged.built_in),
            same_provider: what_follows.same_provider,
            another_provider: what_follows.another_provider,
            counts: what_follows.counts,
            cool_down_ms: what_follows.cool_down_ms,
            error_type: judged.error_type,
            code: judged.code,
            text: judged.text,
            clients: judged.clients.into_iter().map(seen).collect(),
        }
    }
}

fn seen(client: SeenByClient) -> ErrorSeenView {
    let SeenByClient { dialect, status, body } = client;
    let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
    ErrorSeenView { dialect, status, body: serde_json::from_slice(&body).unwrap_or_else(|_| text()) }
}
