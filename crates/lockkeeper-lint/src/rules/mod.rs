//! The rules, one file each. A new rule is a file here and a line in [`ALL`].

mod attach_partition_without_check;
mod both_stages_in_one_file;
mod changed_default;
mod char_column;
mod check_without_not_valid;
mod collation_change;
mod column_type_change;
mod concurrent_index_corruption;
mod concurrent_index_if_not_exists;
mod concurrent_index_on_partitioned_table;
mod concurrently_in_transaction;
mod detach_without_concurrently;
mod domain_constraint_without_not_valid;
mod down_destroys_data;
mod down_unlike_up;
mod down_without_statement;
mod drop_cascade;
mod drop_column;
mod drop_constraint;
mod drop_index_without_concurrently;
mod drop_object;
mod drop_table;
mod drop_without_if_exists;
mod dynamic_sql_in_function;
mod enum_value_used_at_once;
mod enum_value_without_place;
mod exclusion_constraint;
mod extension_in_migration;
mod foreign_key_without_index;
mod foreign_key_without_not_valid;
mod grant_to_public;
mod index_without_concurrently;
mod json_column;
mod korean;
mod long_lock_timeout;
mod long_name;
mod narrowed_type;
mod needs_earlier_stage_two;
mod new_column_with_check;
mod new_column_with_key;
mod not_null_column_without_default;
mod not_null_without_check;
mod numbered_column;
mod open_transaction;
mod partition_of_table_in_use;
mod policy_on_table_in_use;
mod primary_key_without_index;
mod refresh_without_concurrently;
mod reindex_without_concurrently;
mod removal_in_stage_one;
mod removal_of_what_is_used;
mod rename_column;
mod rename_object;
mod rename_table;
mod replica_identity;
mod required_until_removed;
mod row_security_without_policy;
mod schema_change_in_function;
mod schema_change_with_data_change;
mod security_definer_without_search_path;
mod separate_alter_tables;
mod serial_column;
mod several_tables_in_one_transaction;
mod small_primary_key;
mod stage_unlike_name;
mod stored_generated_column;
mod superuser_role;
mod syntax_error;
mod syntax_of_later_version;
mod timestamp_without_time_zone;
mod transaction_in_file;
mod trigger_on_table_in_use;
mod truncate;
mod unique_without_index;
mod unlimited_lock_timeout;
mod unqualified_table;
mod unreadable_sql;
mod vacuum_full;
mod validate_in_same_transaction;
mod varchar_limit;
mod volatile_default;
mod whole_table_copy;
mod write_without_where;

use crate::rule::Rule;

/// Every rule, by name.
pub const ALL: &[Rule] = &[
    attach_partition_without_check::RULE,
    both_stages_in_one_file::RULE,
    changed_default::RULE,
    char_column::RULE,
    check_without_not_valid::RULE,
    collation_change::RULE,
    column_type_change::RULE,
    concurrent_index_corruption::RULE,
    concurrent_index_if_not_exists::RULE,
    concurrent_index_on_partitioned_table::RULE,
    concurrently_in_transaction::RULE,
    detach_without_concurrently::RULE,
    domain_constraint_without_not_valid::RULE,
    down_destroys_data::RULE,
    down_unlike_up::RULE,
    down_without_statement::RULE,
    drop_cascade::RULE,
    drop_column::RULE,
    drop_constraint::RULE,
    drop_index_without_concurrently::RULE,
    drop_object::RULE,
    drop_table::RULE,
    drop_without_if_exists::RULE,
    dynamic_sql_in_function::RULE,
    enum_value_used_at_once::RULE,
    enum_value_without_place::RULE,
    exclusion_constraint::RULE,
    extension_in_migration::RULE,
    foreign_key_without_index::RULE,
    foreign_key_without_not_valid::RULE,
    grant_to_public::RULE,
    index_without_concurrently::RULE,
    json_column::RULE,
    long_lock_timeout::RULE,
    long_name::RULE,
    narrowed_type::RULE,
    needs_earlier_stage_two::RULE,
    new_column_with_check::RULE,
    new_column_with_key::RULE,
    not_null_column_without_default::RULE,
    not_null_without_check::RULE,
    numbered_column::RULE,
    open_transaction::RULE,
    partition_of_table_in_use::RULE,
    policy_on_table_in_use::RULE,
    primary_key_without_index::RULE,
    refresh_without_concurrently::RULE,
    reindex_without_concurrently::RULE,
    removal_in_stage_one::RULE,
    removal_of_what_is_used::RULE,
    rename_column::RULE,
    rename_object::RULE,
    rename_table::RULE,
    replica_identity::RULE,
    required_until_removed::RULE,
    row_security_without_policy::RULE,
    schema_change_in_function::RULE,
    schema_change_with_data_change::RULE,
    security_definer_without_search_path::RULE,
    separate_alter_tables::RULE,
    serial_column::RULE,
    several_tables_in_one_transaction::RULE,
    small_primary_key::RULE,
    stage_unlike_name::RULE,
    stored_generated_column::RULE,
    superuser_role::RULE,
    syntax_error::RULE,
    syntax_of_later_version::RULE,
    timestamp_without_time_zone::RULE,
    transaction_in_file::RULE,
    trigger_on_table_in_use::RULE,
    truncate::RULE,
    unique_without_index::RULE,
    unlimited_lock_timeout::RULE,
    unqualified_table::RULE,
    unreadable_sql::RULE,
    vacuum_full::RULE,
    validate_in_same_transaction::RULE,
    varchar_limit::RULE,
    volatile_default::RULE,
    whole_table_copy::RULE,
    write_without_where::RULE,
];

/// The rule of that name.
pub fn named(name: &str) -> Option<&'static Rule> {
    ALL.iter().find(|rule| rule.name == name)
}

/// A rule's documentation in Korean.
pub fn in_korean(rule: &Rule) -> Option<&'static str> {
    korean::KOREAN.iter().find(|(name, _)| *name == rule.name).map(|(_, text)| *text)
}
