//! Error rules.

use std::time::Duration;

use hub_repository::{Page, RepositoryError, Topic};
use hub_types::{ErrorClass, ErrorRule, ErrorRuleId, ProviderId, ProviderType, StatusMatch, TextMatch};

use super::{KEY, Place};
use crate::stock::{at, audit};

fn full(name: &str) -> ErrorRule {
    ErrorRule {
        id: ErrorRuleId(0),
        name: name.to_owned(),
        description: "a relay's odd wording".to_owned(),
        is_enabled: true,
        priority: -5,
        provider_types: vec![ProviderType::OpenAiCompatible, ProviderType::ClaudeAuth],
        provider_id: Some(ProviderId(9)),
        status: Some(StatusMatch::Hundred(4)),
        error_type: Some("odd_error".to_owned()),
        pattern: Some("额度|quota".to_owned()),
        pattern_match: TextMatch::Regex,
        class: ErrorClass::NotServed,
        replacement_status: Some(503),
        replacement_message: Some("try later".to_owned()),
        created_at: at(1),
        updated_at: at(2),
    }
}

fn sparse(name: &str) -> ErrorRule {
    ErrorRule {
        is_enabled: false,
        priority: 0,
        provider_types: Vec::new(),
        provider_id: None,
        status: Some(StatusMatch::Exactly(500)),
        error_type: None,
        pattern: None,
        pattern_match: TextMatch::Contains,
        replacement_status: None,
        replacement_message: None,
        ..full(name)
    }
}

pub(super) async fn an_error_rule_comes_back_as_it_was_written(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let page = Page { after: None, limit: 10 };
    let entry = || audit("error_rule.create", "error_rule:");
    let mut written = Vec::new();
    for rule in [full("full"), sparse("sparse")] {
        let inserted = repository.insert_error_rule(&rule, entry()).await.unwrap();
        written.push(ErrorRule { id: inserted.id, ..rule });
        assert_eq!(Some(&inserted), written.last());
        let named = repository.list_audit(None, 1).await.unwrap().remove(0).entry.target;
        assert_eq!(named, format!("error_rule:{}", inserted.id));
    }
    assert_eq!(repository.list_error_rules(page).await.unwrap(), written);
    let after = Page { after: Some(written[0].id.0), ..page };
    assert_eq!(repository.list_error_rules(after).await.unwrap(), written[1..]);
    let duplicate = repository.insert_error_rule(&full("full"), entry()).await;
    assert!(matches!(duplicate, Err(RepositoryError::Duplicate { field: "name" })), "{duplicate:?}");
    for class in ErrorRule::CLASSES {
        let seen = written[0].updated_at;
        written[0] = ErrorRule { class, updated_at: at(50 + class as i64), ..written[0].clone() };
        repository.update_error_rule(&written[0], seen, entry()).await.unwrap();
        assert_eq!(repository.find_error_rule(written[0].id).await.unwrap().as_ref(), Some(&written[0]));
    }
    let late = repository.update_error_rule(&written[0], at(2), entry()).await;
    assert!(matches!(late, Err(RepositoryError::Conflict)), "{late:?}");
    repository.delete_error_rule(written[0].id, at(90), entry()).await.unwrap();
    assert!(repository.find_error_rule(written[0].id).await.unwrap().is_none());
    let gone = repository.delete_error_rule(written[0].id, at(91), entry()).await;
    assert!(matches!(gone, Err(RepositoryError::NotFound)), "{gone:?}");
    repository.insert_error_rule(&full("full"), entry()).await.unwrap();
}

pub(super) async fn error_rules_are_in_the_catalogue_and_edits_are_told(place: &dyn Place) {
    let (repository, other) = (place.open(KEY).await, place.open(KEY).await);
    let before = repository.load_catalogue().await.unwrap();
    assert_eq!(before.error_rules, []);
    let mut changes = other.changes();
    let entry = || audit("error_rule.create", "error_rule:");
    let on = repository.insert_error_rule(&full("on"), entry()).await.unwrap();
    let told = tokio::time::timeout(Duration::from_secs(1), changes.recv()).await.unwrap().unwrap();
    assert_eq!((told.topic, told.version), (Topic::Catalogue, before.version + 1));
    let off = repository.insert_error_rule(&sparse("off"), entry()).await.unwrap();
    assert_eq!(other.load_catalogue().await.unwrap().error_rules, [on.clone(), off]);
    repository.delete_error_rule(on.id, at(90), entry()).await.unwrap();
    let after = other.load_catalogue().await.unwrap();
    assert_eq!((after.version, after.error_rules.len()), (before.version + 3, 1));
}
