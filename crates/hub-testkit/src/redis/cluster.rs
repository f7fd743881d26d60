//! A Redis Cluster for one test.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::Signal;

use super::node::Node;
use crate::port;

/// As many as a cluster needs at least.
const NODES: u16 = 3;
/// How many slots a cluster has.
const SLOTS: u16 = 16_384;
/// Forming takes two or three seconds: a node that has just started waits before it says that all is well.
const PATIENCE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(20);

/// Three primaries without replicas on loopback, each with a third of the slots: the first has the lowest.
/// They keep no data; a node that was stopped comes back empty, as the member it was.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Arc<Node>>,
}

impl RedisCluster {
    /// Starts a cluster of the caller's own and waits until all of it is well. It ends when dropped, or with
    /// the test process.
    pub async fn start() -> Result<Self> {
        tokio::task::spawn_blocking(Self::form).await.context("start a Redis Cluster")?
    }

    fn form() -> Result<Self> {
        let nodes = (0..NODES).map(|_| start_node()).collect::<Result<Vec<_>>>()?;
        for (number, node) in (0..NODES).zip(&nodes) {
            let first = SLOTS / NODES * number;
            let last = if number + 1 == NODES { SLOTS - 1 } else { SLOTS / NODES * (number + 1) - 1 };
            node.ask(&format!("CLUSTER ADDSLOTSRANGE {first} {last}")).context("give a node its slots")?;
            // Two nodes of one epoch would have to settle first who comes before whom.
            node.ask(&format!("CLUSTER SET-CONFIG-EPOCH {}", number + 1)).context("give a node its epoch")?;
        }
        // Everybody is introduced to everybody: waiting for the gossip takes longer.
        for (number, node) in nodes.iter().enumerate() {
            for other in nodes.iter().skip(number + 1) {
                let bus = bus_port(other).context("a node without a bus port")?;
                node.ask(&format!("CLUSTER MEET 127.0.0.1 {} {bus}", other.port))
                    .context("introduce two nodes")?;
            }
        }
        let cluster = Self { nodes };
        cluster.settle()?;
        Ok(cluster)
    }

    /// What `REDIS_URL` would be: `redis-cluster://127.0.0.1:A,127.0.0.1:B,127.0.0.1:C`.
    pub fn url(&self) -> String {
        let hosts: Vec<String> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("redis-cluster://{}", hosts.join(","))
    }

    /// The ports on 127.0.0.1, in the order of the nodes' slots.
    pub fn ports(&self) -> Vec<u16> {
        self.nodes.iter().map(|node| node.port).collect()
    }

    /// Kills a node (0, 1 or 2): its connections are reset, new ones refused, its data is gone.
    pub async fn stop(&self, node: usize) -> Result<()> {
        let node = Arc::clone(self.node(node)?);
        let work = tokio::task::spawn_blocking(move || node.server.stop(Signal::SIGKILL));
        work.await.context("stop a node")?
    }

    /// Starts a stopped node again on the same port, with its slots and without its data, and waits until all
    /// nodes say that the cluster is well.
    pub async fn start_again(&self, node: usize) -> Result<()> {
        let (node, all) = (Arc::clone(self.node(node)?), Self { nodes: self.nodes.clone() });
        let work = tokio::task::spawn_blocking(move || node.run().and_then(|()| all.settle()));
        work.await.context("start a node again")?
    }

    /// Suspends a node: its connections stay open and nothing answers.
    pub fn freeze(&self, node: usize) -> Result<()> {
        self.node(node)?.server.freeze()
    }

    /// Lets it go on; it then executes what was sent meanwhile.
    pub fn thaw(&self, node: usize) -> Result<()> {
        self.node(node)?.server.thaw()
    }

    /// Gives one slot to another node without moving keys, and does not tell clients: they learn it by the
    /// `MOVED` that the old owner answers.
    pub async fn move_slot(&self, slot: u16, to: usize) -> Result<()> {
        let (to, nodes) = (Arc::clone(self.node(to)?), self.nodes.clone());
        let work = tokio::task::spawn_blocking(move || {
            let id = to.ask("CLUSTER MYID").context("ask a node who it is")?;
            // The new owner first: it takes a new epoch by this, which outweighs the old owner's claim.
            let others = nodes.iter().filter(|node| node.port != to.port);
            for node in std::iter::once(&to).chain(others) {
                node.ask(&format!("CLUSTER SETSLOT {slot} NODE {id}")).context("move a slot")?;
            }
            Ok(())
        });
        work.await.context("move a slot")?
    }

    fn node(&self, number: usize) -> Result<&Arc<Node>> {
        self.nodes
            .get(number)
            .with_context(|| format!("the cluster has {NODES} nodes, and no number {number}"))
    }

    /// Waits until every node knows all others and the owners of all slots.
    fn settle(&self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !self.nodes.iter().all(|node| is_well(node)) {
            if Instant::now() > deadline {
                let states: Vec<_> = self.nodes.iter().map(|node| node.ask("CLUSTER INFO")).collect();
                bail!("the cluster is not well: {states:?}");
            }
            thread::sleep(POLL);
        }
        Ok(())
    }
}

fn start_node() -> Result<Arc<Node>> {
    port::retry(|port| {
        let bus = port::free()?;
        ensure!(bus != port, "the same free port twice");
        let arguments = ["--cluster-enabled", "yes", "--cluster-node-timeout", "5000", "--cluster-port"];
        let arguments = arguments.map(str::to_owned).into_iter().chain([bus.to_string()]);
        let node = Node::prepare(port, arguments.collect())?;
        node.run().map(|()| Arc::new(node))
    })
}

fn is_well(node: &Node) -> bool {
    let Ok(info) = node.ask("CLUSTER INFO") else { return false };
    let says = |line: &str| info.lines().any(|found| found.trim_end() == line);
    says("cluster_state:ok")
        && says(&format!("cluster_known_nodes:{NODES}"))
        && says(&format!("cluster_slots_ok:{SLOTS}"))
        && says(&format!("cluster_size:{NODES}"))
}

/// From its own line in `CLUSTER NODES`: `ID HOST:PORT@BUS[,…] myself,…`.
fn bus_port(node: &Node) -> Option<u16> {
    let nodes = node.ask("CLUSTER NODES").ok()?;
    let line = nodes.lines().find(|line| line.contains("myself"))?;
    let (_, after) = line.split_once('@')?;
    after.split([' ', ',']).next()?.parse().ok()
}
