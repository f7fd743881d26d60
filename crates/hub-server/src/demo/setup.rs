//! The demo's user, key and providers, and how to point real clients at it.

use anyhow::Context;
use serde_json::{Map, Value, json};

use hub_management::{Management, Principal};
use hub_types::UserId;

/// What the demo made.
pub(crate) struct Seeded {
    /// The member's key.
    pub(crate) key: String,
}

/// One user with one key, and the simulated vendor under each of its four dialects.
pub(crate) async fn seed(management: &Management, lab: &str) -> anyhow::Result<Seeded> {
    let me = Principal::cli();
    let user =
        management.create_user(&me, &object(json!({ "name": "ada", "limit_daily_usd": "20" }))).await?;
    let key = management.create_key(&me, UserId(user.id.0), &object(json!({ "name": "laptop" }))).await?;
    for (name, kind) in [
        ("simulated-claude", "claude"),
        ("simulated-openai", "openai-compatible"),
        ("simulated-codex", "codex"),
        ("simulated-gemini", "gemini"),
    ] {
        let provider = json!({
            "name": name,
            "url": lab,
            "provider_type": kind,
            "credential": "sk-simulated-credential",
        });
        management
            .create_provider(&me, &object(provider))
            .await
            .with_context(|| format!("provider {name}"))?;
    }
    Ok(Seeded { key: key.key })
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

/// How to try it with a client of one's own.
pub(crate) fn instructions(hub: &str, key: &str, admin_token: &str) -> String {
    format!(
        r#"Hub key of "ada":  {key}
Admin token:       {admin_token}

curl
  curl {hub}/v1/messages -H "x-api-key: {key}" -H "anthropic-version: 2023-06-01" \
    -d '{{"model":"claude-sonnet-4-5","max_tokens":100,"messages":[{{"role":"user","content":"Hello"}}]}}'
  curl {hub}/api/v1/requests -H "Authorization: Bearer {admin_token}"

Claude Code
  export ANTHROPIC_BASE_URL={hub} ANTHROPIC_AUTH_TOKEN={key}

Codex CLI (in ~/.codex/config.toml; then export HUB_KEY={key})
  model_provider = "hub"
  [model_providers.hub]
  name = "hub"
  base_url = "{hub}/v1"
  env_key = "HUB_KEY"
  wire_api = "responses"

Gemini CLI
  export GOOGLE_GEMINI_BASE_URL={hub} GEMINI_API_KEY={key}
"#
    )
}
