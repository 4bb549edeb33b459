//! Large items, long lists of edits, large exports: a cancellation is answered at once.

use crate::fixture::*;
use pg_clone_tests::cancellation::Promptness;

/// Many small members: about 2 MB: unoptimized code takes as long for them as a release for the 16 MB that an item may have.
const LARGE: &str = "(SELECT jsonb_build_object('user_metadata', jsonb_object_agg('key' || n, md5(n::text))) FROM generate_series(1, 40000) n)";

#[tokio::test(flavor = "multi_thread")]
async fn work_at_large_items_answers_a_cancellation() {
    let reg = with_items().await;
    let mut told = Promptness::default();
    let list = "jsonb_build_array(jsonb_build_object('op', 'add', 'path', '/tmp', 'value', (SELECT jsonb_agg(n) FROM generate_series(1, 40000) n)))";
    for (name, call) in [
        ("edits", format!("SELECT item_clone('{MODEL}', {LARGE}, 'ada')")),
        ("check", format!("SELECT item_clone_check('{MODEL}', {LARGE}, 'ada')")),
        (
            "patch",
            format!(
                "SELECT item_clone('{MODEL}', {list} || (SELECT jsonb_agg(jsonb_build_object('op', 'add', 'path', '/tmp/0', 'value', n)) FROM generate_series(1, 40000) n), 'ada')"
            ),
        ),
        (
            "copies",
            format!(
                "SELECT item_clone('{MODEL}', {list} || (SELECT jsonb_agg(jsonb_build_object('op', 'copy', 'from', '/tmp', 'path', '/copy' || n)) FROM generate_series(1, 200) n), 'ada')"
            ),
        ),
        (
            "load",
            "SELECT clone.registry_load_check((SELECT jsonb_agg(e) FROM jsonb_array_elements(clone_internal.registry_entries(clone.registry_export())) e, generate_series(1, 3000)))".to_owned(),
        ),
    ] {
        told.measure(reg.config(), name, &call, 1).await;
    }
    reg.run("UPDATE reg.item SET user_metadata = (SELECT jsonb_object_agg('key' || n, md5(n::text)) FROM generate_series(1, 40000) n) WHERE id = '10378.1/102'")
        .await;
    for call in [
        format!("SELECT item_clone('{MODEL}', '{{}}', 'ada')"),
        format!("SELECT item_clone_draft('{MODEL}', 'ada')"),
    ] {
        told.measure(reg.config(), &call, &call, 1).await;
    }
    told.assert();
}
