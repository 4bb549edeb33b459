-- The source of the SQL path: rows of a running clone, rewritten.
--
-- The statement runs with the caller's rights, as any INSERT of the caller would, so the caller needs EXECUTE (clone.allow grants it). It
-- is of no use to anybody else: the argument is a random number that a run makes for one statement, hands over as a parameter and
-- forgets at the first call, and the columns asked for must have the very types of the table's columns.

CREATE FUNCTION clone_internal.rewritten_rows(statement uuid) RETURNS SETOF record
LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clone_rewritten_rows';
COMMENT ON FUNCTION clone_internal.rewritten_rows(uuid) IS
    'Rows of the running clone for one statement of it, rewritten: what project_clone inserts by INSERT ... SELECT';
