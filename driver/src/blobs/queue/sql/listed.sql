-- $1 worker number, $2 id of a row whose keys end in a slash, $3 the files below its source key, without that, $4 method, $5 and $6 where source and target are:
-- queues one copy for each and marks the row done, both or neither, and only under the claim: no row is listed twice.
WITH listed AS (
    UPDATE clone.blob_copy AS q
    SET state = 'done',
        claimed_by = NULL,
        method = $4,
        bytes = 0,
        checksum = NULL,
        source_location = COALESCE($5, q.source_location),
        target_location = COALESCE($6, q.target_location),
        last_error = NULL,
        error_is_permanent = false,
        finished_at = pg_catalog.clock_timestamp()
    WHERE q.id = $2 AND q.claimed_by = $1
    RETURNING q.run_id, q.store, q.resource_type, q.source_id, q.target_id, q.source_key, q.target_key,
        q.source_location, q.target_location
), queued AS (
    INSERT INTO clone.blob_copy (run_id, store, operation, resource_type, source_id, target_id, source_key, target_key,
        source_location, target_location)
    SELECT l.run_id, l.store, 'copy', l.resource_type, l.source_id, l.target_id, l.source_key || f.rest, l.target_key || f.rest,
        l.source_location, l.target_location
    FROM listed AS l CROSS JOIN pg_catalog.unnest($3::text[]) AS f (rest)
    RETURNING run_id
)
SELECT pg_catalog.pg_notify('clone_blob_copy', n.run_id::text) FROM (SELECT DISTINCT q.run_id FROM queued AS q) AS n
