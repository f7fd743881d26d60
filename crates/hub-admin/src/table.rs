//! Tables for people. Wide characters take two columns.

use comfy_table::{CellAlignment, Table, presets};
use hub_management::view::{
    ChoiceView, KeyView, LimitsView, ProviderBindings, ProviderTestView, ProviderView, QuantityView,
    UsageSummaryView, UserView, WhatIfView,
};
use hub_types::{Money, ProviderId};
use jiff::Timestamp;
use serde::Serialize;

use crate::messages::{Messages, fill};

/// What people see where there is no value.
const NONE: &str = "-";

fn table<const N: usize>(titles: [&str; N], numbers: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(titles);
    for &column in numbers {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

pub(crate) fn users(users: &[UserView], messages: &Messages) -> String {
    let m = messages;
    let titles = [m.id, m.name, m.role, m.enabled, m.groups, m.rpm, m.daily, m.total_limit, m.expires];
    let mut table = table(titles, &[0, 5, 6, 7]);
    for user in users {
        let fields = &user.fields;
        table.add_row([
            user.id.to_string(),
            fields.name.clone(),
            word(&fields.role),
            flag(fields.is_enabled, m),
            text(&fields.provider_group),
            limit(fields.rpm_limit),
            money(fields.limits.limit_daily_usd),
            money(fields.limits.limit_total_usd),
            moment(fields.expires_at),
        ]);
    }
    table.to_string()
}

/// How a provider answered, a line for each figure.
pub(crate) fn provider_test(tested: &ProviderTestView, messages: &Messages) -> String {
    let m = &messages.providers;
    let or_none = |value: Option<String>| value.unwrap_or_else(|| NONE.to_owned());
    let class = tested.class.as_ref().map(word);
    let mut table = table([m.figure, m.value], &[]);
    for (name, value) in [
        (m.result, if tested.ok { messages.state_ok } else { messages.state_fail }.to_owned()),
        (m.status, or_none(tested.status.map(|status| status.to_string()))),
        (m.class, or_none(class)),
        (m.latency, format!("{} ms", tested.latency_ms)),
        (m.first_byte, or_none(tested.first_byte_ms.map(|ms| format!("{ms} ms")))),
        (messages.model, tested.model.clone()),
        (m.upstream_model, or_none(tested.upstream_model.clone())),
        (m.message, tested.message.clone()),
    ] {
        table.add_row([name.to_owned(), value]);
    }
    table.to_string()
}

pub(crate) fn keys(keys: &[KeyView], owners: &[UserView], messages: &Messages) -> String {
    let m = messages;
    let titles = [m.id, m.user, m.name, m.key, m.enabled, m.groups, m.permissions, m.daily, m.last_used];
    let mut table = table(titles, &[0, 7]);
    for key in keys {
        let fields = &key.fields;
        let owner = owners.iter().find(|user| user.id == key.user_id);
        table.add_row([
            key.id.to_string(),
            owner.map_or_else(|| key.user_id.to_string(), |user| user.fields.name.clone()),
            fields.name.clone(),
            format!("…{}", key.key_last4),
            flag(fields.is_enabled, m),
            text(&fields.provider_group),
            word(&fields.permissions),
            money(fields.limits.limit_daily_usd),
            moment(key.last_used_at),
        ]);
    }
    table.to_string()
}

pub(crate) fn providers(providers: &[ProviderView], messages: &Messages) -> String {
    let m = messages;
    let titles =
        [m.id, m.name, m.kind, m.url, m.enabled, m.groups, m.priority, m.weight, m.multiplier, m.credential];
    let mut table = table(titles, &[0, 6, 7, 8]);
    for provider in providers {
        let fields = &provider.fields;
        table.add_row([
            provider.id.to_string(),
            fields.name.clone(),
            fields.provider_type.to_string(),
            fields.url.clone(),
            flag(fields.is_enabled, m),
            text(&fields.group_tag),
            fields.priority.to_string(),
            fields.weight.to_string(),
            fields.cost_multiplier.to_string(),
            fields.credential.as_ref().map_or_else(|| NONE.to_owned(), hub_management::view::WriteOnly::mask),
        ]);
    }
    table.to_string()
}

pub(crate) fn bindings(rows: &[ProviderBindings], messages: &Messages) -> String {
    let m = messages;
    let mut table = table([m.id, m.name, m.kind, m.priority, m.clear.sessions], &[0, 3, 4]);
    let unknown = || m.clear.unknown.to_owned();
    for row in rows {
        let name = row.name.clone().unwrap_or_else(unknown);
        table.add_row([
            row.id.to_string(),
            if row.is_deleted { fill(m.clear.is_deleted, &name) } else { name },
            row.provider_type.map_or_else(unknown, |kind| kind.to_string()),
            row.priority.map_or_else(unknown, |priority| priority.to_string()),
            row.sessions.to_string(),
        ]);
    }
    table.to_string()
}

pub(crate) fn usage(report: &UsageSummaryView, group: &str, messages: &Messages) -> String {
    let m = messages;
    let titles =
        [group, m.requests, m.errors, m.input, m.output, m.cache_read, m.cache_write, m.cost, m.unpriced];
    let mut table = table(titles, &[1, 2, 3, 4, 5, 6, 7, 8]);
    for row in &report.items {
        let label = row.name.as_deref().unwrap_or(&row.group);
        let written = row.cache_write_5m_tokens.saturating_add(row.cache_write_1h_tokens);
        table.add_row([
            if label.is_empty() { m.total.to_owned() } else { label.to_owned() },
            row.requests.to_string(),
            row.errors.to_string(),
            row.input_tokens.to_string(),
            row.output_tokens.to_string(),
            row.cache_read_tokens.to_string(),
            written.to_string(),
            row.cost_usd.to_string(),
            row.unpriced.to_string(),
        ]);
    }
    table.to_string()
}

pub(crate) fn limits(limits: &LimitsView, messages: &Messages) -> String {
    let m = &messages.limits;
    let mut table = table([m.window, m.used, m.reserved, m.limit, m.resets], &[1, 2, 3]);
    for window in &limits.windows {
        table.add_row([
            window.limit_type.clone(),
            quantity(window.used),
            quantity(window.reserved),
            quantity(window.limit),
            moment(window.reset),
        ]);
    }
    table.to_string()
}

/// What each stage of a choice left, and whom it dropped.
pub(crate) fn stages(choice: &ChoiceView, messages: &Messages) -> String {
    let m = &messages.routing;
    let mut table = table([m.stage, m.left, m.dropped], &[1]);
    for stage in &choice.stages {
        let dropped = stage.dropped.iter().map(|dropped| {
            let id = dropped.provider_id.to_string();
            format!("{} ({})", dropped.provider_name.as_deref().unwrap_or(&id), dropped.reason)
        });
        let dropped = dropped.collect::<Vec<_>>().join(", ");
        table.add_row([stage.stage.clone(), stage.left.to_string(), text(&dropped)]);
    }
    table.to_string()
}

/// Who came into question.
pub(crate) fn candidates(choice: &ChoiceView, messages: &Messages) -> String {
    let m = messages;
    let titles = [m.id, m.name, m.priority, m.weight, m.routing.probability, m.routing.sent_model];
    let mut table = table(titles, &[0, 2, 3, 4]);
    for candidate in &choice.candidates {
        table.add_row([
            candidate.provider_id.to_string(),
            candidate.provider_name.clone(),
            candidate.priority.to_string(),
            candidate.weight.to_string(),
            percent(candidate.probability_ppm),
            text(candidate.sent_model.as_deref().unwrap_or_default()),
        ]);
    }
    table.to_string()
}

fn percent(ppm: u32) -> String {
    // Tenths of a percent, rounded.
    let tenths = (ppm + 500) / 1000;
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// What each provider would have got.
pub(crate) fn what_if(report: &WhatIfView, messages: &Messages) -> String {
    let m = &messages.routing;
    let mut table = table([messages.id, messages.provider, m.before, m.after, m.difference], &[0, 2, 3, 4]);
    for row in &report.providers {
        let difference = i128::from(row.after) - i128::from(row.before);
        table.add_row([
            row.provider_id.to_string(),
            text(row.provider_name.as_deref().unwrap_or_default()),
            row.before.to_string(),
            row.after.to_string(),
            if difference == 0 { "0".to_owned() } else { format!("{difference:+}") },
        ]);
    }
    table.to_string()
}

/// What would have gone from whom to whom.
pub(crate) fn moves(report: &WhatIfView, messages: &Messages) -> String {
    let m = &messages.routing;
    let name = |id: Option<ProviderId>| {
        let Some(id) = id else { return m.nobody.to_owned() };
        let row = report.providers.iter().find(|row| row.provider_id == id);
        row.and_then(|row| row.provider_name.clone()).unwrap_or_else(|| id.to_string())
    };
    let mut table = table([m.from, m.to, messages.requests], &[2]);
    for row in &report.moves {
        table.add_row([name(row.from), name(row.to), row.requests.to_string()]);
    }
    table.to_string()
}

fn quantity(quantity: QuantityView) -> String {
    match quantity {
        QuantityView::Count(count) => count.to_string(),
        QuantityView::Money(money) => money.to_string(),
    }
}

fn flag(on: bool, messages: &Messages) -> String {
    (if on { messages.yes } else { messages.no }).to_owned()
}

fn text(text: &str) -> String {
    (if text.is_empty() { NONE } else { text }).to_owned()
}

fn limit(limit: Option<u32>) -> String {
    limit.filter(|limit| *limit > 0).map_or_else(|| NONE.to_owned(), |limit| limit.to_string())
}

fn money(limit: Option<Money>) -> String {
    limit.filter(|limit| !limit.is_zero()).map_or_else(|| NONE.to_owned(), |limit| limit.to_string())
}

fn moment(at: Option<Timestamp>) -> String {
    at.map_or_else(|| NONE.to_owned(), |at| at.strftime("%Y-%m-%d %H:%MZ").to_string())
}

/// A word of the data model as it is written in JSON.
fn word(value: &impl Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().unwrap_or(NONE).to_owned()
}
