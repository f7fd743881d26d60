//! The owners whose counters in Redis are not complete: a bounded note of them.

use std::collections::HashSet;

use futures_util::StreamExt;
use hub_redis::{Batch, RedisConnection, RedisError};
use parking_lot::Mutex;

use super::keys;
use crate::limit::Owner;

/// More than these, and all owners are meant.
const MOST: usize = 65_536;
/// So many keys are dropped at a time.
const PAGE: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Unpaid(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    owners: HashSet<Owner>,
    is_all: bool,
}

impl Unpaid {
    pub(super) fn note(&self, owner: Owner) {
        let mut noted = self.0.lock();
        if noted.owners.len() < MOST {
            noted.owners.insert(owner);
        } else if !noted.owners.contains(&owner) {
            noted.is_all = true;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        let noted = self.0.lock();
        noted.owners.is_empty() && !noted.is_all
    }

    /// Drops their counters in Redis, so that they are read from the ledger. What is in flight stays.
    pub(super) async fn forget_in(&self, connection: &RedisConnection) -> Result<(), RedisError> {
        let noted = std::mem::take(&mut *self.0.lock());
        let done = forget(&noted, connection).await;
        if done.is_err() {
            let mut again = self.0.lock();
            again.is_all |= noted.is_all;
            again.owners.extend(noted.owners);
        }
        done
    }
}

async fn forget(noted: &Noted, connection: &RedisConnection) -> Result<(), RedisError> {
    if noted.is_all {
        let pattern = format!("{}*", keys::ALL);
        let mut pages = connection.scan(&pattern, 1000);
        while let Some(page) = pages.next().await {
            let of_counters = |key: &String| !key.ends_with(":held") && !key.ends_with(":done");
            let page: Vec<String> = page?.into_iter().filter(of_counters).collect();
            drop_keys(connection, page.iter().map(std::slice::from_ref)).await?;
        }
        return Ok(());
    }
    let owners: Vec<[String; 5]> = noted.owners.iter().map(|owner| keys::of_owner(*owner)).collect();
    drop_keys(connection, owners.iter().map(<[String; 5]>::as_slice)).await
}

/// Each group is of one slot.
async fn drop_keys(
    connection: &RedisConnection,
    groups: impl Iterator<Item = &[String]>,
) -> Result<(), RedisError> {
    let mut batch = Batch::new();
    let mut groups = groups.peekable();
    while let Some(group) = groups.next() {
        if let Some((first, others)) = group.split_first() {
            batch.command_with("DEL", first, others.iter().map(|key| key.as_str().into()));
        }
        if batch.len() >= PAGE || (groups.peek().is_none() && !batch.is_empty()) {
            for answer in connection.run(std::mem::take(&mut batch)).await? {
                answer?;
            }
        }
    }
    Ok(())
}
