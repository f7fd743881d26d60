//! Commands that travel together: one round trip for all of them.

use fred::interfaces::ClientLike;
use fred::types::{ClusterHash, CustomCommand, Value};
use fred::util::redis_keyslot;
use tokio::time::timeout;

use crate::connection::RedisConnection;
use crate::error::RedisError;
use crate::reply::RedisReply;
use crate::script::Script;
use crate::settings::RedisSettings;

/// Commands to be sent in one go. Each is about one key (or keys of one slot), so that a cluster can take them;
/// their order holds per key only.
#[derive(Debug, Default)]
pub struct Batch(Vec<Step>);

#[derive(Debug)]
struct Step {
    name: &'static str,
    slot: u16,
    script: Option<&'static Script>,
    arguments: Vec<Value>,
}

/// An argument: a text or a whole number.
#[derive(Debug)]
pub struct Argument(Value);

impl Batch {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many commands are in it.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Nothing to do?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a command whose first argument is `key`, such as `GET`.
    pub fn command<const N: usize>(
        &mut self,
        name: &'static str,
        key: &str,
        arguments: [Argument; N],
    ) -> &mut Self {
        let arguments =
            std::iter::once(Value::from(key)).chain(arguments.into_iter().map(|argument| argument.0));
        let slot = redis_keyslot(key.as_bytes());
        self.0.push(Step { name, slot, script: None, arguments: arguments.collect() });
        self
    }

    /// Adds a command with any number of arguments after the key.
    pub fn command_with(
        &mut self,
        name: &'static str,
        key: &str,
        arguments: impl IntoIterator<Item = Argument>,
    ) -> &mut Self {
        let arguments =
            std::iter::once(Value::from(key)).chain(arguments.into_iter().map(|argument| argument.0));
        let slot = redis_keyslot(key.as_bytes());
        self.0.push(Step { name, slot, script: None, arguments: arguments.collect() });
        self
    }

    /// Adds a script. In a cluster all keys must be of one slot.
    pub fn script<const N: usize>(
        &mut self,
        script: &'static Script,
        keys: &[&str],
        arguments: [Argument; N],
    ) -> &mut Self {
        let slot = keys.first().map_or(0, |key| redis_keyslot(key.as_bytes()));
        let count = i64::try_from(keys.len()).unwrap_or(i64::MAX);
        let head = [Value::from(script.sha()), Value::from(count)];
        let keys = keys.iter().map(|key| Value::from(*key));
        let arguments = head.into_iter().chain(keys).chain(arguments.into_iter().map(|argument| argument.0));
        self.0.push(Step { name: "EVALSHA", slot, script: Some(script), arguments: arguments.collect() });
        self
    }
}

impl From<&str> for Argument {
    fn from(text: &str) -> Self {
        Self(Value::from(text))
    }
}

impl From<String> for Argument {
    fn from(text: String) -> Self {
        Self(Value::from(text))
    }
}

impl From<i64> for Argument {
    fn from(number: i64) -> Self {
        Self(Value::from(number))
    }
}

impl From<&[u8]> for Argument {
    fn from(bytes: &[u8]) -> Self {
        Self(Value::from(bytes))
    }
}

impl Step {
    /// The same with the script's source in the place of its hash: for a server that does not know it yet.
    fn with_source(&self) -> Option<Self> {
        let script = self.script?;
        let mut arguments = self.arguments.clone();
        *arguments.first_mut()? = Value::from(script.source());
        Some(Self { name: "EVAL", slot: self.slot, script: None, arguments })
    }
}

impl RedisConnection {
    /// Sends the batch and waits for all answers, one for each command in order, at most for the command
    /// timeout. A command that Redis refuses fails alone. `Err`: nothing is known of any of them.
    pub async fn run(&self, batch: &Batch) -> Result<Vec<Result<RedisReply, RedisError>>, RedisError> {
        let deadline = self.settings.command_timeout;
        let mut answers =
            timeout(deadline, self.send(&batch.0)).await.map_err(|_| RedisError::Timeout(deadline))??;
        // A script that was refused as unknown did not run: it may be sent again.
        let is_unknown = |answer: &Result<_, RedisError>| matches!(answer, Err(RedisError::Refused(reason)) if reason.starts_with("NOSCRIPT"));
        let unknown: Vec<usize> =
            (0..answers.len()).filter(|&at| answers.get(at).is_some_and(is_unknown)).collect();
        if !unknown.is_empty() {
            let again: Vec<Step> =
                unknown.iter().filter_map(|&at| batch.0.get(at).and_then(Step::with_source)).collect();
            let second =
                timeout(deadline, self.send(&again)).await.map_err(|_| RedisError::Timeout(deadline))??;
            for (at, answer) in unknown.into_iter().zip(second) {
                if let Some(place) = answers.get_mut(at) {
                    *place = answer;
                }
            }
        }
        Ok(answers)
    }

    async fn send(&self, steps: &[Step]) -> Result<Vec<Result<RedisReply, RedisError>>, RedisError> {
        let deadline = self.settings.command_timeout;
        let client = self.wire.0.with_options(&RedisSettings::command(deadline));
        let pipeline = client.pipeline();
        let unreachable = |error| RedisError::from_client(&error, deadline);
        for step in steps {
            let command = CustomCommand::new_static(step.name, ClusterHash::Custom(step.slot), false);
            pipeline.custom::<(), _>(command, step.arguments.clone()).await.map_err(unreachable)?;
        }
        let mut answers = pipeline.try_all::<Value>().await;
        if answers.len() != steps.len() {
            let error = answers.pop().and_then(Result::err).map(unreachable);
            return Err(error.unwrap_or_else(|| RedisError::Refused("answers are missing".to_owned())));
        }
        Ok(answers.into_iter().map(|answer| answer.map(RedisReply::from).map_err(unreachable)).collect())
    }
}
