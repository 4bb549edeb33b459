//! The order in which tables are filled: a table after those that its foreign keys reference or its rows belong through.

use super::store::{Oid, Store, Table, TableRole};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

/// Order of tables that can be filled: kind, position in the catalog, place in the catalog.
type Key = (u8, i32, usize);

fn rank(store: &Store, role: TableRole) -> u8 {
    match role {
        // An application inserts its tenant first: triggers of other tables may need what a trigger of the tenants' table has made.
        TableRole::Project if store.follows_constraints() => 0,
        TableRole::Resource => 1,
        TableRole::History => 2,
        TableRole::Derived => 3,
        // Presets: the project's row is inserted last unless a foreign key needs it first.
        TableRole::Project => 4,
    }
}

/// The tables that foreign keys of a table reference. Those of a table below a view are known as declared references only.
fn referenced<'s>(store: &'s Store, table: &'s Table) -> impl Iterator<Item = Oid> + 's {
    let is_view = |oid: Oid| store.table(oid).is_some_and(|table| table.kind == "v");
    let declared = table.keys.references.iter().map(|reference| reference.target);
    let below_views = declared.filter(move |target| table.kind == "v" || is_view(*target));
    table.references.iter().copied().chain(below_views)
}

/// Whether foreign keys of several of these tables form a cycle.
pub fn has_circle(store: &Store, among: &HashSet<Oid>) -> bool {
    let mut left: Vec<&Table> = store.tables.iter().filter(|t| among.contains(&t.oid)).collect();
    loop {
        let oids: HashSet<Oid> = left.iter().map(|t| t.oid).collect();
        let before = left.len();
        left.retain(|t| referenced(store, t).any(|oid| oid != t.oid && oids.contains(&oid)));
        if left.len() == before {
            return !left.is_empty();
        }
    }
}

/// The store's tables in insertion order. Tables in a cycle of foreign keys come in the catalog's order (such keys
/// must be deferrable, or nullable and unmapped, to be insertable at all).
pub fn insertion_order(store: &Store) -> Vec<Oid> {
    let keys: HashMap<Oid, Key> = store
        .tables
        .iter()
        .enumerate()
        .map(|(index, table)| (table.oid, (rank(store, table.role), table.position, index)))
        .collect();
    let mut waiting: HashMap<Oid, usize> = HashMap::new();
    let mut unlocks: HashMap<Oid, Vec<Oid>> = HashMap::new();
    for table in &store.tables {
        let parents = table.parents.iter().filter(|_| store.follows_constraints());
        let mut needed: Vec<Oid> = referenced(store, table)
            .chain(parents.copied())
            .filter(|oid| *oid != table.oid && keys.contains_key(oid))
            .collect();
        needed.sort_unstable();
        needed.dedup();
        waiting.insert(table.oid, needed.len());
        for parent in needed {
            unlocks.entry(parent).or_default().push(table.oid);
        }
    }
    let mut ready: BinaryHeap<Reverse<(Key, Oid)>> = waiting
        .iter()
        .filter(|(_, count)| **count == 0)
        .filter_map(|(oid, _)| keys.get(oid).map(|key| Reverse((*key, *oid))))
        .collect();
    let mut order = Vec::with_capacity(store.tables.len());
    loop {
        while let Some(Reverse((_, oid))) = ready.pop() {
            waiting.remove(&oid);
            order.push(oid);
            for child in unlocks.remove(&oid).unwrap_or_default() {
                if let Some(count) = waiting.get_mut(&child) {
                    *count -= 1;
                    if *count == 0
                        && let Some(key) = keys.get(&child)
                    {
                        ready.push(Reverse((*key, child)));
                    }
                }
            }
        }
        // A cycle: take the first in the catalog's order and continue.
        let next = waiting
            .keys()
            .filter_map(|oid| keys.get(oid).map(|key| (*key, *oid)))
            .min();
        match next {
            Some((key, oid)) => {
                waiting.insert(oid, 0);
                ready.push(Reverse((key, oid)));
            }
            None => return order,
        }
    }
}
