//! The questions: how to choose providers, by which condition, and whether to go on.

use hub_management::BindingFilter;
use hub_types::{ProviderId, ProviderType};

use crate::messages::{ClearMessages, Messages, fill};
use crate::{output, terminal};

/// Asks until there is a filter; `None` = the input ended.
pub(super) async fn filter(messages: &Messages) -> Option<BindingFilter> {
    let texts = &messages.clear;
    output::tell(texts.how);
    loop {
        match terminal::ask(texts.choice).await?.as_str() {
            "1" => return condition(texts.ask_priority, texts.bad_priority, priority).await,
            "2" => return condition(texts.ask_ids, texts.bad_ids, ids).await,
            "3" => return condition(texts.ask_name, texts.bad_name, name).await,
            "4" => {
                let question = fill(texts.ask_type, &ProviderType::ALL.map(ProviderType::as_str).join(", "));
                return condition(&question, texts.bad_type, provider_type).await;
            }
            "5" => return Some(BindingFilter::default()),
            _ => output::tell(texts.bad_choice),
        }
    }
}

/// Asks whether the bindings may go. Whatever is no yes is a no.
pub(super) async fn confirm(texts: &ClearMessages, sessions: u64) -> bool {
    let answer = terminal::ask(&fill(texts.confirm, &sessions.to_string())).await;
    matches!(answer.as_deref().map(str::to_lowercase).as_deref(), Some("y" | "yes" | "是"))
}

/// Asks until the answer can be read.
async fn condition(
    question: &str,
    complaint: &str,
    read: fn(&str) -> Option<BindingFilter>,
) -> Option<BindingFilter> {
    loop {
        let answer = terminal::ask(question).await?;
        match read(&answer).filter(|filter| filter.check().is_ok()) {
            Some(filter) => return Some(filter),
            None => output::tell(complaint),
        }
    }
}

fn priority(text: &str) -> Option<BindingFilter> {
    Some(BindingFilter { priority_below: Some(text.parse().ok()?), ..BindingFilter::default() })
}

fn ids(text: &str) -> Option<BindingFilter> {
    let parts = text.split([',', '，', '、', ' ']).filter(|part| !part.is_empty());
    let ids: Option<Vec<_>> = parts.map(|part| part.parse().ok().map(ProviderId)).collect();
    Some(BindingFilter { ids: Some(ids?), ..BindingFilter::default() })
}

#[expect(clippy::unnecessary_wraps, reason = "of one shape with the other conditions")]
fn name(text: &str) -> Option<BindingFilter> {
    Some(BindingFilter { name: Some(text.to_owned()), ..BindingFilter::default() })
}

fn provider_type(text: &str) -> Option<BindingFilter> {
    Some(BindingFilter { provider_type: Some(text.parse().ok()?), ..BindingFilter::default() })
}

#[cfg(test)]
mod tests {
    use super::{ids, priority, provider_type};

    #[test]
    fn conditions_are_read_or_refused() {
        assert_eq!(priority("-3").unwrap().priority_below, Some(-3));
        assert_eq!(ids("1, 2，3").unwrap().ids.unwrap().len(), 3);
        assert_eq!(provider_type("gemini-cli").unwrap().provider_type.unwrap().as_str(), "gemini-cli");
        assert!(priority("high").is_none() && ids("1,x").is_none() && provider_type("Gemini").is_none());
        assert!(ids(" ").unwrap().check().is_err());
    }
}
