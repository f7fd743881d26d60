//! What a run found.

use std::time::Duration;

use serde::Serialize;

use super::histogram::Histogram;

/// The result of a run. Times are in microseconds unless the name says otherwise.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Requests with a good answer.
    pub requests: u64,
    /// Requests without one.
    pub errors: u64,
    /// Duration of the run.
    pub seconds: f64,
    /// Good answers per second.
    pub rps: f64,
    /// From the request's first byte out to the answer's last byte in.
    pub latency: Percentiles,
    /// From the request's first byte out to the answer's first byte in.
    pub first_byte: Percentiles,
    /// Server-sent events received.
    pub chunks: u64,
    /// Server-sent events per second.
    pub chunks_per_second: f64,
    /// Bytes received, heads included.
    pub bytes: u64,
    /// What went wrong first, if anything did.
    pub first_error: Option<String>,
}

/// Some percentiles of the good answers' times.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Percentiles {
    /// Half of the answers were not slower.
    pub p50: u64,
    /// 90 % were not slower.
    pub p90: u64,
    /// 99 % were not slower.
    pub p99: u64,
    /// The slowest.
    pub max: u64,
}

/// What one caller, or all of them, counted.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) requests: u64,
    pub(super) errors: u64,
    pub(super) chunks: u64,
    pub(super) bytes: u64,
    pub(super) latency: Histogram,
    pub(super) first_byte: Histogram,
    pub(super) first_error: Option<String>,
}

impl Tally {
    pub(super) fn merge(&mut self, other: Self) {
        self.requests += other.requests;
        self.errors += other.errors;
        self.chunks += other.chunks;
        self.bytes += other.bytes;
        self.latency.merge(&other.latency);
        self.first_byte.merge(&other.first_byte);
        self.first_error = self.first_error.take().or(other.first_error);
    }

    pub(super) fn report(self, took: Duration) -> Report {
        let seconds = took.as_secs_f64().max(1e-9);
        Report {
            requests: self.requests,
            errors: self.errors,
            seconds,
            rps: self.requests as f64 / seconds,
            latency: percentiles(&self.latency),
            first_byte: percentiles(&self.first_byte),
            chunks: self.chunks,
            chunks_per_second: self.chunks as f64 / seconds,
            bytes: self.bytes,
            first_error: self.first_error,
        }
    }
}

fn percentiles(histogram: &Histogram) -> Percentiles {
    let [p50, p90, p99] = [50, 90, 99].map(|percent| histogram.percentile(percent));
    Percentiles { p50, p90, p99, max: histogram.max() }
}
