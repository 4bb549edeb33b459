-- Runs :script as one transaction and prints: milliseconds, WAL bytes, bytes by which the backend's peak memory grew
-- (without shared memory), milliseconds of processor time of the backend. The last line is the result.
CREATE EXTENSION IF NOT EXISTS pg_prewarm;
-- The shared buffers become part of this backend's memory before anything is counted.
SELECT sum(pg_prewarm(c.oid, 'buffer')) AS prewarmed FROM pg_class c
WHERE c.relkind IN ('r', 'i', 't') AND c.relnamespace <> 'pg_catalog'::regnamespace \gset
CHECKPOINT;
SELECT clock_timestamp() AS began, pg_current_wal_insert_lsn() AS lsn,
    substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s*(\d+)') AS peak,
    substring(pg_read_file('/proc/self/status') FROM 'RssShmem:\s*(\d+)') AS shared,
    -- User and system time, in hundredths of a second: fields 14 and 15.
    split_part(pg_read_file('/proc/self/stat'), ' ', 14)::int + split_part(pg_read_file('/proc/self/stat'), ' ', 15)::int AS cpu \gset
BEGIN;
\o /dev/null
\i :script
\o
COMMIT;
SELECT round(extract(epoch FROM clock_timestamp() - :'began') * 1000, 1) AS took, pg_current_wal_insert_lsn() AS end_lsn \gset
SELECT :took, pg_wal_lsn_diff(:'end_lsn', :'lsn'), 1024 * (
    substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s*(\d+)')::bigint - :peak
    - substring(pg_read_file('/proc/self/status') FROM 'RssShmem:\s*(\d+)')::bigint + :shared),
    10 * (split_part(pg_read_file('/proc/self/stat'), ' ', 14)::int + split_part(pg_read_file('/proc/self/stat'), ' ', 15)::int - :cpu);
