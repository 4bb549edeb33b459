-- $1 run or NULL: where the queue stands; seconds until the next row is due
SELECT pg_catalog.count(*) FILTER (WHERE q.state = 'pending') AS pending,
       pg_catalog.count(*) FILTER (WHERE q.state = 'running') AS running,
       pg_catalog.count(*) FILTER (WHERE q.state = 'failed') AS failed,
       pg_catalog.sum(q.size_expected) FILTER (WHERE q.state IN ('pending', 'running'))::bigint AS bytes,
       pg_catalog.date_part('epoch', pg_catalog.min(q.next_attempt_at) FILTER (WHERE q.state = 'pending')
           - pg_catalog.clock_timestamp()) AS due
FROM clone.blob_copy AS q
WHERE q.state IN ('pending', 'running', 'failed') AND ($1::bigint IS NULL OR q.run_id = $1)
