-- The first schema of the hub. Money is whole nano-dollars, times are microseconds since 1970, UTC.
-- Names that must be unique are so among the living only: deleted_at is set, nothing is removed.

CREATE TABLE users (
    id                        INTEGER PRIMARY KEY AUTOINCREMENT,
    name                      TEXT NOT NULL,
    description               TEXT NOT NULL,
    role                      TEXT NOT NULL,
    is_enabled                INTEGER NOT NULL,
    expires_at                INTEGER,
    provider_group            TEXT NOT NULL,
    tags                      TEXT NOT NULL,
    allowed_models            TEXT NOT NULL,
    allowed_clients           TEXT NOT NULL,
    blocked_clients           TEXT NOT NULL,
    rpm_limit                 INTEGER,
    limit_5h_usd              INTEGER,
    limit_5h_reset_mode       TEXT NOT NULL,
    limit_daily_usd           INTEGER,
    daily_reset_mode          TEXT NOT NULL,
    daily_reset_time          TEXT NOT NULL,
    limit_weekly_usd          INTEGER,
    limit_monthly_usd         INTEGER,
    limit_total_usd           INTEGER,
    cost_reset_at             INTEGER,
    limit_concurrent_sessions INTEGER,
    created_at                INTEGER NOT NULL,
    updated_at                INTEGER NOT NULL,
    deleted_at                INTEGER
);
-- Serves: adding and renaming users (names are unique among the living).
CREATE UNIQUE INDEX users_name ON users (name) WHERE deleted_at IS NULL;

CREATE TABLE keys (
    id                        INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id                   INTEGER NOT NULL REFERENCES users (id),
    name                      TEXT NOT NULL,
    description               TEXT NOT NULL,
    key_hash                  TEXT NOT NULL, -- SHA-256 of the credential, hex
    key_last4                 TEXT NOT NULL,
    is_enabled                INTEGER NOT NULL,
    expires_at                INTEGER,
    last_used_at              INTEGER,
    can_login_web_ui          INTEGER NOT NULL,
    provider_group            TEXT NOT NULL,
    permissions               TEXT NOT NULL,
    token_limit               INTEGER,
    rpm_limit                 INTEGER,
    limit_5h_usd              INTEGER,
    limit_5h_reset_mode       TEXT NOT NULL,
    limit_daily_usd           INTEGER,
    daily_reset_mode          TEXT NOT NULL,
    daily_reset_time          TEXT NOT NULL,
    limit_weekly_usd          INTEGER,
    limit_monthly_usd         INTEGER,
    limit_total_usd           INTEGER,
    cost_reset_at             INTEGER,
    limit_concurrent_sessions INTEGER,
    collect_session           INTEGER NOT NULL,
    created_at                INTEGER NOT NULL,
    updated_at                INTEGER NOT NULL,
    deleted_at                INTEGER
);
-- Serves: finding the caller of a request by the hash of its credential.
CREATE UNIQUE INDEX keys_key_hash ON keys (key_hash);
-- Serves: listing a user's keys; names are unique among a user's living keys.
CREATE UNIQUE INDEX keys_user_name ON keys (user_id, name) WHERE deleted_at IS NULL;

CREATE TABLE providers (
    id                        INTEGER PRIMARY KEY AUTOINCREMENT,
    name                      TEXT NOT NULL,
    description               TEXT NOT NULL,
    url                       TEXT NOT NULL,
    provider_type             TEXT NOT NULL,
    credential                BLOB NOT NULL, -- sealed with MASTER_KEY
    is_enabled                INTEGER NOT NULL,
    priority                  INTEGER NOT NULL,
    group_priorities          TEXT NOT NULL,
    weight                    INTEGER NOT NULL,
    group_tag                 TEXT NOT NULL,
    cost_multiplier_ppm       INTEGER NOT NULL, -- millionths
    allowed_models            TEXT NOT NULL,
    model_redirects           TEXT NOT NULL,
    allowed_clients           TEXT NOT NULL,
    blocked_clients           TEXT NOT NULL,
    active_time_start         TEXT,
    active_time_end           TEXT,
    conversion                TEXT NOT NULL,
    limit_5h_usd              INTEGER,
    limit_5h_reset_mode       TEXT NOT NULL,
    limit_daily_usd           INTEGER,
    daily_reset_mode          TEXT NOT NULL,
    daily_reset_time          TEXT NOT NULL,
    limit_weekly_usd          INTEGER,
    limit_monthly_usd         INTEGER,
    limit_total_usd           INTEGER,
    total_cost_reset_at       INTEGER,
    limit_concurrent_sessions INTEGER,
    session_ttl               INTEGER,
    fail_back                 TEXT NOT NULL,
    max_retry_attempts        INTEGER NOT NULL,
    failure_threshold         INTEGER NOT NULL,
    open_duration_ms          INTEGER NOT NULL,
    half_open_success_threshold INTEGER NOT NULL,
    proxy_url                 BLOB, -- sealed with MASTER_KEY
    proxy_fallback_to_direct  INTEGER NOT NULL,
    custom_headers            TEXT NOT NULL,
    timeout_first_byte        INTEGER NOT NULL,
    timeout_idle              INTEGER NOT NULL,
    timeout_request           INTEGER NOT NULL,
    hedge_after_ms            INTEGER,
    on_client_abort           TEXT NOT NULL,
    codex_instructions        TEXT NOT NULL,
    codex_instructions_text   TEXT,
    generation                INTEGER NOT NULL,
    created_at                INTEGER NOT NULL,
    updated_at                INTEGER NOT NULL,
    deleted_at                INTEGER
);
-- Serves: adding and renaming providers (names are unique among the living).
CREATE UNIQUE INDEX providers_name ON providers (name) WHERE deleted_at IS NULL;

-- What choosing goes by of each provider, as it was from one catalogue version until another (NULL: it still is).
-- Explanations of old requests are computed from it. Of what has ended only the last versions are kept.
CREATE TABLE provider_versions (
    provider_id               INTEGER NOT NULL,
    from_version              INTEGER NOT NULL,
    until_version             INTEGER,
    shape                     TEXT NOT NULL, -- JSON
    PRIMARY KEY (provider_id, from_version) -- serves: noting an edit
);
-- Serves: forgetting what has ended long ago.
CREATE INDEX provider_versions_until ON provider_versions (until_version);

CREATE TABLE provider_groups (
    name                      TEXT PRIMARY KEY,
    cost_multiplier_ppm       INTEGER NOT NULL, -- millionths
    description               TEXT NOT NULL,
    created_at                INTEGER NOT NULL,
    updated_at                INTEGER NOT NULL
);

CREATE TABLE model_prices (
    model                     TEXT NOT NULL,
    source                    TEXT NOT NULL,
    price                     TEXT NOT NULL,
    version                   INTEGER NOT NULL,
    created_at                INTEGER NOT NULL,
    updated_at                INTEGER NOT NULL,
    PRIMARY KEY (model, source)
);

CREATE TABLE settings (
    key                       TEXT PRIMARY KEY,
    value                     TEXT NOT NULL,
    version                   INTEGER NOT NULL,
    created_at                INTEGER NOT NULL,
    updated_at                INTEGER NOT NULL
);

-- One row a client request. The columns are what lists show and filters ask for; `detail` is the whole record
-- with its decision chain. Tokens and cost are those of the attempt that answered.
CREATE TABLE requests (
    id                        BLOB NOT NULL,
    created_at                INTEGER NOT NULL,
    user_id                   INTEGER,
    key_id                    INTEGER,
    session_id                TEXT,
    session_sequence          INTEGER,
    dialect                   TEXT NOT NULL,
    endpoint                  TEXT NOT NULL,
    stream                    INTEGER NOT NULL,
    model                     TEXT,
    sent_model                TEXT,
    provider_id               INTEGER,
    provider_name             TEXT,
    outcome                   TEXT NOT NULL,
    status                    INTEGER NOT NULL,
    error_code                TEXT,
    input_tokens              INTEGER,
    output_tokens             INTEGER,
    reasoning_tokens          INTEGER,
    cache_read_tokens         INTEGER,
    cache_write_5m_tokens     INTEGER,
    cache_write_1h_tokens     INTEGER,
    cost_nanos                INTEGER,
    duration_us               INTEGER NOT NULL,
    first_content_us          INTEGER,
    detail                    TEXT NOT NULL,
    PRIMARY KEY (created_at, id) -- serves: the list of requests, newest first, page by page
);
-- Serves: one request by its id.
CREATE INDEX requests_id ON requests (id);
-- Serve: the list of requests of one user, key, provider or session, newest first.
CREATE INDEX requests_user ON requests (user_id, created_at);
CREATE INDEX requests_key ON requests (key_id, created_at);
CREATE INDEX requests_provider ON requests (provider_id, created_at);
CREATE INDEX requests_session ON requests (session_id, created_at) WHERE session_id IS NOT NULL;

-- One line a billable attempt: append-only, kept for ever.
CREATE TABLE ledger (
    attempt_id                BLOB PRIMARY KEY, -- serves: writing a line at most once
    request_id                BLOB NOT NULL,
    created_at                INTEGER NOT NULL,
    user_id                   INTEGER NOT NULL,
    key_id                    INTEGER NOT NULL,
    provider_id               INTEGER NOT NULL,
    model                     TEXT NOT NULL,
    input_tokens              INTEGER NOT NULL,
    output_tokens             INTEGER NOT NULL,
    reasoning_tokens          INTEGER NOT NULL,
    cache_read_tokens         INTEGER NOT NULL,
    cache_write_5m_tokens     INTEGER NOT NULL,
    cache_write_1h_tokens     INTEGER NOT NULL,
    usage_source              TEXT NOT NULL,
    cost_nanos                INTEGER, -- NULL: the model has no known price
    cost_breakdown            TEXT,
    price_version             INTEGER,
    provider_multiplier_ppm   INTEGER NOT NULL,
    group_multiplier_ppm      INTEGER NOT NULL,
    status                    INTEGER NOT NULL,
    duration_us               INTEGER NOT NULL
);
-- Serves: adding up a span of time again (rebuilding roll-ups and quotas).
CREATE INDEX ledger_created ON ledger (created_at);
-- Serve: what one user, key or provider was charged in a span of time (limits that lost their counters). The cost
-- is in them, so that a day by the minute needs no look at the lines.
CREATE INDEX ledger_user ON ledger (user_id, created_at, cost_nanos);
CREATE INDEX ledger_key ON ledger (key_id, created_at, cost_nanos);
CREATE INDEX ledger_provider ON ledger (provider_id, created_at, cost_nanos);

-- The ledger added up by hour. The d_ columns count lines by duration, each in exactly one of them.
CREATE TABLE usage_hourly (
    hour                      INTEGER NOT NULL,
    user_id                   INTEGER NOT NULL,
    key_id                    INTEGER NOT NULL,
    provider_id               INTEGER NOT NULL,
    model                     TEXT NOT NULL,
    requests                  INTEGER NOT NULL,
    errors                    INTEGER NOT NULL,
    unpriced                  INTEGER NOT NULL,
    estimated                 INTEGER NOT NULL,
    input_tokens              INTEGER NOT NULL,
    output_tokens             INTEGER NOT NULL,
    reasoning_tokens          INTEGER NOT NULL,
    cache_read_tokens         INTEGER NOT NULL,
    cache_write_5m_tokens     INTEGER NOT NULL,
    cache_write_1h_tokens     INTEGER NOT NULL,
    cost_nanos                INTEGER NOT NULL,
    duration_us_sum           INTEGER NOT NULL,
    d_100ms                   INTEGER NOT NULL,
    d_250ms                   INTEGER NOT NULL,
    d_500ms                   INTEGER NOT NULL,
    d_1s                      INTEGER NOT NULL,
    d_2500ms                  INTEGER NOT NULL,
    d_5s                      INTEGER NOT NULL,
    d_10s                     INTEGER NOT NULL,
    d_30s                     INTEGER NOT NULL,
    d_60s                     INTEGER NOT NULL,
    d_120s                    INTEGER NOT NULL,
    d_more                    INTEGER NOT NULL,
    PRIMARY KEY (hour, user_id, key_id, provider_id, model) -- serves: usage reports over a span of hours
);

-- Serve: what one user, key or provider was charged in all whole hours since a moment (limits that lost their
-- counters). The sums are not in them: they change with every request, and each change would rewrite the index.
CREATE INDEX usage_hourly_user ON usage_hourly (user_id, hour);
CREATE INDEX usage_hourly_key ON usage_hourly (key_id, hour);
CREATE INDEX usage_hourly_provider ON usage_hourly (provider_id, hour);

-- Requests that a limit refused, counted.
CREATE TABLE limit_events (
    hour                      INTEGER NOT NULL,
    kind                      TEXT NOT NULL, -- the limit: rpm, usd_5h, …
    user_id                   INTEGER NOT NULL,
    key_id                    INTEGER NOT NULL,
    count                     INTEGER NOT NULL,
    PRIMARY KEY (hour, kind, user_id, key_id) -- serves: refusals in a span of hours
);
-- Serves: one user's refusals.
CREATE INDEX limit_events_user ON limit_events (user_id, hour);

CREATE TABLE audit_log (
    id                        INTEGER PRIMARY KEY AUTOINCREMENT, -- serves: the audit list, newest first
    created_at                INTEGER NOT NULL,
    actor                     TEXT NOT NULL,
    action                    TEXT NOT NULL,
    target                    TEXT NOT NULL,
    before                    TEXT,
    after                     TEXT,
    address                   TEXT,
    success                   INTEGER NOT NULL
);

CREATE TABLE login_sessions (
    token_hash                TEXT PRIMARY KEY, -- SHA-256 of the token, hex
    csrf_token                TEXT NOT NULL,
    user_id                   INTEGER REFERENCES users (id),
    role                      TEXT NOT NULL,
    expires_at                INTEGER NOT NULL
);
-- Serves: removing logins that expired.
CREATE INDEX login_sessions_expires ON login_sessions (expires_at);

-- What running hubs hold in memory: raised by every edit, compared by every hub.
CREATE TABLE change_versions (
    topic                     TEXT PRIMARY KEY,
    version                   INTEGER NOT NULL
);
INSERT INTO change_versions (topic, version) VALUES ('access', 0), ('catalogue', 0);
