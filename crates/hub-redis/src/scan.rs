//! Going through the keys without holding the server up.

use std::time::Duration;
use std::vec;

use fred::interfaces::{ClientLike, ClusterInterface, KeysInterface};
use fred::types::Value;
use fred::types::config::{Options, Server};
use futures_util::stream::{self, Stream};
use tokio::time::timeout;

use crate::connection::{RedisConnection, Wire};
use crate::error::RedisError;

/// Nobody's request waits for a page, but nobody wants to wait for a dead server either.
const PAGE_DEADLINE: Duration = Duration::from_secs(10);
const FIRST_CURSOR: &str = "0";

/// Where a scan is.
struct Position {
    wire: Wire,
    pattern: String,
    count: u32,
    /// The nodes that are still to come; `None` inside: the only server.
    nodes: vec::IntoIter<Option<Server>>,
    /// The node at hand, and where it goes on there.
    current: Option<(Option<Server>, String)>,
}

impl RedisConnection {
    /// The keys that match the pattern, on one server or on all primaries of a cluster one after the other,
    /// page by page. `count` is how many keys the server looks at for a page (some thousands are quick). A page
    /// is asked for only when the stream is polled for it, and empty ones are left out. As `SCAN` has it: a key
    /// may come twice, and one that is made or removed meanwhile may be there or not. Keys that are no UTF-8
    /// are left out. An error is the last item; each page has 10 s.
    pub fn scan(
        &self,
        pattern: &str,
        count: u32,
    ) -> impl Stream<Item = Result<Vec<String>, RedisError>> + Send + Unpin + use<> {
        let (wire, pattern) = (self.wire.clone(), pattern.to_owned());
        let pages = stream::try_unfold(None, move |position: Option<Position>| {
            let (wire, pattern) = (wire.clone(), pattern.clone());
            async move {
                let mut position = match position {
                    Some(position) => position,
                    None => Position::start(wire, pattern, count)?,
                };
                let page = position.next_page().await?;
                Ok(page.map(|page| (page, Some(position))))
            }
        });
        Box::pin(pages)
    }
}

impl Position {
    fn start(wire: Wire, pattern: String, count: u32) -> Result<Self, RedisError> {
        let nodes = if wire.0.is_clustered() {
            let routing = wire.0.cached_cluster_state();
            let routing =
                routing.ok_or_else(|| RedisError::Unreachable("no node is known yet".to_owned()))?;
            routing.unique_primary_nodes().into_iter().map(Some).collect()
        } else {
            vec![None]
        };
        Ok(Self { wire, pattern, count, nodes: nodes.into_iter(), current: None })
    }

    /// The next page with something in it; `None` at the end.
    async fn next_page(&mut self) -> Result<Option<Vec<String>>, RedisError> {
        loop {
            let (node, cursor) = match self.current.take() {
                Some(current) => current,
                None => match self.nodes.next() {
                    Some(node) => (node, FIRST_CURSOR.to_owned()),
                    None => return Ok(None),
                },
            };
            let (cursor, keys) = self.ask(node.clone(), cursor).await?;
            if cursor != FIRST_CURSOR {
                self.current = Some((node, cursor));
            }
            if !keys.is_empty() {
                return Ok(Some(keys));
            }
        }
    }

    async fn ask(&self, node: Option<Server>, cursor: String) -> Result<(String, Vec<String>), RedisError> {
        let options = Options {
            max_attempts: Some(1),
            timeout: Some(PAGE_DEADLINE),
            fail_fast: true,
            cluster_node: node,
            ..Options::default()
        };
        let client = self.wire.0.with_options(&options);
        let page = client.scan_page::<Value, _, _>(cursor, self.pattern.clone(), Some(self.count), None);
        let page = timeout(PAGE_DEADLINE, page).await.map_err(|_| RedisError::Timeout(PAGE_DEADLINE))?;
        let page = page.map_err(|error| RedisError::from_client(&error, PAGE_DEADLINE))?;
        read_page(page).ok_or_else(|| RedisError::Refused("its SCAN answered no page".to_owned()))
    }
}

/// A cursor and a list of keys.
fn read_page(page: Value) -> Option<(String, Vec<String>)> {
    let Value::Array(parts) = page else { return None };
    let Ok([cursor, Value::Array(keys)]) = <[Value; 2]>::try_from(parts) else { return None };
    let text = |key: Value| match key {
        Value::String(text) => Some(text.to_string()),
        Value::Bytes(bytes) => String::from_utf8(bytes.to_vec()).ok(),
        _ => None,
    };
    Some((text(cursor)?, keys.into_iter().filter_map(text).collect()))
}
