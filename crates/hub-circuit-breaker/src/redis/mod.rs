//! States in Redis, for several instances of the hub.
//!
//! Every event is one script about one key, which holds the whole machine: so a transition happens once over all
//! instances, and one trial is given at a time. With the event goes what the instance knows of the breaker: what
//! Redis has lost, or could not be told while it was away, is there again before the event happens.

mod alert;
mod fields;
mod keys;

use std::sync::Arc;
use std::time::Duration;

use hub_redis::{Argument, Batch, RedisConnection, RedisError, RedisReply, Script};
use hub_types::ProviderId;
use jiff::Timestamp;
use thiserror::Error;

pub(crate) use self::alert::claim;
use crate::config::{BreakerConfig, TRIAL_LEASE_MS};
use crate::state::{BreakerState, Trial};
use crate::step::Event;
use crate::time::{Ms, ms};

static STEP: Script = Script::new(include_str!("scripts/step.lua"));

/// Redis can't answer at the moment.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("circuit breakers in Redis are unavailable: {0}")]
pub struct BreakersUnavailable(pub String);

type Result<T> = std::result::Result<T, BreakersUnavailable>;

/// What a caller knows of a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Nothing.
    Nothing,
    /// This, from Redis: it counts only if Redis has lost it.
    FromRedis(BreakerState),
    /// This, of which Redis was not told: to be merged ([`crate::merge`]).
    Untold {
        /// The state.
        state: BreakerState,
        /// Until when it is to be kept, in milliseconds since 1970. An event says so itself.
        kept_until: i64,
    },
}

/// What an event did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    /// The state before it, with what the caller knew.
    pub before: BreakerState,
    /// The state after it.
    pub after: BreakerState,
}

/// The machine in Redis, and nothing else: [`crate::FallbackBreakerStore`] is the store.
#[derive(Debug)]
pub struct RedisBreakers {
    connection: Arc<RedisConnection>,
}

impl RedisBreakers {
    /// Over a connection.
    pub fn new(connection: Arc<RedisConnection>) -> Self {
        Self { connection }
    }

    /// Tells what happened.
    pub async fn tell(
        &self,
        provider: ProviderId,
        event: Event,
        config: BreakerConfig,
        known: Known,
        now: Timestamp,
    ) -> Result<Told> {
        let mut batch = Batch::new();
        put_event(&mut batch, provider, event, config, known, ms(now));
        let answers = self.connection.run(batch).await.map_err(|error| unavailable(&error))?;
        let [answer] = answers.as_slice() else { return Err(too_few()) };
        told(answer)
    }

    /// The states of these breakers, in one round trip. With what Redis was not told it is merged, and kept as
    /// merged.
    pub async fn read(&self, asked: &[(ProviderId, Known)], now: Timestamp) -> Result<Vec<BreakerState>> {
        self.exchange(asked, now, None).await
    }

    /// The same for somebody who has this much time.
    pub(crate) async fn read_patiently(
        &self,
        asked: &[(ProviderId, Known)],
        now: Timestamp,
        patience: Duration,
    ) -> Result<Vec<BreakerState>> {
        self.exchange(asked, now, Some(patience)).await
    }

    async fn exchange(
        &self,
        asked: &[(ProviderId, Known)],
        now: Timestamp,
        patience: Option<Duration>,
    ) -> Result<Vec<BreakerState>> {
        let mut batch = Batch::new();
        for (provider, known) in asked {
            put_question(&mut batch, *provider, *known, ms(now));
        }
        let answers = match patience {
            Some(patience) => self.connection.run_for(batch, patience).await,
            None => self.connection.run(batch).await,
        };
        let answers = answers.map_err(|error| unavailable(&error))?;
        if answers.len() != asked.len() {
            return Err(too_few());
        }
        let read = |((_, known), answer): (&(ProviderId, Known), &_)| match known {
            Known::Untold { .. } => told(answer).map(|told| told.after),
            Known::Nothing | Known::FromRedis(_) => {
                answer.as_ref().map(|fields| fields::state_of(fields.list())).map_err(unavailable)
            }
        };
        asked.iter().zip(&answers).map(read).collect()
    }
}

fn put_event(
    batch: &mut Batch,
    provider: ProviderId,
    event: Event,
    config: BreakerConfig,
    known: Known,
    now: Ms,
) {
    let (word, trial) = word(event);
    let token = trial.map_or(0, |trial| trial.until);
    let thresholds = [
        i64::from(config.failure_threshold).into(),
        config.open_ms().into(),
        i64::from(config.successes()).into(),
    ];
    put(batch, provider, [word.into(), token.into(), now.into()], thresholds, config.kept_ms(), known);
}

fn put_question(batch: &mut Batch, provider: ProviderId, known: Known, now: Ms) {
    let Known::Untold { kept_until, .. } = known else {
        batch.command("HMGET", &keys::state(provider), keys::FIELDS.map(Argument::from));
        return;
    };
    // Without an event the thresholds do not matter.
    let thresholds = [0, 0, 0].map(Argument::from);
    let kept = kept_until.saturating_sub(now).max(1);
    put(batch, provider, ["".into(), 0.into(), now.into()], thresholds, kept, known);
}

fn put(
    batch: &mut Batch,
    provider: ProviderId,
    [word, token, now]: [Argument; 3],
    [failures, open, successes]: [Argument; 3],
    kept: Ms,
    known: Known,
) {
    let (mode, state) = match known {
        Known::Nothing => ("", BreakerState::default()),
        Known::FromRedis(state) => ("newer", state),
        Known::Untold { state, .. } => ("join", state),
    };
    let [f1, f2, f3, f4, f5, f6] = fields::arguments(state);
    let lease = TRIAL_LEASE_MS.into();
    let arguments = [
        word,
        token,
        now,
        failures,
        open,
        successes,
        lease,
        kept.into(),
        mode.into(),
        f1,
        f2,
        f3,
        f4,
        f5,
        f6,
    ];
    batch.script(&STEP, &[&keys::state(provider)], arguments);
}

/// The script's word for it.
fn word(event: Event) -> (&'static str, Option<Trial>) {
    match event {
        Event::Success { trial } => ("success", trial),
        Event::Failure { trial } => ("failure", trial),
        Event::TrialTaken => ("take", None),
        Event::TrialGivenBack { trial } => ("give", Some(trial)),
        Event::Reset => ("reset", None),
        Event::ProbeSuccess => ("probe", None),
    }
}

fn told(answer: &std::result::Result<RedisReply, RedisError>) -> Result<Told> {
    let fields = answer.as_ref().map_err(unavailable)?.list();
    let Some((before, after)) = fields.split_at_checked(keys::FIELDS.len()) else { return Err(too_few()) };
    if after.len() != keys::FIELDS.len() {
        return Err(too_few());
    }
    Ok(Told { before: fields::state_of(before), after: fields::state_of(after) })
}

fn too_few() -> BreakersUnavailable {
    BreakersUnavailable("Redis gave too few answers".to_owned())
}

fn unavailable(error: &RedisError) -> BreakersUnavailable {
    BreakersUnavailable(error.to_string())
}
