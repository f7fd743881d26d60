//! What the command `limits` says, in both languages.

/// The texts of one language. `{}` is where a value goes.
#[derive(Debug)]
pub(crate) struct LimitMessages {
    pub(crate) window: &'static str,
    pub(crate) used: &'static str,
    pub(crate) reserved: &'static str,
    pub(crate) limit: &'static str,
    pub(crate) resets: &'static str,
    pub(crate) none_set: &'static str,
    pub(crate) was_reset: &'static str,
    pub(crate) needs_server: &'static str,
}

pub(super) const ENGLISH: LimitMessages = LimitMessages {
    window: "Window",
    used: "Used",
    reserved: "Reserved",
    limit: "Limit",
    resets: "Resets",
    none_set: "{} has no limits",
    was_reset: "{}: money and tokens count from now on",
    needs_server: "the running hub counts: ask it with --server URL and ADMIN_TOKEN",
};

pub(super) const CHINESE: LimitMessages = LimitMessages {
    window: "窗口",
    used: "已用",
    reserved: "预留",
    limit: "限额",
    resets: "重置时间",
    none_set: "{} 没有限额",
    was_reset: "{}：金额和令牌从现在起重新计数",
    needs_server: "计数在运行中的服务里：请使用 --server URL 和 ADMIN_TOKEN 查询",
};
