//! The list of all variables, by topic. Code, error messages, `.env.example` and `docs/configuration.md` all
//! take what they say from here.

use crate::variable::{Kind, Variable};

const HOUR: u64 = 3_600_000;
const YEAR: u64 = 366 * 86_400;

const fn variable(
    name: &'static str,
    default: Option<&'static str>,
    kind: Kind,
    meaning: &'static str,
) -> Variable {
    Variable { name, alias: None, default, kind, meaning, secret: false }
}

const fn secret(name: &'static str, kind: Kind, meaning: &'static str) -> Variable {
    Variable { name, alias: None, default: None, kind, meaning, secret: true }
}

/// Defines each variable as a constant and the table of all of them: none can be forgotten.
macro_rules! table {
    ($( $topic:literal { $( $name:ident = $make:ident( $($argument:expr),+ $(,)? ) $( alias $alias:literal )? ; )+ } )+) => {
        $($(
            #[doc = concat!("The variable `", stringify!($name), "`; its field `meaning` says what it is for.")]
            pub const $name: Variable =
                Variable { $( alias: Some($alias), )? ..$make(stringify!($name), $($argument),+) };
        )+)+

        /// All variables by topic, in the order of the documentation.
        pub const TOPICS: &[(&str, &[Variable])] = &[ $( ($topic, &[ $($name),+ ]) ),+ ];
    };
}

table! {
    "Access" {
        ADMIN_TOKEN = secret(Kind::Other("at least 16 visible ASCII characters, not `change-me`"),
            "The administrator's credential. Unset: a random one is made at the first start, kept in \
             `DATA_DIR/admin-token` (mode 0600) and printed once.");
        ALLOW_WEAK_ADMIN_TOKEN = variable(Some("false"), Kind::Boolean,
            "Accept a short or well-known `ADMIN_TOKEN`; only while `APP_HOST` is a loopback address.");
        MASTER_KEY = secret(Kind::Other("32 bytes as base64 or as 64 hex digits"),
            "Seals provider credentials in the database (XChaCha20-Poly1305). Unset: made once and kept in \
             `DATA_DIR/master.key` (mode 0600). All instances that share a database need the same one.");
        ENABLE_SECURE_COOKIES = variable(Some("true"), Kind::Boolean,
            "Mark the log-in cookie `Secure`. Turn it off only to use the dashboard over plain HTTP.");
        AUTH_SESSION_TTL_SECONDS = variable(Some("604800"), Kind::Seconds { least: 60, most: YEAR },
            "How long a log-in to the dashboard lasts.");
    }
    "Stores" {
        DSN = secret(Kind::Other("postgres://… or postgresql://…"),
            "The PostgreSQL database, version 14 or newer. Unset: an embedded SQLite database at \
             `DATA_DIR/hub.db`.");
        REDIS_URL = secret(Kind::Other("redis://…, rediss://…, redis-sentinel://… or redis-cluster://…"),
            "The Redis in which several instances share sessions. While it is away each goes on with what it \
             knows itself. Unset: this one instance keeps its sessions in memory.");
        DATA_DIR = variable(Some("./data"), Kind::Other("a directory"),
            "Where the journal, the embedded database and generated secrets are.");
        AUTO_MIGRATE = variable(Some("true"), Kind::Boolean,
            "Bring the database schema up to date at start, under a lock, so that instances may start together.");
        DB_POOL_MAX = variable(Some("10"), Kind::Count { least: 1, most: 1000 },
            "The most connections to PostgreSQL that one instance opens.");
        REDIS_COMMAND_TIMEOUT_MS = variable(Some("200"), Kind::Milliseconds { least: 10, most: 10_000 },
            "How long a Redis command may take before the hub goes on without its answer.");
        JOURNAL_MAX_BYTES = variable(Some("1073741824"), Kind::Count { least: 1 << 20, most: 1 << 40 },
            "How far the journal may grow, in bytes, while the database is away. Then the oldest details are \
             dropped first, and what was charged last.");
    }
    "Listening" {
        APP_HOST = variable(Some("127.0.0.1"), Kind::Other("an IP address or `localhost`"),
            "The address to listen on; `0.0.0.0` or `::` for all.");
        APP_PORT = variable(Some("23000"), Kind::Count { least: 0, most: 65535 },
            "The port to listen on; 0 for any that is free.");
        APP_URL = variable(None, Kind::Other("an http:// or https:// address"),
            "The address under which people reach the hub, for links and for the set-up of clients.");
        TRUSTED_PROXIES = variable(Some("127.0.0.1/32,::1/128"),
            Kind::Other("addresses or networks like 10.0.0.0/8, separated by commas, or `none`"),
            "The peers whose `X-Forwarded-For` and `X-Real-IP` are believed.");
        MAX_REQUEST_BYTES = variable(Some("104857600"), Kind::Count { least: 1024, most: 1 << 32 },
            "The largest request body in bytes, compressed and decoded alike; beyond it the answer is 413.");
        MAX_CONNECTIONS = variable(Some("10000"), Kind::Count { least: 1, most: 1_000_000 },
            "The most client connections at a time; beyond it the answer is 503 with `Retry-After`.");
        SHUTDOWN_DRAIN_MS = variable(Some("30000"), Kind::Milliseconds { least: 0, most: HOUR },
            "How long running streams may go on after SIGTERM before they are ended with an error.");
    }
    "Sessions" {
        SESSION_TTL = variable(Some("300"), Kind::Seconds { least: 1, most: YEAR },
            "How long a session keeps to its provider, and counts as active, after its last request.");
        SESSION_TTL_SECONDS = variable(Some("3600"), Kind::Seconds { least: 1, most: YEAR },
            "How long a conversation whose client names no session is recognised by how it begins.");
        SESSION_RENEW_THRESHOLD_SECONDS = variable(Some("300"), Kind::Seconds { least: 0, most: YEAR },
            "That time is renewed when less than this is left of it; at most `SESSION_TTL_SECONDS`.");
        SESSION_MAX_CACHE_SIZE = variable(Some("10000"), Kind::Count { least: 1, most: 10_000_000 },
            "The most sessions remembered in memory by one instance; those used longest ago make room.");
        SESSION_MESSAGE_COUNT = variable(Some("3"), Kind::Count { least: 1, most: 100 },
            "By how many leading messages such a conversation is recognised.");
        SESSION_INCLUDE_SYSTEM_PROMPT = variable(Some("false"), Kind::Boolean,
            "Whether it is recognised by its system prompt, too.");
        STORE_SESSION_MESSAGES = variable(Some("false"), Kind::Choice(&["false", "redacted", "true"]),
            "Whether the last request and answer of a session are kept for looking at: not, their structure \
             with texts replaced, or whole.");
    }
    "Session pool" {
        USE_SESSION_POOL = variable(Some("false"), Kind::Boolean,
            "Let requests that name no session follow the pool's current session, and so go to the provider \
             that is warm for it. What goes upstream is not changed. The pool is filled by keys marked \
             `collectSession`, whether this is on or off.");
        SESSION_POOL_MIN_SIZE = variable(Some("3"), Kind::Count { least: 1, most: 10_000 },
            "With fewer sessions in it the pool does not move on to another current session by itself.");
        SESSION_POOL_MAX_SIZE = variable(Some("20"), Kind::Count { least: 1, most: 10_000 },
            "The most sessions in the pool: with so many in it no more are collected. At least \
             `SESSION_POOL_MIN_SIZE`.") alias "MAX_POOL_SIZE";
        SESSION_SWITCH_PROBABILITY = variable(Some("0.1"), Kind::Probability,
            "How likely a request that follows the current session makes another one the current one.");
        SESSION_MIN_SWITCH_INTERVAL_MS = variable(Some("300000"), Kind::Milliseconds { least: 0, most: 24 * HOUR },
            "The least time between two such changes.");
    }
    "Limits" {
        ENABLE_RATE_LIMIT = variable(Some("true"), Kind::Boolean,
            "Hold users, keys and providers to their limits. Off: none is checked.");
        BUDGET_MODE = variable(Some("balanced"), Kind::Choice(&["balanced", "strict"]),
            "`balanced` reserves the likely cost of a request, `strict` the worst case, so that a limit is never \
             exceeded.");
        RESERVATION_TTL_MS = variable(Some("900000"), Kind::Milliseconds { least: 1000, most: 24 * HOUR },
            "When the reservation of a request that never ended (say, by a crash) is dropped.");
    }
    "Routing" {
        MAX_RETRY_ATTEMPTS_DEFAULT = variable(Some("3"), Kind::Count { least: 0, most: 10 },
            "How many other providers a request may move on to after the first one failed.");
        FAILOVER_BUDGET_MS = variable(Some("60000"), Kind::Milliseconds { least: 0, most: HOUR },
            "How long after its arrival a request may still move on to another provider.");
        FETCH_CONNECT_TIMEOUT = variable(Some("10000"), Kind::Milliseconds { least: 100, most: 120_000 },
            "How long connecting to a provider may take.");
        STREAM_KEEP_ALIVE_MS = variable(Some("15000"), Kind::Milliseconds { least: 0, most: HOUR },
            "How long a client of a stream waits for content before the head of its answer goes out, and then for \
             each sign of life; 0 means that it waits for as long as it takes (clients of Gemini: 50 s for the head).");
        PROVIDER_PICK = variable(Some("weighted_random"), Kind::Choice(&["weighted_random", "least_recently_used"]),
            "How one of several equal providers is picked for a request without a binding: by chance in proportion to \
             their weights, or whoever has rested longest. Instances that share a Redis should have the same.");
        ENABLE_CIRCUIT_BREAKER_ON_NETWORK_ERRORS = variable(Some("false"), Kind::Boolean,
            "Count network errors against a provider's circuit breaker, and not only its answers.");
        MAX_PROVIDER_PAUSE_MS = variable(Some("300000"), Kind::Milliseconds { least: 0, most: HOUR },
            "The longest pause that a provider gets when it asks for one (429, 529) or refuses the hub's account; 0 \
             means that none gets any.");
        ALLOW_PRIVATE_UPSTREAMS = variable(Some("true"), Kind::Boolean,
            "Allow providers with private or loopback addresses.");
        VERBOSE_PROVIDER_ERROR = variable(Some("false"), Kind::Boolean,
            "Tell clients by name which providers did not come into question, and why, when none can serve a request.");
    }
    "Probing" {
        ENABLE_SMART_PROBING = variable(Some("false"), Kind::Boolean,
            "Ask providers with an open circuit breaker in the background whether they are back.");
        PROBE_INTERVAL_MS = variable(Some("30000"), Kind::Milliseconds { least: 1000, most: HOUR },
            "How often they are asked.");
        PROBE_TIMEOUT_MS = variable(Some("5000"), Kind::Milliseconds { least: 100, most: 120_000 },
            "How long such a question may take.");
        API_TEST_TIMEOUT_MS = variable(Some("15000"), Kind::Milliseconds { least: 5000, most: 120_000 },
            "How long the test of a provider may take.");
    }
    "Accounting" {
        BILLING_MODEL_SOURCE = variable(Some("original"), Kind::Choice(&["original", "redirected"]),
            "Which model's price counts when a provider redirects a model: the requested one or the one used.");
        PRICE_SYNC_URL = variable(
            Some("https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json"),
            Kind::Other("an http:// or https:// address"),
            "Where model prices are refreshed from, in LiteLLM's format.");
        PRICE_SYNC_INTERVAL_SECONDS = variable(Some("86400"), Kind::Seconds { least: 0, most: YEAR },
            "How often prices are refreshed; 0 turns it off.");
    }
    "Logs and metrics" {
        TZ = variable(Some("UTC"), Kind::Other("a name of the IANA time zone database, like Asia/Shanghai"),
            "The zone of wall-clock limits (days, weeks, months) where the settings name no other.");
        LOG_LEVEL = variable(Some("info"),
            Kind::Other("error, warn, info, debug, trace or off, with target=level pairs after commas"),
            "What is logged, say `info` or `warn,hub_proxy=debug`.");
        LOG_FORMAT = variable(None, Kind::Choice(&["text", "json"]),
            "The form of the log. Unset: `text` on a terminal, else `json`.");
        METRICS = variable(Some("true"), Kind::Boolean,
            "Offer `/metrics` for Prometheus, to loopback peers and to the bearer of `ADMIN_TOKEN`.");
        OTEL_EXPORTER_OTLP_ENDPOINT = variable(None, Kind::Other("an http:// or https:// address"),
            "Where traces are sent by OTLP. Unset: nowhere.");
    }
}

/// All variables.
pub fn all() -> impl Iterator<Item = &'static Variable> {
    TOPICS.iter().flat_map(|(_, variables)| variables.iter())
}
