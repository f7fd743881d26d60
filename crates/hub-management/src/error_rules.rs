//! Error rules: list, show, create, edit, delete. Trying them out is in `test`.

use hub_routing::{MOST_ERROR_RULES, is_too_broad};
use hub_types::{ErrorRule, ErrorRuleId, ProviderId, TextMatch};

use crate::audit::redacted;
use crate::management::{page, retry_on_conflict};
use crate::params::ListQuery;
use crate::validate::Faults;
use crate::view::{ErrorRuleFields, ErrorRuleView, List};
use crate::{Management, ManagementError, Patch, Principal, Result, cursor, draft};

mod test;

pub use test::{ErrorRuleTests, SampleAnswer};

/// Characters of a pattern.
const PATTERN_CHARS: usize = 1000;
/// Characters of a message in the place of the provider's.
const MESSAGE_CHARS: usize = 2000;

impl Management {
    /// Living rules.
    pub async fn list_error_rules(
        &self,
        principal: &Principal,
        query: &ListQuery,
    ) -> Result<List<ErrorRuleView>> {
        principal.require_admin()?;
        let rows = self.repository.list_error_rules(page(query)?).await?;
        Ok(List::page(rows, query.limit, |rule| cursor::of_id(rule.id.0), |rule| ErrorRuleView::from(rule)))
    }

    /// One rule.
    pub async fn show_error_rule(&self, principal: &Principal, id: ErrorRuleId) -> Result<ErrorRuleView> {
        principal.require_admin()?;
        Ok(ErrorRuleView::from(&self.living_rule(id).await?))
    }

    /// Adds a rule.
    pub async fn create_error_rule(&self, principal: &Principal, input: &Patch) -> Result<ErrorRuleView> {
        principal.require_admin()?;
        let now = self.now();
        let rule = draft::create::<ErrorRuleFields>(input)?.into_rule(ErrorRuleId(0), now, now);
        check(&rule)?;
        self.check_provider(rule.provider_id).await?;
        if self.all_rules().await?.len() >= MOST_ERROR_RULES {
            return Err(ManagementError::invalid("name", "there are 1000 error rules already"));
        }
        let mut entry = self.audit(principal, "error_rule.create", "error_rule:".to_owned());
        entry.after = redacted(&ErrorRuleView::from(&rule));
        Ok(ErrorRuleView::from(&self.repository.insert_error_rule(&rule, entry).await?))
    }

    /// Edits a rule by a merge patch.
    pub async fn update_error_rule(
        &self,
        principal: &Principal,
        id: ErrorRuleId,
        input: &Patch,
    ) -> Result<ErrorRuleView> {
        principal.require_admin()?;
        retry_on_conflict(|| async {
            let before = self.living_rule(id).await?;
            let fields: ErrorRuleFields = draft::patch(&ErrorRuleFields::from(&before), input)?;
            let after = fields.into_rule(id, before.created_at, self.later_than(before.updated_at));
            check(&after)?;
            if after.provider_id != before.provider_id {
                self.check_provider(after.provider_id).await?;
            }
            let mut entry = self.audit(principal, "error_rule.update", format!("error_rule:{id}"));
            entry.before = redacted(&ErrorRuleView::from(&before));
            entry.after = redacted(&ErrorRuleView::from(&after));
            self.repository.update_error_rule(&after, before.updated_at, entry).await?;
            Ok(ErrorRuleView::from(&after))
        })
        .await
    }

    /// Deletes a rule.
    pub async fn delete_error_rule(&self, principal: &Principal, id: ErrorRuleId) -> Result<()> {
        principal.require_admin()?;
        let before = self.living_rule(id).await?;
        let mut entry = self.audit(principal, "error_rule.delete", format!("error_rule:{id}"));
        entry.before = redacted(&ErrorRuleView::from(&before));
        Ok(self.repository.delete_error_rule(id, self.now(), entry).await?)
    }

    async fn living_rule(&self, id: ErrorRuleId) -> Result<ErrorRule> {
        self.repository.find_error_rule(id).await?.ok_or(ManagementError::NotFound)
    }

    async fn all_rules(&self) -> Result<Vec<ErrorRule>> {
        let limit = u32::try_from(MOST_ERROR_RULES).unwrap_or(u32::MAX);
        Ok(self.repository.list_error_rules(hub_repository::Page { after: None, limit }).await?)
    }

    async fn check_provider(&self, id: Option<ProviderId>) -> Result<()> {
        match id {
            Some(id) if self.repository.find_provider(id).await?.is_none() => {
                Err(ManagementError::invalid("provider_id", "there is no such provider"))
            }
            _ => Ok(()),
        }
    }
}

/// What the types of the columns can't say.
fn check(rule: &ErrorRule) -> Result<()> {
    let mut faults = Faults::default();
    faults.name("name", &rule.name);
    faults.text("description", &rule.description);
    let mut types = rule.provider_types.clone();
    types.sort_unstable();
    types.dedup();
    let named_twice = types.len() < rule.provider_types.len();
    faults.check(!named_twice, "provider_types", "names a type more than once");
    if let Some(word) = &rule.error_type {
        faults.name("error_type", word);
    }
    if let Some(pattern) = &rule.pattern {
        faults.check(!pattern.trim().is_empty(), "pattern", "must not be empty");
        faults.check(pattern.chars().count() <= PATTERN_CHARS, "pattern", "is longer than 1000 characters");
        faults.check(!pattern.contains('\0'), "pattern", "must not hold NUL characters");
        if rule.pattern_match == TextMatch::Regex {
            faults.regex("pattern", pattern);
        }
    }
    let needed = "a rule needs at least one of status, error_type and pattern";
    faults.check(rule.has_condition(), "status", needed);
    let is_known = ErrorRule::CLASSES.contains(&rule.class);
    faults.check(is_known, "class", "is nothing that an answer of a provider can be");
    let broad = "a rule that counts against circuit breakers needs more than this status: the request may be at \
                 fault, so set error_type or pattern";
    faults.check(!is_too_broad(rule), "class", broad);
    if let Some(status) = rule.replacement_status {
        faults.check((400..=599).contains(&status), "replacement_status", "must be from 400 to 599");
    }
    if let Some(message) = &rule.replacement_message {
        let field = "replacement_message";
        faults.check(!message.trim().is_empty(), field, "must not be empty");
        faults.check(message.chars().count() <= MESSAGE_CHARS, field, "is longer than 2000 characters");
        faults.check(!message.contains('\0'), field, "must not hold NUL characters");
    }
    faults.into_result()
}
