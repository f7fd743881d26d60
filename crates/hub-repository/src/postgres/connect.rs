//! Where the database is, and single connections to it outside of the pool.

use std::pin::Pin;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{PostgresSettings, translate};
use crate::RepositoryError;
use crate::sql::Result;

const KEEPALIVE: Duration = Duration::from_secs(30);

/// A parsed DSN with the settings of each connection.
pub(super) struct Target {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    deadline: Duration,
}

/// What has to run for a connection to work; ends when the connection does.
pub(super) type Driver = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Target {
    pub(super) fn new(settings: &PostgresSettings) -> Result<Self> {
        // The driver knows no verifying modes; rustls verifies whenever there is TLS.
        let dsn = settings
            .dsn
            .expose()
            .replace("sslmode=verify-full", "sslmode=require")
            .replace("sslmode=verify-ca", "sslmode=require");
        let mut config: Config = dsn.parse().map_err(|_| {
            // The parser's own words may hold parts of the DSN.
            RepositoryError::Database("DSN is not a PostgreSQL connection string".to_owned())
        })?;
        let timeout = settings.deadline.as_millis();
        let options = format!(
            "{} -c statement_timeout={timeout} -c idle_in_transaction_session_timeout={}",
            config.get_options().unwrap_or_default(),
            timeout * 3
        );
        config.options(options.trim()).connect_timeout(settings.deadline / 2).keepalives_idle(KEEPALIVE);
        if config.get_application_name().is_none() {
            config.application_name("claude-code-hub");
        }
        let tls = settings.tls.as_ref().map(|tls| MakeRustlsConnect::new(tls.as_ref().clone()));
        Ok(Self { config, tls, deadline: settings.deadline })
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn rustls(&self) -> Option<MakeRustlsConnect> {
        self.tls.clone()
    }

    pub(super) fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Connects; the driver hands notifications to `notified` and must be run by the caller.
    pub(super) async fn connect(&self, notified: mpsc::Sender<String>) -> Result<(Client, Driver)> {
        let connecting = async {
            match self.tls.clone() {
                Some(tls) => connect(&self.config, tls, notified).await,
                None => connect(&self.config, NoTls, notified).await,
            }
        };
        timeout(self.deadline, connecting)
            .await
            .map_err(|_| RepositoryError::Unavailable("no connection in time".to_owned()))?
    }
}

async fn connect<T>(config: &Config, tls: T, notified: mpsc::Sender<String>) -> Result<(Client, Driver)>
where
    T: MakeTlsConnect<Socket> + Send,
    T::Stream: Send + 'static,
    T::TlsConnect: Send,
    <T::TlsConnect as tokio_postgres::tls::TlsConnect<Socket>>::Future: Send,
{
    let (client, mut connection) = config.connect(tls).await.map_err(translate)?;
    let driver = async move {
        loop {
            match std::future::poll_fn(|context| connection.poll_message(context)).await {
                Some(Ok(AsyncMessage::Notification(notification))) => {
                    // A full queue loses a notice; the comparison of versions finds out.
                    let _ = notified.try_send(notification.payload().to_owned());
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            }
        }
    };
    Ok((client, Box::pin(driver)))
}
