//! Providers: does anybody answer at their addresses?

use std::time::Duration;

use hub_repository::{Page, Repository};
use hub_types::Provider;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use url::Url;

use super::Check;
use crate::messages::Messages;

/// How long an address has to answer.
const DEADLINE: Duration = Duration::from_secs(5);
/// Addresses asked at once.
const AT_ONCE: usize = 16;
/// Providers looked at; a hub has tens of them.
const MOST: u32 = 1000;

/// Connects to every enabled provider, or to the proxy in front of it.
pub(super) async fn check(repository: &dyn Repository, messages: &Messages) -> Vec<Check> {
    let providers = match repository.list_providers(Page { after: None, limit: MOST }).await {
        Ok(providers) => providers,
        Err(error) => return vec![Check::fail("providers", error.to_string(), messages.fix_database)],
    };
    let mut enabled: Vec<_> = providers.iter().filter(|provider| provider.is_enabled).collect();
    if enabled.is_empty() {
        return vec![Check::warn("providers", messages.nothing, messages.fix_no_provider)];
    }
    enabled.sort_by_key(|provider| provider.id);
    let mut checks = Vec::new();
    for some in enabled.chunks(AT_ONCE) {
        let mut asked = JoinSet::new();
        for (position, provider) in some.iter().enumerate() {
            let address = address_of(provider);
            asked.spawn(async move { (position, reach(address).await) });
        }
        let mut answers = asked.join_all().await;
        answers.sort_by_key(|(position, _)| *position);
        for (provider, (_, answer)) in some.iter().zip(answers) {
            let name = format!("provider {}", provider.name);
            checks.push(match answer {
                Ok(address) => Check::ok(&name, address),
                Err(error) => Check::fail(&name, error, messages.fix_provider),
            });
        }
    }
    checks
}

/// Where the hub connects to first; brackets of IPv6 addresses fall away.
fn address_of(provider: &Provider) -> Option<(String, u16)> {
    const SOCKS_PORT: u16 = 1080;
    let url = provider.proxy_url.as_ref().map_or(provider.url.as_str(), |proxy| proxy.expose());
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
    Some((host, url.port_or_known_default().unwrap_or(SOCKS_PORT)))
}

/// Opens a connection and closes it again.
async fn reach(address: Option<(String, u16)>) -> Result<String, String> {
    let Some((host, port)) = address else { return Err("no host in its URL".to_owned()) };
    let shown = format!("{host}:{port}");
    match timeout(DEADLINE, TcpStream::connect((host.as_str(), port))).await {
        Ok(Ok(_)) => Ok(shown),
        Ok(Err(error)) => Err(format!("{shown}: {error}")),
        Err(_) => Err(format!("{shown}: no answer within {} s", DEADLINE.as_secs())),
    }
}
