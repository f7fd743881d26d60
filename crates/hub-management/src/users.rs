//! Users: list, show, create, edit, delete.

use hub_types::{User, UserId};
use jiff::Timestamp;

use crate::audit::redacted;
use crate::management::{page, retry_on_conflict};
use crate::params::ListQuery;
use crate::view::{List, UserFields, UserView};
use crate::{Management, ManagementError, Patch, Principal, Result, cursor, draft};

impl Management {
    /// Living users; an ordinary user sees only itself.
    pub async fn list_users(&self, principal: &Principal, query: &ListQuery) -> Result<List<UserView>> {
        if let Some(own) = principal.confined_to() {
            return Ok(List::whole(vec![UserView::from(&self.living_user(own).await?)]));
        }
        let rows = self.repository.list_users(page(query)?).await?;
        Ok(List::page(rows, query.limit, |user| cursor::of_id(user.id.0), |user| UserView::from(user)))
    }

    /// One user.
    pub async fn show_user(&self, principal: &Principal, id: UserId) -> Result<UserView> {
        principal.require_sight_of(id)?;
        Ok(UserView::from(&self.living_user(id).await?))
    }

    /// Adds a user.
    pub async fn create_user(&self, principal: &Principal, input: &Patch) -> Result<UserView> {
        principal.require_admin()?;
        let fields: UserFields = draft::create(input)?;
        fields.check()?;
        let now = self.now();
        let user = fields.into_row((UserId(0), now, now), None);
        let mut entry = self.audit(principal, "user.create", "user:".to_owned());
        entry.after = redacted(&UserView::from(&user));
        Ok(UserView::from(&self.repository.insert_user(&user, entry).await?))
    }

    /// Edits a user by a merge patch.
    pub async fn update_user(&self, principal: &Principal, id: UserId, input: &Patch) -> Result<UserView> {
        principal.require_admin()?;
        retry_on_conflict(|| async {
            let before = self.living_user(id).await?;
            let fields = draft::patch(&UserFields::from(&before), input)?;
            fields.check()?;
            let after = self.rewritten(&before, fields);
            let mut entry = self.audit(principal, "user.update", format!("user:{id}"));
            entry.before = redacted(&UserView::from(&before));
            entry.after = redacted(&UserView::from(&after));
            self.repository.update_user(&after, before.updated_at, entry).await?;
            Ok(UserView::from(&after))
        })
        .await
    }

    /// Deletes a user and the user's keys. Its records stay.
    pub async fn delete_user(&self, principal: &Principal, id: UserId) -> Result<()> {
        principal.require_admin()?;
        let before = self.living_user(id).await?;
        let mut entry = self.audit(principal, "user.delete", format!("user:{id}"));
        entry.before = redacted(&UserView::from(&before));
        Ok(self.repository.delete_user(id, self.now(), entry).await?)
    }

    pub(crate) async fn living_user(&self, id: UserId) -> Result<User> {
        self.repository.find_user(id).await?.ok_or(ManagementError::NotFound)
    }

    fn rewritten(&self, before: &User, fields: UserFields) -> User {
        let changed: Timestamp = self.later_than(before.updated_at);
        fields.into_row((before.id, before.created_at, changed), before.limits.cost_reset_at)
    }
}
