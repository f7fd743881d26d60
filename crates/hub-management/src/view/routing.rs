//! The choice of a provider, as people see it: explained for a request that was, simulated for one that might be.

use hub_routing::{Catalogue, Survey, redirect};
use hub_types::{Dialect, KeyId, ProviderId, ProviderType, RequestId, UserId};
use jiff::Timestamp;
use jiff::civil::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::draft::Columns;
use crate::schema;

/// A provider that a stage dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DroppedView {
    /// Who.
    #[schema(value_type = i64)]
    pub provider_id: ProviderId,
    /// Its name in that version of the catalogue.
    pub provider_name: Option<String>,
    /// Why, in a stable word.
    pub reason: String,
}

/// One stage of the choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StageSurveyView {
    /// The stage.
    pub stage: String,
    /// How many providers were left after it.
    pub left: u32,
    /// Whom it dropped.
    pub dropped: Vec<DroppedView>,
}

/// A provider that all stages let through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CandidateView {
    /// Who.
    #[schema(value_type = i64)]
    pub provider_id: ProviderId,
    /// Its name in that version of the catalogue.
    pub provider_name: String,
    /// Its type.
    #[schema(schema_with = schema::provider_type)]
    pub provider_type: ProviderType,
    /// Its priority for this request.
    pub priority: i32,
    /// Its share among equals.
    pub weight: u32,
    /// How likely it is to be picked, in millionths.
    pub probability_ppm: u32,
    /// The model that it would be sent.
    pub sent_model: Option<String>,
}

/// Stages and candidates of a survey.
pub(crate) fn of_survey(
    survey: &Survey<'_>,
    catalogue: &Catalogue,
    model: Option<&str>,
) -> (Vec<StageSurveyView>, Vec<CandidateView>) {
    let stages = survey.stages().into_iter().map(|count| {
        let dropped = survey.dropped.iter().filter(|dropped| dropped.reason.stage_name() == count.stage);
        let dropped = dropped.map(|dropped| DroppedView {
            provider_id: dropped.provider_id,
            provider_name: name_in(catalogue, dropped.provider_id),
            reason: dropped.reason.as_str().to_owned(),
        });
        StageSurveyView { dropped: dropped.collect(), stage: count.stage.into_owned(), left: count.left }
    });
    let candidates = survey.candidates.iter().map(|candidate| {
        let provider = candidate.provider.provider();
        CandidateView {
            provider_id: provider.id,
            provider_name: provider.name.clone(),
            provider_type: provider.provider_type,
            priority: survey.priority,
            weight: provider.weight,
            probability_ppm: candidate.probability_ppm,
            sent_model: model.map(|model| redirect(candidate.provider, model).unwrap_or(model).to_owned()),
        }
    });
    (stages.collect(), candidates.collect())
}

pub(crate) fn name_in(catalogue: &Catalogue, id: ProviderId) -> Option<String> {
    catalogue.get(id).map(|compiled| compiled.provider().name.clone())
}

/// Does what was computed again equal what was recorded?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExplanationVerdict {
    /// In every step.
    Same,
    /// Not in every step.
    Different,
    /// It can't be computed again: `reason` says why.
    Unknown,
}

/// Why an explanation is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unexplained {
    /// The request never got as far as a choice, or its record does not say what the choice went by.
    NotRecorded,
    /// The configuration has changed so often since that the one of then is forgotten.
    CatalogueForgotten,
    /// The record says something that only a later version of the hub understands.
    NotUnderstood,
}

/// What a session's binding meant for a choice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BindingStepView {
    /// The provider that the session was bound to.
    #[schema(value_type = i64)]
    pub provider_id: ProviderId,
    /// Its name in that version of the catalogue; null = it was not in it.
    pub provider_name: Option<String>,
    /// The time since the session's last request, ms; null = unknown.
    pub idle_ms: Option<u64>,
    /// `followed`, `passed_over`, `returned` or `dropped`.
    pub verdict: String,
    /// Why it was passed over.
    pub reason: Option<String>,
}

/// One choice of a request, computed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChoiceView {
    /// Who had been tried before.
    #[schema(value_type = Vec<i64>)]
    pub excluded: Vec<ProviderId>,
    /// The session's binding, if it was consulted.
    pub binding: Option<BindingStepView>,
    /// The stages; empty if the binding was followed.
    pub stages: Vec<StageSurveyView>,
    /// Who came into question; empty if the binding was followed.
    pub candidates: Vec<CandidateView>,
    /// Who is chosen; null = nobody is left.
    #[schema(value_type = Option<i64>)]
    pub picked: Option<ProviderId>,
    /// The name of the one chosen.
    pub picked_name: Option<String>,
    /// How likely the choice is, in millionths.
    pub probability_ppm: u32,
    /// Who was chosen, as recorded.
    #[schema(value_type = Option<i64>)]
    pub recorded: Option<ProviderId>,
    /// Is that the same, with the same probability, priority and binding?
    pub is_same: bool,
}

/// Why a request went to the providers that it went to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExplanationView {
    /// The request.
    #[schema(value_type = uuid::Uuid)]
    pub request_id: RequestId,
    /// When it came in.
    pub created_at: Timestamp,
    /// In which language.
    #[schema(schema_with = schema::dialect)]
    pub dialect: Dialect,
    /// The model asked for.
    pub model: Option<String>,
    /// The client program.
    pub client: Option<String>,
    /// Comma list of the groups that it was served by; empty = `default`.
    pub groups: Option<String>,
    /// The version of the configuration that it went by.
    pub catalogue_version: Option<i64>,
    /// The time of day in the hub's zone.
    #[schema(value_type = Option<String>)]
    pub local_time: Option<Time>,
    /// What the weighted picks were drawn with, as a decimal number.
    pub seed: Option<String>,
    /// Does what was computed again equal what was recorded?
    pub verdict: ExplanationVerdict,
    /// Why it can't be computed again.
    pub reason: Option<Unexplained>,
    /// The choices, in order.
    pub choices: Vec<ChoiceView>,
}

/// A request that might be. It belongs to a key, or a user, or whoever is in `groups`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct SimulateFields {
    /// In which language.
    #[schema(schema_with = schema::dialect)]
    pub dialect: Dialect,
    /// For which model.
    pub model: String,
    /// With this key.
    #[schema(value_type = Option<i64>)]
    pub key_id: Option<KeyId>,
    /// Of this user.
    #[schema(value_type = Option<i64>)]
    pub user_id: Option<UserId>,
    /// Comma list of provider groups.
    pub groups: Option<String>,
    /// The client program's name, such as `claude-cli`.
    pub client: Option<String>,
    /// The time of day in the hub's zone; default: now.
    #[schema(schema_with = schema::optional_time_of_day)]
    pub local_time: Option<Time>,
}

impl Default for SimulateFields {
    fn default() -> Self {
        Self {
            dialect: Dialect::Claude,
            model: String::new(),
            key_id: None,
            user_id: None,
            groups: None,
            client: None,
            local_time: None,
        }
    }
}

impl Columns for SimulateFields {
    const REQUIRED: &'static [&'static str] = &["dialect", "model"];
    const READ_ONLY: &'static [&'static str] = &[];
}

/// Who would serve a request, and who would not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SimulationView {
    /// The version of the configuration.
    pub catalogue_version: i64,
    /// Comma list of the groups that it is served by; empty = `default`.
    pub groups: String,
    /// The time of day in the hub's zone.
    #[schema(value_type = String)]
    pub local_time: Time,
    /// The stages.
    pub stages: Vec<StageSurveyView>,
    /// Who comes into question, with probabilities.
    pub candidates: Vec<CandidateView>,
    /// The stage that leaves nobody.
    pub emptied_by: Option<String>,
    /// Providers with a mistake in their configuration, which take no part.
    #[schema(value_type = Vec<i64>)]
    pub left_out: Vec<ProviderId>,
}
