//! Who would serve a request, without sending it.

use std::collections::HashSet;

use hub_rate_limit::{Known, Limits};
use hub_routing::{Catalogue, Health, RoutingFacts, is_candidate, survey};
use hub_types::{Convertible, GroupSet, Provider, ProviderId};
use jiff::civil::Time;

use super::past::present;
use crate::validate::Faults;
use crate::view::routing::of_survey;
use crate::view::{SimulateFields, SimulationView};
use crate::{Management, ManagementError, Patch, Principal, Result, draft};

impl Management {
    /// Passes all providers through the stages for a request that might be; `input` as [`SimulateFields`] says.
    /// Money limits of providers count where this process counts them.
    pub async fn simulate_routing(&self, principal: &Principal, input: &Patch) -> Result<SimulationView> {
        principal.require_admin()?;
        let fields: SimulateFields = draft::create(input)?;
        let groups = self.simulated_groups(&fields).await?;
        let stored = self.repository.load_catalogue().await?;
        let (catalogue, left_out) = present(stored.providers, self.settings.allow_private_upstreams);
        let facts = RoutingFacts {
            groups: &groups,
            dialect: fields.dialect,
            convertible: Convertible::Yes,
            model: Some(&fields.model),
            client_name: fields.client.as_deref(),
        };
        let now = || self.now().to_zoned(self.time_zone.clone()).time();
        let local_time = fields.local_time.unwrap_or_else(now);
        let spent = self.spent(&catalogue, &facts, local_time).await;
        let health = |provider: &Provider| {
            if spent.contains(&provider.id) { Health::RateLimited } else { Health::Admit }
        };
        let survey = survey(&catalogue, &facts, &health, &[], local_time);
        let (stages, candidates) = of_survey(&survey, &catalogue, facts.model);
        Ok(SimulationView {
            catalogue_version: stored.version,
            groups: groups.clone().into(),
            local_time,
            stages,
            candidates,
            emptied_by: survey.emptied_by().map(str::to_owned),
            left_out,
        })
    }

    async fn simulated_groups(&self, fields: &SimulateFields) -> Result<GroupSet> {
        let mut faults = Faults::default();
        faults.check(!fields.model.is_empty(), "model", "is required");
        let owners = [
            ("key_id", fields.key_id.is_some()),
            ("user_id", fields.user_id.is_some()),
            ("groups", fields.groups.is_some()),
        ];
        let mut given = owners.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name).skip(1);
        if let Some(second) = given.next() {
            faults.add(second, "give only one of `key_id`, `user_id` and `groups`");
        }
        faults.into_result()?;
        if let Some(id) = fields.key_id {
            let key = self.repository.find_key(id).await?;
            let key = key.ok_or_else(|| ManagementError::invalid("key_id", "there is no such key"))?;
            if !key.provider_group.is_empty() {
                return Ok(key.provider_group);
            }
            let user = self.repository.find_user(key.user_id).await?;
            return Ok(user.map(|user| user.provider_group).unwrap_or_default());
        }
        if let Some(id) = fields.user_id {
            let user = self.repository.find_user(id).await?;
            let user = user.ok_or_else(|| ManagementError::invalid("user_id", "there is no such user"))?;
            return Ok(user.provider_group);
        }
        Ok(GroupSet::parse(fields.groups.as_deref().unwrap_or_default()))
    }

    /// Providers that have used up their money. What can't be told counts as room, as it does for requests.
    async fn spent(
        &self,
        catalogue: &Catalogue,
        facts: &RoutingFacts<'_>,
        local_time: Time,
    ) -> HashSet<ProviderId> {
        let Some(limiter) = self.limiter.as_deref() else { return HashSet::new() };
        let asked: Vec<(ProviderId, Limits<'_>)> = catalogue
            .providers()
            .iter()
            .filter(|one| is_candidate(one, facts, local_time))
            .map(|one| (one.provider().id, Limits::from(one.provider().as_ref())))
            .filter(|(_, limits)| limits.are_set())
            .collect();
        let rooms = limiter.room(&asked, self.now()).await.unwrap_or_default();
        let answered = asked.iter().zip(rooms);
        answered.filter(|(_, room)| matches!(room, Known::Yes(Some(_)))).map(|((id, _), _)| *id).collect()
    }
}
