//! Change notices inside this process: each edit is told once, whoever learns of it first.

use parking_lot::Mutex;
use tokio::sync::broadcast;

use crate::{Change, Topic};

/// How many notices a receiver may lag behind before it must reload everything.
const CAPACITY: usize = 256;

pub(crate) struct Notices {
    sender: broadcast::Sender<Change>,
    /// The newest version told of each topic.
    told: Mutex<[i64; 2]>,
}

const fn index(topic: Topic) -> usize {
    match topic {
        Topic::Access => 0,
        Topic::Catalogue => 1,
    }
}

impl Notices {
    pub(crate) fn new() -> Self {
        Self { sender: broadcast::Sender::new(CAPACITY), told: Mutex::new([0; 2]) }
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.sender.subscribe()
    }

    /// What is in force at start is no news.
    pub(crate) fn begin(&self, topic: Topic, version: i64) {
        if let Some(told) = self.told.lock().get_mut(index(topic)) {
            *told = version;
        }
    }

    /// Tells of an edit, unless this or a later one was told already.
    pub(crate) fn tell(&self, topic: Topic, version: i64) {
        let mut told = self.told.lock();
        if let Some(told) = told.get_mut(index(topic)).filter(|told| **told < version) {
            *told = version;
            // Nobody listening is fine.
            let _ = self.sender.send(Change { topic, version });
        }
    }
}

impl Topic {
    /// Reads what [`Topic::as_str`] wrote.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Access, Self::Catalogue].into_iter().find(|topic| topic.as_str() == word)
    }
}
