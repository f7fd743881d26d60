//! Three servers, each with a third of the keys.

use std::collections::HashSet;

use hub_session::{Admission, SessionEnd, SessionStore, Trail, Visit};
use hub_testkit::RedisCluster;
use hub_types::{KeyId, SessionId};

use super::store;
use crate::contract::{A, B, answered, at, hash, some, visit};

#[tokio::test]
async fn a_cluster_keeps_limits_and_clears_like_one_server() {
    let cluster = RedisCluster::start().await.unwrap();
    let store = store(&cluster.url()).await;
    let mut admitted = 0;
    for number in 0..60_u64 {
        let session = SessionId::new(KeyId(1), &format!("s{number}"));
        let visit = Visit { key_limit: some(50), user_limit: some(40), ..visit(&session) };
        let Admission::Admitted(present) = store.enter(&visit, at(0)).await.unwrap() else { continue };
        admitted += 1;
        assert_eq!(present.sequence, 1);
        let trail = Trail { hashes: [hash(number)].into_iter().collect(), known: 0 };
        let provider = if number % 2 == 0 { B } else { A };
        store.leave(&SessionEnd { trail: Some(&trail), ..answered(&session, provider) }, at(0));
    }
    assert_eq!(admitted, 40);
    // The key's places of those whom the user's limit refused were given back.
    let more = SessionId::new(KeyId(1), "more");
    let by_key = Visit { key_limit: some(41), ..visit(&more) };
    assert!(matches!(store.enter(&by_key, at(0)).await.unwrap(), Admission::Admitted(_)));
    assert_eq!(store.list(100, at(0)).await.unwrap().len(), 41);
    let both = HashSet::from([A, B]);
    assert_eq!(store.survey(&both, &|_| {}).await.unwrap(), [(A, 20), (B, 20)].into());
    let cleared = store.clear(&HashSet::from([A]), &|_| {}).await.unwrap();
    assert_eq!((cleared.sessions, cleared.conversations), ([(A, 20)].into(), 20));
    assert_eq!(store.drop_bindings(B, at(0)).await.unwrap(), 20);
    assert_eq!(store.survey(&both, &|_| {}).await.unwrap(), [].into());
}
