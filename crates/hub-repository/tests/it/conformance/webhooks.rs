//! Webhook targets.

use hub_repository::{Page, RepositoryError};
use hub_types::{AlertEvent, Secret, WebhookKind, WebhookTarget, WebhookTargetId};

use super::{KEY, Place};
use crate::stock::{at, audit};

const URL: &str = "https://hooks.example/services/T0/B0/webhook-secret-path";

fn target(name: &str) -> WebhookTarget {
    WebhookTarget {
        id: WebhookTargetId(0),
        name: name.to_owned(),
        kind: WebhookKind::Wecom,
        url: Secret::new(URL),
        events: vec![AlertEvent::CredentialFailing],
        is_enabled: true,
        created_at: at(1),
        updated_at: at(2),
    }
}

fn shown(target: &WebhookTarget) -> String {
    format!("{target:?} {}", target.url.expose())
}

pub(super) async fn a_webhook_target_comes_back_as_it_was_written(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let page = Page { after: None, limit: 10 };
    let create = || audit("webhook_target.create", "webhook_target:");
    let mut ops = target("ops");
    let inserted = repository.insert_webhook_target(&ops, create()).await.unwrap();
    ops.id = inserted.id;
    assert_eq!(shown(&inserted), shown(&ops));
    assert_eq!(
        repository.list_audit(None, 1).await.unwrap()[0].entry.target,
        format!("webhook_target:{}", ops.id)
    );
    let duplicate = repository.insert_webhook_target(&target("ops"), create()).await;
    assert!(matches!(duplicate, Err(RepositoryError::Duplicate { field: "name" })), "{duplicate:?}");
    let stored = place.stored_bytes().await;
    let has = |text: &str| stored.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(has("wecom") && !has("webhook-secret-path"), "the URL is sealed");
    let changed = WebhookTarget { is_enabled: false, events: Vec::new(), updated_at: at(50), ..ops.clone() };
    repository.update_webhook_target(&changed, ops.updated_at, create()).await.unwrap();
    let late = repository.update_webhook_target(&ops, ops.updated_at, create()).await;
    assert!(matches!(late, Err(RepositoryError::Conflict)), "{late:?}");
    let all = repository.list_webhook_targets(page).await.unwrap();
    assert_eq!(all.iter().map(shown).collect::<Vec<_>>(), [shown(&changed)]);
    repository.delete_webhook_target(ops.id, at(51), create()).await.unwrap();
    assert!(repository.find_webhook_target(ops.id).await.unwrap().is_none());
    let gone = repository.delete_webhook_target(ops.id, at(52), create()).await;
    assert!(matches!(gone, Err(RepositoryError::NotFound)), "{gone:?}");
    repository.insert_webhook_target(&target("ops"), create()).await.unwrap();
}
