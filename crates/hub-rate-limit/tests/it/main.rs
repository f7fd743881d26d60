//! One contract for every rate limiter.
