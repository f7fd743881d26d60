//! Transcripts: a session's last request and last answer, kept for people to look at
//! (STORE_SESSION_MESSAGES). Where none are kept, that costs one comparison.
//!
//! What is kept holds neither the client's key nor the provider's credential, whoever wrote them there.

use std::sync::Arc;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use hub_session::{MAX_MESSAGE_BYTES, MessagePart, MessageStorage};
use hub_types::{Dialect, Endpoint, SessionId};

use crate::credentials;
use crate::docket::Docket;
use crate::receive::Received;
use crate::redact::redact;
use crate::shared::Shared;

/// Going through a larger body would hold up the requests that share the thread: one of 1 MiB takes 3 ms if it
/// is one text, and 80 ms if it is all structure.
const AT_ONCE_BYTES: usize = 16 << 10;
/// The most bytes of bodies that are gone through beside the requests, or wait for it.
const WAITING_BYTES: usize = 16 << 20;

/// What is kept of bodies, and room to work on them.
pub(crate) struct Transcripts {
    storage: MessageStorage,
    room: Arc<Semaphore>,
    /// One large body at a time: a parsed one takes many times its bytes. That keeps their order, too.
    turn: Semaphore,
}

impl Transcripts {
    pub(crate) fn new(storage: MessageStorage) -> Self {
        Self { storage, room: Arc::new(Semaphore::new(WAITING_BYTES)), turn: Semaphore::new(1) }
    }

    fn is_off(&self) -> bool {
        self.storage == MessageStorage::Off
    }
}

/// Keeps the body of a request that was admitted.
pub(crate) fn keep_request(shared: &Arc<Shared>, docket: &mut Docket, received: &Received) {
    if shared.transcripts.is_off() {
        return;
    }
    // Sound, pictures and files are no messages.
    if received.call.endpoint == Endpoint::Other {
        return;
    }
    let Some(ticket) = docket.ticket() else { return };
    let half = Half {
        session: ticket.session().clone(),
        part: MessagePart::Request,
        dialect: received.call.dialect,
        secrets: secrets(received, &[]),
    };
    half.keep(shared, received.body.clone());
}

/// An answer, gathered while it passes. Of one that grows too large only the size is remembered.
pub(crate) struct Transcript {
    half: Half,
    gathered: Vec<u8>,
    bytes: usize,
}

impl Transcript {
    /// `None` if answers are not kept.
    pub(crate) fn begin(
        shared: &Shared,
        docket: &mut Docket,
        received: &Received,
        provider_secrets: &[Vec<u8>],
    ) -> Option<Self> {
        if shared.transcripts.is_off() || received.call.endpoint == Endpoint::Other {
            return None;
        }
        let session = docket.ticket()?.session().clone();
        let secrets = secrets(received, provider_secrets);
        let half = Half { session, part: MessagePart::Response, dialect: received.call.dialect, secrets };
        Some(Self { half, gathered: Vec::new(), bytes: 0 })
    }

    /// The client gets this piece.
    pub(crate) fn add(&mut self, piece: &[u8]) {
        self.bytes = self.bytes.saturating_add(piece.len());
        if self.bytes <= MAX_MESSAGE_BYTES {
            self.gathered.extend_from_slice(piece);
        } else {
            self.gathered = Vec::new();
        }
    }

    /// The client gets no more of it.
    pub(crate) fn close(self, shared: &Arc<Shared>) {
        match self.bytes {
            // Nothing came: the session's last answer is still the one before.
            0 => {}
            bytes if bytes > MAX_MESSAGE_BYTES => self.half.keep_size(shared, bytes),
            _ => self.half.keep(shared, self.gathered.into()),
        }
    }
}

/// One half of an exchange, without its body.
struct Half {
    session: SessionId,
    part: MessagePart,
    dialect: Dialect,
    /// What must not be seen in it.
    secrets: Vec<Vec<u8>>,
}

impl Half {
    /// Keeps of the body what is to be kept; if that takes time, beside the requests.
    fn keep(self, shared: &Arc<Shared>, body: Bytes) {
        let size = body.len();
        if size > MAX_MESSAGE_BYTES {
            return self.keep_size(shared, size);
        }
        // Outside of a runtime nobody is held up.
        if size <= AT_ONCE_BYTES || Handle::try_current().is_err() {
            return self.keep_now(shared, body);
        }
        let bytes = u32::try_from(size).unwrap_or(u32::MAX);
        let Ok(room) = Arc::clone(&shared.transcripts.room).try_acquire_many_owned(bytes) else {
            return self.keep_size(shared, size);
        };
        let owner = Arc::clone(shared);
        shared.tasks.spawn(async move {
            let waiter = Arc::clone(&owner);
            let _turn = waiter.transcripts.turn.acquire().await;
            let work = tokio::task::spawn_blocking(move || {
                self.keep_now(&owner, body);
                drop(room);
            });
            // It fails only when the runtime ends, and everything with it.
            let _ = work.await;
        });
    }

    fn keep_now(self, shared: &Shared, body: Bytes) {
        let body = redact(body, &self.secrets);
        self.store(shared, shared.transcripts.storage.of(self.part, self.dialect, &body));
    }

    fn keep_size(self, shared: &Shared, bytes: usize) {
        self.store(shared, shared.transcripts.storage.of_size(bytes));
    }

    fn store(&self, shared: &Shared, kept: Option<Bytes>) {
        if let Some(kept) = kept {
            shared.sessions.store().keep_messages(&self.session, self.part, kept, shared.clock.now());
        }
    }
}

/// The client's key, and what is the provider's own.
fn secrets(received: &Received, of_provider: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let presented = credentials::find(&received.head.headers, &received.head.uri).ok();
    let key = presented.map(|key| key.expose().as_bytes().to_vec());
    key.into_iter().chain(of_provider.iter().cloned()).collect()
}
