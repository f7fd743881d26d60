//! Error rules, as people see and write them, and what trying them out tells.

use hub_types::{
    Dialect, ErrorClass, ErrorRule, ErrorRuleId, ProviderId, ProviderType, StatusMatch, TextMatch,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::draft::Columns;
use crate::schema;

/// The columns of an error rule. A creation needs `name`, `class`, and at least one of `status`, `error_type` and
/// `pattern`; all that are set must hold.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ErrorRuleFields {
    /// Unique among the living.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Is it asked at all?
    pub is_enabled: bool,
    /// Smaller is asked first; equals by id.
    pub priority: i32,
    /// Only errors of providers of these types; empty = of all.
    #[schema(value_type = Vec<String>, example = json!(["claude", "openai-compatible"]))]
    pub provider_types: Vec<ProviderType>,
    /// Only errors of this provider; null = of all.
    #[schema(value_type = Option<i64>)]
    pub provider_id: Option<ProviderId>,
    /// The status of the provider's answer: `429`, or `4xx`; 200 for errors inside of successes.
    #[schema(schema_with = schema::optional_status_match)]
    pub status: Option<StatusMatch>,
    /// The type or the code of the vendor's error, in whatever case.
    pub error_type: Option<String>,
    /// What the message says; where there is none, what the body says.
    pub pattern: Option<String>,
    /// How `pattern` is held against it; case matters in regular expressions only.
    #[schema(schema_with = schema::text_match)]
    pub pattern_match: TextMatch,
    /// What the error is.
    #[schema(schema_with = schema::rule_class)]
    pub class: ErrorClass,
    /// The status that the client sees if nobody else answers; null = the one that fits the class.
    pub replacement_status: Option<u16>,
    /// The message that the client sees if nobody else answers; null = the provider's own.
    pub replacement_message: Option<String>,
}

impl Default for ErrorRuleFields {
    fn default() -> Self {
        Self {
            name: String::new(),
            description: String::new(),
            is_enabled: true,
            priority: 0,
            provider_types: Vec::new(),
            provider_id: None,
            status: None,
            error_type: None,
            pattern: None,
            pattern_match: TextMatch::Contains,
            class: ErrorClass::RequestFault,
            replacement_status: None,
            replacement_message: None,
        }
    }
}

impl Columns for ErrorRuleFields {
    const REQUIRED: &'static [&'static str] = &["name", "class"];
    const READ_ONLY: &'static [&'static str] = &["id", "created_at", "updated_at"];
}

/// An error rule.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ErrorRuleView {
    /// The row.
    #[schema(value_type = i64)]
    pub id: ErrorRuleId,
    /// What people write.
    #[serde(flatten)]
    pub fields: ErrorRuleFields,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// An answer of a provider, as it might be. Who answers is said by `provider_id`, `provider_type` or `dialect`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ErrorRuleTestFields {
    /// The status: 200 to 599.
    pub status: u16,
    /// The body, as JSON or as a text.
    #[schema(schema_with = schema::sample_body)]
    pub body: Value,
    /// The dialect of the provider.
    #[schema(schema_with = schema::optional_dialect)]
    pub dialect: Option<Dialect>,
    /// What kind of account the provider is.
    #[schema(schema_with = schema::optional_provider_type)]
    pub provider_type: Option<ProviderType>,
    /// The provider itself.
    #[schema(value_type = Option<i64>)]
    pub provider_id: Option<ProviderId>,
    /// The columns of a rule that is not saved: it alone is asked. Null = all that are saved.
    #[schema(value_type = Option<ErrorRuleFields>)]
    pub rule: Option<Value>,
}

impl Columns for ErrorRuleTestFields {
    const REQUIRED: &'static [&'static str] = &["status", "body"];
    const READ_ONLY: &'static [&'static str] = &[];
}

/// What would become of the answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorRuleTestView {
    /// Is it a failure at all? Rules are asked about nothing else.
    pub is_failure: bool,
    /// The rule that speaks about it; null = none, or the one that is not saved.
    #[schema(value_type = Option<i64>)]
    pub rule_id: Option<ErrorRuleId>,
    /// Its name; null = no rule speaks about it.
    pub rule_name: Option<String>,
    /// What kind of failure it is; null = none.
    #[schema(value_type = Option<String>)]
    pub class: Option<ErrorClass>,
    /// What kind it would be if there were no rules; null = none.
    #[schema(value_type = Option<String>)]
    pub built_in_class: Option<ErrorClass>,
    /// May the same provider be tried again?
    pub same_provider: bool,
    /// Is another provider tried?
    pub another_provider: bool,
    /// Does the provider's circuit breaker count it (`network` only where the hub is set to count those)?
    pub counts: bool,
    /// How long the provider is left alone unless it names a time, ms.
    pub cool_down_ms: u64,
    /// The type of the error, as it was found in the body.
    pub error_type: Option<String>,
    /// Its code.
    pub code: Option<String>,
    /// The text that patterns are held against, at most 8 KiB.
    pub text: String,
    /// What the client sees if nobody else answers, by its dialect.
    pub clients: Vec<ErrorSeenView>,
}

/// What a client sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorSeenView {
    /// Its dialect.
    #[schema(schema_with = schema::dialect)]
    pub dialect: Dialect,
    /// The status.
    pub status: u16,
    /// The body, as JSON or as a text.
    #[schema(schema_with = schema::sample_body)]
    pub body: Value,
}

impl From<&ErrorRule> for ErrorRuleFields {
    fn from(rule: &ErrorRule) -> Self {
        Self {
            name: rule.name.clone(),
            description: rule.description.clone(),
            is_enabled: rule.is_enabled,
            priority: rule.priority,
            provider_types: rule.provider_types.clone(),
            provider_id: rule.provider_id,
            status: rule.status,
            error_type: rule.error_type.clone(),
            pattern: rule.pattern.clone(),
            pattern_match: rule.pattern_match,
            class: rule.class,
            replacement_status: rule.replacement_status,
            replacement_message: rule.replacement_message.clone(),
        }
    }
}

impl From<&ErrorRule> for ErrorRuleView {
    fn from(rule: &ErrorRule) -> Self {
        let (created_at, updated_at) = (rule.created_at, rule.updated_at);
        Self { id: rule.id, fields: ErrorRuleFields::from(rule), created_at, updated_at }
    }
}

impl ErrorRuleFields {
    /// The row with these columns.
    pub(crate) fn into_rule(
        self,
        id: ErrorRuleId,
        created_at: Timestamp,
        updated_at: Timestamp,
    ) -> ErrorRule {
        ErrorRule {
            id,
            name: self.name,
            description: self.description,
            is_enabled: self.is_enabled,
            priority: self.priority,
            provider_types: self.provider_types,
            provider_id: self.provider_id,
            status: self.status,
            error_type: self.error_type,
            pattern: self.pattern,
            pattern_match: self.pattern_match,
            class: self.class,
            replacement_status: self.replacement_status,
            replacement_message: self.replacement_message,
            created_at,
            updated_at,
        }
    }
}
