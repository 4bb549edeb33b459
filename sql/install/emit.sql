-- The source of the SQL path: rows of a running clone, rewritten.

CREATE FUNCTION clone_internal.rewritten_rows(run bigint, relation regclass) RETURNS SETOF record
LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clone_emit';
COMMENT ON FUNCTION clone_internal.rewritten_rows(bigint, regclass) IS
    'Rows of the running clone for one table, rewritten: what project_clone inserts by INSERT ... SELECT';
