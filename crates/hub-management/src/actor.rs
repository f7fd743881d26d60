//! Who acts, and what that allows.

use std::fmt;
use std::net::IpAddr;

use hub_types::{Role, UserId};

use crate::{ManagementError, Result};

/// Who does something. `Display` is the form that the audit log keeps: `admin-token`, `user:3`, `cli`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Whoever knows ADMIN_TOKEN.
    AdminToken,
    /// A member of the team.
    User {
        /// The row.
        id: UserId,
        /// What they may do here: role `admin` counts only after a web login.
        role: Role,
        /// Their name.
        name: String,
    },
    /// Somebody with a shell on the machine and access to the stores.
    Cli,
}

impl Actor {
    /// What the actor may do.
    pub fn role(&self) -> Role {
        match self {
            Self::AdminToken | Self::Cli => Role::Admin,
            Self::User { role, .. } => *role,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AdminToken => f.write_str("admin-token"),
            Self::User { id, .. } => write!(f, "user:{id}"),
            Self::Cli => f.write_str("cli"),
        }
    }
}

/// An actor and the address that the actor speaks from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Who.
    pub actor: Actor,
    /// From where; `None` on the command line.
    pub address: Option<IpAddr>,
}

impl Principal {
    /// Whoever runs the command line next to the stores.
    pub const fn cli() -> Self {
        Self { actor: Actor::Cli, address: None }
    }

    /// Refuses everybody but admins.
    pub(crate) fn require_admin(&self) -> Result<()> {
        match self.actor.role() {
            Role::Admin => Ok(()),
            Role::User => Err(ManagementError::Forbidden("only an admin may do this".to_owned())),
        }
    }

    /// The only user whose things the actor may see; `None` = everybody's.
    pub(crate) fn confined_to(&self) -> Option<UserId> {
        match &self.actor {
            Actor::User { id, role: Role::User, .. } => Some(*id),
            _ => None,
        }
    }

    /// May the actor see things of this user? Others' things look as if they were not there.
    pub(crate) fn require_sight_of(&self, owner: UserId) -> Result<()> {
        match self.confined_to() {
            Some(own) if own != owner => Err(ManagementError::NotFound),
            _ => Ok(()),
        }
    }
}
