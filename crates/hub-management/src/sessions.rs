//! Active sessions: watch them, end them.

use std::cmp::Reverse;
use std::collections::HashSet;

use hub_repository::{Names, Order, Page, RequestFilter};
use hub_session::{ActiveSession, StoredMessages};
use hub_types::{KeyId, SessionId, UserId};
use jiff::Timestamp;
use serde_json::Value;

use crate::audit::redacted;
use crate::params::{ListQuery, SessionQuery};
use crate::validate::Faults;
use crate::view::{
    EndOutcome, List, RequestView, SessionDetailView, SessionEndView, SessionView, TerminateFields,
    TerminatedView, names_wanted,
};
use crate::{Management, ManagementError, Patch, Principal, Result, cursor};

/// The most sessions that are looked at for a filter or a further page, most recently seen first.
const MOST_LOOKED_AT: usize = 10_000;
/// The most keys of one user that are asked for.
const MOST_KEYS: u32 = 10_000;
/// The most sessions that are ended at a time.
const MOST_ENDED: usize = 200;

impl Management {
    /// Active sessions, most recently seen first; an ordinary user sees only its own, without providers. Of
    /// more than 10 000 those seen longest ago are not listed.
    pub async fn list_sessions(
        &self,
        principal: &Principal,
        query: &SessionQuery,
    ) -> Result<List<SessionView>> {
        let sessions = self.sessions()?;
        let own = principal.confined_to();
        if own.is_some() && query.provider_id.is_some() {
            return Err(ManagementError::Forbidden("only an admin may filter by provider".to_owned()));
        }
        if let Some(user) = query.user_id {
            principal.require_sight_of(user)?;
        }
        let beyond = query.cursor.as_deref().map(cursor::to_session).transpose()?;
        let belonging = match own.or(query.user_id) {
            Some(user) => Some(self.belongings(user).await?),
            None => None,
        };
        let is_whole =
            belonging.is_none() && beyond.is_none() && query.key_id.is_none() && query.provider_id.is_none();
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX).saturating_add(1);
        let now = self.now();
        let most = if is_whole { limit } else { MOST_LOOKED_AT };
        let mut rows = sessions.store().list(most, now).await?;
        if is_whole && ends_within_a_moment(&rows, limit) {
            rows = sessions.store().list(MOST_LOOKED_AT, now).await?;
        }
        rows.retain(|row| {
            belonging.as_ref().is_none_or(|belonging| belonging.include(row))
                && query.key_id.is_none_or(|key| row.session.key() == key)
                && query.provider_id.is_none_or(|provider| row.provider == Some(provider))
                && beyond.as_ref().is_none_or(|(at, session)| rank(row) > (Reverse(micros(*at)), session))
        });
        rows.sort_unstable_by(|a, b| rank(a).cmp(&rank(b)));
        rows.truncate(limit);
        let names = self.repository.find_names(&names_wanted(&rows)).await?;
        Ok(List::page(
            rows,
            query.limit,
            |row| cursor::of_session(row.last_seen, &row.session),
            |row| SessionView::of(row, &names, now, own.is_none()),
        ))
    }

    /// An active session with its requests, oldest first. What is kept of its messages is for admins only.
    pub async fn show_session(
        &self,
        principal: &Principal,
        session: &SessionId,
        query: &ListQuery,
    ) -> Result<SessionDetailView> {
        let store = self.sessions()?.store();
        let is_admin = principal.confined_to().is_none();
        let beyond = query.cursor.as_deref().map(cursor::to_request).transpose()?;
        let (row, names) = self.find_session(principal, session).await?;
        let filter = RequestFilter {
            key_id: Some(session.key()),
            session_id: Some(session.to_string()),
            order: Order::OldestFirst,
            beyond,
            limit: query.limit.saturating_add(1),
            ..RequestFilter::default()
        };
        let requests = self.repository.list_requests(&filter).await?;
        let now = self.now();
        let kept = if is_admin { store.messages(session, now).await? } else { StoredMessages::default() };
        Ok(SessionDetailView {
            session: SessionView::of(&row, &names, now, is_admin),
            request_log: List::page(
                requests,
                query.limit,
                |row| cursor::of_request(row.record.created_at, row.record.id),
                |row| RequestView::of(row, is_admin),
            ),
            messages: kept.request.as_deref().map(readable),
            response: kept.response.as_deref().map(readable),
        })
    }

    /// Ends a session: its next request begins anew, wherever the choice of a provider leads. Only for admins,
    /// because it also frees the session's place among those that a limit counts.
    pub async fn end_session(&self, principal: &Principal, session: &SessionId) -> Result<()> {
        principal.require_admin()?;
        let store = self.sessions()?.store();
        let (row, names) = self.find_session(principal, session).await?;
        if !store.end(session, self.now()).await? {
            return Err(ManagementError::NotFound);
        }
        let mut entry = self.audit(principal, "session.end", format!("session:{session}"));
        entry.before = redacted(&SessionView::of(&row, &names, self.now(), true));
        Ok(self.repository.append_audit(entry).await?)
    }

    /// Ends many sessions: `{"session_ids": […]}`, at most 200.
    pub async fn terminate_sessions(&self, principal: &Principal, input: &Patch) -> Result<TerminatedView> {
        principal.require_admin()?;
        let store = self.sessions()?.store();
        let fields = read_fields(input)?;
        let mut failure = None;
        let mut items = Vec::with_capacity(fields.session_ids.len());
        for text in fields.session_ids {
            let outcome = match SessionId::parse(&text) {
                Err(_) => EndOutcome::NotFound,
                // The store has just failed to answer: each further question would wait for its deadline, too.
                Ok(_) if failure.is_some() => EndOutcome::Failed,
                Ok(session) => match store.end(&session, self.now()).await {
                    Ok(true) => EndOutcome::Ended,
                    Ok(false) => EndOutcome::NotFound,
                    Err(error) => {
                        failure = Some(error);
                        EndOutcome::Failed
                    }
                },
            };
            items.push(SessionEndView { session_id: text, outcome });
        }
        let ended: Vec<&str> = items
            .iter()
            .filter(|item| item.outcome == EndOutcome::Ended)
            .map(|item| item.session_id.as_str())
            .collect();
        match failure {
            Some(error) if ended.is_empty() => return Err(error.into()),
            _ => {}
        }
        if !ended.is_empty() {
            let mut entry = self.audit(principal, "session.terminate", "sessions".to_owned());
            entry.before = redacted(&ended);
            self.repository.append_audit(entry).await?;
        }
        Ok(TerminatedView { ended: ended.len().try_into().unwrap_or(u64::MAX), items })
    }

    /// A session that the caller may see, and what its parts are called.
    async fn find_session(
        &self,
        principal: &Principal,
        session: &SessionId,
    ) -> Result<(ActiveSession, Names)> {
        let row = self.sessions()?.store().find(session, self.now()).await?;
        let row = row.ok_or(ManagementError::NotFound)?;
        let names = self.repository.find_names(&names_wanted([&row])).await?;
        if let Some(own) = principal.confined_to() {
            let owner = names.keys.get(&session.key()).map(|key| key.user_id);
            if owner.or(row.user) != Some(own) {
                return Err(ManagementError::NotFound);
            }
        }
        Ok((row, names))
    }

    async fn belongings(&self, user: UserId) -> Result<Belongings> {
        let keys = self.repository.list_keys(Some(user), Page { after: None, limit: MOST_KEYS }).await?;
        Ok(Belongings { user, keys: keys.into_iter().map(|key| key.id).collect() })
    }
}

/// What makes a session a user's.
struct Belongings {
    user: UserId,
    /// The living ones. Of deleted ones only those sessions count whose user the store knows.
    keys: HashSet<KeyId>,
}

impl Belongings {
    fn include(&self, row: &ActiveSession) -> bool {
        self.keys.contains(&row.session.key()) || row.user == Some(self.user)
    }
}

/// The place of a session in the list. Page marks hold whole microseconds.
fn rank(row: &ActiveSession) -> (Reverse<i64>, &SessionId) {
    (Reverse(micros(row.last_seen)), &row.session)
}

/// Were the last session of a page and the one after it seen at the same moment? In which order stores name
/// such sessions is up to them; pages are cut in the order of [`rank`].
fn ends_within_a_moment(rows: &[ActiveSession], limit: usize) -> bool {
    let seen = |at: usize| rows.get(at).map(|row| micros(row.last_seen));
    limit >= 2 && seen(limit - 1).is_some_and(|next| seen(limit - 2) == Some(next))
}

fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// A kept body for people: JSON as such, anything else as a text.
fn readable(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| String::from_utf8_lossy(body).into())
}

fn read_fields(input: &Patch) -> Result<TerminateFields> {
    let mut faults = Faults::default();
    for field in input.keys().filter(|field| *field != "session_ids") {
        faults.add(field, "unknown field");
    }
    let ids = match input.get("session_ids") {
        None => {
            faults.add("session_ids", "is required");
            None
        }
        Some(ids) => {
            let ids: Option<Vec<String>> = serde_json::from_value(ids.clone()).ok();
            let fits = ids.as_ref().is_some_and(|ids| (1..=MOST_ENDED).contains(&ids.len()));
            faults.check(fits, "session_ids", "must be a list of 1 to 200 session ids");
            ids
        }
    };
    faults.into_result()?;
    Ok(TerminateFields { session_ids: ids.unwrap_or_default() })
}
