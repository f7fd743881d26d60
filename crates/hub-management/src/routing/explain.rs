//! Why a request went where it went: its choices, computed again.

use hub_routing::{BindingVerdict, Catalogue, KnownHealth, RoutingFacts, recorded_facts, replay};
use hub_types::{RequestId, RequestRecord, RoutingRecord, RoutingStep};

use super::past::Past;
use crate::view::routing::{name_in, of_survey};
use crate::view::{BindingStepView, ChoiceView, ExplanationVerdict, ExplanationView, Unexplained};
use crate::{Management, ManagementError, Principal, Result};

impl Management {
    /// Computes the choices of a request again, from its record and the configuration of then.
    pub async fn explain_request(&self, principal: &Principal, id: RequestId) -> Result<ExplanationView> {
        principal.require_admin()?;
        let row = self.repository.find_request(id).await?.ok_or(ManagementError::NotFound)?;
        let record = &row.record;
        let Some(routing) = record.routing.as_deref() else {
            return Ok(unexplained(record, Unexplained::NotRecorded));
        };
        let mut past = Past::new(self.repository.as_ref(), None);
        Ok(match past.get(routing.catalogue, &routing.left_out).await? {
            Some(versions) => explain(record, routing, &versions.then),
            None => unexplained(record, Unexplained::CatalogueForgotten),
        })
    }
}

fn unexplained(record: &RequestRecord, reason: Unexplained) -> ExplanationView {
    let routing = record.routing.as_deref();
    ExplanationView {
        request_id: record.id,
        created_at: record.created_at,
        dialect: record.dialect,
        model: record.model.clone(),
        client: record.client.name.clone(),
        groups: routing.map(|routing| routing.groups.clone().into()),
        catalogue_version: routing.map(|routing| routing.catalogue),
        local_time: routing.map(|routing| routing.local_time),
        seed: routing.map(|routing| routing.seed.to_string()),
        verdict: ExplanationVerdict::Unknown,
        reason: Some(reason),
        choices: Vec::new(),
    }
}

fn explain(record: &RequestRecord, routing: &RoutingRecord, catalogue: &Catalogue) -> ExplanationView {
    let facts = recorded_facts(record, routing);
    let mut health = KnownHealth::default();
    let mut choices = Vec::with_capacity(routing.steps.len());
    for step in &routing.steps {
        if !health.learn(step) {
            return unexplained(record, Unexplained::NotUnderstood);
        }
        choices.push(choice(catalogue, &facts, &health, routing, step));
    }
    // The record's stages are those of the last choice before anybody was asked.
    let last = routing.steps.iter().rposition(|step| step.excluded.is_empty());
    if let Some(last) = last.filter(|_| routing.steps.len() < RoutingRecord::MOST_STEPS)
        && let Some(choice) = choices.get_mut(last)
    {
        let counted = choice.stages.iter().map(|stage| (stage.stage.as_str(), stage.left));
        choice.is_same &= counted.eq(record.stages.iter().map(|count| (count.stage.as_ref(), count.left)));
    }
    let is_same = choices.iter().all(|choice| choice.is_same);
    ExplanationView {
        verdict: if is_same { ExplanationVerdict::Same } else { ExplanationVerdict::Different },
        reason: None,
        choices,
        ..unexplained(record, Unexplained::NotRecorded)
    }
}

fn choice(
    catalogue: &Catalogue,
    facts: &RoutingFacts<'_>,
    health: &KnownHealth,
    routing: &RoutingRecord,
    step: &RoutingStep,
) -> ChoiceView {
    let again = replay(catalogue, facts, health, routing, &step.excluded, step.binding.as_ref());
    let is_same = again.equals(step);
    let (stages, candidates) =
        again.survey.as_ref().map(|survey| of_survey(survey, catalogue, facts.model)).unwrap_or_default();
    let binding =
        step.binding.as_ref().zip(again.binding.as_ref()).map(|(recorded, verdict)| BindingStepView {
            provider_id: recorded.provider_id,
            provider_name: name_in(catalogue, recorded.provider_id),
            idle_ms: recorded.idle_us.map(|us| us / 1000),
            verdict: verdict.as_str().to_owned(),
            reason: match verdict {
                BindingVerdict::PassOver(reason) => Some(reason.as_str().to_owned()),
                _ => None,
            },
        });
    ChoiceView {
        excluded: step.excluded.clone(),
        binding,
        stages,
        candidates,
        picked: again.picked,
        picked_name: again.picked.and_then(|id| name_in(catalogue, id)),
        probability_ppm: again.probability_ppm,
        recorded: step.picked,
        is_same,
    }
}
