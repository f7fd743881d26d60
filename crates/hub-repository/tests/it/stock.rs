//! Users, keys, providers and records to test with.

use hub_repository::AuditEntry;
use hub_types::{
    ApiKey, Attempt, AttemptId, AttemptReason, ClientInfo, Convertible, CostBreakdown, Dialect, Endpoint,
    ErrorClass, GroupSet, KeyHash, KeyId, MatchKind, ModelRedirect, ModelRule, Money, MoneyLimits,
    Multiplier, Outcome, Permission, Provider, ProviderId, ProviderType, RequestId, RequestRecord, ResetMode,
    Role, RoutingRecord, RoutingStep, Secret, StageCount, Timings, Usage, UsageSource, User, UserId,
};
use jiff::{SignedDuration, Timestamp};

/// A moment in November 2026, `seconds` later.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + seconds).unwrap() + SignedDuration::from_micros(123_456)
}

pub(crate) fn audit(action: &str, target: &str) -> AuditEntry {
    AuditEntry {
        at: at(0),
        actor: "cli".to_owned(),
        action: action.to_owned(),
        target: target.to_owned(),
        before: None,
        after: Some(r#"{"a":1}"#.to_owned()),
        address: Some("127.0.0.1".to_owned()),
        success: true,
    }
}

fn limits() -> MoneyLimits {
    MoneyLimits {
        limit_5h_usd: Some("0.000000001".parse().unwrap()),
        limit_5h_reset_mode: ResetMode::Fixed,
        limit_daily_usd: Some(Money::from_usd(20)),
        daily_reset_mode: ResetMode::Rolling,
        daily_reset_time: jiff::civil::time(4, 30, 0, 0),
        limit_weekly_usd: None,
        limit_monthly_usd: Some(Money::ZERO),
        limit_total_usd: Some(Money::from_nanos(i64::MAX)),
        cost_reset_at: Some(at(-5)),
    }
}

pub(crate) fn user(name: &str) -> User {
    User {
        id: UserId(0),
        name: name.to_owned(),
        description: "zwölf 试 \"quotes\"".to_owned(),
        role: Role::User,
        is_enabled: true,
        expires_at: Some(at(1_000_000)),
        provider_group: GroupSet::parse("team-a,team-b"),
        tags: vec!["a".to_owned(), "b,c".to_owned()],
        allowed_models: vec!["claude-*".to_owned()],
        allowed_clients: Vec::new(),
        blocked_clients: vec!["curl".to_owned()],
        rpm_limit: Some(u32::MAX),
        limits: limits(),
        limit_concurrent_sessions: None,
        created_at: at(0),
        updated_at: at(0),
    }
}

pub(crate) fn key(user_id: UserId, name: &str, credential: &str) -> ApiKey {
    ApiKey {
        id: KeyId(0),
        user_id,
        name: name.to_owned(),
        description: String::new(),
        key_hash: KeyHash::of(credential),
        key_last4: "last".to_owned(),
        is_enabled: false,
        expires_at: None,
        last_used_at: None,
        can_login_web_ui: true,
        provider_group: GroupSet::default(),
        permissions: Permission::OpenAi,
        token_limit: Some(1 << 40),
        rpm_limit: None,
        limits: MoneyLimits::default(),
        limit_concurrent_sessions: Some(3),
        collect_session: true,
        created_at: at(1),
        updated_at: at(1),
    }
}

pub(crate) const CREDENTIAL: &str = "sk-vendor-credential-in-clear";
pub(crate) const PROXY_URL: &str = "socks5://someone:proxy-password@10.0.0.1:1080";

pub(crate) fn provider(name: &str) -> Provider {
    let mut provider = Provider::new(
        ProviderId(0),
        name,
        "https://upstream.example/base",
        ProviderType::OpenAiCompatible,
        Secret::new(CREDENTIAL),
    );
    provider.priority = -3;
    provider.group_priorities.insert("team-a".to_owned(), 7);
    provider.group_tag = GroupSet::parse("team-a");
    provider.cost_multiplier = "0.85".parse().unwrap();
    provider.allowed_models = vec![ModelRule { kind: MatchKind::Prefix, pattern: "gpt".to_owned() }];
    provider.model_redirects =
        vec![ModelRedirect { kind: MatchKind::Exact, source: "a".to_owned(), target: "b".to_owned() }];
    provider.active_time_start = Some(jiff::civil::time(22, 0, 0, 0));
    provider.active_time_end = Some(jiff::civil::time(6, 30, 0, 0));
    provider.limits = limits();
    provider.session_ttl = Some(60);
    provider.proxy_url = Some(Secret::new(PROXY_URL));
    provider.custom_headers.insert("x-team".to_owned(), "ä".to_owned());
    provider.hedge_after_ms = Some(1500);
    provider.codex_instructions_text = Some("be brief".to_owned());
    provider.generation = 4;
    provider.created_at = at(2);
    provider.updated_at = at(2);
    provider
}

/// Whose request, by whom served, when, for how much.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    pub(crate) user: i64,
    pub(crate) key: i64,
    pub(crate) provider: i64,
    pub(crate) seconds: i64,
    pub(crate) nanos: Option<i64>,
    pub(crate) status: u16,
}

impl Default for Facts {
    fn default() -> Self {
        Self { user: 1, key: 1, provider: 1, seconds: 0, nanos: Some(1_000), status: 200 }
    }
}

pub(crate) fn attempt(facts: Facts) -> Attempt {
    Attempt {
        id: AttemptId::fresh(),
        provider_id: ProviderId(facts.provider),
        provider_name: format!("provider-{}", facts.provider),
        provider_type: ProviderType::Claude,
        reason: AttemptReason::InitialSelection,
        priority: 0,
        weight: 1,
        probability_ppm: 500_000,
        host: "upstream.example:443".to_owned(),
        sent_model: Some("sent".to_owned()),
        upstream_model: Some("named".to_owned()),
        status: Some(facts.status),
        class: (facts.status >= 500).then_some(ErrorClass::ProviderError),
        error_rule_id: None,
        error: None,
        timings: Timings {
            queued_us: 10,
            connected_us: None,
            first_byte_us: Some(20),
            first_content_us: Some(30),
            total_us: 40,
        },
        usage: Some(Usage {
            input: 10,
            output: 20,
            reasoning: 5,
            cache_read: 3,
            cache_write_5m: 2,
            cache_write_1h: 1,
        }),
        usage_source: Some(UsageSource::Reported),
        cost: facts.nanos.map(Money::from_nanos),
        cost_breakdown: facts
            .nanos
            .map(|nanos| CostBreakdown { input: Money::from_nanos(nanos), ..CostBreakdown::default() }),
        price_version: Some(3),
        provider_multiplier: "0.85".parse().unwrap(),
        is_trial: false,
        group_multiplier: Multiplier::ONE,
    }
}

pub(crate) fn record(facts: Facts) -> RequestRecord {
    RequestRecord {
        user_id: Some(UserId(facts.user)),
        key_id: Some(KeyId(facts.key)),
        session_id: Some(format!("session-{}", facts.key)),
        session_sequence: Some(2),
        stream: true,
        client: ClientInfo { name: Some("claude-cli".to_owned()), version: None },
        client_address: Some("10.1.2.3".parse().unwrap()),
        model: Some("claude-x".to_owned()),
        status: facts.status,
        timings: Timings {
            queued_us: 1,
            connected_us: Some(15),
            first_byte_us: Some(2),
            first_content_us: Some(3),
            total_us: 1_500_000,
        },
        attempts: vec![attempt(facts)],
        stages: vec![StageCount { stage: "group".into(), left: 2 }],
        routing: Some(Box::new(RoutingRecord {
            catalogue: 4,
            left_out: vec![ProviderId(8)],
            // More than a float can hold.
            seed: u64::MAX - 1,
            local_time: jiff::civil::time(23, 59, 59, 999_999_999),
            groups: GroupSet::parse("team-a,team-b"),
            convertible: Convertible::Yes,
            steps: vec![RoutingStep { picked: Some(ProviderId(1)), ..RoutingStep::default() }],
        })),
        loss: vec!["top_k".to_owned(), "hosted_tool:web_fetch".to_owned()],
        ..RequestRecord::new(
            RequestId::fresh(),
            at(facts.seconds),
            Dialect::Claude,
            Endpoint::Generate,
            Outcome::Completed,
        )
    }
}

#[cfg(feature = "sqlite")]
pub(crate) fn open_of(record: &RequestRecord) -> hub_types::OpenRequest {
    hub_types::OpenRequest {
        id: record.id,
        created_at: record.created_at,
        user_id: record.user_id,
        key_id: record.key_id,
        dialect: record.dialect,
        endpoint: record.endpoint,
        stream: record.stream,
        model: record.model.clone(),
        session_id: record.session_id.clone(),
    }
}
