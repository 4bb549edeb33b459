//! Features of single major versions of PostgreSQL. On an older server these tests are reported as ignored.

mod postgresql_16;
mod postgresql_17;
mod postgresql_18;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use throwaway_cluster::Installation;

/// A test that needs a major of at least `$since`.
macro_rules! trials {
    ($major:expr, $($since:literal $module:ident { $($name:ident,)* })*) => {
        vec![$($(
            Trial::test(concat!(stringify!($module), "::", stringify!($name)), || {
                runtime()?.block_on($module::$name());
                Ok(())
            })
            .with_ignored_flag($major < $since),
        )*)*]
    };
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let installation = match Installation::find() {
        Ok(installation) => installation,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::FAILURE;
        }
    };
    let trials = trials! { installation.major,
        16 postgresql_16 {
            a_membership_that_is_not_inherited_gives_no_privilege,
        }
        17 postgresql_17 {
            a_database_of_the_builtin_provider_is_cloned_in,
            the_maintain_privilege_is_no_privilege_to_clone,
            a_transaction_timeout_leaves_nothing_behind,
            identity_columns_of_partitioned_tables_give_the_keys,
            an_exclusion_constraint_of_a_partitioned_table_is_seen_before_anything_is_written,
        }
        18 postgresql_18 {
            virtual_generated_columns_are_computed_for_the_clone,
            a_table_whose_computed_columns_are_virtual_takes_the_bulk_path,
            temporal_keys_are_followed,
            rows_belong_by_a_temporal_key,
            named_not_null_constraints_hold_for_clones,
            a_not_null_constraint_that_is_not_valid_holds_for_clones,
            a_check_that_is_not_enforced_stops_no_clone,
            a_foreign_key_that_is_not_enforced_is_a_reference,
            deletion_expects_no_action_of_a_foreign_key_that_is_not_enforced,
            clones_are_the_same_with_every_way_to_do_io,
            a_database_copied_by_either_file_copy_method_goes_on,
        }
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}
