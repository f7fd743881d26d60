//! Steps 6 to 8: one request, one or more attempts, until a provider's answer begins.

use std::sync::Arc;
use std::time::Instant;

use http::Response;
use smallvec::SmallVec;

use hub_http::Body;
use hub_routing::RoutingFacts;
use hub_types::{Attempt, AttemptId, AttemptReason, Caller, Outcome, ProviderId, Timings};

use crate::bill::Bill;
use crate::catalogue::{Choice, Upstream};
use crate::docket::Docket;
use crate::failure::Failure;
use crate::outgoing::Outgoing;
use crate::receive::Received;
use crate::shared::Shared;
use crate::{Catalogue, ProxyError, answer, attempt};

/// A request that may go to a provider.
pub(crate) struct Admitted {
    pub(crate) caller: Arc<Caller>,
    pub(crate) received: Received,
}

/// Finds a provider that answers, and hands its answer on.
pub(crate) async fn forward(
    shared: &Arc<Shared>,
    mut docket: Docket,
    admitted: Admitted,
) -> Result<Response<Body>, ProxyError> {
    let catalogue = shared.directory.catalogue();
    let local_time = docket.local_time();
    let facts = RoutingFacts {
        groups: admitted.caller.groups(),
        dialect: admitted.received.call.dialect,
        model: Some(&admitted.received.call.model),
        client_name: admitted.received.client_name.as_deref(),
    };
    let budget = Instant::now() + shared.options.failover_budget;
    let mut tried: SmallVec<[ProviderId; 4]> = SmallVec::new();
    let mut last_failure: Option<Failure> = None;
    while tried.len() <= shared.options.max_failovers as usize && Instant::now() < budget {
        let choice = catalogue.choose(&facts, &tried, local_time, docket.id());
        let Some(upstream) = choice.picked.clone() else {
            if last_failure.is_none() {
                docket.record().stages.clone_from(&choice.stages);
                return Err(docket.refuse(ProxyError::NoProvider(choice.stages)));
            }
            break;
        };
        let reason = if tried.is_empty() {
            docket.record().stages.clone_from(&choice.stages);
            AttemptReason::InitialSelection
        } else {
            AttemptReason::Failover
        };
        tried.push(upstream.provider.id);
        let outgoing = match Outgoing::prepare(&admitted.received, &upstream) {
            Ok(outgoing) => outgoing,
            Err(error) => return Err(docket.refuse(error)),
        };
        let attempt = begin(&docket, &catalogue, &admitted, &choice, &upstream, &outgoing, reason);
        docket.record().attempts.push(attempt);
        let call = &admitted.received.call;
        let deadline = attempt::deadline(&upstream, call, budget);
        let sending = attempt::send(shared, &mut docket, &upstream, call, outgoing.request, deadline);
        let sent = tokio::select! {
            biased;
            sent = sending => sent,
            // The drain time is over before the provider has begun to answer.
            () = shared.cut_off.cancelled() => {
                return Err(docket.close_with(Outcome::Interrupted, ProxyError::ShuttingDown));
            }
        };
        match sent {
            Ok(response) => {
                let billed = billed_model(shared, &admitted, &docket);
                let bill = Bill::new(&catalogue, call.endpoint, &billed, &admitted.received.body);
                let asked =
                    answer::Asked { call, upstream: &upstream, for_usage: outgoing.asks_for_usage, deadline };
                return Ok(answer::relay(shared, docket, &asked, bill, response));
            }
            Err(failure) => {
                failure.note(&mut docket);
                let goes_on = failure.may_try_another();
                last_failure = Some(failure);
                if !goes_on {
                    break;
                }
            }
        }
    }
    let failure = last_failure.unwrap_or(Failure::out_of_time());
    failure.into_answer(docket, admitted.received.call.dialect)
}

fn billed_model(shared: &Shared, admitted: &Admitted, docket: &Docket) -> String {
    let requested = &admitted.received.call.model;
    let sent = docket.attempts().last().and_then(|attempt| attempt.sent_model.as_ref());
    if shared.options.bill_requested_model { requested.clone() } else { sent.unwrap_or(requested).clone() }
}

fn begin(
    docket: &Docket,
    catalogue: &Catalogue,
    admitted: &Admitted,
    choice: &Choice,
    upstream: &Upstream,
    outgoing: &Outgoing,
    reason: AttemptReason,
) -> Attempt {
    let provider = &upstream.provider;
    Attempt {
        id: AttemptId::fresh(),
        provider_id: provider.id,
        provider_name: provider.name.clone(),
        provider_type: provider.provider_type,
        reason,
        priority: choice.priority,
        weight: provider.weight,
        probability_ppm: choice.probability_ppm,
        host: upstream.host_name.clone(),
        sent_model: Some(outgoing.model.clone()),
        upstream_model: None,
        status: None,
        class: None,
        error: None,
        timings: Timings { queued_us: docket.elapsed_us(), ..Timings::default() },
        usage: None,
        usage_source: None,
        cost: None,
        cost_breakdown: None,
        price_version: None,
        provider_multiplier: provider.cost_multiplier,
        group_multiplier: catalogue.group_multiplier(admitted.caller.groups(), &provider.group_tag),
    }
}
