//! What the hub has on record of the demo's requests.

use std::time::Duration;

use hub_management::{Management, Principal, RequestQuery};

use crate::output;

/// Waits for the records to be in the database, then shows them.
pub(crate) async fn print(management: &Management) -> anyhow::Result<()> {
    let query = RequestQuery::parse(Vec::new())?;
    let mut rows = Vec::new();
    for _ in 0..50 {
        rows = management.list_requests(&Principal::cli(), &query).await?.items;
        if rows.len() >= 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    output::print("On record (newest first):\n");
    output::print("  endpoint      stream  provider          input  output  cost USD    ms");
    for row in rows {
        let cost = row.cost_usd.map_or_else(|| "-".to_owned(), |cost| cost.to_string());
        output::print(&format!(
            "  {:<12}  {:<6}  {:<16}  {:>5}  {:>6}  {:<10}  {:>2}",
            row.endpoint.to_string(),
            row.stream,
            row.provider_name.as_deref().unwrap_or("-"),
            row.input_tokens,
            row.output_tokens,
            cost,
            row.duration_ms,
        ));
    }
    output::print("");
    Ok(())
}
