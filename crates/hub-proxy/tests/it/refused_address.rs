//! Names that lead where the hub must not go.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hub_types::{ErrorClass, MoneyLimits};

use crate::world::{ask, builder, provider};

#[tokio::test]
async fn a_provider_whose_address_is_refused_is_not_asked_again() {
    let looked_up = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&looked_up);
    let (builder, records) = builder([provider("http://vendor.test")], MoneyLimits::default(), |settings| {
        settings.resolve = Arc::new(move |_, port| {
            count.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move { Ok(vec![SocketAddr::from(([10, 0, 0, 1], port))]) })
        });
        settings.address_rule = Arc::new(|_| false);
    });
    let answer = ask(&builder.build()).await;
    assert!(answer.status().is_server_error(), "{}", answer.status());
    let records = records.lock();
    let attempts = &records.first().unwrap().attempts;
    let told: Vec<_> = attempts.iter().map(|attempt| (attempt.class, attempt.error.as_deref())).collect();
    assert_eq!(told, [(Some(ErrorClass::Network), Some("the upstream's address is in a refused range"))]);
    assert_eq!(looked_up.load(Ordering::Relaxed), 1);
}
