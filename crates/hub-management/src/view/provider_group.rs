//! Provider groups, as people see and write them.

use hub_types::{Multiplier, ProviderGroup};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::draft::Columns;
use crate::schema;
use crate::validate::Faults;

/// The columns of a provider group. A creation needs `name`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ProviderGroupFields {
    /// As written in `group_tag` and `provider_group`; it can't be changed later.
    pub name: String,
    /// Factor on the price for requests of this group.
    #[schema(schema_with = schema::multiplier)]
    pub cost_multiplier: Multiplier,
    /// Free text.
    pub description: String,
}

/// A provider group: people write all of it.
pub type ProviderGroupView = ProviderGroupFields;

impl Columns for ProviderGroupFields {
    const REQUIRED: &'static [&'static str] = &["name"];
    const READ_ONLY: &'static [&'static str] = &[];
}

impl From<&ProviderGroup> for ProviderGroupFields {
    fn from(group: &ProviderGroup) -> Self {
        Self {
            name: group.name.clone(),
            cost_multiplier: group.cost_multiplier,
            description: group.description.clone(),
        }
    }
}

impl ProviderGroupFields {
    pub(crate) fn check(&self) -> crate::Result<()> {
        let mut faults = Faults::default();
        faults.name("name", &self.name);
        faults.check(!self.name.contains(','), "name", "must not hold a comma");
        faults.check(self.name != "*", "name", "`*` stands for all groups");
        faults.text("description", &self.description);
        faults.into_result()
    }

    pub(crate) fn into_row(self) -> ProviderGroup {
        ProviderGroup {
            name: self.name,
            cost_multiplier: self.cost_multiplier,
            description: self.description,
        }
    }
}
