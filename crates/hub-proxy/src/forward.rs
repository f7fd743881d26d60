//! Steps 6 to 8: one request, one or more attempts, until a provider's answer begins.

use std::sync::Arc;
use std::time::Instant;

use http::Response;

use hub_http::Body;
use hub_types::{Caller, Outcome};

use crate::admission::Spent;
use crate::docket::Docket;
use crate::failure::Failure;
use crate::outgoing::Outgoing;
use crate::pick::{self, Candidates};
use crate::receive::Received;
use crate::running::Running;
use crate::shared::Shared;
use crate::{Catalogue, ProxyError};

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
    let budget = Instant::now() + shared.options.failover_budget;
    let mut candidates = Candidates::new(&admitted, docket.local_time());
    let mut last_failure: Option<Failure> = None;
    while candidates.tried() <= shared.options.max_failovers as usize && Instant::now() < budget {
        let underway = match candidates.next(shared, &mut docket).await {
            Ok(underway) => underway,
            Err(stages) if last_failure.is_none() => {
                return Err(docket.refuse(ProxyError::NoProvider(stages)));
            }
            Err(_) => break,
        };
        let outgoing = match Outgoing::prepare(&admitted.received, &underway.upstream) {
            Ok(outgoing) => outgoing,
            Err(error) => {
                docket.conclude(underway);
                return Err(docket.refuse(error));
            }
        };
        let running = Running::begin(underway, outgoing, &admitted.received.call, budget);
        let failure = match Round::begin(&mut docket, running).end(shared, &admitted).await {
            Ended::Answered(running) => return running.into_response(shared, docket, &admitted),
            Ended::Failed(failure) => failure,
            Ended::CutOff => {
                return Err(docket.close_with(Outcome::Interrupted, ProxyError::ShuttingDown));
            }
        };
        let goes_on = failure.may_try_another();
        last_failure = Some(failure);
        if !goes_on {
            break;
        }
    }
    let failure = last_failure.unwrap_or(Failure::out_of_time());
    failure.into_answer(docket, admitted.received.call.dialect)
}

/// What is running at the moment. If the client leaves meanwhile, the docket gets it.
struct Round<'a> {
    docket: &'a mut Docket,
    running: Option<Box<Running>>,
}

/// How a round ended.
enum Ended {
    /// This attempt has an answer for the client.
    Answered(Box<Running>),
    /// No attempt has.
    Failed(Failure),
    /// The drain time is over before a provider has answered.
    CutOff,
}

impl<'a> Round<'a> {
    fn begin(docket: &'a mut Docket, running: Box<Running>) -> Self {
        Self { docket, running: Some(running) }
    }

    async fn end(mut self, shared: &Arc<Shared>, admitted: &Admitted) -> Ended {
        let Self { docket, running } = &mut self;
        let opened = tokio::select! {
            biased;
            opened = docket.wait_for(open(running, shared, admitted)) => Some(opened),
            () = shared.cut_off.cancelled() => None,
        };
        let Some(mut running) = self.running.take() else { return Ended::CutOff };
        match opened {
            Some(Ok(())) => Ended::Answered(running),
            Some(Err(failure)) => {
                let provider = running.underway.upstream.provider.id;
                failure.note(shared, &mut running.underway);
                self.docket.conclude(running.underway);
                pick::give_back(shared, self.docket, provider).await;
                Ended::Failed(failure)
            }
            None => {
                self.docket.conclude(running.underway);
                Ended::CutOff
            }
        }
    }
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            self.docket.leave_behind(running.left_by_client());
        }
    }
}

/// Waits for an attempt's content; for ever if there is no attempt.
async fn open(
    running: &mut Option<Box<Running>>,
    shared: &Arc<Shared>,
    admitted: &Admitted,
) -> Result<(), Failure> {
    match running {
        Some(running) => running.open(shared, admitted).await,
        None => std::future::pending().await,
    }
}
