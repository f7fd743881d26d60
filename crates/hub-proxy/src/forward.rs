//! Steps 6 to 8: one request, one or more attempts, until a provider's answer begins.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Response;

use hub_http::Body;
use hub_types::{AttemptReason, Caller, Endpoint, Outcome};

use crate::admission::Spent;
use crate::attempt::Underway;
use crate::docket::Docket;
use crate::failure::Failure;
use crate::outgoing::Outgoing;
use crate::pick::{self, Candidates};
use crate::receive::Received;
use crate::round::{Ended, Round};
use crate::running::Running;
use crate::shared::Shared;
use crate::{Catalogue, ProxyError, counting, retry};

/// A request that may go to a provider.
pub(crate) struct Admitted {
    pub(crate) caller: Arc<Caller>,
    pub(crate) received: Received,
    /// The one that this request goes by, from start to end.
    pub(crate) catalogue: Arc<Catalogue>,
    /// Providers that have used up their money limits.
    pub(crate) spent: Spent,
    /// Input tokens by the body, if budgets had to know; else zero.
    pub(crate) estimated_input: u64,
}

/// What a request goes by on its way from provider to provider.
pub(crate) struct Course<'a> {
    pub(crate) shared: &'a Arc<Shared>,
    pub(crate) admitted: &'a Admitted,
    candidates: Candidates<'a>,
    /// When the time for attempts is over.
    budget: Instant,
    /// A second provider was started beside another once; that is enough.
    has_hedged: bool,
}

/// Finds a provider that answers, and hands its answer on.
pub(crate) async fn forward(
    shared: &Arc<Shared>,
    mut docket: Docket,
    admitted: Admitted,
) -> Result<Response<Body>, ProxyError> {
    let mut course = Course {
        shared,
        admitted: &admitted,
        candidates: Candidates::new(&admitted, docket.local_time()),
        budget: Instant::now() + shared.options.failover_budget,
        has_hedged: false,
    };
    let mut last_failure: Option<Failure> = None;
    let mut refusal: Option<ProxyError> = None;
    while course.goes_on() {
        let underway = match course.candidates.next(shared, &mut docket).await {
            Ok(underway) => underway,
            Err(_) if counting::is_ours(&mut docket, &admitted.received, refusal.is_some()) => break,
            Err(nobody) if last_failure.is_none() => {
                let nobody = || ProxyError::NoProvider(Box::new(nobody));
                return Err(docket.refuse(refusal.unwrap_or_else(nobody)));
            }
            Err(_) => break,
        };
        match course.turn(&mut docket, underway).await {
            Ok(ControlFlow::Break(running)) => return running.into_response(shared, docket, &admitted),
            Ok(ControlFlow::Continue(failure)) => {
                let goes_on = failure.may_try_another() && docket.may_pay_another(&admitted.caller).await;
                last_failure = Some(failure);
                if !goes_on {
                    break;
                }
            }
            // Nobody's fault: the provider has not been asked.
            Err(error @ ProxyError::NotConvertible { .. }) => refusal = Some(error),
            Err(error @ ProxyError::ShuttingDown) => {
                return Err(docket.close_with(Outcome::Interrupted, error));
            }
            Err(error) => return Err(docket.refuse(error)),
        }
    }
    if counting::is_ours(&mut docket, &admitted.received, refusal.is_some()) {
        return Ok(counting::estimated(docket, &admitted.received));
    }
    let failure = last_failure.unwrap_or(Failure::out_of_time());
    failure.into_answer(docket, admitted.received.call.dialect)
}

impl Course<'_> {
    fn goes_on(&self) -> bool {
        self.candidates.tried() <= self.shared.options.max_failovers as usize && Instant::now() < self.budget
    }

    /// One provider's turn, with further tries where a failure allows them. Comes to an end with an answer, or
    /// goes on with the failure of the last try.
    async fn turn(
        &mut self,
        docket: &mut Docket,
        mut underway: Underway,
    ) -> Result<ControlFlow<Box<Running>, Failure>, ProxyError> {
        let mut retries = 0;
        loop {
            let running = self.prepare(docket, underway).await?;
            match Round::begin(docket, running).end(self).await {
                Ended::Answered(running) => return Ok(ControlFlow::Break(running)),
                Ended::CutOff => return Err(ProxyError::ShuttingDown),
                Ended::Failed(failure, mut failed) => {
                    let Some(pause) = retry::pause(&failure, &failed.underway, retries, self.budget) else {
                        self.give_up(docket, failed, &failure).await;
                        return Ok(ControlFlow::Continue(failure));
                    };
                    failure.write_on(&mut failed.underway);
                    let mut again = failed.underway.again();
                    docket.conclude(failed.underway);
                    tokio::select! {
                        () = docket.wait_for(tokio::time::sleep(pause)) => {}
                        () = self.shared.cut_off.cancelled() => return Err(ProxyError::ShuttingDown),
                    }
                    again.record.timings.queued_us = again.elapsed_us();
                    underway = again;
                    retries += 1;
                }
            }
        }
    }

    async fn prepare(&mut self, docket: &mut Docket, underway: Underway) -> Result<Box<Running>, ProxyError> {
        let call = &self.admitted.received.call;
        let dialect = underway.upstream.dialect();
        match Outgoing::prepare(&self.admitted.received, &underway.upstream, docket).await {
            Ok(outgoing) => {
                if let Some(conversion) = &outgoing.conversion {
                    self.shared.metrics.converted(call.dialect, dialect, Some(&conversion.losses));
                }
                let whole = self.shared.options.failover_budget;
                Ok(Running::begin(underway, outgoing, call, self.budget, whole))
            }
            Err(error @ ProxyError::NotConvertible { .. }) => {
                self.shared.metrics.converted(call.dialect, dialect, None);
                self.candidates.set_aside(dialect);
                pick::give_back(self.shared, docket, underway.upstream.provider.id).await;
                Err(error)
            }
            Err(error) => {
                docket.conclude(underway);
                Err(error)
            }
        }
    }

    /// How long this attempt may be without content before another provider is started beside it. An answer in
    /// one piece says nothing of how far it is.
    pub(crate) fn hedge_after(&self, running: &Running) -> Option<Duration> {
        let call = &self.admitted.received.call;
        let may_hedge = call.stream && call.endpoint == Endpoint::Generate && !self.has_hedged;
        let after = running.underway.upstream.provider.hedge_after_ms.filter(|after| may_hedge && *after > 0);
        after.map(|after| Duration::from_millis(after.into()))
    }

    /// The attempt to start beside the one that runs, if there is anybody to try.
    pub(crate) async fn beside(&mut self, docket: &mut Docket) -> Option<Box<Running>> {
        if !self.goes_on() {
            return None;
        }
        self.has_hedged = true;
        let mut underway = self.candidates.next(self.shared, docket).await.ok()?;
        underway.record.reason = AttemptReason::HedgeLaunched;
        self.prepare(docket, underway).await.ok()
    }

    /// A provider has failed for good, as far as this request goes.
    pub(crate) async fn give_up(&self, docket: &mut Docket, mut failed: Box<Running>, failure: &Failure) {
        let provider = failed.underway.upstream.provider.id;
        failure.note(self.shared, &mut failed.underway);
        docket.conclude(failed.underway);
        pick::give_back(self.shared, docket, provider).await;
    }
}
