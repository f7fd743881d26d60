//! Logins to the management pages.

use hub_types::UserId;
use jiff::Timestamp;

use super::value::Reader;
use super::{Result, Session, Value};
use crate::LoginSession;

pub(super) async fn insert(session: &mut dyn Session, login: &LoginSession) -> Result<()> {
    let sql = "INSERT INTO login_sessions (token_hash, csrf_token, user_id, role, expires_at)
        VALUES ($1, $2, $3, $4, $5)";
    let params = vec![
        (&login.token_hash).into(),
        (&login.csrf_token).into(),
        login.user_id.map(|id| id.0).into(),
        Value::word(&login.role)?,
        login.expires_at.into(),
    ];
    session.execute(sql, params).await?;
    Ok(())
}

pub(super) async fn find(
    session: &mut dyn Session,
    token_hash: &str,
    now: Timestamp,
) -> Result<Option<LoginSession>> {
    let sql = "SELECT token_hash, csrf_token, user_id, role, expires_at FROM login_sessions
        WHERE token_hash = $1 AND expires_at > $2";
    let rows = session.query(sql, vec![token_hash.into(), now.into()]).await?;
    let read = |cells| {
        let mut row = Reader::new(cells);
        Ok(LoginSession {
            token_hash: row.text()?,
            csrf_token: row.text()?,
            user_id: row.opt_int()?.map(UserId),
            role: row.word()?,
            expires_at: row.time()?,
        })
    };
    rows.into_iter().next().map(read).transpose()
}

pub(super) async fn delete(session: &mut dyn Session, token_hash: &str, now: Timestamp) -> Result<()> {
    let sql = "DELETE FROM login_sessions WHERE token_hash = $1 OR expires_at <= $2";
    session.execute(sql, vec![token_hash.into(), now.into()]).await?;
    Ok(())
}
