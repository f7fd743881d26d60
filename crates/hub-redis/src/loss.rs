//! Not waiting for an answer that cannot come any more.

use std::pin::Pin;
use std::time::Duration;

use fred::error::Error;
use fred::interfaces::{ClientLike, EventInterface};
use fred::types::ClientState;
use fred::types::config::Server;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;

use crate::connection::Wire;
use crate::error::RedisError;

impl Wire {
    /// Waits for an answer until the deadline, or until the connection is lost. The library itself fails what
    /// it has sent; what it has not sent yet would wait for the next connection.
    pub(crate) async fn answer_of<T>(
        &self,
        deadline: Duration,
        answer: Pin<Box<impl Future<Output = Result<T, RedisError>>>>,
    ) -> Result<T, RedisError> {
        let troubles = self.0.error_rx();
        let either = async {
            tokio::select! {
                biased;
                answer = answer => answer,
                loss = self.loss(troubles) => Err(loss),
            }
        };
        timeout(deadline, either).await.unwrap_or(Err(RedisError::Timeout(deadline)))
    }

    /// Comes back once there is no connection. A cluster has others when one of its connections breaks off, so
    /// that there the library's verdict counts, which it gives when it has tried to connect again.
    async fn loss(&self, mut troubles: Receiver<(Error, Option<Server>)>) -> RedisError {
        loop {
            match troubles.recv().await {
                Ok(_) if self.0.is_clustered() && self.0.state() == ClientState::Connected => {}
                Ok((error, _)) => return RedisError::Unreachable(error.details().to_owned()),
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return RedisError::Unreachable("it was closed".to_owned()),
            }
        }
    }
}
