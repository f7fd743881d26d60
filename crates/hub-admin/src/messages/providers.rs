//! What `providers test` and `providers breaker-reset` say.

/// The texts of one language. `{}` is where a value goes.
#[derive(Debug)]
pub(crate) struct ProviderMessages {
    pub(crate) figure: &'static str,
    pub(crate) value: &'static str,
    pub(crate) result: &'static str,
    pub(crate) status: &'static str,
    pub(crate) class: &'static str,
    pub(crate) latency: &'static str,
    pub(crate) first_byte: &'static str,
    pub(crate) upstream_model: &'static str,
    pub(crate) message: &'static str,
    pub(crate) failed: &'static str,
    pub(crate) was_reset: &'static str,
    pub(crate) test_needs_server: &'static str,
    pub(crate) reset_needs_hub: &'static str,
    pub(crate) redis_is_away: &'static str,
}

pub(super) const ENGLISH: ProviderMessages = ProviderMessages {
    figure: "Test",
    value: "Result",
    result: "Outcome",
    status: "HTTP status",
    class: "Failure",
    latency: "Whole answer",
    first_byte: "First byte",
    upstream_model: "Answered as",
    message: "Message",
    failed: "{} failed the test",
    was_reset: "the breaker of {} is {}",
    test_needs_server: "a running hub tests its providers: ask it with --server URL and ADMIN_TOKEN",
    reset_needs_hub: "without REDIS_URL breakers live in the running hub: go through it with --server URL and ADMIN_TOKEN",
    redis_is_away: "Redis does not answer: the breaker is as it was",
};

pub(super) const CHINESE: ProviderMessages = ProviderMessages {
    figure: "测试",
    value: "结果",
    result: "结论",
    status: "HTTP 状态",
    class: "失败类别",
    latency: "总耗时",
    first_byte: "首字节",
    upstream_model: "上游模型名",
    message: "说明",
    failed: "{} 未通过测试",
    was_reset: "{} 的熔断器现在是 {}",
    test_needs_server: "测试由运行中的服务执行：请使用 --server URL 和 ADMIN_TOKEN",
    reset_needs_hub: "未设置 REDIS_URL 时熔断器在运行中的服务里：请使用 --server URL 和 ADMIN_TOKEN",
    redis_is_away: "Redis 没有响应：熔断器未改变",
};
