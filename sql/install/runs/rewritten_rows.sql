-- The source of the SQL path: rows of a running clone, rewritten.
--
-- The statement runs with the caller's rights, as any INSERT of the caller would, so the caller needs EXECUTE (clone.allow grants it).
-- Outside of a run it raises an error: the argument is a random number that a run generates for one statement, passes as a parameter and
-- accepts once, and the requested columns must have exactly the types of the table's columns.

CREATE FUNCTION clone_internal.rewritten_rows(statement uuid) RETURNS SETOF record
LANGUAGE c STRICT VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'clone_rewritten_rows';
COMMENT ON FUNCTION clone_internal.rewritten_rows(uuid) IS
    'Rewritten rows of the running clone for one of its statements; project_clone() inserts them by INSERT ... SELECT';
