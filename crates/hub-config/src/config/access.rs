//! Who may administer, and what seals the credentials.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use hub_types::Secret;

use crate::reader::Reader;
use crate::variables as of;

/// The administrator's credential. It may go into a header: visible ASCII only.
#[derive(Debug, Clone)]
pub struct AdminToken(Secret);

impl AdminToken {
    const SHORTEST: usize = 16;

    /// Accepts what can be sent in a header, however weak.
    pub fn parse(text: &str) -> Option<Self> {
        let sendable = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        sendable.then(|| Self(Secret::new(text)))
    }

    /// Whether it can be guessed: short, or the one that examples show.
    pub fn is_weak(&self) -> bool {
        self.0.expose().len() < Self::SHORTEST || self.0.matches("change-me")
    }

    /// The credential, to compare with and to show once.
    pub fn secret(&self) -> &Secret {
        &self.0
    }
}

/// The key that seals provider credentials in the database.
#[derive(Clone)]
pub struct MasterKey([u8; 32]);

impl MasterKey {
    /// Takes 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads 64 hex digits, or base64 in either alphabet, with or without padding.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(key) = hub_types::KeyHash::from_hex(text) {
            return Some(Self(key.0));
        }
        let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let decoded = [STANDARD, URL_SAFE]
            .iter()
            .find_map(|alphabet| GeneralPurpose::new(alphabet, lenient).decode(text).ok());
        decoded?.try_into().ok().map(Self)
    }

    /// The bytes. Look twice at where they go.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// Log-in to the dashboard.
#[derive(Debug, Clone)]
pub struct WebLogin {
    /// Whether the cookie is marked `Secure`.
    pub secure_cookies: bool,
    /// How long a log-in lasts.
    pub ttl: Duration,
}

impl WebLogin {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let secure_cookies = reader.boolean(&of::ENABLE_SECURE_COOKIES);
        let ttl = reader.duration(&of::AUTH_SESSION_TTL_SECONDS);
        Some(Self { secure_cookies: secure_cookies?, ttl: ttl? })
    }
}

pub(super) struct Access {
    pub(super) admin_token: Option<AdminToken>,
    pub(super) master_key: Option<MasterKey>,
    allow_weak: bool,
}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<Access> {
    let admin_token = reader.optional(&of::ADMIN_TOKEN, AdminToken::parse);
    let allow_weak = reader.boolean(&of::ALLOW_WEAK_ADMIN_TOKEN);
    let master_key = reader.optional(&of::MASTER_KEY, MasterKey::parse);
    Some(Access { admin_token: admin_token?, master_key: master_key?, allow_weak: allow_weak? })
}

impl Access {
    /// A weak token is for trying things out on one's own machine, and only if one says so. An address that is
    /// itself mistaken (`None`) is not held against the token.
    pub(super) fn check(&self, reader: &mut Reader<'_>, listen: Option<IpAddr>) {
        if self.admin_token.as_ref().is_none_or(|token| !token.is_weak()) {
            return;
        }
        let strong = of::ADMIN_TOKEN.kind;
        if !self.allow_weak {
            reader.refuse(&of::ADMIN_TOKEN, strong.to_string());
        } else if listen.is_some_and(|address| !address.is_loopback()) {
            let only = "ALLOW_WEAK_ADMIN_TOKEN holds only while APP_HOST is a loopback address";
            reader.refuse(&of::ADMIN_TOKEN, format!("{strong}: {only}"));
        }
    }
}
