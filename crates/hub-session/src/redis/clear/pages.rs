//! Going through the keys of a pattern: while a page is worked on, Redis looks for the next one.

use futures_util::StreamExt;
use futures_util::future::join;
use futures_util::stream::BoxStream;
use hub_redis::{RedisConnection, RedisError};

use super::super::answers::{Result, unavailable};
use crate::Observed;

/// So many keys are looked at for a page: one step of the server, of a millisecond or two.
const LOOKED_AT: u32 = 3_000;

/// See the module's documentation.
pub(super) struct Pages {
    pages: BoxStream<'static, std::result::Result<Vec<String>, RedisError>>,
    /// Was the next page asked for already? Then it is here; `None` = there is none.
    is_ahead: bool,
    ahead: Option<Vec<String>>,
}

impl Pages {
    pub(super) fn of(connection: &RedisConnection, pattern: &str) -> Self {
        Self { pages: connection.scan(pattern, LOOKED_AT).boxed(), is_ahead: false, ahead: None }
    }

    /// The next page; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<String>>> {
        if std::mem::take(&mut self.is_ahead) { Ok(self.ahead.take()) } else { self.fetch().await }
    }

    /// Waits for the work, and has the next page fetched meanwhile.
    pub(super) async fn meanwhile<T>(&mut self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let (done, page) = join(work, self.fetch()).await;
        let done = done?;
        (self.is_ahead, self.ahead) = (true, page?);
        Ok(done)
    }

    async fn fetch(&mut self) -> Result<Option<Vec<String>>> {
        self.pages.next().await.transpose().map_err(|error| unavailable(&error))
    }
}

/// How far it has come, told to whoever watches.
pub(super) struct Progress<'a> {
    seen: u64,
    observed: Observed<'a>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(observed: Observed<'a>) -> Self {
        Self { seen: 0, observed }
    }

    /// So many more keys were looked at.
    pub(super) fn add(&mut self, keys: usize) {
        self.seen += keys as u64;
        (self.observed)(self.seen);
    }
}
