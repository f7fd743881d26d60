//! What a test of a provider, and its list of models, tell.

use hub_types::ErrorClass;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a provider answered a small real request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProviderTestView {
    /// Does it do its work?
    pub ok: bool,
    /// The status of its answer; null = there was none.
    pub status: Option<u16>,
    /// What kind of failure it was; null = none.
    #[schema(value_type = Option<String>)]
    pub class: Option<ErrorClass>,
    /// Until its answer had ended, or it was clear that there will be none, ms.
    pub latency_ms: u64,
    /// Until its answer began, ms.
    pub first_byte_ms: Option<u64>,
    /// The model that it was asked for.
    pub model: String,
    /// The model as it names it itself.
    pub upstream_model: Option<String>,
    /// What happened, in words; without the credential.
    pub message: String,
}

/// The models of a provider, as it tells them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProviderModelsView {
    /// Did it answer with a list?
    pub ok: bool,
    /// The status of its answer; null = there was none.
    pub status: Option<u16>,
    /// What kind of failure it was; null = none.
    #[schema(value_type = Option<String>)]
    pub class: Option<ErrorClass>,
    /// What happened, in words; without the credential.
    pub message: String,
    /// Names, sorted; at most 1000.
    pub items: Vec<String>,
}

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ProviderTestFields {
    /// The model to ask for, as a client would; null = the first that the provider's rules name, or a usual one of
    /// its type.
    pub model: Option<String>,
}
