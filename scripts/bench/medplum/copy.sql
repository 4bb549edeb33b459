-- COPY of the floor's rows out into a file and in again, table by table.
SELECT CASE WHEN part IS NULL THEN statement ELSE format('COPY (%s) TO PROGRAM %L (FORMAT binary)', part[3], 'cat >copied_rows') END,
    CASE WHEN part IS NOT NULL THEN format('COPY %s (%s) FROM PROGRAM %L (FORMAT binary)', part[1], part[2], 'cat copied_rows; rm copied_rows') END
FROM bench.statement LEFT JOIN LATERAL regexp_match(statement, '^INSERT INTO (.+?) \((.+?)\) (SELECT .*)$') AS part ON part[1] !~ 'map$'
ORDER BY position \gexec
