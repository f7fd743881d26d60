//! What users, keys and providers are called, many at a time.

use hub_types::{KeyId, ProviderId, UserId};

use super::engine::Engine;
use super::session::Session;
use super::value::Reader;
use super::{Cells, Database, Mode, Params, Result};
use crate::{KeyName, Names, NamesWanted};

/// The most ids that one statement asks for.
const AT_ONCE: usize = 256;

impl<D: Database> Engine<D> {
    pub(super) async fn names(&self, wanted: &NamesWanted) -> Result<Names> {
        let mut names = Names::default();
        let mut session = self.session(Mode::Snapshot).await?;
        let session = session.as_mut();
        let users: Vec<i64> = wanted.users.iter().map(|id| id.0).collect();
        for cells in rows(session, "SELECT id, name FROM users WHERE id", &users).await? {
            let mut row = Reader::new(cells);
            names.users.insert(UserId(row.int()?), row.text()?);
        }
        let keys: Vec<i64> = wanted.keys.iter().map(|id| id.0).collect();
        let sql = "SELECT k.id, k.name, u.id, u.name FROM keys k JOIN users u ON u.id = k.user_id WHERE k.id";
        for cells in rows(session, sql, &keys).await? {
            let mut row = Reader::new(cells);
            let id = KeyId(row.int()?);
            let name = KeyName { name: row.text()?, user_id: UserId(row.int()?), user_name: row.text()? };
            names.keys.insert(id, name);
        }
        let providers: Vec<i64> = wanted.providers.iter().map(|id| id.0).collect();
        for cells in rows(session, "SELECT id, name FROM providers WHERE id", &providers).await? {
            let mut row = Reader::new(cells);
            names.providers.insert(ProviderId(row.int()?), row.text()?);
        }
        Ok(names)
    }
}

/// The rows with these ids.
async fn rows(session: &mut dyn Session, select: &str, ids: &[i64]) -> Result<Vec<Cells>> {
    let mut rows = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(AT_ONCE) {
        let places = chunk.len().next_power_of_two();
        let list: Vec<String> = (1..=places).map(|place| format!("${place}")).collect();
        let sql = format!("{select} IN ({})", list.join(", "));
        // Drivers keep every statement prepared that they have met: filled up with an id that is asked for
        // anyway, lists of all lengths make nine statements.
        let mut params: Params = chunk.iter().map(|id| (*id).into()).collect();
        params.resize(places, chunk.first().copied().unwrap_or_default().into());
        rows.extend(session.query(&sql, params).await?);
    }
    Ok(rows)
}
