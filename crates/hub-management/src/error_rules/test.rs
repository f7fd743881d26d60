//! Trying error rules out on an answer that a provider might give. Who may is decided here; what comes of it is
//! known to whoever forwards requests.

use hub_types::{Dialect, ErrorRule, ErrorRuleId, ProviderId, ProviderType};
use serde_json::Value;

use super::check;
use crate::draft;
use crate::view::{ErrorRuleFields, ErrorRuleTestFields, ErrorRuleTestView};
use crate::{FieldError, Management, ManagementError, Patch, Principal, Result};

/// Bytes of a body: more is not read of an error.
const LONGEST_BODY: usize = 256 << 10;

/// An answer of a provider, as it might be.
#[derive(Debug, Clone)]
pub struct SampleAnswer {
    /// Who answers; 0 = nobody in particular.
    pub provider: ProviderId,
    /// What kind of account that is.
    pub provider_type: ProviderType,
    /// The status: 200 to 599.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// What knows what becomes of a provider's answer.
pub trait ErrorRuleTests: Send + Sync + 'static {
    /// Asks these rules about an answer.
    fn judge(&self, rules: Vec<ErrorRule>, answer: SampleAnswer) -> ErrorRuleTestView;
}

impl Management {
    /// Tries out a rule that is not saved, or all that are.
    pub async fn test_error_rules(&self, principal: &Principal, input: &Patch) -> Result<ErrorRuleTestView> {
        principal.require_admin()?;
        let fields: ErrorRuleTestFields = draft::create(input)?;
        let unsaved = fields.rule.as_ref().map(|rule| self.unsaved(rule)).transpose()?;
        let answer = self.sample(fields).await?;
        let tests = self.error_rule_tests.as_ref().ok_or(ManagementError::NoErrorRuleTests)?;
        let rules = match unsaved {
            Some(rule) => vec![rule],
            None => self.all_rules().await?,
        };
        let mut told = tests.judge(rules, answer);
        told.rule_id = told.rule_id.filter(|id| id.0 != 0);
        Ok(told)
    }

    /// A rule that is on, whatever it says, and needs no name.
    fn unsaved(&self, rule: &Value) -> Result<ErrorRule> {
        let Value::Object(columns) = rule else {
            return Err(ManagementError::invalid("rule", "must be an object"));
        };
        let mut columns = columns.clone();
        columns.entry("name").or_insert_with(|| "not saved".into());
        columns.insert("is_enabled".to_owned(), true.into());
        let now = self.now();
        let read = draft::create::<ErrorRuleFields>(&columns);
        let read = read.map(|fields| fields.into_rule(ErrorRuleId(0), now, now));
        read.and_then(|rule| check(&rule).map(|()| rule)).map_err(|error| match error {
            ManagementError::Invalid(faults) => {
                let within =
                    |fault: FieldError| FieldError::new(format!("rule.{}", fault.field), fault.message);
                ManagementError::Invalid(faults.into_iter().map(within).collect())
            }
            other => other,
        })
    }

    async fn sample(&self, fields: ErrorRuleTestFields) -> Result<SampleAnswer> {
        let ErrorRuleTestFields { status, body, dialect, provider_type, provider_id, .. } = fields;
        if !(200..=599).contains(&status) {
            return Err(ManagementError::invalid("status", "must be from 200 to 599"));
        }
        let body = match body {
            Value::String(text) => text.into_bytes(),
            json => json.to_string().into_bytes(),
        };
        if body.len() > LONGEST_BODY {
            return Err(ManagementError::invalid("body", "is longer than 262144 bytes"));
        }
        let of_provider = match provider_id {
            None => None,
            Some(id) => match self.repository.find_provider(id).await? {
                Some(provider) => Some(provider.provider_type),
                None => return Err(ManagementError::invalid("provider_id", "there is no such provider")),
            },
        };
        if provider_type.is_some_and(|kind| of_provider.is_some_and(|of_provider| of_provider != kind)) {
            return Err(ManagementError::invalid("provider_type", "is not that of the provider"));
        }
        let kind = of_provider.or(provider_type);
        if dialect.is_some_and(|dialect| kind.is_some_and(|kind| kind.dialect() != dialect)) {
            return Err(ManagementError::invalid("dialect", "is not that of the provider"));
        }
        let provider_type = kind.or_else(|| dialect.map(usual_type)).ok_or_else(|| {
            ManagementError::invalid("dialect", "say dialect, provider_type or provider_id")
        })?;
        Ok(SampleAnswer { provider: provider_id.unwrap_or(ProviderId(0)), provider_type, status, body })
    }
}

/// The type that most providers of a dialect have.
const fn usual_type(dialect: Dialect) -> ProviderType {
    match dialect {
        Dialect::Claude => ProviderType::Claude,
        Dialect::OpenAi => ProviderType::OpenAiCompatible,
        Dialect::Responses => ProviderType::Codex,
        Dialect::Gemini => ProviderType::Gemini,
        Dialect::GeminiCli => ProviderType::GeminiCli,
    }
}
