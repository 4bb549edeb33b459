-- Numbers that stand in claims while no session holds their lock. A worker locks its number before it claims and no
-- number is used twice, so a number once dead stays dead: acting on this later is safe.
SELECT DISTINCT q.claimed_by
FROM clone.blob_copy AS q
WHERE q.state = 'running'
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_locks AS l
      WHERE l.locktype = 'advisory'
        AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
        AND l.classid = 1668050798
        AND l.objid = q.claimed_by::oid
        AND l.objsubid = 2
        AND l.granted)
