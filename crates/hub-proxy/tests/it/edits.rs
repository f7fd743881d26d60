//! Providers that are deleted while they answer.

use std::time::Duration;

use hub_lab::{Behaviour, Lab, LabConfig, Scenario};
use hub_types::Outcome;

use crate::world::{ask, ask_for_stream, before, catalogue, directory, provider, read_until};

#[tokio::test]
async fn a_stream_that_has_begun_ends_well_though_its_provider_is_deleted() {
    let slowly = Behaviour { chunks: Some(5), chunk_ms: Some(100), ..Behaviour::default() };
    let scenario = Scenario::always(slowly);
    let lab = Lab::start(LabConfig { scenario, ..LabConfig::default() }).await.unwrap();
    let directory = directory([provider(&lab.url())]);
    let (builder, records) = before(directory.clone(), |_| {});
    let gateway = builder.build();
    let mut answer = ask_for_stream(&gateway).await;
    assert_eq!(answer.status(), 200);
    let mut whole = read_until(answer.body_mut(), |read| !read.is_empty()).await;
    directory.replace_catalogue(catalogue([]));
    assert_eq!(ask(&gateway).await.status(), 503, "nobody is there any more");
    gateway.sweep().await;
    let rest = tokio::time::timeout(Duration::from_secs(20), read_until(answer.body_mut(), |_| false)).await;
    whole.extend(rest.expect("it ends"));
    assert!(String::from_utf8_lossy(&whole).contains("message_stop"), "{}", String::from_utf8_lossy(&whole));
    let outcomes: Vec<_> = records.lock().iter().map(|record| record.outcome).collect();
    assert_eq!(outcomes, [Outcome::Refused, Outcome::Completed]);
}
