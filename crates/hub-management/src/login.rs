//! Who is there: bearer credentials, web logins, and the throttle on wrong ones.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hub_repository::{Caller, LoginSession};
use hub_types::{KeyHash, Role, Secret, User, UserId};
use jiff::Timestamp;

use crate::view::ActorView;
use crate::{Actor, Management, ManagementError, Principal, Result};

/// A fresh web login.
#[derive(Debug, Clone)]
pub struct Login {
    /// The opaque session token for the cookie.
    pub token: Secret,
    /// Until when it lasts.
    pub expires_at: Timestamp,
    /// Who logged in, with the cross-site token.
    pub actor: ActorView,
}

/// A web login found again by its cookie.
#[derive(Debug, Clone)]
pub struct Resumed {
    /// Who is there.
    pub principal: Principal,
    /// What `x-csrf-token` must be on changes.
    pub csrf_token: Secret,
    /// Until when the login lasts.
    pub expires_at: Timestamp,
}

impl Management {
    /// Recognises a bearer credential: ADMIN_TOKEN, or a hub key, which acts for its user's own things only.
    pub async fn authenticate(&self, token: &str, address: Option<IpAddr>) -> Result<Principal> {
        self.refuse_throttled(address)?;
        if self.is_admin_token(token) {
            return Ok(Principal { actor: Actor::AdminToken, address });
        }
        let Some(caller) = self.repository.find_caller(&KeyHash::of(token)).await? else {
            self.throttle.failed(address, self.now());
            return Err(ManagementError::Unauthenticated("nobody has this credential"));
        };
        self.require_usable(&caller)?;
        Ok(Principal { actor: user_actor(&caller.user, Role::User), address })
    }

    /// Recognises ADMIN_TOKEN and nothing else, for interfaces that are the operator's alone.
    pub fn authenticate_admin_token(&self, token: &str, address: Option<IpAddr>) -> Result<Principal> {
        self.refuse_throttled(address)?;
        if !self.is_admin_token(token) {
            self.throttle.failed(address, self.now());
            return Err(ManagementError::Unauthenticated("this is not the admin token"));
        }
        Ok(Principal { actor: Actor::AdminToken, address })
    }

    /// Logs in with ADMIN_TOKEN, or with a hub key that may log in, in its user's role.
    pub async fn login(&self, token: &str, address: Option<IpAddr>) -> Result<Login> {
        self.refuse_throttled(address)?;
        let actor = match self.login_actor(token).await {
            Ok(actor) => actor,
            Err(error) => {
                if matches!(error, ManagementError::Unauthenticated(_)) {
                    self.throttle.failed(address, self.now());
                    self.note_failed_login(address).await?;
                }
                return Err(error);
            }
        };
        let user_id = match &actor {
            Actor::User { id, .. } => Some(*id),
            _ => None,
        };
        let principal = Principal { actor, address };
        let now = self.now();
        let (token, csrf_token) = (random_token()?, random_token()?);
        let expires_at = now.checked_add(self.settings.auth_session_ttl).unwrap_or(Timestamp::MAX);
        self.repository
            .insert_login(&LoginSession {
                token_hash: KeyHash::of(&token).to_hex(),
                csrf_token: csrf_token.clone(),
                user_id,
                role: principal.actor.role(),
                expires_at,
            })
            .await?;
        self.repository.append_audit(self.audit(&principal, "login", principal.actor.to_string())).await?;
        let actor = self.whoami(&principal, Some((csrf_token, expires_at)));
        Ok(Login { token: Secret::new(token), expires_at, actor })
    }

    /// Finds a web login by its cookie. The user's role and state are those of now, not those at the login.
    pub async fn resume(&self, token: &str, address: Option<IpAddr>) -> Result<Resumed> {
        const EXPIRED: ManagementError =
            ManagementError::Unauthenticated("the login has ended: log in again");
        let hash = KeyHash::of(token).to_hex();
        let session = self.repository.find_login(&hash, self.now()).await?.ok_or(EXPIRED)?;
        let actor = match session.user_id {
            None => Actor::AdminToken,
            Some(id) => {
                let user = self.repository.find_user(id).await?.ok_or(EXPIRED)?;
                self.require_usable_user(&user)?;
                user_actor(&user, user.role)
            }
        };
        Ok(Resumed {
            principal: Principal { actor, address },
            csrf_token: Secret::new(session.csrf_token),
            expires_at: session.expires_at,
        })
    }

    /// How long a web login lasts, seconds.
    pub fn login_seconds(&self) -> i64 {
        self.settings.auth_session_ttl.as_secs()
    }

    /// Ends a web login.
    pub async fn logout(&self, token: &str) -> Result<()> {
        Ok(self.repository.delete_login(&KeyHash::of(token).to_hex(), self.now()).await?)
    }

    /// Who the caller is; `login` holds the cross-site token and the end of a web login.
    pub fn whoami(&self, principal: &Principal, login: Option<(String, Timestamp)>) -> ActorView {
        let (user_id, name): (Option<UserId>, Option<String>) = match &principal.actor {
            Actor::User { id, name, .. } => (Some(*id), Some(name.clone())),
            Actor::AdminToken | Actor::Cli => (None, None),
        };
        let (csrf_token, expires_at) = login.unzip();
        ActorView {
            actor: principal.actor.to_string(),
            role: principal.actor.role(),
            user_id,
            name,
            csrf_token,
            expires_at,
        }
    }

    async fn login_actor(&self, token: &str) -> Result<Actor> {
        if self.is_admin_token(token) {
            return Ok(Actor::AdminToken);
        }
        let caller = self.repository.find_caller(&KeyHash::of(token)).await?;
        let caller = caller.ok_or(ManagementError::Unauthenticated("nobody has this credential"))?;
        self.require_usable(&caller)?;
        if !caller.key.can_login_web_ui {
            return Err(ManagementError::Forbidden("this key may not log in (can_login_web_ui)".to_owned()));
        }
        Ok(user_actor(&caller.user, caller.user.role))
    }

    fn is_admin_token(&self, token: &str) -> bool {
        // An empty token would let everybody in; hashing first hides the length from the clock, too.
        self.settings.admin_token.as_ref().is_some_and(|admin| {
            !admin.expose().is_empty() && KeyHash::of(admin.expose()).matches(&KeyHash::of(token))
        })
    }

    fn refuse_throttled(&self, address: Option<IpAddr>) -> Result<()> {
        match self.throttle.blocked_for(address, self.now()) {
            Some(retry_after) => Err(ManagementError::Throttled { retry_after }),
            None => Ok(()),
        }
    }

    fn require_usable(&self, caller: &Caller) -> Result<()> {
        let expired = caller.key.expires_at.is_some_and(|end| end <= self.now());
        if expired || !caller.key.is_enabled {
            let state = if expired { "has expired" } else { "is switched off" };
            return Err(ManagementError::Forbidden(format!("the key \"{}\" {state}", caller.key.name)));
        }
        self.require_usable_user(&caller.user)
    }

    fn require_usable_user(&self, user: &User) -> Result<()> {
        let expired = user.expires_at.is_some_and(|end| end <= self.now());
        if expired || !user.is_enabled {
            let state = if expired { "has expired" } else { "is switched off" };
            return Err(ManagementError::Forbidden(format!("the user \"{}\" {state}", user.name)));
        }
        Ok(())
    }

    async fn note_failed_login(&self, address: Option<IpAddr>) -> Result<()> {
        let nobody = Principal { actor: Actor::Cli, address };
        let mut entry = self.audit(&nobody, "login", String::new());
        "unknown".clone_into(&mut entry.actor);
        entry.success = false;
        Ok(self.repository.append_audit(entry).await?)
    }
}

fn user_actor(user: &User, role: Role) -> Actor {
    Actor::User { id: user.id, role, name: user.name.clone() }
}

/// 256 bits of chance as text.
fn random_token() -> Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| ManagementError::Internal(format!("no random bytes: {error}")))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
