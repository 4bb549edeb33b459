//! SQL functions on names, and lists that the core has. They use only the core, so that they need no safe `search_path`:
//! `scripts/lint/entry-points.sh` refuses anything else here. Discovery calls them some hundred thousand times.

use pgrx::prelude::*;

#[pg_schema]
mod clone_internal {
    use pg_clone_core::ids::no_value;
    use pg_clone_core::names;
    use pgrx::prelude::*;

    /// Values, in lower case, that stand in place of NULL in columns which refer to a row.
    #[pg_extern(immutable, parallel_safe)]
    fn in_place_of_null() -> Vec<&'static str> {
        no_value::IN_PLACE_OF_NULL.to_vec()
    }

    /// orderItem, OrderItem: order_item.
    #[pg_extern(immutable, parallel_safe)]
    fn snake(name: &str) -> String {
        names::snake(name)
    }

    /// The singular of an English noun, by the rules of frameworks that name tables in the plural.
    #[pg_extern(immutable, parallel_safe)]
    fn singular(name: &str) -> String {
        names::singular(name)
    }

    /// A name without separators, in lower case: orderitem for order_item and OrderItem.
    #[pg_extern(immutable, parallel_safe)]
    fn plain(name: &str) -> String {
        names::plain(name)
    }

    /// The word before id in a name without separators, such as customerid; NULL for other names.
    #[pg_extern(immutable, parallel_safe)]
    fn folded_word(name: &str) -> Option<String> {
        names::folded_word(name)
    }

    /// The word before _id or id in a column's name, in snake case; NULL for other names.
    #[pg_extern(immutable, parallel_safe)]
    fn named_table(name: &str, plural: bool) -> Option<String> {
        names::named_table(name, plural)
    }

    /// The word that a name has besides the ending of a key: product for product_id, productIds, productRef and products.
    #[pg_extern(immutable, parallel_safe)]
    fn named_word(name: &str) -> String {
        names::named_word(name)
    }

    /// Whether a name is that of a key: x_id, xIds, xid, x_uuid.
    #[pg_extern(immutable, parallel_safe)]
    fn says_id(name: &str) -> bool {
        names::says_id(name)
    }

    /// The word by which columns name a table: order_item for OrderItems.
    #[pg_extern(immutable, parallel_safe)]
    fn table_word(relname: &str) -> String {
        names::table_word(relname)
    }

    /// How a name can mean a table: 1 by its word and an ending, 2 with other words before, 3 by a part of the word; NULL: not.
    #[pg_extern(immutable, parallel_safe)]
    fn table_match(name: &str, word: &str) -> Option<i32> {
        names::table_match(name, word).map(|by| by as i32)
    }

    /// Whether a name is a word, or ends with it: v1_task with task.
    #[pg_extern(immutable, parallel_safe)]
    fn ends_with_word(name: &str, word: &str) -> bool {
        names::ends_with_word(name, word)
    }

    /// The forms in which the names of types and tables are compared: saleorder for sale.order and SaleOrders.
    #[pg_extern(immutable, parallel_safe)]
    fn kind_forms(name: &str) -> Vec<String> {
        names::kind_forms(name)
    }

    /// The pairs of a name of a type and a name of a table that have one of the `kind_forms()` in common, each once. A call for 548 names
    /// takes 3.2 to 3.9 ms in a build without optimization; to make their `kind_forms()` one by one takes 5.3 ms.
    #[pg_extern(immutable, parallel_safe)]
    fn kind_matches(
        kinds: Vec<String>,
        tables: Vec<String>,
    ) -> TableIterator<'static, (name!(kind, String), name!(table_name, String))> {
        let found: Vec<(String, String)> = names::kind_matches(&kinds, &tables)
            .into_iter()
            .map(|(kind, table)| (kind.to_owned(), table.to_owned()))
            .collect();
        TableIterator::new(found)
    }

    /// Whether a name is that of a person in a role: author, created_by, ownerid.
    #[pg_extern(immutable, parallel_safe)]
    fn names_person(name: &str) -> bool {
        names::names_person(name)
    }

    /// Whether a table of this word has persons as its rows: 2 users and those who work for the tenant, 1 others, 0 none.
    #[pg_extern(immutable, parallel_safe)]
    fn has_persons(table_word: &str) -> i32 {
        names::has_persons(table_word) as i32
    }

    /// Whether a name is that of an order, a size, an amount or a state, such as position or lock_version.
    #[pg_extern(immutable, parallel_safe)]
    fn names_quantity(name: &str) -> bool {
        names::names_quantity(name)
    }

    /// What is wrong with a JSONPath, NULL if nothing is.
    #[pg_extern(immutable, parallel_safe)]
    fn path_error(path: &str) -> Option<String> {
        pg_clone_core::rules::DocumentPath::parse(path).err()
    }

    /// The known word that is most similar to an unknown one, NULL if none is similar.
    #[pg_extern(immutable, parallel_safe)]
    fn nearest_word(given: &str, known: Vec<String>) -> Option<String> {
        pg_clone_core::nearest::nearest(given, known.iter().map(String::as_str)).map(str::to_owned)
    }
}
