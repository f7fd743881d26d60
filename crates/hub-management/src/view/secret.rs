//! A text that is written, but never read back.

use hub_types::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Stands for the part of a secret that is not shown.
pub(crate) const ELLIPSIS: &str = "…";

/// A credential in the input and in views. It is read in full and written as `…` and its last four characters.
#[derive(Debug, Clone)]
pub struct WriteOnly(Secret);

impl WriteOnly {
    /// What people may see of a secret; an empty one is none at all.
    pub(crate) fn of(secret: &Secret) -> Option<Self> {
        (!secret.expose().is_empty()).then(|| Self(secret.clone()))
    }

    /// The secret as it was written.
    pub(crate) const fn secret(&self) -> &Secret {
        &self.0
    }

    /// True for the form that people are shown, which is no credential.
    pub(crate) fn is_mask(&self) -> bool {
        self.0.expose().starts_with(ELLIPSIS)
    }

    /// The form that people are shown.
    pub fn mask(&self) -> String {
        if self.is_mask() { self.0.expose().to_owned() } else { format!("{ELLIPSIS}{}", self.0.last4()) }
    }
}

impl Serialize for WriteOnly {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.mask())
    }
}

impl<'de> Deserialize<'de> for WriteOnly {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Secret::new(text)))
    }
}
