//! Commands that travel together: how they are put together.

use fred::types::Value;
use fred::util::redis_keyslot;

use crate::script::Script;

/// Commands to be sent in one go. Each is about one key (or keys of one slot), so that a cluster can take them;
/// their order holds per key only. A script that the server does not know yet (it has restarted) is sent once
/// more with its source, and so runs after the rest of the batch.
#[derive(Debug, Default)]
pub struct Batch(pub(crate) Vec<Step>);

/// One command.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) slot: u16,
    script: Option<&'static Script>,
    pub(crate) arguments: Vec<Value>,
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
        self.command_with(name, key, arguments)
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
        self.script_with(script, keys, arguments)
    }

    /// Adds a script with any number of arguments after the keys.
    pub fn script_with(
        &mut self,
        script: &'static Script,
        keys: &[&str],
        arguments: impl IntoIterator<Item = Argument>,
    ) -> &mut Self {
        let slot = keys.first().map_or(0, |key| redis_keyslot(key.as_bytes()));
        let count = i64::try_from(keys.len()).unwrap_or(i64::MAX);
        let head = [Value::from_static_str(script.sha()), Value::from(count)];
        let keys = keys.iter().map(|key| Value::from(*key));
        let arguments = arguments.into_iter().map(|argument| argument.0);
        let arguments = head.into_iter().chain(keys).chain(arguments);
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
    /// The arguments share their bytes with the original's.
    pub(crate) fn with_source(&self) -> Option<Self> {
        let script = self.script?;
        let mut arguments = self.arguments.clone();
        *arguments.first_mut()? = Value::from_static_str(script.source());
        Some(Self { name: "EVAL", slot: self.slot, script: None, arguments })
    }
}
