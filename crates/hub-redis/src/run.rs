//! Sending a batch and collecting the answers.

use std::time::Duration;

use fred::interfaces::ClientLike;
use fred::types::{ClusterHash, CustomCommand, Value};

use crate::batch::{Batch, Step};
use crate::connection::{RedisConnection, Wire};
use crate::error::RedisError;
use crate::reply::RedisReply;

/// The answers to a batch's commands, in their order. A command that Redis refuses fails alone.
pub type BatchReplies = Vec<Result<RedisReply, RedisError>>;

impl RedisConnection {
    /// Sends the batch and waits for all answers, one for each command in order, at most for the command
    /// timeout. `Err`: nothing is known of any of the commands. After three time-outs in a row (or answers that
    /// took most of the time) Redis is skipped for a second, and then tried by one batch at a time until it
    /// answers soon: see [`RedisError::Skipped`].
    pub async fn run(&self, batch: Batch) -> Result<BatchReplies, RedisError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let passage = self.standing.enter()?;
        let answers = self.run_for(batch, self.settings.command_timeout).await;
        passage.back(&answers);
        answers
    }

    /// Like [`RedisConnection::run`] with a deadline of the caller's own, and never skipped: for maintenance,
    /// which no request waits for. A server that answers nothing at all for a second is disconnected whatever
    /// the deadline.
    pub async fn run_for(&self, batch: Batch, deadline: Duration) -> Result<BatchReplies, RedisError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        self.standing.sends(batch.len());
        let answers = self.wire.answer_of(deadline, Box::pin(self.wire.run(batch, deadline))).await;
        self.standing.sent(&answers);
        answers
    }
}

impl Wire {
    async fn run(&self, batch: Batch, deadline: Duration) -> Result<BatchReplies, RedisError> {
        let scripts: Vec<(usize, Step)> = batch
            .0
            .iter()
            .enumerate()
            .filter_map(|(at, step)| step.with_source().map(|step| (at, step)))
            .collect();
        let mut answers = self.send(batch.0, deadline).await?;
        // A script that was refused as unknown did not run: it may be sent again.
        let (places, again): (Vec<usize>, Vec<Step>) =
            scripts.into_iter().filter(|(at, _)| answers.get(*at).is_some_and(is_unknown)).unzip();
        if !again.is_empty() {
            for (at, answer) in places.into_iter().zip(self.send(again, deadline).await?) {
                if let Some(place) = answers.get_mut(at) {
                    *place = answer;
                }
            }
        }
        Ok(answers)
    }

    async fn send(&self, steps: Vec<Step>, deadline: Duration) -> Result<BatchReplies, RedisError> {
        let from_client = |error| RedisError::from_client(&error, deadline);
        // In this order: the pipeline of a client with options is one without them.
        let pipeline = self.0.pipeline().with_options(&self.options(deadline));
        let count = steps.len();
        for step in steps {
            let command = CustomCommand::new_static(step.name, ClusterHash::Custom(step.slot), false);
            pipeline.custom::<(), _>(command, step.arguments).await.map_err(from_client)?;
        }
        let answers = pipeline.try_all::<Value>().await.into_iter();
        let mut answers: BatchReplies =
            answers.map(|answer| answer.map(RedisReply::from).map_err(from_client)).collect();
        // Without an answer the library gives a single error, however many commands there were.
        match answers.pop() {
            Some(Err(error)) if answers.is_empty() && (count > 1 || !error.is_answer()) => Err(error),
            Some(last) if answers.len() + 1 == count => {
                answers.push(last);
                Ok(answers)
            }
            _ => Err(RedisError::Refused("answers are missing".to_owned())),
        }
    }
}

fn is_unknown(answer: &Result<RedisReply, RedisError>) -> bool {
    matches!(answer, Err(RedisError::Refused(reason)) if reason.starts_with("NOSCRIPT"))
}
