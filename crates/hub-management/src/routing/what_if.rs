//! Recorded requests, played through under another configuration: page by page, and only counts are kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use hub_repository::{NamesWanted, Order, RequestFilter};
use hub_routing::{Catalogue, KnownHealth, recorded_facts, replay};
use hub_types::{Provider, ProviderId, RequestRecord, RoutingRecord, RoutingStep};
use serde_json::Value;

use super::past::{self, Past, Versions};
use crate::providers::check_choosing;
use crate::requests::{DEFAULT_RANGE, before};
use crate::validate::Faults;
use crate::view::{
    ProviderFields, WhatIfBase, WhatIfFields, WhatIfMoveView, WhatIfProviderView, WhatIfSessions, WhatIfView,
};
use crate::{FieldError, Management, ManagementError, Patch, Principal, Result, draft};

/// Records read at once.
const PAGE_ROWS: u32 = 500;
/// Records looked at in one go.
const MOST_REQUESTS: u64 = 1_000_000;
/// Moves shown.
const MOST_MOVES: usize = 100;
/// The columns that choosing goes by.
const CHOOSING: [&str; 14] = [
    "provider_type",
    "is_enabled",
    "priority",
    "group_priorities",
    "weight",
    "group_tag",
    "allowed_models",
    "model_redirects",
    "allowed_clients",
    "blocked_clients",
    "active_time_start",
    "active_time_end",
    "conversion",
    "fail_back",
];

impl Management {
    /// Says who would have been asked first, had providers been other than they were; `input` as
    /// [`WhatIfFields`] says. Of the health of providers only that is known which the choices of then asked for:
    /// everybody else counts as well.
    pub async fn what_if(&self, principal: &Principal, input: &Patch) -> Result<WhatIfView> {
        principal.require_admin()?;
        let fields = read(input)?;
        let to = fields.to.unwrap_or_else(|| self.now());
        let from = fields.from.unwrap_or_else(|| before(to, DEFAULT_RANGE));
        if from >= to {
            return Err(ManagementError::invalid("from", "must be before `to`"));
        }
        let now = self.checked_present(&fields).await?;
        let change = |provider: Provider| changed(provider, &fields.changes);
        let mut past = Past::new(self.repository.as_ref(), Some(&change));
        let mut tally = Tally::default();
        let mut filter = RequestFilter {
            from: Some(from),
            to: Some(to),
            order: Order::OldestFirst,
            limit: PAGE_ROWS,
            ..RequestFilter::default()
        };
        let mut is_cut = false;
        loop {
            let rows = self.repository.list_requests(&filter).await?;
            for row in &rows {
                tally.requests += 1;
                let record = &row.record;
                let Some((routing, step, health)) = first_ask(record) else {
                    tally.not_recorded += 1;
                    continue;
                };
                let Some(mut versions) = past.get(routing.catalogue, &routing.left_out).await? else {
                    tally.forgotten += 1;
                    continue;
                };
                if let Some(now) = &now {
                    versions.changed = Arc::clone(now);
                }
                let (was, would) = asked(record, routing, step, &health, &versions, fields.sessions);
                tally.count(was, would);
            }
            let Some(last) = rows.last().filter(|_| rows.len() >= PAGE_ROWS as usize) else { break };
            filter.beyond = Some((last.record.created_at, last.record.id));
            if tally.requests >= MOST_REQUESTS {
                is_cut = true;
                break;
            }
        }
        let reached = filter.beyond.map_or(to, |(at, _)| at);
        let names = NamesWanted { providers: tally.providers(), ..NamesWanted::default() };
        let names = self.repository.find_names(&names).await?;
        let mut view =
            WhatIfView { from, to: if is_cut { reached } else { to }, is_cut, ..tally.into_view() };
        for provider in &mut view.providers {
            provider.provider_name = names.providers.get(&provider.provider_id).cloned();
        }
        Ok(view)
    }

    /// Checks the changes against the present configuration, which they have to fit; gives it if the requests are
    /// to go by it.
    async fn checked_present(&self, fields: &WhatIfFields) -> Result<Option<Arc<Catalogue>>> {
        let providers = self.repository.load_catalogue().await?.providers;
        let mut faults = Vec::new();
        for id in fields.changes.keys() {
            if !providers.iter().any(|provider| provider.id.0 == *id) {
                faults.push(FieldError::new(format!("changes.{id}"), "there is no such provider"));
            }
        }
        let mut present = Vec::with_capacity(providers.len());
        for provider in providers {
            let id = provider.id;
            let checked = changed(provider, &fields.changes).and_then(|provider| {
                if fields.changes.contains_key(&id.0) {
                    let mut faults = Faults::default();
                    check_choosing(&mut faults, &ProviderFields::from(&provider));
                    faults.into_result()?;
                }
                Ok(provider)
            });
            match checked {
                Ok(provider) => present.push(provider),
                Err(ManagementError::Invalid(errors)) => faults.extend(
                    errors
                        .into_iter()
                        .map(|error| FieldError::new(format!("changes.{id}.{}", error.field), error.message)),
                ),
                Err(other) => return Err(other),
            }
        }
        if !faults.is_empty() {
            return Err(ManagementError::Invalid(faults));
        }
        let allow_private = self.settings.allow_private_upstreams;
        let wanted = fields.base == WhatIfBase::Now;
        Ok(wanted.then(|| Arc::new(past::present(present, allow_private).0)))
    }
}

/// Reads the input. The changes are patches themselves: a `null` in them means something.
fn read(input: &Patch) -> Result<WhatIfFields> {
    let mut fields: WhatIfFields = draft::create(input)?;
    let Some(Value::Object(changes)) = input.get("changes") else { return Ok(fields) };
    for (id, patch) in changes {
        if let (Ok(id), Value::Object(patch)) = (id.parse::<i64>(), patch) {
            fields.changes.insert(id, patch.clone());
        }
    }
    Ok(fields)
}

fn changed(mut provider: Provider, changes: &BTreeMap<i64, Patch>) -> Result<Provider> {
    let Some(patch) = changes.get(&provider.id.0) else { return Ok(provider) };
    let strangers = patch.keys().filter(|field| !CHOOSING.contains(&field.as_str()));
    let errors: Vec<_> =
        strangers.map(|field| FieldError::new(field, "is nothing that choosing goes by")).collect();
    if !errors.is_empty() {
        return Err(ManagementError::Invalid(errors));
    }
    draft::patch(&ProviderFields::from(&provider), patch)?.write_to(&mut provider);
    Ok(provider)
}

/// The choice after which a provider was asked for the first time, with all that was known of health by then.
fn first_ask(record: &RequestRecord) -> Option<(&RoutingRecord, &RoutingStep, KnownHealth)> {
    let routing = record.routing.as_deref()?;
    let at = routing.steps.iter().rposition(|step| step.excluded.is_empty())?;
    let mut health = KnownHealth::default();
    routing.steps.iter().take(at + 1).all(|step| health.learn(step)).then_some(())?;
    Some((routing, routing.steps.get(at)?, health))
}

/// Who was asked, and who would have been.
fn asked(
    record: &RequestRecord,
    routing: &RoutingRecord,
    step: &RoutingStep,
    health: &KnownHealth,
    versions: &Versions,
    sessions: WhatIfSessions,
) -> (Option<ProviderId>, Option<ProviderId>) {
    let facts = recorded_facts(record, routing);
    let play =
        |catalogue, binding| replay(catalogue, &facts, health, routing, &step.excluded, binding).picked;
    match sessions {
        WhatIfSessions::Keep => (step.picked, play(&versions.changed, step.binding.as_ref())),
        WhatIfSessions::Choose => (play(&versions.then, None), play(&versions.changed, None)),
    }
}

/// What was counted.
#[derive(Default)]
struct Tally {
    requests: u64,
    not_recorded: u64,
    forgotten: u64,
    by_way: HashMap<(Option<ProviderId>, Option<ProviderId>), u64>,
}

impl Tally {
    fn count(&mut self, was: Option<ProviderId>, would: Option<ProviderId>) {
        *self.by_way.entry((was, would)).or_default() += 1;
    }

    fn providers(&self) -> BTreeSet<ProviderId> {
        self.by_way.keys().flat_map(|(was, would)| [*was, *would]).flatten().collect()
    }

    /// Without the moments, which are not its business, and without names.
    fn into_view(self) -> WhatIfView {
        let sum = |fits: fn(Option<ProviderId>, Option<ProviderId>) -> bool| {
            self.by_way.iter().filter(|((was, would), _)| fits(*was, *would)).map(|(_, count)| count).sum()
        };
        let mut each: BTreeMap<ProviderId, (u64, u64)> = BTreeMap::new();
        for ((was, would), requests) in &self.by_way {
            if let Some(id) = was {
                each.entry(*id).or_default().0 += requests;
            }
            if let Some(id) = would {
                each.entry(*id).or_default().1 += requests;
            }
        }
        let providers = each.into_iter().map(|(provider_id, (before, after))| WhatIfProviderView {
            provider_id,
            provider_name: None,
            before,
            after,
        });
        let moves = self.by_way.iter().filter(|((was, would), _)| was != would);
        let mut moves: Vec<_> = moves
            .map(|((from, to), requests)| WhatIfMoveView { from: *from, to: *to, requests: *requests })
            .collect();
        moves.sort_by_key(|one| (std::cmp::Reverse(one.requests), one.from, one.to));
        moves.truncate(MOST_MOVES);
        WhatIfView {
            from: jiff::Timestamp::MIN,
            to: jiff::Timestamp::MAX,
            is_cut: false,
            requests: self.requests,
            not_recorded: self.not_recorded,
            forgotten: self.forgotten,
            same: sum(|was, would| was == would),
            moved: sum(|was, would| was.is_some() && would.is_some() && was != would),
            lost: sum(|was, would| was.is_some() && would.is_none()),
            gained: sum(|was, would| was.is_none() && would.is_some()),
            providers: providers.collect(),
            moves,
        }
    }
}
