//! The gateway inside another program: no database, no Redis, no files.
//!
//! Usage: `cargo run -p hub-proxy --example embed -- PROVIDER_URL PROVIDER_KEY`, then point Claude Code at the
//! address and the key that it prints.

use std::net::SocketAddr;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;

use hub_http::{Body, Server, ServerSettings, Service, UpstreamClient, UpstreamSettings, tls_client_config};
use hub_pricing::{PriceTable, builtin_rows};
use hub_proxy::{Catalogue, CatalogueRules, Gateway, MemoryDirectory};
use hub_types::{
    ApiKey, Caller, HubKey, KeyId, Provider, ProviderId, ProviderType, RequestRecord, Secret, User, UserId,
};

struct Embedded(Gateway);

impl Service for Embedded {
    async fn call(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        self.0.handle(request, peer).await
    }
}

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::print_stdout, reason = "this is what the example is for")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "https://api.anthropic.com".to_owned());
    let credential = Secret::new(arguments.next().unwrap_or_default());
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();

    // One key, one provider, the built-in prices.
    let key = HubKey::parse(&format!("cch_{}", "e".repeat(40)))?;
    let caller =
        Caller { key: ApiKey::new(KeyId(1), UserId(1), "embedded", &key), user: User::new(UserId(1), "me") };
    let provider = Provider::new(ProviderId(1), "upstream", &url, ProviderType::Claude, credential);
    let (prices, _) = PriceTable::build(&builtin_rows());
    let rules = CatalogueRules { allow_private_upstreams: true };
    let (catalogue, problems) = Catalogue::build(1, vec![provider], &[], Arc::new(prices), rules);
    anyhow::ensure!(problems.is_empty(), "{problems:?}");
    let directory = Arc::new(MemoryDirectory::new([(key.clone(), caller)], catalogue));

    let gateway =
        Gateway::builder(directory, UpstreamClient::new(UpstreamSettings::new(tls_client_config())))
            .sink(Arc::new(|record: &RequestRecord| {
                println!(
                    "{} {:?} {:?}",
                    record.status,
                    record.usage(),
                    record.last_attempt().and_then(|last| last.cost)
                );
            }))
            .build();

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let server = Server::start(listener, ServerSettings::default(), Arc::new(Embedded(gateway)))?;
    println!("listening http://{} key {}", server.address(), key.expose());
    std::future::pending().await
}
