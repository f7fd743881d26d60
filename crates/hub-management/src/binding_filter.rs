//! Which providers are meant when bindings are to be cleared.

use hub_repository::ProviderLabel;
use hub_types::{ProviderId, ProviderType};

use crate::validate::Faults;
use crate::view::{ClearBindingsFields, ProviderBindings};
use crate::{ManagementError, Result};

/// The most ids that can be named at once.
const MOST_IDS: usize = 10_000;

/// Conditions on providers, all of which must hold. Without any, every provider is meant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BindingFilter {
    /// Only priorities less than this.
    pub priority_below: Option<i32>,
    /// Only these ids: of living providers, of deleted ones, and of those that left no row behind.
    pub ids: Option<Vec<ProviderId>>,
    /// Only names that hold this text, in whatever case. No character means anything but itself.
    pub name: Option<String>,
    /// Only this type.
    pub provider_type: Option<ProviderType>,
}

impl BindingFilter {
    /// Is every provider meant?
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Refuses what can only be a mistake: an empty text or list. They would mean everything, or nothing.
    pub fn check(&self) -> Result<()> {
        let mut faults = Faults::default();
        if let Some(ids) = &self.ids {
            faults.check(!ids.is_empty(), "id", "must name at least one provider");
            faults.check(ids.len() <= MOST_IDS, "id", "has more than 10000 entries");
        }
        faults.check(self.name.as_deref() != Some(""), "name", "must not be empty");
        faults.into_result()
    }

    /// Does it admit this provider? Deleted ones only by id, or if everything is meant.
    pub(crate) fn admits(&self, label: &ProviderLabel) -> bool {
        let may_be_deleted = self.ids.is_some() || self.is_empty();
        (may_be_deleted || !label.is_deleted)
            && self.priority_below.is_none_or(|most| label.priority < most)
            && self.ids.as_ref().is_none_or(|ids| ids.contains(&label.id))
            && self.name.as_ref().is_none_or(|part| fold(&label.name).contains(&fold(part)))
            && self.provider_type.is_none_or(|kind| label.provider_type == kind)
    }

    /// The ids asked for that no row was found for. Other conditions can't hold for them.
    pub(crate) fn ids_without_row(
        &self,
        found: &[ProviderBindings],
    ) -> impl Iterator<Item = ProviderId> + use<> {
        let only_ids = Self { ids: None, ..self.clone() }.is_empty();
        let mut ids = self.ids.clone().filter(|_| only_ids).unwrap_or_default();
        ids.retain(|id| found.iter().all(|row| row.id != *id));
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter()
    }
}

/// Letters that differ only in case become the same. By way of upper case, because there the last sigma of a
/// word is like every other and ß is ss.
fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

impl TryFrom<ClearBindingsFields> for BindingFilter {
    type Error = ManagementError;

    fn try_from(fields: ClearBindingsFields) -> Result<Self> {
        let filter = Self {
            priority_below: fields.priority,
            ids: fields.id.map(|ids| ids.into_iter().map(ProviderId).collect()),
            name: fields.name,
            provider_type: fields.provider_type,
        };
        if filter.is_empty() && !fields.all {
            let message = "without a filter all bindings would be cleared: say so with `true`";
            return Err(ManagementError::invalid("all", message));
        }
        if fields.all && !filter.is_empty() {
            return Err(ManagementError::invalid("all", "goes with no filter"));
        }
        filter.check()?;
        Ok(filter)
    }
}

impl From<&BindingFilter> for ClearBindingsFields {
    fn from(filter: &BindingFilter) -> Self {
        Self {
            priority: filter.priority_below,
            id: filter.ids.as_ref().map(|ids| ids.iter().map(|id| id.0).collect()),
            name: filter.name.clone(),
            provider_type: filter.provider_type,
            all: filter.is_empty(),
            dry_run: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use hub_repository::ProviderLabel;
    use hub_types::{ProviderId, ProviderType};

    use super::BindingFilter;

    fn label(name: &str, priority: i32, is_deleted: bool) -> ProviderLabel {
        let (id, provider_type) = (ProviderId(7), ProviderType::Codex);
        ProviderLabel { id, name: name.to_owned(), provider_type, priority, is_deleted }
    }

    fn named(part: &str) -> BindingFilter {
        BindingFilter { name: Some(part.to_owned()), ..BindingFilter::default() }
    }

    #[test]
    fn a_name_is_a_substring_in_whatever_case_and_has_no_wildcards() {
        for (part, name) in [
            ("MAIN", "the main one"),
            ("ÄR", "Bär"),
            ("σασ", "ΣΑΣ"),
            ("ΣΑΣ", "σας"),
            ("5%", "95% off"),
            ("中", "台中"),
        ] {
            assert!(named(part).admits(&label(name, 0, false)), "{part} in {name}");
        }
        for (part, name) in [("m%n", "main"), ("ma_n", "main"), ("_", "main"), ("%", "main")] {
            assert!(!named(part).admits(&label(name, 0, false)), "{part} in {name}");
        }
    }

    #[test]
    fn all_conditions_must_hold() {
        let filter = BindingFilter {
            priority_below: Some(3),
            ids: Some(vec![ProviderId(7)]),
            provider_type: Some(ProviderType::Codex),
            ..named("a")
        };
        assert!(filter.admits(&label("a", 2, false)));
        assert!(!filter.admits(&label("a", 3, false)), "less than, not up to");
        assert!(!filter.admits(&label("b", 2, false)));
        assert!(
            !BindingFilter { ids: Some(vec![ProviderId(8)]), ..filter.clone() }.admits(&label("a", 2, false))
        );
        let kind = Some(ProviderType::Claude);
        assert!(!BindingFilter { provider_type: kind, ..filter }.admits(&label("a", 2, false)));
    }

    #[test]
    fn the_deleted_are_meant_by_id_or_with_everything() {
        let dead = label("a", 0, true);
        assert!(!named("a").admits(&dead));
        assert!(BindingFilter::default().admits(&dead));
        assert!(BindingFilter { ids: Some(vec![ProviderId(7)]), ..named("a") }.admits(&dead));
    }

    #[test]
    fn ids_without_a_row_count_unless_something_else_is_asked_of_them() {
        let ids = Some([9, 7, 9].map(ProviderId).to_vec());
        let filter = BindingFilter { ids, ..BindingFilter::default() };
        let found = [label("a", 0, false).into()];
        assert_eq!(filter.ids_without_row(&found).collect::<Vec<_>>(), [ProviderId(9)]);
        let named = BindingFilter { name: Some("a".to_owned()), ..filter };
        assert_eq!(named.ids_without_row(&found).count(), 0);
    }

    #[test]
    fn an_empty_text_or_list_is_a_mistake() {
        assert!(named("").check().is_err());
        assert!(BindingFilter { ids: Some(Vec::new()), ..BindingFilter::default() }.check().is_err());
        assert!(BindingFilter::default().check().is_ok());
    }
}
