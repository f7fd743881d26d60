//! The hub as one thing: started, running, drained.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use rustls::ClientConfig;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use hub_api::ApiState;
use hub_circuit_breaker::{
    AlertThrottle, BreakerStore, CoolDowns, FallbackBreakerStore, MemoryBreakerStore, RedisBreakers,
};
use hub_config::{Billing, Config, PickBy, RedisAddress};
use hub_http::{
    BodyLimits, Server, ServerSettings, Tasks, UpstreamClient, UpstreamSettings, tls_client_config,
};
use hub_management::{Management, Settings};
use hub_proxy::{CatalogueRules, Gateway, GatewayOptions, LastUse, Metrics, Prober};
use hub_redis::{RedisConnection, RedisSettings, RedisUrl};
use hub_repository::journal::{Drain, Journal, JournalSettings};
use hub_types::{Clock, PickRule, SystemClock};

use crate::alerts::{self, AlertDesk};
use crate::directory::RepositoryDirectory;
use crate::error_rule_tests::RuleTests;
use crate::front::Front;
use crate::health::Health;
use crate::limits::{Ledger, LimitParts, budget_mode};
use crate::probing::Probing;
use crate::provider_tests::Tests;
use crate::recorder::Recorder;
use crate::sessions::{SessionParts, chain_rules, message_storage};
use crate::status::Status;
use crate::stores::{self, Access, Database};
use crate::webhooks::Webhooks;
use crate::{StartError, last_use, metrics, refresh};

const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// What is left of a stream after it was told to end.
const FAREWELL: Duration = Duration::from_secs(2);

/// What a hub is started with.
pub struct Parts {
    /// The configuration.
    pub config: Config,
    /// A bound listener.
    pub listener: TcpListener,
}

/// A running hub.
pub struct App {
    server: Server,
    gateway: Gateway,
    health: Arc<Health>,
    access: Access,
    management: Arc<Management>,
    directory: Arc<RepositoryDirectory>,
    database: Database,
    tasks: Tasks,
    drain_stop: CancellationToken,
    drain_tasks: Tasks,
    sessions: SessionParts,
    limits: LimitParts,
    redis: Option<Arc<RedisConnection>>,
    patience: Duration,
}

/// How the end went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Connections that outlasted all patience.
    pub cut_connections: usize,
    /// Records that wait in the journal for the next start, because the database is away.
    pub left_in_journal: u64,
}

impl App {
    /// Opens everything and begins to serve.
    pub async fn start(parts: Parts) -> Result<Self, StartError> {
        let Parts { config, listener } = parts;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        stores::data_dir(&config.stores.data_dir)?;
        let (access, sealer) = stores::secrets(&config)?;
        // The platform's roots are read once for everything that goes out.
        let tls = tls_client_config();
        let database = Database::open(&config, &sealer, &tls).await?;
        let repository = database.repository();
        let settings =
            JournalSettings { max_bytes: config.stores.journal_max_bytes, ..JournalSettings::default() };
        let (journal, replay) = Journal::open(&config.stores.data_dir.join("journal"), settings)?;
        tracing::info!(?replay, "journal opened");
        let journal = Arc::new(journal);
        let redis = match &config.stores.redis {
            Some(address) => Some(Arc::new(connect_redis(address, &config, &tls).await?)),
            None => None,
        };
        let parts = SessionParts::open(&config, redis.as_ref());
        let rules = CatalogueRules { allow_private_upstreams: config.routing.allow_private_upstreams };
        // Subscribed before the first load, so that no edit falls between the two.
        let changes = repository.changes();
        let directory = RepositoryDirectory::load(
            Arc::clone(&repository),
            rules,
            Arc::clone(&parts.sessions),
            Arc::clone(&clock),
        );
        let directory = Arc::new(directory.await?);

        let (tasks, drain_tasks) = (Tasks::new(), Tasks::new());
        let drain_stop = CancellationToken::new();
        let recorder = Arc::new(Recorder::new(Arc::clone(&journal)));
        let ledger = Ledger {
            repository: Arc::clone(&repository),
            journal: Arc::clone(&journal),
            clock: Arc::clone(&clock),
        };
        let limits = LimitParts::open(&config, redis.as_ref(), ledger, &tasks, clock.now());
        let mut drain = Drain::new(Arc::clone(&journal), Arc::clone(&repository));
        if let Some(witness) = limits.witness() {
            drain = drain.telling(witness);
        }
        drain_tasks.spawn(drain.run(drain_stop.clone()));
        let limiter = config.limits.enabled.then(|| Arc::clone(&limits.limiter));
        let (breakers, pauses) =
            (breakers(redis.as_ref()), Arc::new(CoolDowns::new(config.routing.longest_pause)));
        let stop = tasks.stop_signal().clone();
        tasks.spawn(refresh::run(Arc::clone(&directory), changes, stop.clone()));
        tasks.spawn(Arc::clone(&recorder).run(Arc::clone(&repository), stop.clone()));

        let counted = Metrics::default();
        let throttle = Arc::new(
            redis.as_ref().map_or_else(AlertThrottle::new, |redis| AlertThrottle::shared(Arc::clone(redis))),
        );
        let client = upstream_client(&config, tls, &tasks);
        let webhooks = Arc::new(Webhooks {
            client: client.clone(),
            repository: Arc::clone(&repository),
            allow_private: config.routing.allow_private_upstreams,
        });
        let (alerts, raised) = alerts::queue();
        let desk = AlertDesk {
            throttle: Arc::clone(&throttle),
            clock: Arc::clone(&clock),
            metrics: counted.clone(),
            webhooks: Arc::clone(&webhooks),
        };
        tasks.spawn(desk.run(raised, stop.clone()));
        let prober = Prober::new(client.clone(), rules);
        let last_use = Arc::new(LastUse::default());
        if let (Some(redis), PickBy::LeastRecentlyUsed) = (&redis, config.routing.pick) {
            tasks.spawn(last_use::share(Arc::clone(&last_use), Arc::clone(redis), stop.clone()));
        }
        let gateway = Gateway::builder(directory.clone(), client)
            .options(gateway_options(&config))
            .sink(recorder)
            .sessions(Arc::clone(&parts.sessions))
            .session_pool(Arc::clone(&parts.pool))
            .rate_limiter(Arc::clone(&limits.limiter))
            .breakers(Arc::clone(&breakers))
            .cool_downs(Arc::clone(&pauses))
            .alerts(Arc::new(alerts))
            .last_use(Arc::clone(&last_use))
            .clock(Arc::clone(&clock))
            .metrics(counted.clone())
            .build();
        if config.probing.enabled {
            let probing = Probing {
                prober: prober.clone(),
                directory: directory.clone(),
                breakers: Arc::clone(&breakers),
                turns: throttle,
                clock: Arc::clone(&clock),
                metrics: counted.clone(),
                interval: config.probing.interval,
                patience: config.probing.timeout,
            };
            tasks.spawn(probing.run(stop.clone()));
        }
        let pool_stop = stop.clone();
        tasks.spawn(Arc::clone(&parts.pool).run(async move { pool_stop.cancelled().await }));
        tasks.spawn(sweep(gateway.clone(), stop));

        let health = Arc::new(Health {
            journal: Arc::clone(&journal),
            redis: redis.clone(),
            is_draining: AtomicBool::new(false),
        });
        let status =
            Status { health: Arc::clone(&health), clock: Arc::clone(&clock), started: Instant::now() };
        let management = Arc::new(
            Management::new(repository, Arc::clone(&clock), management_settings(&config, &access))
                .with_status_source(Arc::new(status))
                .with_sessions(Arc::clone(&parts.sessions))
                .with_session_pool(Arc::clone(&parts.pool))
                .with_limiter(limiter)
                .with_breakers(breakers, pauses)
                .with_webhook_sender(webhooks)
                .with_provider_tests(Arc::new(Tests::new(prober, config.probing.api_test_timeout)))
                .with_error_rule_tests(Arc::new(RuleTests))
                .with_time_zone(config.observability.time_zone.clone()),
        );
        let registry = config
            .observability
            .metrics
            .then(|| metrics::registry(&counted, journal, clock, parts.store(), redis.clone()));
        let front = Front {
            gateway: gateway.clone(),
            api: hub_api::router(ApiState {
                management: Arc::clone(&management),
                secure_cookies: config.web_login.secure_cookies,
            }),
            directory: Arc::clone(&directory),
            health: Arc::clone(&health),
            registry,
            admin_token: access.admin_token.clone(),
            trusted_proxies: config.server.trusted_proxies.0.clone(),
            pool: hub_api::pool_router(ApiState {
                management: Arc::clone(&management),
                secure_cookies: config.web_login.secure_cookies,
            }),
        };
        let server_settings =
            ServerSettings { max_connections: config.server.max_connections, ..ServerSettings::default() };
        let server = Server::start(listener, server_settings, Arc::new(front)).map_err(StartError::Listen)?;
        Ok(Self {
            server,
            gateway,
            health,
            access,
            management,
            directory,
            database,
            tasks,
            drain_stop,
            drain_tasks,
            sessions: parts,
            limits,
            redis,
            patience: config.server.shutdown_drain,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The admin's way in.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// The use cases, for programs that run the hub and manage it, too.
    pub fn management(&self) -> &Arc<Management> {
        &self.management
    }

    /// Brings edits made through [`App::management`] into force at once. Those made through the API are when
    /// it answers; those made elsewhere are within a second.
    pub async fn catch_up(&self) {
        self.directory.catch_up().await;
    }

    /// Stops accepting, lets what runs finish within the drain time, ends what is left with an error in its
    /// dialect, empties the journal and closes everything.
    pub async fn shut_down(self) -> Drained {
        let end = Instant::now() + self.patience;
        self.health.is_draining.store(true, Ordering::Relaxed);
        let mut drained = self.server.drain(self.patience).await;
        if drained.cut > 0 {
            tracing::warn!(connections = drained.cut, "ending streams that outlast the drain time");
            self.gateway.cut_off_streams();
            drained = self.server.drain(FAREWELL).await;
        }
        let left = end.saturating_duration_since(Instant::now()).max(FAREWELL);
        self.gateway.finish(left).await;
        self.tasks.finish(FAREWELL).await;
        self.drain_stop.cancel();
        self.drain_tasks.finish(Duration::from_secs(15)).await;
        let left_in_journal = self.health.journal.status().depth_entries;
        drop((self.management, self.directory, self.gateway, self.server, self.health));
        tokio::join!(self.sessions.close(), self.limits.close());
        // Everybody else who held the connection is gone by now: the server, the gateway, the management, the
        // sessions with their writer, the pool with its task.
        match self.redis.map(Arc::try_unwrap) {
            Some(Ok(redis)) => redis.close().await,
            Some(Err(_)) => tracing::warn!("Redis is still in use: its connection is cut, not closed"),
            None => {}
        }
        self.database.close().await;
        Drained { cut_connections: drained.cut, left_in_journal }
    }
}

async fn sweep(gateway: Gateway, stop: CancellationToken) {
    loop {
        let round = async {
            tokio::time::sleep(SWEEP_EVERY).await;
            gateway.sweep().await;
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = round => {}
        }
    }
}

/// Returns at once, whether Redis is there or not.
async fn connect_redis(
    address: &RedisAddress,
    config: &Config,
    tls: &ClientConfig,
) -> Result<RedisConnection, StartError> {
    let refuse = |reason: String| StartError::Redis(reason);
    let url = RedisUrl::parse(address.url.expose()).map_err(|error| refuse(error.to_string()))?;
    let settings =
        RedisSettings { command_timeout: config.stores.redis_command_timeout, ..RedisSettings::default() };
    let tls = url.needs_tls().then(|| tls.clone());
    RedisConnection::connect(&url, settings, tls).await.map_err(|error| refuse(error.to_string()))
}

/// Circuit breakers: in this process, or in Redis with this process to fall back on.
fn breakers(redis: Option<&Arc<RedisConnection>>) -> Arc<dyn BreakerStore> {
    match redis {
        None => Arc::new(MemoryBreakerStore::new()),
        Some(redis) => Arc::new(FallbackBreakerStore::new(RedisBreakers::new(Arc::clone(redis)))),
    }
}

fn upstream_client(config: &Config, tls: Arc<ClientConfig>, tasks: &Tasks) -> UpstreamClient {
    let allow_private = config.routing.allow_private_upstreams;
    UpstreamClient::new(UpstreamSettings {
        connect_timeout: config.routing.connect_timeout,
        address_rule: Arc::new(move |address| hub_routing::check_address(address, allow_private).is_ok()),
        // A proxy is often on this very machine.
        proxy_address_rule: Arc::new(|address| hub_routing::check_address(address, true).is_ok()),
        tasks: tasks.clone(),
        ..UpstreamSettings::new(tls)
    })
}

fn gateway_options(config: &Config) -> GatewayOptions {
    let max_bytes = usize::try_from(config.server.max_request_bytes).unwrap_or(usize::MAX);
    GatewayOptions {
        body: BodyLimits { max_bytes, ..BodyLimits::default() },
        trusted_proxies: config.server.trusted_proxies.0.clone(),
        max_failovers: config.routing.max_attempts,
        failover_budget: config.routing.failover_budget,
        verbose_provider_error: config.routing.verbose_provider_error,
        keep_alive: config.routing.stream_keep_alive,
        time_zone: config.observability.time_zone.clone(),
        chain: chain_rules(config),
        session_ttl: config.sessions.ttl,
        message_storage: message_storage(config),
        breaker_on_network_errors: config.routing.breaker_on_network_errors,
        pick_rule: match config.routing.pick {
            PickBy::WeightedRandom => PickRule::Rendezvous,
            PickBy::LeastRecentlyUsed => PickRule::LeastRecentlyUsed,
        },
        limits: budget_mode(config),
        reservation_ttl: config.limits.reservation_ttl,
        bill_requested_model: config.accounting.billing == Billing::Original,
    }
}

fn management_settings(config: &Config, access: &Access) -> Settings {
    Settings {
        allow_private_upstreams: config.routing.allow_private_upstreams,
        admin_token: Some(access.admin_token.clone()),
        auth_session_ttl: SignedDuration::try_from(config.web_login.ttl).unwrap_or(SignedDuration::MAX),
    }
}
