-- The queue of files to copy. A clone inserts its rows here in its own transaction, so they exist exactly when the clone
-- does. `pg_clone blobs run` processes them afterwards, in any number of processes on any number of machines.
--
-- A producer writes only (run_id, store, operation, resource_type, source_id, target_id, source_key, target_key,
-- content_type, size_expected) and calls pg_catalog.pg_notify('clone_blob_copy', run_id::text) once per transaction:
-- the server delivers the notification at commit, and waiting workers (--watch) start.
--
-- Claims: a worker holds the session advisory lock (1668050798, n), where n is its random number, and
-- writes n into claimed_by of the rows that it takes with FOR UPDATE SKIP LOCKED. A row is claimed as long as pg_locks shows
-- that lock. When the process dies, its connection closes, the server releases the lock, and other workers can take
-- the rows at once. Compared with a lease and heartbeats this needs no waiting for an expiry, no writes while a 100 GB
-- file is copied, and no synchronized clocks. A server restart, a failover and a restored dump release all claims.
-- The disadvantage: workers need a session (no transaction pooling), which LISTEN needs anyway.
--
-- A copy whose keys end in a slash stands for all files below its source key: the worker lists them, inserts a row for each
-- and marks this one done, in one statement. A delete is always of one file: with a key that ends in a slash it fails permanently.
--
-- A row is done when its file is complete; in a directory also synced to disk (unless the worker runs with --no-sync).
--
-- A worker's role needs USAGE on schema clone, SELECT and UPDATE on clone.blob_copy and SELECT on
-- clone.store; for rows whose keys end in a slash also INSERT on clone.blob_copy. This script grants nothing.

CREATE TABLE clone.blob_copy (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id             bigint NOT NULL REFERENCES clone.run ON DELETE CASCADE,
    store              text NOT NULL,
    operation          text NOT NULL DEFAULT 'copy' CHECK (operation IN ('copy', 'delete')),
    resource_type      text,
    source_id          text,
    target_id          text,
    source_key         text,
    target_key         text NOT NULL,
    source_location    text,
    target_location    text,
    content_type       text,
    size_expected      bigint CHECK (size_expected >= 0),
    state              text NOT NULL DEFAULT 'pending'
                       CHECK (state IN ('pending', 'running', 'done', 'failed', 'cancelled')),
    attempts           int NOT NULL DEFAULT 0,
    last_error         text,
    error_is_permanent boolean NOT NULL DEFAULT false,
    method             text CHECK (method IN ('server', 'local', 'stream', 'present', 'delete', 'absent')),
    bytes              bigint,
    checksum           text,
    queued_at          timestamptz NOT NULL DEFAULT pg_catalog.now(),
    next_attempt_at    timestamptz NOT NULL DEFAULT pg_catalog.now(),
    started_at         timestamptz,
    finished_at        timestamptz,
    claimed_by         int,
    worker             text,
    CHECK (operation = 'delete' OR source_key IS NOT NULL),
    CHECK ((state = 'running') = (claimed_by IS NOT NULL))
);
-- Used by claims, which read the due rows in order. The two others: status of a run, claims of dead workers.
CREATE INDEX blob_copy_due ON clone.blob_copy (next_attempt_at, id) WHERE state = 'pending';
CREATE INDEX blob_copy_run ON clone.blob_copy (run_id, state);
CREATE INDEX blob_copy_claimed ON clone.blob_copy (claimed_by) WHERE state = 'running';
-- A delete must wait for a copy to the same key.
-- A deletion and a clone of a clone also use this index to find the location to which a file was copied.
CREATE INDEX blob_copy_target ON clone.blob_copy (store, target_key) WHERE operation = 'copy';
-- A delete must also wait for a copy from the same key.
CREATE INDEX blob_copy_unfinished_source ON clone.blob_copy (store, source_key)
    WHERE operation = 'copy' AND state IN ('pending', 'running');

COMMENT ON TABLE clone.blob_copy IS
    'Queue of files to copy or delete outside of the database, one row each; processed by pg_clone blobs run. Rows are deleted with their run: check clone.blob_status before deleting a run';
COMMENT ON COLUMN clone.blob_copy.source_key IS
    'Key of the file in the source storage, as in a bucket (binary/<id>/<version>); for a directory the store''s blob_prefix_in_bucket is stripped';
COMMENT ON COLUMN clone.blob_copy.target_key IS 'Key of the file to write, or to delete';
COMMENT ON COLUMN clone.blob_copy.source_location IS
    'Location of the source: the clone''s option blobs_from, or the location to which a run copied the source; NULL until done: the store''s option blobs';
COMMENT ON COLUMN clone.blob_copy.target_location IS
    'Location in which the file is written or deleted: the clone''s option blobs_to; NULL until done: the store''s option blobs';
COMMENT ON COLUMN clone.blob_copy.size_expected IS 'Expected size of the source in bytes; NULL if not known. Another size is an error';
COMMENT ON COLUMN clone.blob_copy.state IS
    'pending: due at next_attempt_at; running: claimed; done; failed: needs pg_clone blobs retry; cancelled: the target was deleted before it was copied';
COMMENT ON COLUMN clone.blob_copy.attempts IS 'Number of attempts; after 8 the row fails';
COMMENT ON COLUMN clone.blob_copy.error_is_permanent IS
    'true: another attempt cannot succeed (no such source, access denied); false: the last attempt failed';
COMMENT ON COLUMN clone.blob_copy.method IS
    'How it was done: server: by the storage service; local: between directories; stream: through the worker; '
    'present: the target already existed; delete; absent: the file to delete did not exist';
COMMENT ON COLUMN clone.blob_copy.bytes IS 'Size of the target in bytes';
COMMENT ON COLUMN clone.blob_copy.checksum IS 'Checksum of the target with its kind: crc32c:<hex>, md5:<hex>, etag:<as given>';
COMMENT ON COLUMN clone.blob_copy.claimed_by IS 'The number n of the worker''s advisory lock (1668050798, n)';
COMMENT ON COLUMN clone.blob_copy.worker IS 'host:pid of the last worker';

CREATE VIEW clone.blob_status WITH (security_invoker = true, security_barrier = true) AS
SELECT run_id,
       store,
       operation,
       pg_catalog.count(*) AS total,
       pg_catalog.count(*) FILTER (WHERE state = 'pending') AS pending,
       pg_catalog.count(*) FILTER (WHERE state = 'running') AS running,
       pg_catalog.count(*) FILTER (WHERE state = 'done') AS done,
       pg_catalog.count(*) FILTER (WHERE state = 'failed') AS failed,
       pg_catalog.count(*) FILTER (WHERE state = 'failed' AND error_is_permanent) AS failed_for_good,
       pg_catalog.count(*) FILTER (WHERE state = 'cancelled') AS cancelled,
       COALESCE(pg_catalog.sum(bytes) FILTER (WHERE state = 'done'), 0)::bigint AS bytes,
       pg_catalog.min(queued_at) AS queued_at,
       pg_catalog.max(finished_at) AS finished_at
FROM clone.blob_copy
GROUP BY run_id, store, operation;
COMMENT ON VIEW clone.blob_status IS 'Number of pending, done and failed files per run and operation';

REVOKE ALL ON clone.blob_copy, clone.blob_status FROM PUBLIC;
