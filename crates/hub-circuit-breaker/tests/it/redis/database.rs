//! One Redis for all tests that need no server of their own: each has a database in it.

use std::sync::Arc;

use hub_redis::{Batch, RedisConnection};
use hub_testkit::Redis;
use parking_lot::Mutex;
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

use super::connect;

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

/// An empty database, a test's own for as long as this lives.
pub(crate) struct Database {
    number: usize,
    url: String,
    _room: SemaphorePermit<'static>,
}

impl Database {
    pub(crate) async fn take() -> Self {
        let server = SERVER.get_or_init(async || Redis::start().await.unwrap()).await;
        let room = ROOM.acquire().await.unwrap();
        let number = TURNS.lock().take();
        let database = Self { number, url: format!("{}/{number}", server.url()), _room: room };
        let mut batch = Batch::new();
        batch.command("FLUSHDB", "SYNC", []);
        for answer in database.connect().await.run(batch).await.unwrap() {
            answer.unwrap();
        }
        database
    }

    pub(crate) async fn connect(&self) -> Arc<RedisConnection> {
        connect(&self.url).await
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        TURNS.lock().taken[self.number] = false;
    }
}

impl Turns {
    fn take(&mut self) -> usize {
        let mut places = (0..DATABASES).map(|step| (self.next + step) % DATABASES);
        let free = places.find(|place| !self.taken[*place]).unwrap();
        self.taken[free] = true;
        self.next = free + 1;
        free
    }
}
