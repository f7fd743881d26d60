//! States in Redis with this process to fall back on.
//!
//! Requests read a copy in this process. It is brought up to date before each choice, in one round trip for all
//! providers, unless that has been done within [`STALENESS`]; so what others did is seen that much later at most,
//! and a busy instance asks Redis four times a second, not once for each request. Events and trials go to Redis
//! at once, whatever the copy says, but for one kind: a success where the fresh copy is closed without failures
//! would change nothing, and is not told. (A failure that another instance counted less than [`STALENESS`] ago
//! is then not taken back by it.)
//!
//! While Redis is away the copy is the truth of this instance: events happen to it, and are marked as untold. When
//! Redis is back they are merged with what it has before anything else happens to that breaker: the newer
//! transition wins. What Redis has lost while it was there all the time (it was flushed, or restarted quickly)
//! comes back the same way from the copy of any instance that knows.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use hub_types::ProviderId;
use jiff::Timestamp;
use smallvec::SmallVec;

use crate::config::{BreakerConfig, kept_by_default};
use crate::memory::Table;
use crate::redis::{Known, RedisBreakers};
use crate::state::{BreakerHealth, BreakerState, Phase};
use crate::step::{Event, health, step};
use crate::store::{Breaker, BreakerStore, Permission, TrialAnswer, breaker, permission};
use crate::time::{Ms, ms};
use crate::transition::Transition;

/// How long the copy is as good as Redis.
pub const STALENESS: Duration = Duration::from_millis(250);

const STALENESS_MS: Ms = 250;
/// How long somebody who looks after breakers waits for an answer.
const MANAGEMENT: Duration = Duration::from_secs(5);
/// So many breakers are told or asked about at once when nobody waits.
const PAGE: usize = 64;

/// See the module's documentation.
#[derive(Debug)]
pub struct FallbackBreakerStore {
    shared: RedisBreakers,
    copy: Table<Entry>,
    /// Numbers what happens to the copy and what is sent, in the order of time.
    turns: AtomicU64,
}

/// What this process knows of a breaker.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    state: BreakerState,
    kept_until: Ms,
    /// Something happened that Redis was not told.
    is_untold: bool,
    /// When Redis said so; `None` if it should be asked again.
    read_at: Option<Ms>,
    /// The last change.
    turn: u64,
}

type Asked = SmallVec<[(ProviderId, Known); 16]>;

impl FallbackBreakerStore {
    /// A store that knows nothing yet.
    pub fn new(shared: RedisBreakers) -> Self {
        Self { shared, copy: Table::default(), turns: AtomicU64::new(0) }
    }

    /// Does Redis lack something that happened here?
    pub fn is_behind(&self) -> bool {
        !self.copy.select(|entry| entry.is_untold).is_empty()
    }

    fn state(&self, provider: ProviderId) -> BreakerState {
        self.copy.read(provider, |entry| entry.state).unwrap_or_default()
    }

    fn turn(&self) -> u64 {
        self.turns.fetch_add(1, Ordering::Relaxed)
    }

    /// Asks Redis, and tells it what it lacks. Did it answer?
    async fn exchange(
        &self,
        asked: &[(ProviderId, Known)],
        now: Timestamp,
        patience: Option<Duration>,
    ) -> bool {
        let sent = self.turn();
        let answer = match patience {
            Some(patience) => self.shared.read_patiently(asked, now, patience).await,
            None => self.shared.read(asked, now).await,
        };
        let Ok(states) = answer else { return false };
        let now = ms(now);
        let kept_until = now.saturating_add(kept_by_default());
        self.copy.change(|entries| {
            for ((provider, _), state) in asked.iter().zip(states) {
                let mut entry = entries.of(*provider).unwrap_or_default();
                entry.hear(state, sent, self.turn(), now);
                entry.kept_until = entry.kept_until.max(kept_until);
                entries.put(*provider, entry);
            }
        });
        true
    }

    /// An event: in Redis, or if it is away in this process. The states before and after.
    async fn take(
        &self,
        provider: ProviderId,
        event: Event,
        config: BreakerConfig,
        now: Timestamp,
    ) -> (BreakerState, BreakerState) {
        let known = self.copy.read(provider, Entry::known).unwrap_or(Known::Nothing);
        let sent = self.turn();
        let told = self.shared.tell(provider, event, config, known, now).await;
        let now = ms(now);
        let kept_until = now.saturating_add(config.kept_ms());
        self.copy.change(|entries| {
            let mut entry = entries.of(provider).unwrap_or_default();
            let states = if let Ok(told) = told {
                entry.hear(told.after, sent, self.turn(), now);
                (told.before, told.after)
            } else {
                let before = entry.state;
                let after = step(before, event, now, config);
                if after == before {
                    return (before, after);
                }
                (entry.state, entry.is_untold, entry.turn) = (after, true, self.turn());
                (before, after)
            };
            entry.kept_until = entry.kept_until.max(kept_until);
            entries.put(provider, entry);
            states
        })
    }
}

impl Entry {
    fn is_fresh(&self, now: Ms) -> bool {
        self.read_at.is_some_and(|at| (at..=at.saturating_add(STALENESS_MS)).contains(&now))
    }

    fn known(&self) -> Known {
        if self.is_untold {
            Known::Untold { state: self.state, kept_until: self.kept_until }
        } else {
            Known::FromRedis(self.state)
        }
    }

    /// Redis said this to what was sent at that turn.
    fn hear(&mut self, said: BreakerState, sent: u64, turn: u64, now: Ms) {
        let is_older = said.changed_at < self.state.changed_at;
        if self.turn > sent {
            // Another answer came first, or something happened meanwhile. Equals are believed, as answers mostly
            // come in the order of the questions; and Redis is asked again soon, as they need not.
            let is_newer = said.changed_at > self.state.changed_at;
            if is_newer || (!is_older && !self.is_untold) {
                (self.state, self.turn) = (said, turn);
            }
            self.is_untold &= !is_newer;
            self.read_at = None;
        } else if is_older {
            // Redis has lost it. That something is closed is no loss, unless Redis has something older.
            let is_worth_telling = self.state.phase != Phase::Closed
                || self.state.failures > 0
                || said != BreakerState::default();
            self.is_untold |= is_worth_telling;
            self.read_at = (!is_worth_telling).then_some(now);
        } else {
            *self = Self { state: said, is_untold: false, read_at: Some(now), turn, ..*self };
        }
    }
}

#[async_trait]
impl BreakerStore for FallbackBreakerStore {
    async fn refresh(&self, providers: &[ProviderId], now: Timestamp) {
        let at = ms(now);
        let question = |provider: &ProviderId| {
            let known = self.copy.read(*provider, |entry| (!entry.is_fresh(at)).then(|| entry.known()));
            known.unwrap_or(Some(Known::Nothing)).map(|known| (*provider, known))
        };
        let asked: Asked = providers.iter().filter_map(question).collect();
        if !asked.is_empty() {
            self.exchange(&asked, now, None).await;
        }
    }

    fn health(&self, provider: ProviderId, config: BreakerConfig, now: Timestamp) -> BreakerHealth {
        health(self.state(provider), ms(now), config)
    }

    async fn take_trial(&self, provider: ProviderId, config: BreakerConfig, now: Timestamp) -> TrialAnswer {
        if self.health(provider, config, now) == BreakerHealth::Closed {
            return TrialAnswer { permission: Permission::Free, transition: None };
        }
        let (before, after) = self.take(provider, Event::TrialTaken, config, now).await;
        let now = ms(now);
        TrialAnswer {
            permission: permission(before, after, now, config),
            transition: Transition::between(provider, before, after, now, config),
        }
    }

    async fn record(
        &self,
        provider: ProviderId,
        event: Event,
        config: BreakerConfig,
        now: Timestamp,
    ) -> Option<Transition> {
        let is_well = |entry: &Entry| {
            let BreakerState { phase, failures, .. } = entry.state;
            phase == Phase::Closed && failures == 0 && !entry.is_untold && entry.is_fresh(ms(now))
        };
        if matches!(event, Event::Success { .. }) && self.copy.read(provider, is_well) == Some(true) {
            return None;
        }
        let (before, after) = self.take(provider, event, config, now).await;
        Transition::between(provider, before, after, ms(now), config)
    }

    async fn list(&self, providers: &[(ProviderId, BreakerConfig)], now: Timestamp) -> Vec<Breaker> {
        for page in providers.chunks(PAGE) {
            let known = |provider| self.copy.read(provider, Entry::known).unwrap_or(Known::Nothing);
            let asked: Asked = page.iter().map(|&(provider, _)| (provider, known(provider))).collect();
            if !self.exchange(&asked, now, Some(MANAGEMENT)).await {
                break;
            }
        }
        let view = |&(provider, config)| breaker(provider, self.state(provider), ms(now), config);
        providers.iter().map(view).collect()
    }

    fn is_shared(&self) -> bool {
        true
    }

    async fn sweep(&self, now: Timestamp) {
        for page in self.copy.select(|entry| entry.is_untold).chunks(PAGE) {
            let asked: Asked = page.iter().map(|(provider, entry)| (*provider, entry.known())).collect();
            if !self.exchange(&asked, now, Some(MANAGEMENT)).await {
                break;
            }
        }
        let now = ms(now);
        self.copy.retain(|entry| entry.kept_until > now);
    }
}

#[cfg(test)]
mod tests;
