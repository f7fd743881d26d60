//! Providers, groups, prices, error rules and settings as the request path needs them, and the edits of the smaller ones.

use hub_types::{ErrorRule, Multiplier, PriceRow, Provider, ProviderGroup};
use jiff::Timestamp;

use super::columns::Stored;
use super::engine::{Edit, Engine};
use super::value::{Reader, json_text};
use super::{Database, Mode, Result, Value};
use crate::{Catalogue, RepositoryError, Topic};

impl<D: Database> Engine<D> {
    /// A provider whose secrets can't be opened fails the whole load: serving with a part of the catalogue
    /// would quietly send requests elsewhere. The log names the provider.
    pub(super) async fn catalogue(&self) -> Result<Catalogue> {
        let mut session = self.session(Mode::Snapshot).await?;
        let version = "SELECT version FROM change_versions WHERE topic = $1";
        let version = session.query(version, vec![Topic::Catalogue.as_str().into()]).await?;
        let version = version.into_iter().next().map_or(Ok(0), |cells| Reader::new(cells).int())?;
        let providers =
            session.query(&Provider::select_sql("id > $1 ORDER BY id"), vec![i64::MIN.into()]).await?;
        let groups = "SELECT name, cost_multiplier_ppm, description FROM provider_groups ORDER BY name";
        let groups = session.query(groups, vec![]).await?;
        let prices = "SELECT model, price, source, version FROM model_prices ORDER BY model, source";
        let prices = session.query(prices, vec![]).await?;
        let rules =
            session.query(&ErrorRule::select_sql("id > $1 ORDER BY id"), vec![i64::MIN.into()]).await?;
        let settings = session.query("SELECT key, value FROM settings ORDER BY key", vec![]).await?;
        session.commit().await?;
        Ok(Catalogue {
            version,
            providers: providers
                .into_iter()
                .map(|cells| Provider::from_cells(cells, self.sealer()))
                .collect::<Result<_>>()?,
            groups: groups
                .into_iter()
                .map(|cells| read_group(&mut Reader::new(cells)))
                .collect::<Result<_>>()?,
            prices: prices
                .into_iter()
                .map(|cells| read_price(&mut Reader::new(cells)))
                .collect::<Result<_>>()?,
            error_rules: rules
                .into_iter()
                .map(|cells| ErrorRule::from_cells(cells, self.sealer()))
                .collect::<Result<_>>()?,
            settings: settings
                .into_iter()
                .map(|cells| {
                    let mut row = Reader::new(cells);
                    Ok((row.text()?, row.text()?))
                })
                .collect::<Result<_>>()?,
        })
    }
}

fn read_group(row: &mut Reader) -> Result<ProviderGroup> {
    Ok(ProviderGroup {
        name: row.text()?,
        cost_multiplier: Multiplier::from_millionths(row.narrow()?),
        description: row.text()?,
    })
}

fn read_price(row: &mut Reader) -> Result<PriceRow> {
    Ok(PriceRow { model: row.text()?, price: row.text()?, source: row.word()?, version: row.int()? })
}

impl Edit<'_> {
    pub(super) async fn put_group(&mut self, group: &ProviderGroup, at: Timestamp) -> Result<()> {
        let sql =
            "INSERT INTO provider_groups (name, cost_multiplier_ppm, description, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $4) ON CONFLICT (name) DO UPDATE SET
            cost_multiplier_ppm = excluded.cost_multiplier_ppm, description = excluded.description,
            updated_at = excluded.updated_at";
        let params = vec![
            (&group.name).into(),
            group.cost_multiplier.millionths().into(),
            (&group.description).into(),
            at.into(),
        ];
        self.session.execute(sql, params).await?;
        Ok(())
    }

    pub(super) async fn delete_group(&mut self, name: &str) -> Result<()> {
        match self.session.execute("DELETE FROM provider_groups WHERE name = $1", vec![name.into()]).await? {
            0 => Err(RepositoryError::NotFound),
            _ => Ok(()),
        }
    }

    pub(super) async fn put_prices(&mut self, prices: &[PriceRow], at: Timestamp) -> Result<()> {
        // A price that stays as it is keeps its version.
        let sql = "INSERT INTO model_prices (model, source, price, version, created_at, updated_at)
            VALUES ($1, $2, $3, 1, $4, $4) ON CONFLICT (model, source) DO UPDATE SET
            price = excluded.price, version = model_prices.version + 1, updated_at = excluded.updated_at
            WHERE CAST(model_prices.price AS TEXT) <> CAST(excluded.price AS TEXT)";
        let mut prices: Vec<&PriceRow> = prices.iter().collect();
        prices.sort_by(|one, other| (&one.model, one.source).cmp(&(&other.model, other.source)));
        let params = prices
            .into_iter()
            .map(|row| {
                Ok(vec![(&row.model).into(), Value::word(&row.source)?, json_text(&row.price)?, at.into()])
            })
            .collect::<Result<_>>()?;
        self.session.execute_many(sql, params).await
    }

    pub(super) async fn put_setting(&mut self, key: &str, value: &str, at: Timestamp) -> Result<()> {
        let sql =
            "INSERT INTO settings (key, value, version, created_at, updated_at) VALUES ($1, $2, 1, $3, $3)
            ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = settings.version + 1,
            updated_at = excluded.updated_at";
        self.session.execute(sql, vec![key.into(), json_text(value)?, at.into()]).await?;
        Ok(())
    }
}
