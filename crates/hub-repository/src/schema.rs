//! Which version of the schema a database has, and which one this binary wants.

use crate::RepositoryError;

/// A comparison of versions. 0 = there is no schema yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemaState {
    /// What the database has.
    pub found: i64,
    /// What this binary knows.
    pub known: i64,
}

impl SchemaState {
    /// Nothing is to be done.
    pub const fn is_current(self) -> bool {
        self.found == self.known
    }

    /// True if migrations are to be run; fails if the database is newer than the binary, or older and
    /// `may_migrate` is false.
    pub fn needs_migration(self, may_migrate: bool) -> Result<bool, RepositoryError> {
        let Self { found, known } = self;
        match found.cmp(&known) {
            std::cmp::Ordering::Equal => Ok(false),
            std::cmp::Ordering::Greater => Err(RepositoryError::SchemaTooNew { found, known }),
            std::cmp::Ordering::Less if may_migrate => Ok(true),
            std::cmp::Ordering::Less => Err(RepositoryError::SchemaTooOld { found, needed: known }),
        }
    }
}
