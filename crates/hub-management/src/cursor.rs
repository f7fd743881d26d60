//! Opaque page marks: where the next page of a list begins.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hub_repository::{LimitEvent, LimitEventMark};
use hub_types::{KeyId, RequestId, SessionId, UserId};
use jiff::Timestamp;
use uuid::Uuid;

use crate::{ManagementError, Result};

/// Marks a row of a list ordered by id.
pub(crate) fn of_id(id: i64) -> String {
    URL_SAFE_NO_PAD.encode(format!("i{id}"))
}

/// Reads what [`of_id`] wrote.
pub(crate) fn to_id(cursor: &str) -> Result<i64> {
    read(cursor).and_then(|text| text.strip_prefix('i')?.parse().ok()).ok_or_else(unreadable)
}

/// Marks a request in the order of time.
pub(crate) fn of_request(at: Timestamp, id: RequestId) -> String {
    URL_SAFE_NO_PAD.encode(format!("r{}.{}", at.as_microsecond(), id.0.simple()))
}

/// Reads what [`of_request`] wrote.
pub(crate) fn to_request(cursor: &str) -> Result<(Timestamp, RequestId)> {
    let parse = |text: String| {
        let (micros, id) = text.strip_prefix('r')?.split_once('.')?;
        let at = Timestamp::from_microsecond(micros.parse().ok()?).ok()?;
        Some((at, RequestId(Uuid::parse_str(id).ok()?)))
    };
    read(cursor).and_then(parse).ok_or_else(unreadable)
}

/// Marks an active session in the order of when it was last seen.
pub(crate) fn of_session(last_seen: Timestamp, session: &SessionId) -> String {
    URL_SAFE_NO_PAD.encode(format!("s{}.{session}", last_seen.as_microsecond()))
}

/// Reads what [`of_session`] wrote.
pub(crate) fn to_session(cursor: &str) -> Result<(Timestamp, SessionId)> {
    let parse = |text: String| {
        let (micros, session) = text.strip_prefix('s')?.split_once('.')?;
        let at = Timestamp::from_microsecond(micros.parse().ok()?).ok()?;
        Some((at, SessionId::parse(session).ok()?))
    };
    read(cursor).and_then(parse).ok_or_else(unreadable)
}

/// Marks a row of the counts of refusals.
pub(crate) fn of_limit_event(row: &LimitEvent) -> String {
    let (hour, user, key) = (row.hour.as_second(), row.user_id, row.key_id);
    URL_SAFE_NO_PAD.encode(format!("l{hour}.{user}.{key}.{}", row.kind))
}

/// Reads what [`of_limit_event`] wrote.
pub(crate) fn to_limit_event(cursor: &str) -> Result<LimitEventMark> {
    let parse = |text: String| {
        let mut parts = text.strip_prefix('l')?.splitn(4, '.');
        let mut number = || parts.next()?.parse::<i64>().ok();
        let (hour, user, key) = (number()?, number()?, number()?);
        Some(LimitEventMark {
            hour: Timestamp::from_second(hour).ok()?,
            kind: parts.next()?.to_owned(),
            user_id: UserId(user),
            key_id: KeyId(key),
        })
    };
    read(cursor).and_then(parse).ok_or_else(unreadable)
}

fn read(cursor: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}

fn unreadable() -> ManagementError {
    ManagementError::invalid("cursor", "is not a cursor of this list: take `next_cursor` of the page before")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_read_back_and_others_are_refused() {
        let at = Timestamp::from_microsecond(1_700_000_000_123_456).unwrap();
        let id = RequestId::fresh();
        assert_eq!(to_request(&of_request(at, id)).unwrap(), (at, id));
        assert_eq!(to_id(&of_id(42)).unwrap(), 42);
        let session = SessionId::parse("k7.a.b").unwrap();
        assert_eq!(to_session(&of_session(at, &session)).unwrap(), (at, session));
        assert!(to_session(&of_request(at, id)).is_err());
        let (user_id, key_id, kind) = (UserId(3), KeyId(4), "usd_daily".to_owned());
        let row = LimitEvent { hour: Timestamp::UNIX_EPOCH, kind: kind.clone(), user_id, key_id, count: 1 };
        let mark = LimitEventMark { hour: Timestamp::UNIX_EPOCH, kind, user_id, key_id };
        assert_eq!(to_limit_event(&of_limit_event(&row)).unwrap(), mark);
        assert!(to_limit_event(&of_id(3)).is_err());
        for wrong in ["", "x", "%%%", &of_id(3)] {
            assert!(to_request(wrong).is_err(), "{wrong}");
        }
        assert!(to_id(&of_request(at, id)).is_err());
    }
}
