//! Redis and PostgreSQL that are suspended, killed and started again.

use std::sync::atomic::Ordering;

use super::scene::Scene;
use super::storm::{Deeds, Over};
use crate::harness::Chance;

pub(super) async fn trouble_redis(scene: &Scene, mut chance: Chance, deeds: &Deeds, over: &Over) {
    while over.sleep(chance.millis(800..4000)).await {
        if chance.once_in(2) {
            scene.redis.freeze().unwrap();
            over.sleep(chance.millis(100..2000)).await;
            scene.redis.thaw().unwrap();
            deeds.redis_frozen.fetch_add(1, Ordering::Relaxed);
        } else {
            scene.redis.stop().await.unwrap();
            over.sleep(chance.millis(100..3000)).await;
            scene.redis.start_again().await.unwrap();
            deeds.redis_killed.fetch_add(1, Ordering::Relaxed);
        }
    }
}

pub(super) async fn trouble_postgres(scene: &Scene, mut chance: Chance, deeds: &Deeds, over: &Over) {
    while over.sleep(chance.millis(1500..6000)).await {
        if chance.once_in(3) {
            scene.postgres.freeze().unwrap();
            over.sleep(chance.millis(100..2000)).await;
            scene.postgres.thaw().unwrap();
            deeds.postgres_frozen.fetch_add(1, Ordering::Relaxed);
        } else {
            scene.postgres.stop().await.unwrap();
            over.sleep(chance.millis(100..4000)).await;
            scene.postgres.start_again().await.unwrap();
            deeds.postgres_killed.fetch_add(1, Ordering::Relaxed);
        }
    }
}
