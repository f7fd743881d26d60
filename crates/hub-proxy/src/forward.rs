//! Steps 6 to 8: one request, one or more attempts, until a provider's answer begins.

use std::sync::Arc;
use std::time::Instant;

use http::Response;

use hub_http::Body;
use hub_types::{Caller, Outcome};

use crate::admission::Spent;
use crate::answer::{Answer, Asked};
use crate::bill::Bill;
use crate::docket::Docket;
use crate::failure::Failure;
use crate::outgoing::Outgoing;
use crate::pick::{self, Candidates};
use crate::receive::Received;
use crate::shared::Shared;
use crate::{Catalogue, ProxyError, attempt};

/// A request that may go to a provider.
pub(crate) struct Admitted {
    pub(crate) caller: Arc<Caller>,
    pub(crate) received: Received,
    /// The one that this request goes by, from start to end.
    pub(crate) catalogue: Arc<Catalogue>,
    /// Providers that have used up their money limits.
    pub(crate) spent: Spent,
}

/// Finds a provider that answers, and hands its answer on.
pub(crate) async fn forward(
    shared: &Arc<Shared>,
    mut docket: Docket,
    admitted: Admitted,
) -> Result<Response<Body>, ProxyError> {
    let catalogue = &admitted.catalogue;
    let call = &admitted.received.call;
    let budget = Instant::now() + shared.options.failover_budget;
    let mut candidates = Candidates::new(&admitted, docket.local_time());
    let mut last_failure: Option<Failure> = None;
    while candidates.tried() <= shared.options.max_failovers as usize && Instant::now() < budget {
        let upstream = match candidates.next(shared, &mut docket).await {
            Ok(upstream) => upstream,
            Err(stages) if last_failure.is_none() => {
                return Err(docket.refuse(ProxyError::NoProvider(stages)));
            }
            Err(_) => break,
        };
        let outgoing = match Outgoing::prepare(&admitted.received, &upstream) {
            Ok(outgoing) => outgoing,
            Err(error) => return Err(docket.refuse(error)),
        };
        if let Some(attempt) = docket.last_attempt() {
            attempt.sent_model = Some(outgoing.model);
        }
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
        let failure = match sent {
            Ok(response) => {
                let billed = billed_model(shared, &admitted, &docket);
                let bill = Bill::new(catalogue, call.endpoint, &billed, &admitted.received.body);
                let asked = Asked {
                    received: &admitted.received,
                    upstream: &upstream,
                    for_usage: outgoing.asks_for_usage,
                    deadline,
                };
                match Answer::begin(shared, docket, &asked, bill, response).open(deadline).await {
                    Ok(answer) => return Ok(answer.into_response(shared, &asked)),
                    Err((given_back, failure)) => {
                        docket = given_back;
                        failure
                    }
                }
            }
            Err(failure) => failure,
        };
        if shared.cut_off.is_cancelled() {
            return Err(docket.close_with(Outcome::Interrupted, ProxyError::ShuttingDown));
        }
        failure.note(shared, &mut docket, upstream.provider.id);
        pick::give_back(shared, &mut docket, upstream.provider.id).await;
        let goes_on = failure.may_try_another();
        last_failure = Some(failure);
        if !goes_on {
            break;
        }
    }
    let failure = last_failure.unwrap_or(Failure::out_of_time());
    failure.into_answer(docket, call.dialect)
}

fn billed_model(shared: &Shared, admitted: &Admitted, docket: &Docket) -> String {
    let requested = &admitted.received.call.model;
    let sent = docket.attempts().last().and_then(|attempt| attempt.sent_model.as_ref());
    if shared.options.bill_requested_model { requested.clone() } else { sent.unwrap_or(requested).clone() }
}
