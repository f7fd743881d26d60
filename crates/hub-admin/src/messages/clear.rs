//! What `clear-bindings` says.

/// The texts of one language. `{}` is where a value goes.
#[derive(Debug)]
pub(crate) struct ClearMessages {
    pub(crate) sessions: &'static str,
    pub(crate) is_deleted: &'static str,
    pub(crate) unknown: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) how: &'static str,
    pub(crate) choice: &'static str,
    pub(crate) bad_choice: &'static str,
    pub(crate) ask_priority: &'static str,
    pub(crate) bad_priority: &'static str,
    pub(crate) ask_ids: &'static str,
    pub(crate) bad_ids: &'static str,
    pub(crate) ask_name: &'static str,
    pub(crate) bad_name: &'static str,
    pub(crate) ask_type: &'static str,
    pub(crate) bad_type: &'static str,
    pub(crate) confirm: &'static str,
    pub(crate) unchanged: &'static str,
    pub(crate) no_provider: &'static str,
    pub(crate) nothing_to_do: &'static str,
    pub(crate) dry_run_begins: &'static str,
    pub(crate) dry_run_ends: &'static str,
    pub(crate) counting: &'static str,
    pub(crate) clearing: &'static str,
    pub(crate) keys: &'static str,
    pub(crate) done: &'static str,
    pub(crate) partly: &'static str,
    pub(crate) partly_at_server: &'static str,
    pub(crate) interrupted: &'static str,
    pub(crate) needs_yes: &'static str,
    pub(crate) needs_filter: &'static str,
    pub(crate) needs_redis: &'static str,
}

/// English.
pub(super) const ENGLISH: ClearMessages = ClearMessages {
    sessions: "Sessions",
    is_deleted: "{} (deleted)",
    unknown: "—",
    summary: "{} providers, {} session bindings",
    how: "\
How do you want to choose the providers?
  1  by priority
  2  by id
  3  by name
  4  by type
  5  all of them",
    choice: "Your choice [1-5]:",
    bad_choice: "Type a number from 1 to 5, or press Ctrl-C to leave everything as it is.",
    ask_priority: "Providers with a priority less than:",
    bad_priority: "A priority is a whole number, such as 10 or -1.",
    ask_ids: "Ids, with commas between them:",
    bad_ids: "Ids are whole numbers with commas between them, such as 1,2,3.",
    ask_name: "Part of the name, in upper or lower case:",
    bad_name: "Type at least one character.",
    ask_type: "Type ({}):",
    bad_type: "There is no such type.",
    confirm: "Clear {} session bindings? [y/N]",
    unchanged: "Nothing was changed.",
    no_provider: "No provider matches.",
    nothing_to_do: "Nothing to do: no session is bound to them.",
    dry_run_begins: "[DRY RUN] This is a preview: nothing is changed.",
    dry_run_ends: "[DRY RUN] Nothing was changed.",
    counting: "Counting",
    clearing: "Clearing",
    keys: "keys seen",
    done: "Cleared {} session bindings and {} conversation hashes.",
    partly: "partly done: {} session bindings were cleared, up to {} are left ({}); run it again to finish",
    partly_at_server: "partly done: {}",
    interrupted: "interrupted in the middle: the rest of the session bindings is left; run it again to finish",
    needs_yes: "there is no terminal to ask on: add --yes to clear, or --dry-run to look",
    needs_filter: "say which providers: --priority, --id, --name or --type",
    needs_redis: "without REDIS_URL sessions live inside the running server: go through it with --server URL (and ADMIN_TOKEN)",
};

/// Chinese, simplified.
pub(super) const CHINESE: ClearMessages = ClearMessages {
    sessions: "会话数",
    is_deleted: "{}（已删除）",
    unknown: "—",
    summary: "{} 个供应商，{} 个会话绑定",
    how: "\
按什么条件选择供应商？
  1  优先级
  2  编号
  3  名称
  4  类型
  5  全部",
    choice: "请选择 [1-5]：",
    bad_choice: "请输入 1 到 5 之间的数字；按 Ctrl-C 则不做任何更改。",
    ask_priority: "优先级小于：",
    bad_priority: "优先级应为整数，例如 10 或 -1。",
    ask_ids: "编号（以逗号分隔）：",
    bad_ids: "编号应为以逗号分隔的整数，例如 1,2,3。",
    ask_name: "名称包含（不区分大小写）：",
    bad_name: "请至少输入一个字符。",
    ask_type: "类型（{}）：",
    bad_type: "没有这种类型。",
    confirm: "确定清除 {} 个会话绑定？[y/N]",
    unchanged: "未做任何更改。",
    no_provider: "没有符合条件的供应商。",
    nothing_to_do: "无需清除：没有会话绑定到这些供应商。",
    dry_run_begins: "[DRY RUN] 仅为预览，不会做任何更改。",
    dry_run_ends: "[DRY RUN] 未做任何更改。",
    counting: "正在统计",
    clearing: "正在清除",
    keys: "个键已扫描",
    done: "已清除 {} 个会话绑定和 {} 个对话哈希。",
    partly: "仅完成一部分：已清除 {} 个会话绑定，最多还剩 {} 个（{}）；再次运行即可完成",
    partly_at_server: "仅完成一部分：{}",
    interrupted: "中途被打断：其余会话绑定尚未清除；再次运行即可完成",
    needs_yes: "没有可供确认的终端：请加 --yes 直接清除，或加 --dry-run 预览",
    needs_filter: "请指定供应商：--priority、--id、--name 或 --type",
    needs_redis: "未设置 REDIS_URL 时会话保存在运行中的服务里：请使用 --server URL（及 ADMIN_TOKEN）",
};
