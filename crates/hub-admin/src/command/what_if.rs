//! `what-if`: recorded requests under another configuration.

use hub_management::Patch;
use hub_management::view::{ProviderFields, WhatIfView};
use hub_types::{Clock, SystemClock};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::Context;
use crate::args::WhatIfArgs;
use crate::failure::{Failure, Result};
use crate::messages::{RoutingMessages, fill, fill_all};
use crate::{fields, output, table};

pub(super) async fn run(args: &WhatIfArgs, context: &Context<'_>) -> Result<()> {
    let messages = context.messages;
    let mut changes = Patch::new();
    for given in &args.changes {
        let (provider, field) =
            split(given).ok_or_else(|| Failure::usage(fill(messages.routing.not_a_change, given)))?;
        let mut change = fields::parse(&[field.to_owned()], &ProviderFields::default(), messages)?;
        let id = context.find_provider(provider).await?.id.to_string();
        let of_provider = changes.entry(id).or_insert_with(|| json!({}));
        if let Value::Object(columns) = of_provider {
            columns.append(&mut change);
        }
    }
    let end = args.to.unwrap_or_else(|| SystemClock.now());
    let back = SignedDuration::from_hours(i64::from(args.hours));
    let from = args.from.or_else(|| end.checked_sub(back).ok());
    let mut input = Patch::new();
    let moments = [("from", from), ("to", args.to)];
    input.extend(moments.into_iter().filter_map(|(name, at)| Some((name.to_owned(), json!(at?)))));
    input.insert("changes".to_owned(), Value::Object(changes));
    input.insert("base".to_owned(), json!(if args.now { "now" } else { "then" }));
    input.insert("sessions".to_owned(), json!(if args.choose { "choose" } else { "keep" }));
    let report = context.backend.what_if(&input).await?;
    if context.json {
        return output::print_json(&report);
    }
    if !report.providers.is_empty() {
        output::print(&table::what_if(&report, messages))?;
    }
    if !report.moves.is_empty() {
        output::print(&table::moves(&report, messages))?;
    }
    summarise(&report, &messages.routing);
    Ok(())
}

/// The provider, and the column with its value. A provider's name may hold dots, a column's does not.
fn split(given: &str) -> Option<(&str, &str)> {
    let value = given.find('=')?;
    let dot = given.get(..value)?.rfind('.')?;
    let (provider, field) = (given.get(..dot)?, given.get(dot + 1..)?);
    (!provider.is_empty() && !field.starts_with('=')).then_some((provider, field))
}

fn summarise(report: &WhatIfView, messages: &RoutingMessages) {
    let moment = |at: jiff::Timestamp| at.strftime("%Y-%m-%d %H:%MZ").to_string();
    let values = [
        report.requests.to_string(),
        moment(report.from),
        moment(report.to),
        report.same.to_string(),
        report.moved.to_string(),
        report.lost.to_string(),
        report.gained.to_string(),
    ];
    output::tell(&fill_all(messages.summary, &values));
    let uncounted = report.not_recorded.saturating_add(report.forgotten);
    if uncounted > 0 {
        output::tell(&fill(messages.uncounted, &uncounted.to_string()));
    }
    if report.is_cut {
        output::tell(&fill(messages.is_cut, &report.to.to_string()));
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_change_names_provider_column_and_value() {
        for (given, expected) in [
            ("main.weight=3", Some(("main", "weight=3"))),
            ("relay.v2.weight=", Some(("relay.v2", "weight="))),
            ("3.group_tag=a.b=c", Some(("3", "group_tag=a.b=c"))),
            ("weight=3", None),
            (".weight=3", None),
            ("main.=3", None),
            ("main.weight", None),
            ("weight=1.5", None),
        ] {
            assert_eq!(split(given), expected, "{given}");
        }
    }
}
