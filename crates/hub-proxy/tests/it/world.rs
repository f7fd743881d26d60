//! A gateway with one key and providers of the test's choice, asked without a server in between.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use http::{Request, Response};
use http_body::Body as _;
use parking_lot::Mutex;

use hub_http::{Body, UpstreamClient, UpstreamSettings, tls_client_config};
use hub_pricing::{PriceTable, builtin_rows};
use hub_proxy::{Catalogue, CatalogueRules, Gateway, GatewayBuilder, MemoryDirectory};
use hub_types::{
    ApiKey, Caller, HubKey, KeyId, MoneyLimits, Provider, ProviderId, ProviderType, RequestRecord, Secret,
    SessionId, User, UserId,
};

pub(crate) const KEY: KeyId = KeyId(1);
pub(crate) const USER: UserId = UserId(1);
pub(crate) const PROVIDER: ProviderId = ProviderId(1);

pub(crate) type Records = Arc<Mutex<Vec<RequestRecord>>>;

/// A provider with the defaults.
pub(crate) fn provider(url: &str) -> Provider {
    Provider::new(PROVIDER, "upstream", url, ProviderType::Claude, Secret::new("sk-vendor"))
}

/// A gateway before these providers, whose key may spend so much; and its records.
pub(crate) fn builder(
    providers: impl Into<Vec<Provider>>,
    limits: MoneyLimits,
    settings: impl FnOnce(&mut UpstreamSettings),
) -> (GatewayBuilder, Records) {
    let key = hub_key();
    let catalogue = catalogue(providers);
    let api_key = ApiKey { limits, ..ApiKey::new(KEY, USER, "key", &key) };
    let caller = Caller { key: api_key, user: User::new(USER, "me") };
    let directory = Arc::new(MemoryDirectory::new([(key, caller)], catalogue));
    before(directory, settings)
}

/// Callers and providers that can be exchanged, known to the key of [`ask`].
pub(crate) fn directory(providers: impl Into<Vec<Provider>>) -> Arc<MemoryDirectory> {
    let key = hub_key();
    let caller = Caller { key: ApiKey::new(KEY, USER, "key", &key), user: User::new(USER, "me") };
    Arc::new(MemoryDirectory::new([(key, caller)], catalogue(providers)))
}

pub(crate) fn catalogue(providers: impl Into<Vec<Provider>>) -> Catalogue {
    let (prices, _) = PriceTable::build(&builtin_rows());
    let rules = CatalogueRules { allow_private_upstreams: true };
    let (catalogue, problems) = Catalogue::build(1, providers.into(), &[], Arc::new(prices), rules);
    assert!(problems.is_empty(), "{problems:?}");
    catalogue
}

/// A gateway that asks this directory.
pub(crate) fn before(
    directory: Arc<MemoryDirectory>,
    settings: impl FnOnce(&mut UpstreamSettings),
) -> (GatewayBuilder, Records) {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut upstream = UpstreamSettings::new(tls_client_config());
    settings(&mut upstream);
    let records = Records::default();
    let sink = Arc::clone(&records);
    let builder = Gateway::builder(directory, UpstreamClient::new(upstream))
        .sink(Arc::new(move |record: &RequestRecord| sink.lock().push(record.clone())));
    (builder, records)
}

fn hub_key() -> HubKey {
    HubKey::parse(&format!("cch_{}", "w".repeat(40))).unwrap()
}

/// The session of [`ask`].
pub(crate) fn session() -> SessionId {
    SessionId::new(KEY, "talk")
}

/// Asks a question.
pub(crate) async fn ask(gateway: &Gateway) -> Response<Body> {
    ask_for(gateway, false).await
}

/// The same, for a stream.
pub(crate) async fn ask_for_stream(gateway: &Gateway) -> Response<Body> {
    ask_for(gateway, true).await
}

async fn ask_for(gateway: &Gateway, stream: bool) -> Response<Body> {
    let messages = r#"[{"role":"user","content":"hi"}]"#;
    let body = format!(
        r#"{{"model":"claude-sonnet-4-5","max_tokens":64000,"stream":{stream},"messages":{messages}}}"#
    );
    let request = Request::post("/v1/messages")
        .header("x-api-key", hub_key().expose())
        .header("x-session-id", "talk")
        .body(Body::from(body))
        .unwrap();
    gateway.handle(request, SocketAddr::from(([127, 0, 0, 1], 9))).await
}

/// The bytes that come of a body until it ends or `enough` says so.
pub(crate) async fn read_until(body: &mut Body, enough: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut read = Vec::new();
    while !enough(&read) {
        match poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
            Some(frame) => read.extend_from_slice(&frame.unwrap().into_data().unwrap_or_default()),
            None => break,
        }
    }
    read
}
