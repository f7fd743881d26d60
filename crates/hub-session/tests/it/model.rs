//! Random histories of requests, told to the store in memory and to a model that is too simple to be wrong.

use std::num::NonZeroU32;
use std::time::Duration;

use hub_session::{
    Admission, BindingChange, Limits, MemorySessionStore, SessionEnd, SessionStore, SessionUsage, Visit,
};
use hub_types::{Dialect, KeyId, ProviderId, SessionId, UserId};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

const TTL: i64 = 300;
const SESSIONS: usize = 8;
const PROVIDERS: i64 = 3;

#[derive(Debug, Clone)]
enum Step {
    Enter { session: usize, routing: usize, key_limit: u32, user_limit: u32 },
    Take { session: usize, provider: i64, limit: u32 },
    Release { session: usize, provider: i64 },
    Leave { session: usize, routing: usize, change: BindingChange, ttl: i64 },
    DropBinding { session: usize, provider: i64 },
    DropBindings { provider: i64 },
    End { session: usize },
    Clear { provider: i64 },
    Sweep,
    Pass { seconds: i64 },
}

fn step() -> impl Strategy<Value = Step> {
    let session = || 0..SESSIONS;
    let provider = || 1..=PROVIDERS;
    let change = prop_oneof![
        3 => provider().prop_map(|id| BindingChange::Bind(ProviderId(id))),
        1 => Just(BindingChange::Keep),
        1 => Just(BindingChange::Drop),
    ];
    // Most sessions follow their own binding.
    let routing = || prop_oneof![4 => Just(SESSIONS), 1 => 0..SESSIONS];
    prop_oneof![
        8 => (session(), routing(), 1..5_u32, 1..6_u32).prop_map(|(session, routing, key_limit, user_limit)| {
            Step::Enter { session, routing, key_limit, user_limit }
        }),
        6 => (session(), provider(), 1..4_u32)
            .prop_map(|(session, provider, limit)| Step::Take { session, provider, limit }),
        1 => (session(), provider()).prop_map(|(session, provider)| Step::Release { session, provider }),
        6 => (session(), routing(), change, prop_oneof![Just(100_i64), Just(300), Just(1000)])
            .prop_map(|(session, routing, change, ttl)| Step::Leave { session, routing, change, ttl }),
        1 => (session(), provider()).prop_map(|(session, provider)| Step::DropBinding { session, provider }),
        1 => provider().prop_map(|provider| Step::DropBindings { provider }),
        1 => session().prop_map(|session| Step::End { session }),
        1 => provider().prop_map(|provider| Step::Clear { provider }),
        1 => Just(Step::Sweep),
        5 => prop_oneof![4 => 0..60_i64, 2 => 100..350_i64, 1 => 1000..2000_i64]
            .prop_map(|seconds| Step::Pass { seconds }),
    ]
}

/// Two keys of one user, and one of another's.
fn sid(number: usize) -> SessionId {
    SessionId::new(KeyId([1, 2, 3][number % 3]), &format!("s{number}"))
}

fn user(session: &SessionId) -> UserId {
    UserId(if session.key() == KeyId(3) { 2 } else { 1 })
}

/// Lists of everything, looked through from one end to the other.
#[derive(Debug, Default)]
struct Model {
    now: i64,
    /// Sessions that count since.
    seen: Vec<(usize, i64)>,
    slots: Vec<(usize, ProviderId, i64)>,
    /// Session, provider, how long, until when.
    bindings: Vec<(usize, ProviderId, i64, i64)>,
    /// Sessions that have requests in flight, once for each.
    in_flight: Vec<usize>,
    visited: Vec<usize>,
}

impl Model {
    fn pass(&mut self, seconds: i64) {
        self.now += seconds;
        let now = self.now;
        self.seen.retain(|(_, seen)| seen + TTL > now);
        self.slots.retain(|(_, _, seen)| seen + TTL > now);
        self.bindings.retain(|(.., until)| *until > now);
        self.forget_unknown();
    }

    fn forget_unknown(&mut self) {
        let known: Vec<_> = (0..SESSIONS).filter(|session| self.is_known(*session)).collect();
        self.visited.retain(|session| known.contains(session));
    }

    fn is_known(&self, session: usize) -> bool {
        self.counts(session)
            || self.bound(session).is_some()
            || self.in_flight.contains(&session)
            || self.slots.iter().any(|(whose, ..)| *whose == session)
    }

    fn counts(&self, session: usize) -> bool {
        self.seen.iter().any(|(whose, _)| *whose == session)
    }

    fn counted(&self, belongs: impl Fn(&SessionId) -> bool) -> usize {
        self.seen.iter().filter(|(whose, _)| belongs(&sid(*whose))).count()
    }

    fn at(&self, provider: ProviderId) -> usize {
        self.slots.iter().filter(|(_, at, _)| *at == provider).count()
    }

    fn has_slot(&self, session: usize, provider: ProviderId) -> bool {
        self.slots.iter().any(|(whose, at, _)| (*whose, *at) == (session, provider))
    }

    fn bound(&self, session: usize) -> Option<ProviderId> {
        self.bindings.iter().find(|(whose, ..)| *whose == session).map(|(_, provider, ..)| *provider)
    }

    fn see(&mut self, session: usize) {
        if self.visited.contains(&session) {
            self.seen.retain(|(whose, _)| *whose != session);
            self.seen.push((session, self.now));
        }
    }

    fn set_slot(&mut self, session: usize, provider: ProviderId) {
        self.slots.retain(|(whose, at, _)| (*whose, *at) != (session, provider));
        self.slots.push((session, provider, self.now));
    }

    fn forget(&mut self, session: usize) {
        self.seen.retain(|(whose, _)| *whose != session);
        self.slots.retain(|(whose, ..)| *whose != session);
        self.bindings.retain(|(whose, ..)| *whose != session);
        self.in_flight.retain(|whose| *whose != session);
        self.visited.retain(|whose| *whose != session);
    }

    fn leave(&mut self, session: usize, routing: usize, change: BindingChange, ttl: i64) {
        if self.is_known(session) {
            if let Some(place) = self.in_flight.iter().position(|whose| *whose == session) {
                self.in_flight.remove(place);
            }
            self.see(session);
            if let BindingChange::Bind(provider) = change {
                self.set_slot(session, provider);
            }
        }
        match change {
            BindingChange::Bind(provider) => {
                self.bindings.retain(|(whose, ..)| *whose != routing);
                self.bindings.push((routing, provider, ttl, self.now + ttl));
            }
            BindingChange::Drop => self.bindings.retain(|(whose, ..)| *whose != routing),
            BindingChange::Keep => {}
        }
    }
}

fn limit(number: u32) -> Option<NonZeroU32> {
    // The highest stands for none.
    NonZeroU32::new(number).filter(|limit| limit.get() < 4)
}

fn fits(count: usize, limit: Option<NonZeroU32>) -> bool {
    limit.is_none_or(|limit| count < limit.get() as usize)
}

async fn take(step: &Step, store: &MemorySessionStore, model: &mut Model) -> Result<(), TestCaseError> {
    let now = time(model.now);
    let followed = |session: usize, routing: usize| if routing == SESSIONS { session } else { routing };
    match *step {
        Step::Enter { session, routing, key_limit, user_limit } => {
            let routing = followed(session, routing);
            let (id, lender) = (sid(session), sid(routing));
            let visit = Visit {
                session: &id,
                routing: &lender,
                key: id.key(),
                user: user(&id),
                key_limit: limit(key_limit),
                user_limit: limit(user_limit),
                dialect: Dialect::Claude,
                model: "m",
            };
            let of_key = model.counted(|other| other.key() == id.key());
            let of_user = model.counted(|other| user(other) == user(&id));
            let expected =
                model.counts(session) || fits(of_key, visit.key_limit) && fits(of_user, visit.user_limit);
            let bound = model.bound(routing);
            match store.enter(&visit, now).await.unwrap() {
                Admission::Admitted(present) => {
                    prop_assert!(expected, "admitted though full");
                    prop_assert_eq!(present.bound, bound);
                    model.visited.push(session);
                    model.in_flight.push(session);
                    model.see(session);
                    let now = model.now;
                    for (_, _, ttl, until) in
                        model.bindings.iter_mut().filter(|(whose, ..)| *whose == routing)
                    {
                        *until = (now + *ttl).max(*until);
                    }
                }
                Admission::Refused(refused) => {
                    prop_assert!(!expected, "refused though there was room");
                    let oldest = model.seen.iter().filter(|(whose, _)| match refused.scope {
                        hub_session::Scope::Key => sid(*whose).key() == id.key(),
                        hub_session::Scope::User => user(&sid(*whose)) == user(&id),
                    });
                    let free_at = oldest.map(|(_, seen)| seen + TTL).min().unwrap();
                    prop_assert_eq!(refused.free_at, time(free_at));
                }
            }
        }
        Step::Take { session, provider, limit: most } => {
            let provider = ProviderId(provider);
            let expected =
                model.has_slot(session, provider) || fits(model.at(provider), NonZeroU32::new(most));
            let taken = store.take_slot(&sid(session), provider, NonZeroU32::new(most), now).await.unwrap();
            prop_assert_eq!(taken, expected);
            if taken {
                model.set_slot(session, provider);
                model.see(session);
            }
        }
        Step::Release { session, provider } => {
            store.release_slot(&sid(session), ProviderId(provider)).await;
            model.slots.retain(|(whose, at, _)| (*whose, at.0) != (session, provider));
        }
        Step::Leave { session, routing, change, ttl } => {
            let routing = followed(session, routing);
            let provider = match change {
                BindingChange::Bind(provider) => Some(provider),
                BindingChange::Keep | BindingChange::Drop => None,
            };
            let end = SessionEnd {
                session: &sid(session),
                routing: &sid(routing),
                binding: change,
                binding_ttl: Duration::from_secs(ttl.unsigned_abs()),
                provider,
                status: 200,
                usage: SessionUsage::default(),
                trail: None,
                answer: None,
            };
            store.leave(&end, now);
            model.leave(session, routing, change, ttl);
        }
        Step::DropBinding { session, provider } => {
            store.drop_binding(&sid(session), ProviderId(provider)).await;
            model.bindings.retain(|(whose, to, ..)| (*whose, to.0) != (session, provider));
        }
        Step::DropBindings { provider } => {
            let before = model.bindings.len();
            model.bindings.retain(|(_, to, ..)| to.0 != provider);
            let dropped = store.drop_bindings(ProviderId(provider), now).await.unwrap();
            prop_assert_eq!(dropped, (before - model.bindings.len()) as u64);
        }
        Step::End { session } => {
            let ended = store.end(&sid(session), now).await.unwrap();
            prop_assert_eq!(ended, model.is_known(session));
            model.forget(session);
        }
        Step::Clear { provider } => {
            // The store goes by the latest time that it was told.
            store.list(0, now).await.unwrap();
            let providers = [ProviderId(provider)].into_iter().collect();
            let surveyed = store.survey(&providers, &|_| ()).await.unwrap();
            let cleared = store.clear(&providers, &|_| ()).await.unwrap();
            let meant: Vec<_> =
                (0..SESSIONS).filter(|one| model.bound(*one) == Some(ProviderId(provider))).collect();
            prop_assert_eq!(cleared.sessions.values().sum::<u64>(), meant.len() as u64);
            prop_assert_eq!(surveyed.values().sum::<u64>(), meant.len() as u64);
            for session in meant {
                model.forget(session);
            }
        }
        Step::Sweep => store.sweep(now).await,
        Step::Pass { seconds } => model.pass(seconds),
    }
    model.forget_unknown();
    Ok(())
}

fn time(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

async fn compare(store: &MemorySessionStore, model: &Model) -> Result<(), TestCaseError> {
    let now = time(model.now);
    let providers: Vec<_> = (1..=PROVIDERS).map(ProviderId).collect();
    let counts = store.count_at(&providers, now).await.unwrap();
    for provider in providers {
        prop_assert_eq!(counts[&provider], model.at(provider) as u64, "at {}", provider);
    }
    let listed = store.list(usize::MAX, now).await.unwrap();
    prop_assert_eq!(listed.len(), model.seen.len());
    for session in 0..SESSIONS {
        let id = sid(session);
        let found = store.find(&id, now).await.unwrap();
        prop_assert_eq!(found.is_some(), model.is_known(session), "{}", id);
        prop_assert_eq!(listed.iter().any(|one| one.session == id), model.counts(session), "{}", id);
        if let Some(found) = found {
            let bound = found.provider.filter(|_| found.is_bound);
            prop_assert_eq!(bound, model.bound(session), "{}", id);
            let in_flight = model.in_flight.iter().filter(|whose| **whose == session).count();
            prop_assert_eq!(found.in_flight as usize, in_flight, "{}", id);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_history_ends_as_in_the_model(
        steps in proptest::collection::vec(step(), 1..120),
        looks in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = MemorySessionStore::new(Limits::default());
            let mut model = Model::default();
            for step in &steps {
                take(step, &store, &mut model).await?;
                // Looking tidies up on the way: without it, tidying must not be needed.
                if looks {
                    compare(&store, &model).await?;
                }
            }
            compare(&store, &model).await
        })?;
    }
}
