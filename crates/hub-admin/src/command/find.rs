//! Rows by the names that people give: an id, or a name.

use hub_management::view::{KeyView, ProviderView, UserView};

use super::Context;
use crate::failure::{Failure, Result};
use crate::messages::fill;

impl Context<'_> {
    pub(super) async fn find_user(&self, wanted: &str) -> Result<UserView> {
        let all = self.backend.users().await?;
        let is_wanted = |user: &UserView| matches(wanted, user.id.0, &user.fields.name);
        self.only_one(
            &format!("{} {wanted}", self.messages.user),
            all.into_iter().filter(is_wanted).collect(),
        )
    }

    pub(super) async fn find_provider(&self, wanted: &str) -> Result<ProviderView> {
        let all = self.backend.providers().await?;
        let is_wanted = |provider: &ProviderView| matches(wanted, provider.id.0, &provider.fields.name);
        let label = format!("{} {wanted}", self.messages.provider);
        self.only_one(&label, all.into_iter().filter(is_wanted).collect())
    }

    /// A key by its id, or by `USER/NAME`.
    pub(super) async fn find_key(&self, wanted: &str) -> Result<KeyView> {
        let label = format!("{} {wanted}", self.messages.key);
        let found = if let Some((owner, name)) = wanted.split_once('/') {
            let owner = self.find_user(owner).await?;
            let keys = self.backend.keys(Some(owner.id)).await?;
            keys.into_iter().filter(|key| key.fields.name == name).collect()
        } else {
            let keys = self.backend.keys(None).await?;
            keys.into_iter().filter(|key| wanted.parse() == Ok(key.id.0)).collect()
        };
        self.only_one(&label, found)
    }

    fn only_one<T>(&self, label: &str, mut found: Vec<T>) -> Result<T> {
        match (found.pop(), found.is_empty()) {
            (Some(row), true) => Ok(row),
            (Some(_), false) => Err(Failure::usage(fill(self.messages.ambiguous, label))),
            (None, _) => Err(Failure::failed(fill(self.messages.no_such, label))),
        }
    }
}

fn matches(wanted: &str, id: i64, name: &str) -> bool {
    wanted == name || wanted.parse() == Ok(id)
}
