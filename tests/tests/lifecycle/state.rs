//! The content of a database's tables, to check that nothing changed.

use std::collections::BTreeMap;

use pg_clone_tests::scratch_database::Session;

/// Per table: number of rows and a hash over all of them.
pub type State = BTreeMap<String, (String, String)>;

/// The state of every table of these schemas.
pub async fn of(session: &Session, schemas: &str) -> State {
    let tables = session
        .list(&format!(
            "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = ANY ('{{{schemas}}}'::regnamespace[])"
        ))
        .await;
    assert!(!tables.is_empty());
    let mut state = State::new();
    for table in tables {
        let row = session
            .rows(&format!(
                "SELECT count(*), COALESCE(sum(hashtextextended(t::text, 0)::numeric), 0) FROM {table} t"
            ))
            .await
            .swap_remove(0);
        let [count, hash] = row.try_into().unwrap();
        state.insert(table, (count.unwrap(), hash.unwrap()));
    }
    state
}

/// Tables whose state differs.
pub fn differences(before: &State, after: &State) -> Vec<String> {
    before
        .iter()
        .filter(|(table, state)| after.get(*table) != Some(state))
        .map(|(table, state)| format!("{table}: {state:?} became {:?}", after.get(table)))
        .collect()
}
