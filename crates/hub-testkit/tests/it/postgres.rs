//! PostgreSQL: databases are apart from each other, data survive a crash, a frozen server answers nobody.

use std::time::Duration;

use hub_testkit::Postgres;
use tokio::time::timeout;
use tokio_postgres::NoTls;

async fn ask(dsn: &str, query: &str) -> Result<String, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(dsn, NoTls).await?;
    tokio::select! {
        row = client.query_one(query, &[]) => Ok(row?.get(0)),
        ended = connection => panic!("the server hung up: {ended:?}"),
    }
}

#[tokio::test]
async fn two_databases_of_the_shared_cluster_do_not_see_each_other() {
    let postgres = Postgres::shared().await.unwrap();
    let (one, two) = (postgres.fresh_database().await.unwrap(), postgres.fresh_database().await.unwrap());
    one.execute("CREATE TABLE note (text text); INSERT INTO note VALUES ('here')").await.unwrap();
    assert_eq!(ask(&one.dsn, "SELECT text FROM note").await.unwrap(), "here");
    assert!(two.execute("SELECT text FROM note").await.is_err());
}

#[tokio::test]
async fn a_dropped_database_disappears_although_a_client_is_connected() {
    let postgres = Postgres::shared().await.unwrap();
    let database = postgres.fresh_database().await.unwrap();
    let (_client, connection) = tokio_postgres::connect(&database.dsn, NoTls).await.unwrap();
    drop(database);
    let ended = timeout(Duration::from_secs(30), connection).await.expect("the server closes the connection");
    assert!(ended.is_err(), "{ended:?}");
}

#[tokio::test]
async fn after_stop_and_start_again_the_data_are_at_the_same_address() {
    let postgres = Postgres::start().await.unwrap();
    let database = postgres.fresh_database().await.unwrap();
    database.execute("CREATE TABLE note (text text); INSERT INTO note VALUES ('kept')").await.unwrap();
    postgres.stop().await.unwrap();
    assert!(ask(&database.dsn, "SELECT text FROM note").await.is_err());
    postgres.start_again().await.unwrap();
    assert_eq!(ask(&database.dsn, "SELECT text FROM note").await.unwrap(), "kept");

    let (client, connection) = tokio_postgres::connect(&database.dsn, NoTls).await.unwrap();
    let exchange = async {
        postgres.freeze().unwrap();
        let answer = client.query_one("SELECT 1", &[]);
        tokio::pin!(answer);
        assert!(timeout(Duration::from_millis(300), &mut answer).await.is_err(), "a frozen server answered");
        postgres.thaw().unwrap();
        assert_eq!(timeout(Duration::from_secs(30), answer).await.unwrap().unwrap().get::<_, i32>(0), 1);
    };
    tokio::select! { () = exchange => {}, ended = connection => panic!("{ended:?}") }
}
