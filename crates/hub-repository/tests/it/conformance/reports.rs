//! Reading records and usage back.

use hub_repository::{GroupBy, Order, RequestFilter, StatusClass, UsageFilter};
use hub_types::{Dialect, KeyId, Money, ProviderId, RequestId, UserId};

use super::{KEY, Place};
use crate::stock::{Facts, at, audit, key, provider, record, user};

fn newest(limit: u32) -> RequestFilter {
    RequestFilter { limit, ..RequestFilter::default() }
}

pub(super) async fn requests_are_filtered(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let a = record(Facts { seconds: 10, ..Facts::default() });
    let b = record(Facts { seconds: 20, user: 2, key: 5, provider: 9, nanos: Some(5_000), status: 429 });
    let mut c = record(Facts { seconds: 30, user: 2, key: 6, status: 502, nanos: None, ..Facts::default() });
    c.dialect = Dialect::Gemini;
    c.model = Some("gemini-x".to_owned());
    let mut d = record(Facts { seconds: 40, status: 0, ..Facts::default() });
    d.attempts.clear();
    repository.write_records(&[c.clone(), a.clone(), d.clone(), b.clone()]).await.unwrap();
    let cases: Vec<(&str, RequestFilter, Vec<RequestId>)> = vec![
        ("all", newest(10), vec![d.id, c.id, b.id, a.id]),
        ("limit", newest(2), vec![d.id, c.id]),
        ("from", RequestFilter { from: Some(at(30)), ..newest(10) }, vec![d.id, c.id]),
        ("to", RequestFilter { to: Some(at(30)), ..newest(10) }, vec![b.id, a.id]),
        ("user", RequestFilter { user_id: Some(UserId(2)), ..newest(10) }, vec![c.id, b.id]),
        ("key", RequestFilter { key_id: Some(KeyId(5)), ..newest(10) }, vec![b.id]),
        ("provider", RequestFilter { provider_id: Some(ProviderId(9)), ..newest(10) }, vec![b.id]),
        ("model", RequestFilter { model: Some("gemini-x".to_owned()), ..newest(10) }, vec![c.id]),
        ("dialect", RequestFilter { dialect: Some(Dialect::Gemini), ..newest(10) }, vec![c.id]),
        ("ok", RequestFilter { status_class: Some(StatusClass::Ok), ..newest(10) }, vec![a.id]),
        ("client", RequestFilter { status_class: Some(StatusClass::ClientError), ..newest(10) }, vec![b.id]),
        (
            "server",
            RequestFilter { status_class: Some(StatusClass::ServerError), ..newest(10) },
            vec![d.id, c.id],
        ),
        ("session", RequestFilter { session_id: Some("session-5".to_owned()), ..newest(10) }, vec![b.id]),
        ("cost", RequestFilter { min_cost: Some(Money::from_nanos(5_000)), ..newest(10) }, vec![b.id]),
        (
            "several",
            RequestFilter {
                user_id: Some(UserId(2)),
                to: Some(at(30)),
                beyond: Some((at(25), a.id)),
                ..newest(10)
            },
            vec![b.id],
        ),
    ];
    for (name, filter, expected) in cases {
        let found = repository.list_requests(&filter).await.unwrap();
        assert_eq!(found.iter().map(|row| row.record.id).collect::<Vec<_>>(), expected, "{name}");
    }
}

pub(super) async fn pages_cover_all_requests_once(place: &dyn Place) {
    let repository = place.open(KEY).await;
    // Several requests a moment: the id decides among them.
    let mut records: Vec<_> = (0..50).map(|n| record(Facts { seconds: n / 7, ..Facts::default() })).collect();
    repository.write_records(&records).await.unwrap();
    records.sort_by_key(|record| std::cmp::Reverse((record.created_at, record.id)));
    for order in [Order::NewestFirst, Order::OldestFirst] {
        let (mut all, mut beyond) = (Vec::new(), None);
        loop {
            let filter = RequestFilter { order, beyond, ..newest(8) };
            let page = repository.list_requests(&filter).await.unwrap();
            let Some(last) = page.last() else { break };
            beyond = Some((last.record.created_at, last.record.id));
            all.extend(page.into_iter().map(|row| row.record));
        }
        assert_eq!(all, records, "{order:?}");
        records.reverse();
    }
}

fn usage(group_by: GroupBy) -> UsageFilter {
    UsageFilter {
        from: at(-86_400),
        to: at(86_400),
        user_id: None,
        key_id: None,
        provider_id: None,
        model: None,
        group_by,
    }
}

pub(super) async fn usage_is_grouped_and_bounded_by_hours(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let empty = repository.usage(&usage(GroupBy::Total)).await.unwrap();
    assert_eq!((empty.len(), empty[0].requests), (1, 0));
    assert_eq!(repository.usage(&usage(GroupBy::User)).await.unwrap(), []);
    let ada = repository.insert_user(&user("ada"), audit("user.create", "user:")).await.unwrap();
    let facts = Facts { user: ada.id.0, ..Facts::default() };
    let records = [
        record(facts),
        record(Facts { seconds: 3600, status: 500, ..facts }),
        record(Facts { seconds: 7200, user: 99, nanos: Some(9_000), ..facts }),
        record(Facts { seconds: 7201, user: 99, nanos: None, ..facts }),
    ];
    repository.write_records(&records).await.unwrap();
    let by_user = repository.usage(&usage(GroupBy::User)).await.unwrap();
    let brief: Vec<_> = by_user
        .iter()
        .map(|row| {
            (
                row.group.as_str(),
                row.name.as_deref(),
                row.requests,
                row.errors,
                row.unpriced,
                row.cost.nanos(),
            )
        })
        .collect();
    let ada_group = ada.id.to_string();
    let expected = [("99", None, 2, 0, 1, 9_000), (ada_group.as_str(), Some("ada"), 2, 1, 0, 2_000)];
    assert_eq!(brief, expected, "largest cost first");
    assert_eq!((by_user[1].usage.input, by_user[1].usage.cache_write_1h), (20, 2));
    let models = repository.usage(&usage(GroupBy::Model)).await.unwrap();
    assert_eq!((models.len(), models[0].group.as_str()), (1, "claude-x"));
    let hour = UsageFilter { from: at(3600), to: at(7200), ..usage(GroupBy::Total) };
    assert_eq!(repository.usage(&hour).await.unwrap()[0].requests, 1);
    let one = UsageFilter { user_id: Some(ada.id), provider_id: Some(ProviderId(1)), ..usage(GroupBy::Key) };
    assert_eq!(repository.usage(&one).await.unwrap()[0].requests, 2);
    let none = UsageFilter { model: Some("other".to_owned()), ..usage(GroupBy::Provider) };
    assert_eq!(repository.usage(&none).await.unwrap(), []);
}

pub(super) async fn names_of_deleted_rows_stay_readable(place: &dyn Place) {
    let repository = place.open(KEY).await;
    let ada = repository.insert_user(&user("ada"), audit("user.create", "user:")).await.unwrap();
    let laptop =
        repository.insert_key(&key(ada.id, "laptop", "one"), audit("key.create", "key:")).await.unwrap();
    let main =
        repository.insert_provider(&provider("main"), audit("provider.create", "provider:")).await.unwrap();
    let facts = Facts { user: ada.id.0, key: laptop.id.0, provider: main.id.0, ..Facts::default() };
    let one = record(facts);
    repository.write_records(std::slice::from_ref(&one)).await.unwrap();
    repository.delete_user(ada.id, at(9), audit("user.delete", "user:1")).await.unwrap();
    repository.delete_provider(main.id, at(9), audit("provider.delete", "provider:1")).await.unwrap();
    let row = repository.find_request(one.id).await.unwrap().unwrap();
    assert_eq!((row.user_name.as_deref(), row.key_name.as_deref()), (Some("ada"), Some("laptop")));
    for (group_by, name) in [(GroupBy::User, "ada"), (GroupBy::Key, "laptop"), (GroupBy::Provider, "main")] {
        assert_eq!(repository.usage(&usage(group_by)).await.unwrap()[0].name.as_deref(), Some(name));
    }
}
