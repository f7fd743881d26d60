//! What is written without anybody waiting for it, and the commands that it takes.

use bytes::Bytes;
use hub_redis::{Batch, RedisReply};
use jiff::Timestamp;
use smallvec::SmallVec;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use hub_types::{Dialect, KeyId, ProviderId, SessionId, UserId};

use super::keys::{self, Lifetimes};
use super::scripts::{FIELDS, IN_FLIGHT, LATEST, ROSTER, UNBIND, USAGE};
use crate::{BindingChange, ConversationHash, MessagePart, SessionEnd, SessionUsage, Trail, Visit};

/// One entry of the queue. Those of one session are executed in their order.
#[derive(Debug)]
pub(super) enum Write {
    /// A request was let in.
    Arrival(Box<Arrival>),
    /// A request has ended.
    Departure(Box<Departure>),
    /// The session has taken a slot at a provider; with a time: it is yet to be counted there.
    Counted { session: SessionId, provider: ProviderId, at: Option<Timestamp> },
    /// The session does not count at a provider that did not answer.
    Uncounted { session: SessionId, provider: ProviderId },
    /// The session's binding is gone if it is to this provider.
    Unbound { session: SessionId, provider: ProviderId },
    /// The body of a request or an answer, and the room that it takes in the queue.
    Message {
        session: SessionId,
        part: MessagePart,
        body: Bytes,
        #[expect(dead_code, reason = "held until the write is sent or lost")]
        room: OwnedSemaphorePermit,
    },
    /// A conversation hash was met that has little time left.
    Renewed { key: KeyId, hash: ConversationHash },
    /// Somebody wants to know when everything before this is done.
    Barrier(oneshot::Sender<()>),
}

/// See [`Write::Arrival`].
#[derive(Debug)]
pub(super) struct Arrival {
    session: SessionId,
    key: KeyId,
    user: UserId,
    dialect: Dialect,
    model: Box<str>,
    /// Sets of active sessions that the admission did not enter, as they have no limit.
    rosters: SmallVec<[String; 2]>,
    at: Timestamp,
}

/// See [`Write::Departure`].
#[derive(Debug)]
pub(super) struct Departure {
    pub(super) session: SessionId,
    pub(super) routing: SessionId,
    pub(super) binding: BindingChange,
    /// How long a binding lasts, in ms.
    pub(super) binding_ms: i64,
    pub(super) trail: Option<Trail>,
    pub(super) at: Timestamp,
    provider: Option<ProviderId>,
    status: u16,
    usage: SessionUsage,
    pub(super) answer: Option<ConversationHash>,
}

impl Write {
    /// The session it is about.
    pub(super) fn session(&self) -> Option<&SessionId> {
        match self {
            Self::Arrival(arrival) => Some(&arrival.session),
            Self::Departure(departure) => Some(&departure.session),
            Self::Counted { session, .. }
            | Self::Uncounted { session, .. }
            | Self::Unbound { session, .. }
            | Self::Message { session, .. } => Some(session),
            Self::Renewed { .. } | Self::Barrier(_) => None,
        }
    }

    /// How large the body is that it carries.
    pub(super) fn body_bytes(&self) -> usize {
        if let Self::Message { body, .. } = self { body.len() } else { 0 }
    }

    /// Adds the commands that need no answer: of a departure these are not all.
    pub(super) fn put(&self, batch: &mut Batch, life: &Lifetimes) {
        match self {
            Self::Arrival(arrival) => arrival.put(batch, life),
            Self::Departure(departure) => departure.put(batch, life),
            Self::Counted { session, provider, at } => {
                // So that whoever ends the session knows where it counts.
                let fields = [life.session.into(), "".into(), "slot".into(), provider.0.into()];
                batch.script(&FIELDS, &[&keys::of(session.as_str(), "info")], fields);
                if let Some(at) = *at {
                    let roster = keys::at_provider(*provider);
                    put_roster(batch, &roster, session, at, life.keep_from(at), Whom::Anybody, life);
                }
            }
            Self::Uncounted { session, provider } => {
                batch.command("ZREM", &keys::at_provider(*provider), [session.as_str().into()]);
            }
            Self::Unbound { session, provider } => {
                batch.script(&UNBIND, &[&keys::binding_of(session)], [provider.0.into()]);
            }
            Self::Message { session, part, body, .. } => {
                let value = [body.as_ref().into(), "PX".into(), life.session.into()];
                batch.command("SET", &keys::message(session, *part), value);
            }
            Self::Renewed { key, hash } => {
                let entry = keys::conversation(*key, *hash);
                batch.command("PEXPIRE", &entry, [life.conversation.into()]);
            }
            Self::Barrier(_) => {}
        }
    }
}

impl Arrival {
    pub(super) fn of(visit: &Visit<'_>, at: Timestamp) -> Self {
        let mut rosters = SmallVec::new();
        if visit.key_limit.is_none() {
            rosters.push(keys::at_key(visit.key));
        }
        if visit.user_limit.is_none() {
            rosters.push(keys::at_user(visit.user));
        }
        Self {
            session: visit.session.clone(),
            key: visit.key,
            user: visit.user,
            dialect: visit.dialect,
            model: visit.model.into(),
            rosters,
            at,
        }
    }

    fn put(&self, batch: &mut Batch, life: &Lifetimes) {
        let (sid, now) = (self.session.as_str(), self.at.as_millisecond());
        batch.command("SET", &keys::of(sid, "key"), [self.key.0.into(), "PX".into(), life.session.into()]);
        let fields = [
            life.session.into(),
            now.into(),
            "user".into(),
            self.user.0.into(),
            "key".into(),
            self.key.0.into(),
            "model".into(),
            (&*self.model).into(),
            "dialect".into(),
            self.dialect.as_str().into(),
        ];
        batch.script(&FIELDS, &[&keys::of(sid, "info")], fields);
        put_last_seen(batch, sid, now, life);
        put_in_flight(batch, sid, 1);
        let cutoff = life.cutoff(self.at);
        for roster in self.rosters.iter().map(String::as_str).chain([keys::ACTIVE]) {
            put_roster(batch, roster, &self.session, self.at, cutoff, Whom::Anybody, life);
        }
    }
}

impl Departure {
    pub(super) fn of(end: &SessionEnd<'_>, at: Timestamp) -> Self {
        Self {
            session: end.session.clone(),
            routing: end.routing.clone(),
            binding: end.binding,
            binding_ms: keys::millis(end.binding_ttl),
            trail: end.trail.cloned(),
            at,
            provider: end.provider,
            status: end.status,
            usage: end.usage,
            answer: end.answer,
        }
    }

    fn put(&self, batch: &mut Batch, life: &Lifetimes) {
        put_in_flight(batch, self.session.as_str(), -1);
        match self.binding {
            BindingChange::Keep => {}
            BindingChange::Drop => {
                batch.command("UNLINK", &keys::binding_of(&self.routing), []);
            }
            BindingChange::Bind(provider) => {
                self.put_binding(batch, &self.routing, provider, life);
            }
        }
        if let Some(answer) = self.answer {
            put_conversation(batch, &self.session, answer, life);
        }
    }

    /// Adds the questions whose answers [`Departure::put_rest`] needs, one after the other: is the session still
    /// there, and whose is it? The counter of its requests outlasts the longest one, and is removed only when
    /// the session is ended. The place of the first in the batch.
    pub(super) fn ask(&self, batch: &mut Batch) -> usize {
        let sid = self.session.as_str();
        batch.command("EXISTS", &keys::of(sid, "seq"), []);
        batch.command("HGET", &keys::of(sid, "info"), ["user".into()]);
        batch.len() - 2
    }

    /// Adds what is left of a request, if the session was not ended meanwhile. `answers`: to
    /// [`Departure::ask`].
    pub(super) fn put_rest(&self, answers: &[RedisReply], batch: &mut Batch, life: &Lifetimes) {
        let number = |at: usize| answers.get(at).and_then(RedisReply::int);
        if number(0) != Some(1) {
            // Its new binding must be found by the provider all the same.
            if let BindingChange::Bind(provider) = self.binding
                && self.routing == self.session
            {
                self.put_silent(batch, &self.routing, provider, life);
            }
            return;
        }
        self.put_figures(batch, life);
        if let Some(provider) = self.provider {
            // Whoever failed was given up; whoever answered for longer than a slot lasts has it again.
            let is_bound = self.binding == BindingChange::Bind(provider);
            let whom = if is_bound { Whom::Anybody } else { Whom::Known };
            let roster = keys::at_provider(provider);
            put_roster(batch, &roster, &self.session, self.at, life.keep_from(self.at), whom, life);
        }
        // The end of a request counts as seen.
        let cutoff = life.cutoff(self.at);
        let user = number(1).map(|user| keys::at_user(UserId(user)));
        let key = keys::at_key(self.session.key());
        for roster in [Some(key.as_str()), user.as_deref(), Some(keys::ACTIVE)].into_iter().flatten() {
            put_roster(batch, roster, &self.session, self.at, cutoff, Whom::Anybody, life);
        }
    }

    fn put_figures(&self, batch: &mut Batch, life: &Lifetimes) {
        let sid = self.session.as_str();
        put_last_seen(batch, sid, self.at.as_millisecond(), life);
        let count = |number: u64| i64::try_from(number).unwrap_or(i64::MAX).into();
        let usage = [
            life.session.into(),
            "requests".into(),
            count(self.usage.requests),
            "input_tokens".into(),
            count(self.usage.input_tokens),
            "output_tokens".into(),
            count(self.usage.output_tokens),
            "cost".into(),
            self.usage.cost.nanos().into(),
        ];
        batch.script(&USAGE, &[&keys::of(sid, "usage")], usage);
        let info = keys::of(sid, "info");
        let (ttl, status) = (life.session, i64::from(self.status));
        let head = [ttl.into(), "".into(), "last_status".into(), status.into()];
        match self.provider {
            None => batch.script(&FIELDS, &[&info], head),
            Some(provider) => {
                let [ttl, start, name, status] = head;
                let fields = [ttl, start, name, status, "provider".into(), provider.0.into()];
                batch.script(&FIELDS, &[&info], fields)
            }
        };
    }

    /// Binds a session: the routing one, or a branch. It is entered in the provider's set, so that the binding
    /// is found when the provider's are dropped; but as one that was last seen too long ago to count.
    pub(super) fn put_binding(
        &self,
        batch: &mut Batch,
        session: &SessionId,
        provider: ProviderId,
        life: &Lifetimes,
    ) {
        let value = [provider.0.into(), "PX".into(), self.binding_ms.into()];
        batch.command("SET", &keys::binding_of(session), value);
        if *session != self.session {
            self.put_silent(batch, session, provider, life);
        }
    }

    fn put_silent(&self, batch: &mut Batch, session: &SessionId, provider: ProviderId, life: &Lifetimes) {
        let arguments = [
            session.as_str().into(),
            life.cutoff(self.at).into(),
            life.keep_from(self.at).into(),
            life.roster_seconds.into(),
            "".into(),
        ];
        batch.script(&ROSTER, &[&keys::at_provider(provider)], arguments);
    }
}

/// Whoever goes on from this hash is the session.
pub(super) fn put_conversation(
    batch: &mut Batch,
    session: &SessionId,
    hash: ConversationHash,
    life: &Lifetimes,
) {
    let entry = keys::conversation(session.key(), hash);
    batch.command("SET", &entry, [session.as_str().into(), "PX".into(), life.conversation.into()]);
}

fn put_last_seen(batch: &mut Batch, sid: &str, now: i64, life: &Lifetimes) {
    batch.script(&LATEST, &[&keys::of(sid, "last_seen")], [now.into(), life.session.into()]);
}

fn put_in_flight(batch: &mut Batch, sid: &str, change: i64) {
    let arguments = [change.into(), keys::IN_FLIGHT_SECONDS.into()];
    batch.script(&IN_FLIGHT, &[&keys::of(sid, "concurrent_count")], arguments);
}

/// Who may be entered in a set of active sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whom {
    /// A session that may be new there.
    Anybody,
    /// Only one that is there.
    Known,
}

fn put_roster(
    batch: &mut Batch,
    roster: &str,
    session: &SessionId,
    at: Timestamp,
    keep_from: i64,
    whom: Whom,
    life: &Lifetimes,
) {
    let arguments = [
        session.as_str().into(),
        at.as_millisecond().into(),
        keep_from.into(),
        life.roster_seconds.into(),
        if whom == Whom::Known { "known" } else { "" }.into(),
    ];
    batch.script(&ROSTER, &[roster], arguments);
}
