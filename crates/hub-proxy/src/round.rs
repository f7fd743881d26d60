//! What is running of a request at the moment, until there is content, or nobody left who could give any: one
//! attempt, or two where the first had no content for too long (a hedge). Of two, the first to have content is the
//! client's, and the other one is cancelled; if one fails, the other is the failover.

use std::pin::pin;
use std::sync::Arc;

use hub_types::AttemptReason;

use crate::docket::Docket;
use crate::failure::Failure;
use crate::forward::{Admitted, Course};
use crate::pick;
use crate::running::Running;
use crate::shared::Shared;

type Slot = Option<Box<Running>>;

/// See the module's documentation. If the client leaves meanwhile, what is running is left behind on the docket.
pub(crate) struct Round<'a> {
    docket: &'a mut Docket,
    first: Slot,
    /// Started beside the first.
    second: Slot,
}

/// How a round ended.
pub(crate) enum Ended {
    /// This attempt has an answer for the client.
    Answered(Box<Running>),
    /// No attempt has. The failure is not noted yet.
    Failed(Failure, Box<Running>),
    /// The drain time is over before a provider has answered.
    CutOff,
}

/// Whose end is the round's.
enum Decided {
    First(Result<(), Failure>),
    Second(Result<(), Failure>),
}

impl<'a> Round<'a> {
    pub(crate) fn begin(docket: &'a mut Docket, running: Box<Running>) -> Self {
        Self { docket, first: Some(running), second: None }
    }

    pub(crate) async fn end(mut self, course: &mut Course<'_>) -> Ended {
        let shared = course.shared;
        let Self { docket, first, second } = &mut self;
        let decided = tokio::select! {
            biased;
            decided = run(docket, first, second, course) => Some(decided),
            () = shared.cut_off.cancelled() => None,
        };
        let (decisive, other, opened) = match decided {
            Some(Decided::First(opened)) => (first, second, opened),
            Some(Decided::Second(opened)) => (second, first, opened),
            None => {
                for running in [first.take(), second.take()].into_iter().flatten() {
                    docket.conclude(running.underway);
                }
                return Ended::CutOff;
            }
        };
        if let Some(loser) = other.take() {
            if let (Ok(()), Some(winner)) = (&opened, &mut *decisive)
                && winner.underway.record.reason == AttemptReason::HedgeLaunched
            {
                winner.underway.record.reason = AttemptReason::HedgeWon;
                shared.metrics.attempts.hedge_won();
            }
            cancel(shared, docket, loser).await;
        }
        let head_is_out = docket.head_is_out();
        let Some(mut running) = decisive.take() else { return Ended::CutOff };
        match opened {
            // The client has the head of a stream, and can't be given anything else.
            Ok(()) if head_is_out && !running.is_event_stream() => {
                running.hang_up();
                Ended::Failed(Failure::no_stream(), running)
            }
            Ok(()) => Ended::Answered(running),
            Err(failure) => Ended::Failed(failure, running),
        }
    }
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        for running in [self.first.take(), self.second.take()].into_iter().flatten() {
            self.docket.leave_behind(running.left_by_client());
        }
    }
}

async fn run(docket: &mut Docket, first: &mut Slot, second: &mut Slot, course: &mut Course<'_>) -> Decided {
    let (shared, admitted) = (course.shared, course.admitted);
    let hedge_after = first.as_ref().and_then(|running| course.hedge_after(running));
    let Some(after) = hedge_after.filter(|_| docket.may_pay_two()) else {
        return Decided::First(docket.wait_for(open(first, shared, admitted)).await);
    };
    let mut one = Box::pin(open(&mut *first, shared, admitted));
    if let Ok(opened) = tokio::time::timeout(after, docket.wait_for(one.as_mut())).await {
        return Decided::First(opened);
    }
    // The choice is seen through even if the first has content meanwhile, or what it took would stay taken.
    let mut opened_meanwhile = None;
    let beside = {
        let mut choosing = pin!(course.beside(docket));
        loop {
            tokio::select! {
                biased;
                beside = choosing.as_mut() => break beside,
                opened = one.as_mut(), if opened_meanwhile.is_none() => opened_meanwhile = Some(opened),
            }
        }
    };
    match (opened_meanwhile, beside) {
        (Some(opened), beside) => {
            if let Some(needless) = beside {
                pick::give_back(shared, docket, needless.underway.upstream.provider.id).await;
            }
            return Decided::First(opened);
        }
        (None, None) => return Decided::First(docket.wait_for(one).await),
        (None, beside) => {
            shared.metrics.attempts.hedge_started();
            *second = beside;
        }
    }
    let mut two = Box::pin(open(&mut *second, shared, admitted));
    let race = async {
        tokio::select! {
            biased;
            opened = one.as_mut() => Decided::First(opened),
            opened = two.as_mut() => Decided::Second(opened),
        }
    };
    match docket.wait_for(race).await {
        Decided::First(Err(failure)) if failure.may_try_another() => {
            drop(one);
            if let Some(failed) = first.take() {
                course.give_up(docket, failed, &failure).await;
            }
            Decided::Second(docket.wait_for(two).await)
        }
        Decided::Second(Err(failure)) if failure.may_try_another() => {
            drop(two);
            if let Some(failed) = second.take() {
                course.give_up(docket, failed, &failure).await;
            }
            Decided::First(docket.wait_for(one).await)
        }
        decided => decided,
    }
}

/// The other one had content first, or an answer that no provider would better. Nothing is held against this
/// one's provider; what it used so far is on the account of its own attempt.
async fn cancel(shared: &Shared, docket: &mut Docket, mut loser: Box<Running>) {
    let provider = loser.underway.upstream.provider.id;
    loser.hang_up();
    loser.underway.record.reason = AttemptReason::HedgeLost;
    docket.conclude(loser.underway);
    pick::give_back(shared, docket, provider).await;
}

/// Waits for an attempt's content; for ever if there is no attempt.
async fn open(running: &mut Slot, shared: &Arc<Shared>, admitted: &Admitted) -> Result<(), Failure> {
    match running {
        Some(running) => running.open(shared, admitted).await,
        None => std::future::pending().await,
    }
}
