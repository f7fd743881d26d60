//! Who may use the hub: users and their keys.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Dialect, HubKey, KeyHash, KeyId, MoneyLimits, UserId};

/// What a person may do with the management interfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything.
    Admin,
    /// Their own things.
    User,
}

/// The dialect that a key is restricted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Every dialect.
    All,
    /// Claude only.
    Claude,
    /// OpenAI chat and its siblings only.
    #[serde(rename = "openai")]
    OpenAi,
    /// Responses (Codex) only.
    Responses,
    /// Both Gemini wires only.
    Gemini,
}

impl Permission {
    /// Does it cover a dialect?
    pub const fn covers(self, dialect: Dialect) -> bool {
        match self {
            Self::All => true,
            Self::Claude => matches!(dialect, Dialect::Claude),
            Self::OpenAi => matches!(dialect, Dialect::OpenAi),
            Self::Responses => matches!(dialect, Dialect::Responses),
            Self::Gemini => matches!(dialect, Dialect::Gemini | Dialect::GeminiCli),
        }
    }
}

/// A member of the team.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// The row.
    pub id: UserId,
    /// Unique among the living.
    pub name: String,
    /// Free text.
    pub description: String,
    /// What they may do.
    pub role: Role,
    /// Switched off users are refused with 403.
    pub is_enabled: bool,
    /// From then on refused with 403.
    pub expires_at: Option<Timestamp>,
    /// Which providers their keys may use, unless the key says otherwise.
    pub provider_group: GroupSet,
    /// Labels for people.
    pub tags: Vec<String>,
    /// Model names they may ask for; empty = all.
    pub allowed_models: Vec<String>,
    /// Client names they may use; empty = all.
    pub allowed_clients: Vec<String>,
    /// Client names they may not use.
    pub blocked_clients: Vec<String>,
    /// Requests in 60 seconds; `None` or 0 = no limit.
    pub rpm_limit: Option<u32>,
    /// Money limits.
    #[serde(flatten)]
    pub limits: MoneyLimits,
    /// Sessions at once; `None` or 0 = no limit.
    pub limit_concurrent_sessions: Option<u32>,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row last changed.
    pub updated_at: Timestamp,
}

impl User {
    /// A user with the defaults of the data model.
    pub fn new(id: UserId, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            description: String::new(),
            role: Role::User,
            is_enabled: true,
            expires_at: None,
            provider_group: GroupSet::default(),
            tags: Vec::new(),
            allowed_models: Vec::new(),
            allowed_clients: Vec::new(),
            blocked_clients: Vec::new(),
            rpm_limit: None,
            limits: MoneyLimits::default(),
            limit_concurrent_sessions: None,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }
}

/// A hub key of a user. The credential itself is not in it: only its hash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApiKey {
    /// The row.
    pub id: KeyId,
    /// Whose key it is.
    pub user_id: UserId,
    /// What its owner calls it.
    pub name: String,
    /// Free text.
    pub description: String,
    /// SHA-256 of the credential; never serialised.
    #[serde(skip, default = "no_hash")]
    pub key_hash: KeyHash,
    /// The last four characters of the credential, for display.
    pub key_last4: String,
    /// Switched off keys are refused with 403.
    pub is_enabled: bool,
    /// From then on refused with 403.
    pub expires_at: Option<Timestamp>,
    /// When a request last used it (to the minute).
    pub last_used_at: Option<Timestamp>,
    /// May it log in to the management pages?
    pub can_login_web_ui: bool,
    /// Overrides the user's `provider_group` unless empty.
    pub provider_group: GroupSet,
    /// Which dialects it may speak.
    pub permissions: Permission,
    /// Tokens since creation or reset; `None` or 0 = no limit.
    pub token_limit: Option<u64>,
    /// Requests in 60 seconds; `None` or 0 = no limit.
    pub rpm_limit: Option<u32>,
    /// Money limits.
    #[serde(flatten)]
    pub limits: MoneyLimits,
    /// Sessions at once; `None` or 0 = no limit.
    pub limit_concurrent_sessions: Option<u32>,
    /// Are session ids seen on this key collected into the session pool?
    pub collect_session: bool,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the row last changed.
    pub updated_at: Timestamp,
}

impl ApiKey {
    /// A key with the defaults of the data model.
    pub fn new(id: KeyId, user_id: UserId, name: &str, key: &HubKey) -> Self {
        Self {
            id,
            user_id,
            name: name.to_owned(),
            description: String::new(),
            key_hash: key.hash(),
            key_last4: key.last4(),
            is_enabled: true,
            expires_at: None,
            last_used_at: None,
            can_login_web_ui: false,
            provider_group: GroupSet::default(),
            permissions: Permission::All,
            token_limit: None,
            rpm_limit: None,
            limits: MoneyLimits::default(),
            limit_concurrent_sessions: None,
            collect_session: false,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }
}

/// A key and whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Caller {
    /// The key.
    pub key: ApiKey,
    /// Its owner.
    pub user: User,
}

impl Caller {
    /// The provider groups that the key may use: its own, else its user's, else `default`.
    pub fn groups(&self) -> &GroupSet {
        if self.key.provider_group.is_empty() { &self.user.provider_group } else { &self.key.provider_group }
    }
}

fn no_hash() -> KeyHash {
    KeyHash([0; 32])
}

/// A set of provider groups, written as a comma list: `team-a,team-b`; `*` stands for all groups.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct GroupSet(Vec<String>);

impl GroupSet {
    /// The group of whoever and whatever names none.
    pub const DEFAULT: &'static str = "default";
    /// Matches every group.
    pub const ALL: &'static str = "*";

    /// Reads a comma list; blanks and empty entries fall away.
    pub fn parse(text: &str) -> Self {
        Self(text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect())
    }

    /// Names no group at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names, in the order written.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Do two sets meet? An empty one stands for `default`, `*` meets everything.
    pub fn meets(&self, other: &Self) -> bool {
        self.has(Self::ALL) || other.has(Self::ALL) || self.names_or_default().any(|name| other.has(name))
    }

    fn has(&self, wanted: &str) -> bool {
        self.names_or_default().any(|name| name == wanted)
    }

    fn names_or_default(&self) -> impl Iterator<Item = &str> {
        self.names().chain(self.is_empty().then_some(Self::DEFAULT))
    }
}

impl From<String> for GroupSet {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

impl From<GroupSet> for String {
    fn from(groups: GroupSet) -> Self {
        groups.0.join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::GroupSet;

    #[test]
    fn groups_meet_by_name_by_default_and_by_star() {
        for (mine, theirs, meet) in [
            ("", "", true),
            ("", "default", true),
            ("team-a", "", false),
            ("team-a", "team-b", false),
            ("team-a, team-b", "team-b", true),
            ("*", "team-b", true),
            ("team-a", "*", true),
        ] {
            assert_eq!(GroupSet::parse(mine).meets(&GroupSet::parse(theirs)), meet, "{mine} / {theirs}");
        }
    }
}
