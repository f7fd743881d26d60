//! Hub keys: list, show, create, edit, rotate, delete.

use hub_types::{ApiKey, HubKey, KeyId, UserId};

use crate::audit::redacted;
use crate::management::{page, retry_on_conflict};
use crate::params::ListQuery;
use crate::view::{KeyFields, KeyView, List, NewKeyView};
use crate::{Management, ManagementError, Patch, Principal, Result, cursor, draft};

impl Management {
    /// Living keys, of one user or of all; an ordinary user sees only its own.
    pub async fn list_keys(
        &self,
        principal: &Principal,
        of: Option<UserId>,
        query: &ListQuery,
    ) -> Result<List<KeyView>> {
        if let Some(owner) = of {
            principal.require_sight_of(owner)?;
            self.living_user(owner).await?;
        }
        let rows = self.repository.list_keys(of.or(principal.confined_to()), page(query)?).await?;
        Ok(List::page(rows, query.limit, |key| cursor::of_id(key.id.0), |key| KeyView::from(key)))
    }

    /// One key.
    pub async fn show_key(&self, principal: &Principal, id: KeyId) -> Result<KeyView> {
        let key = self.living_key(id).await?;
        principal.require_sight_of(key.user_id)?;
        Ok(KeyView::from(&key))
    }

    /// Adds a key to a user. The answer is the only place where the credential is ever shown.
    pub async fn create_key(
        &self,
        principal: &Principal,
        owner: UserId,
        input: &Patch,
    ) -> Result<NewKeyView> {
        principal.require_admin()?;
        self.living_user(owner).await?;
        let fields: KeyFields = draft::create(input)?;
        fields.check()?;
        let credential = new_credential()?;
        let mut key = self.blank_key(owner, &credential);
        fields.write_to(&mut key);
        let mut entry = self.audit(principal, "key.create", "key:".to_owned());
        entry.after = redacted(&KeyView::from(&key));
        let key = self.repository.insert_key(&key, entry).await?;
        Ok(NewKeyView { key: credential.expose().to_owned(), view: KeyView::from(&key) })
    }

    /// Would these columns do for a new key?
    pub(crate) fn check_key(input: &Patch) -> Result<()> {
        draft::create::<KeyFields>(input)?.check()
    }

    /// Edits a key by a merge patch.
    pub async fn update_key(&self, principal: &Principal, id: KeyId, input: &Patch) -> Result<KeyView> {
        principal.require_admin()?;
        self.edit_key(principal, id, "key.update", |key| {
            let fields = draft::patch(&KeyFields::from(&*key), input)?;
            fields.check()?;
            fields.write_to(key);
            Ok(())
        })
        .await
    }

    /// Gives a key a new credential; the old one is void from then on.
    pub async fn rotate_key(&self, principal: &Principal, id: KeyId) -> Result<NewKeyView> {
        principal.require_admin()?;
        let credential = new_credential()?;
        let view = self
            .edit_key(principal, id, "key.rotate", |key| {
                key.key_hash = credential.hash();
                key.key_last4 = credential.last4();
                Ok(())
            })
            .await?;
        Ok(NewKeyView { key: credential.expose().to_owned(), view })
    }

    /// Deletes a key. Its records stay.
    pub async fn delete_key(&self, principal: &Principal, id: KeyId) -> Result<()> {
        principal.require_admin()?;
        let before = self.living_key(id).await?;
        let mut entry = self.audit(principal, "key.delete", format!("key:{id}"));
        entry.before = redacted(&KeyView::from(&before));
        Ok(self.repository.delete_key(id, self.now(), entry).await?)
    }

    pub(crate) async fn edit_key(
        &self,
        principal: &Principal,
        id: KeyId,
        action: &str,
        edit: impl Fn(&mut ApiKey) -> Result<()> + Sync,
    ) -> Result<KeyView> {
        retry_on_conflict(|| async {
            let before = self.living_key(id).await?;
            let mut after = before.clone();
            edit(&mut after)?;
            after.updated_at = self.later_than(before.updated_at);
            let mut entry = self.audit(principal, action, format!("key:{id}"));
            entry.before = redacted(&KeyView::from(&before));
            entry.after = redacted(&KeyView::from(&after));
            self.repository.update_key(&after, before.updated_at, entry).await?;
            Ok(KeyView::from(&after))
        })
        .await
    }

    pub(crate) async fn living_key(&self, id: KeyId) -> Result<ApiKey> {
        self.repository.find_key(id).await?.ok_or(ManagementError::NotFound)
    }

    fn blank_key(&self, owner: UserId, credential: &HubKey) -> ApiKey {
        let now = self.now();
        ApiKey { created_at: now, updated_at: now, ..ApiKey::new(KeyId(0), owner, "", credential) }
    }
}

/// A fresh credential out of the operating system's random generator.
fn new_credential() -> Result<HubKey> {
    let mut pool = [0_u8; 64];
    let mut left = 0;
    HubKey::generate(|| {
        if left == 0 {
            getrandom::fill(&mut pool)?;
            left = pool.len();
        }
        left -= 1;
        Ok(pool.get(left).copied().unwrap_or_default())
    })
    .map_err(|error: getrandom::Error| ManagementError::Internal(format!("no random bytes: {error}")))
}
