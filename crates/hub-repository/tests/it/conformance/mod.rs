//! What every repository must do, run on each of them.

mod access;
mod catalogue;
mod error_rules;
mod generations;
mod history;
mod limits;
mod names;
mod notices;
mod people;
mod records;
mod reports;
mod webhooks;

use std::sync::Arc;

use async_trait::async_trait;
use hub_repository::Repository;

/// A fresh database that goes away at the end.
#[async_trait]
pub(crate) trait Place: Send + Sync {
    /// One more instance on the same database.
    async fn open(&self, master_key: [u8; 32]) -> Arc<dyn Repository>;
    /// Everything that the database keeps on disk.
    async fn stored_bytes(&self) -> Vec<u8>;
    /// One number out of a statement.
    async fn number(&self, sql: &str) -> i64;
    /// Runs a statement.
    async fn run(&self, sql: &str);
}

const KEY: [u8; 32] = [42; 32];

macro_rules! on_every_database {
    ($($topic:ident :: $case:ident),* $(,)?) => {
        #[cfg(feature = "sqlite")]
        mod on_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let place = crate::sqlite::InFile::new();
                super::$topic::$case(&place).await;
            })*
        }
        #[cfg(feature = "postgres")]
        mod on_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let place = crate::postgres::OnServer::new().await;
                super::$topic::$case(&place).await;
            })*
        }
    };
}

on_every_database! {
    access::a_user_comes_back_as_it_was_written,
    access::names_are_unique_among_the_living_only,
    access::an_update_of_what_somebody_else_changed_is_a_conflict,
    access::a_deleted_user_takes_the_keys_along,
    access::a_caller_is_found_by_the_hash_of_the_credential,
    access::only_the_hash_of_a_key_is_kept,
    access::keys_are_listed_by_user_and_page_by_page,
    access::the_last_use_of_a_key_never_goes_back,
    access::a_key_needs_a_living_user,
    catalogue::a_provider_comes_back_as_it_was_written,
    catalogue::credentials_are_sealed,
    catalogue::another_master_key_opens_nothing,
    catalogue::the_catalogue_holds_everything_living,
    catalogue::prices_raise_their_version_only_when_they_change,
    catalogue::what_is_not_json_is_refused,
    error_rules::an_error_rule_comes_back_as_it_was_written,
    error_rules::error_rules_are_in_the_catalogue_and_edits_are_told,
    generations::labels_cover_the_deleted_page_by_page,
    generations::a_bump_reaches_living_and_deleted_providers_and_is_told,
    generations::an_edit_that_began_before_a_bump_is_a_conflict,
    history::every_version_of_the_catalogue_can_be_looked_back,
    history::edits_that_choosing_does_not_see_leave_no_trace,
    history::what_ended_long_ago_is_forgotten_and_said_to_be,
    limits::sums_of_the_ledger_are_those_of_its_lines,
    limits::a_sum_of_all_time_needs_no_look_at_whole_hours_of_the_ledger,
    limits::refusals_add_up_by_hour_limit_user_and_key,
    names::users_keys_and_providers_are_named_even_when_deleted,
    names::many_names_are_found_at_once,
    notices::an_edit_is_told_to_every_instance_within_a_second,
    notices::a_failed_edit_tells_nothing_and_leaves_nothing,
    people::logins_live_until_they_expire_or_end,
    people::the_audit_log_names_new_rows_and_is_read_backwards,
    people::the_database_says_what_it_is,
    webhooks::a_webhook_target_comes_back_as_it_was_written,
    records::a_record_comes_back_whole,
    records::writing_twice_changes_nothing,
    records::overlapping_batches_add_only_what_is_new,
    records::concurrent_writers_of_the_same_records_count_them_once,
    records::rollups_are_always_the_sum_of_the_ledger,
    records::absurd_figures_do_not_break_the_sums,
    records::records_of_many_months_are_kept,
    reports::requests_are_filtered,
    reports::pages_cover_all_requests_once,
    reports::usage_is_grouped_and_bounded_by_hours,
    reports::names_of_deleted_rows_stay_readable,
}
