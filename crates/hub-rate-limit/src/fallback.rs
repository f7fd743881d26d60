//! Limits in Redis with this process to fall back on.

/// Placeholder while the limiter in Redis is built.
#[derive(Debug)]
pub struct FallbackRateLimiter;
