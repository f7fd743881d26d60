//! What becomes of a provider after an attempt: its circuit breaker hears of it once, and a provider that asked for
//! a pause gets it.

use std::sync::Arc;

use futures_util::FutureExt as _;
use hub_circuit_breaker::{BreakerConfig, Event, Permission, Transition, Trial};
use hub_routing::verdict;
use hub_types::{ErrorClass, Provider, ProviderId};
use jiff::Timestamp;
use smallvec::SmallVec;
use tokio::sync::oneshot;

use crate::alert::{Alert, AlertKind};
use crate::catalogue::Prospects;
use crate::shared::Shared;

/// What an attempt says about its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// It does its work.
    Well,
    /// It is held against it.
    Unwell,
    /// Nothing: the client's fault, or nobody's.
    Nothing,
}

impl Judgement {
    /// Of a failure of this class, or of none.
    pub(crate) fn of(shared: &Shared, class: Option<ErrorClass>) -> Self {
        match class {
            None => Self::Well,
            Some(ErrorClass::Network) if !shared.options.breaker_on_network_errors => Self::Nothing,
            Some(class) if verdict(class).counts => Self::Unwell,
            Some(_) => Self::Nothing,
        }
    }
}

/// A request is with a provider. Whoever is never told what became of it hears nothing.
pub(crate) struct Trying {
    shared: Arc<Shared>,
    provider: Arc<Provider>,
    trial: Option<Trial>,
    is_told: bool,
}

/// Brings what is known of breakers up to date for all that could serve the request.
pub(crate) async fn refresh(shared: &Shared, prospects: &Prospects<'_>, now: Timestamp) {
    if shared.breakers.is_shared() {
        let candidates: SmallVec<[ProviderId; 8]> = prospects.ids().collect();
        shared.breakers.refresh(&candidates, now).await;
    }
}

/// Asks the breaker to let a request through. `None`: it does not. If whoever asks leaves meanwhile, the answer is
/// waited for all the same: a trial that was granted has to be given back.
pub(crate) async fn enter(shared: &Arc<Shared>, provider: &Arc<Provider>) -> Option<Trying> {
    let mut asking = Box::pin(ask(Arc::clone(shared), Arc::clone(provider)));
    // What is in this process is answered at once.
    if let Some(answer) = asking.as_mut().now_or_never() {
        return answer;
    }
    let (tell, told) = oneshot::channel();
    shared.tasks.spawn(async move {
        // Dropped where nobody waits for it any more, and so given back.
        let _ = tell.send(asking.await);
    });
    told.await.ok().flatten()
}

async fn ask(shared: Arc<Shared>, provider: Arc<Provider>) -> Option<Trying> {
    let config = BreakerConfig::from(provider.as_ref());
    let answer = shared.breakers.take_trial(provider.id, config, shared.clock.now()).await;
    if let Some(transition) = answer.transition {
        announce(&shared, &provider, transition);
    }
    let trial = match answer.permission {
        Permission::Free => None,
        Permission::Trial(trial) => Some(trial),
        Permission::Refused => return None,
    };
    Some(Trying { shared, provider, trial, is_told: false })
}

impl Trying {
    /// Is it the one trial of a half-open breaker?
    pub(crate) const fn is_trial(&self) -> bool {
        self.trial.is_some()
    }

    /// Tells the breaker. Nobody waits for a breaker that is elsewhere.
    pub(crate) fn judge(mut self, judgement: Judgement) {
        self.tell(judgement);
    }

    fn tell(&mut self, judgement: Judgement) {
        if std::mem::replace(&mut self.is_told, true) {
            return;
        }
        let event = match (judgement, self.trial) {
            (Judgement::Well, trial) => Event::Success { trial },
            (Judgement::Unwell, trial) => Event::Failure { trial },
            (Judgement::Nothing, Some(trial)) => Event::TrialGivenBack { trial },
            (Judgement::Nothing, None) => return,
        };
        let (shared, provider) = (Arc::clone(&self.shared), Arc::clone(&self.provider));
        let mut recording = Box::pin(async move {
            let config = BreakerConfig::from(provider.as_ref());
            let now = shared.clock.now();
            if let Some(transition) = shared.breakers.record(provider.id, event, config, now).await {
                announce(&shared, &provider, transition);
            }
        });
        // What is in this process is done at once.
        if recording.as_mut().now_or_never().is_none() && tokio::runtime::Handle::try_current().is_ok() {
            self.shared.tasks.spawn(recording);
        }
    }
}

impl Drop for Trying {
    fn drop(&mut self) {
        self.tell(Judgement::Nothing);
    }
}

fn announce(shared: &Shared, provider: &Provider, transition: Transition) {
    transition.log(&provider.name);
    shared.metrics.breaker_moved(transition.to);
    if transition.is_opening() {
        let Transition { failures, reopens_at, .. } = transition;
        let kind = AlertKind::BreakerOpened { failures, reopens_at };
        shared.alerts.raise(Alert { provider: provider.id, name: provider.name.clone(), kind });
    }
}
