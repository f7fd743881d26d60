//! An admin who can't leave the providers alone.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::scene::Scene;
use super::storm::{Deeds, Over};
use crate::harness::{Admin, Chance};

/// Edits through both hubs until the storm is over. With the database away an edit is refused, and not half done.
pub(super) async fn edit(scene: &Scene, mut chance: Chance, deeds: &Deeds, over: &Over) {
    let admins: Vec<Admin> = scene.admins().collect();
    while over.sleep(chance.millis(50..600)).await {
        let admin = admins[usize::try_from(chance.number() % 2).unwrap()];
        let provider = scene.providers[below(&mut chance, scene.providers.len())];
        let patch = match chance.number() % 5 {
            0 => json!({"weight": chance.number() % 10}),
            1 => json!({"priority": chance.number() % 3}),
            2 => json!({"is_enabled": false}),
            3 => json!({"on_client_abort": if chance.once_in(2) { "drain" } else { "cancel" }}),
            _ => json!({"is_enabled": true}),
        };
        let answer = admin.call("PATCH", &format!("/providers/{provider}"), &patch).await;
        let deed = match answer.status {
            200 => &deeds.edits,
            500.. => &deeds.edits_refused,
            status => panic!("PATCH {patch}: {status}: {}", answer.text()),
        };
        deed.fetch_add(1, Ordering::Relaxed);
        if chance.once_in(8) {
            let path = format!("/providers/{provider}/breaker/reset");
            admin.call("POST", &path, &Value::Null).await;
        }
    }
}

/// Every provider is in use again, and nothing is held against it.
pub(super) async fn restore(admin: Admin, providers: &[i64]) {
    for provider in providers {
        admin.patch(&format!("/providers/{provider}"), json!({"is_enabled": true, "priority": 0})).await;
    }
}

fn below(chance: &mut Chance, bound: usize) -> usize {
    usize::try_from(chance.number() % bound as u64).unwrap()
}
