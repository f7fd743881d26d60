//! One Redis for all tests of a process that need no server of their own: each has a database in it.

use anyhow::{Context, Result, ensure};
use parking_lot::Mutex;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

use super::Redis;

/// So many has a server.
const DATABASES: usize = 16;

/// It ends with the test process.
static SERVER: OnceCell<Redis> = OnceCell::const_new();
/// Half of them: one that was given back rests until the last writes of its test are over.
static ROOM: Semaphore = Semaphore::const_new(DATABASES / 2);
static TURNS: Mutex<Turns> = Mutex::new(Turns { taken: [false; DATABASES], next: 0 });

/// Which databases are taken, and where to look for the next one: as far as can be from those just given back.
struct Turns {
    taken: [bool; DATABASES],
    next: usize,
}

/// An empty numbered database, a test's own for as long as this lives. Its server is shared: whoever stops,
/// freezes or flushes a whole server needs a [`Redis`], and a cluster has no numbered databases.
#[derive(Debug)]
pub struct RedisDatabase {
    number: usize,
    url: String,
    _room: SemaphorePermit<'static>,
}

impl RedisDatabase {
    /// Takes one, waiting until one is free, and empties it.
    pub async fn take() -> Result<Self> {
        let server = SERVER.get_or_try_init(Redis::start).await?;
        let room = ROOM.acquire().await.context("wait for a database of Redis")?;
        let number = TURNS.lock().take().context("there is a database for each permit")?;
        let database = Self { number, url: format!("{}/{number}", server.url()), _room: room };
        empty(server.port(), number).await.with_context(|| format!("empty database {number} of Redis"))?;
        Ok(database)
    }

    /// What `REDIS_URL` would be: `redis://127.0.0.1:PORT/NUMBER`.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for RedisDatabase {
    fn drop(&mut self) {
        TURNS.lock().give_back(self.number);
    }
}

impl Turns {
    fn take(&mut self) -> Option<usize> {
        let mut places = (0..DATABASES).map(|step| (self.next + step) % DATABASES);
        let free = places.find(|place| self.taken.get(*place) == Some(&false))?;
        *self.taken.get_mut(free)? = true;
        self.next = free + 1;
        Some(free)
    }

    fn give_back(&mut self, number: usize) {
        if let Some(taken) = self.taken.get_mut(number) {
            *taken = false;
        }
    }
}

/// Two commands as a person at a terminal would type them.
async fn empty(port: u16, number: usize) -> Result<()> {
    let mut server = BufStream::new(TcpStream::connect(("127.0.0.1", port)).await?);
    for command in [format!("SELECT {number}\r\n"), "FLUSHDB SYNC\r\n".to_owned()] {
        server.write_all(command.as_bytes()).await?;
        server.flush().await?;
        let mut answer = String::new();
        server.read_line(&mut answer).await?;
        ensure!(answer.starts_with("+OK"), "Redis answered {command:?} with {answer:?}");
    }
    Ok(())
}
