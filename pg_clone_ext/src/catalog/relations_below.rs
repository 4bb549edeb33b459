//! Relations below others, as SQL with the columns `above` and `below`: recursive queries go from one to the next.

/// What each view reads, anywhere in its query: more than the one table that may have its rows
/// ([`ViewBase`](crate::pg::table::view_base::ViewBase)).
pub const READ_BY_VIEWS: &str = "SELECT r.ev_class AS above, d.refobjid AS below FROM pg_catalog.pg_rewrite AS r \
     JOIN pg_catalog.pg_depend AS d ON d.objid OPERATOR(pg_catalog.=) r.oid \
     AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_rewrite'::pg_catalog.regclass::pg_catalog.oid \
     AND d.refclassid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid \
     WHERE r.ev_type OPERATOR(pg_catalog.=) '1' AND d.refobjid OPERATOR(pg_catalog.<>) r.ev_class";

/// The partitions of each table, and the tables that inherit from it.
pub const PARTS: &str = "SELECT i.inhparent AS above, i.inhrelid AS below FROM pg_catalog.pg_inherits AS i";
