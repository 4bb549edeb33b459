-- The source of the SQL path: rows of a running clone, rewritten.

CREATE FUNCTION clone.emit(run bigint, relation regclass) RETURNS SETOF record
LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clone_emit';
COMMENT ON FUNCTION clone.emit(bigint, regclass) IS
    'Rows of the running clone for one table, rewritten: what project_clone inserts by INSERT ... SELECT';
