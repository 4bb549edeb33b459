-- A clone in SQL alone: the floor, with a function that replaces the ids that a document holds. Less than a clone does:
-- columns, arrays and lookup tables keep the source's references, and versions theirs.
\ir ../rewritten.sql
SELECT regexp_replace(statement, '\mt\.content\M', 'pg_temp.rewritten(t.content)', 'g') FROM bench.statement ORDER BY position \gexec
