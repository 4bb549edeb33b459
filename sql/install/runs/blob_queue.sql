-- The queue of files to copy. A clone inserts its rows here in its own transaction, so they exist exactly when the clone
-- does; `pg_clone blobs run` works them off afterwards, in as many processes on as many machines as one likes.
--
-- Who queues writes only (run_id, store, operation, resource_type, source_id, target_id, source_key, target_key,
-- content_type, size_expected) and, once per transaction, SELECT pg_catalog.pg_notify('clone_blob_copy', run_id::text):
-- the server delivers it at commit, and workers that wait (--watch) wake up.
--
-- How rows are claimed: a worker holds the session advisory lock (1668050798, n), n being a random number of its own, and
-- writes n into claimed_by of the rows it takes with FOR UPDATE SKIP LOCKED. A row is claimed as long as pg_locks shows
-- that lock. When the process dies, its connection closes, the server drops the lock, and every other worker may take
-- the rows over at once. Against a lease with heartbeats this needs no waiting for an expiry, no writes while a 100 GB
-- file is under way, and no agreement of clocks; a server restart, a failover and a restored dump free all claims by
-- themselves. The price: workers need a session of their own (no transaction pooling), which LISTEN asks for anyway.
--
-- A copy whose keys end in a slash stands for all files below its source key: the worker lists them, inserts a row for each
-- and marks this one done, in one statement. A delete is of one file: one whose key ends in a slash fails for good.
--
-- A row is done when its file is: in a directory only once it is on disk (unless the worker ran with --no-sync).
--
-- A role may work the queue when it has USAGE on schema clone, SELECT and UPDATE on clone.blob_copy and SELECT on
-- clone.store; rows whose keys end in a slash need INSERT on clone.blob_copy too. Nothing here is granted to anyone.

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
-- Claiming reads the due rows in order; the two others serve the status of a run and the claims of dead workers.
CREATE INDEX blob_copy_due ON clone.blob_copy (next_attempt_at, id) WHERE state = 'pending';
CREATE INDEX blob_copy_run ON clone.blob_copy (run_id, state);
CREATE INDEX blob_copy_claimed ON clone.blob_copy (claimed_by) WHERE state = 'running';
-- Deleting a file must not overtake a copy to the same key.
-- By it a deletion and a clone of a clone also find where a file was copied to.
CREATE INDEX blob_copy_target ON clone.blob_copy (store, target_key) WHERE operation = 'copy';
-- Nor a copy from it.
CREATE INDEX blob_copy_unfinished_source ON clone.blob_copy (store, source_key)
    WHERE operation = 'copy' AND state IN ('pending', 'running');

COMMENT ON TABLE clone.blob_copy IS
    'Files to copy (or delete) outside the database, one row each; worked off by pg_clone blobs run. Goes with its run: see clone.blob_status before deleting one';
COMMENT ON COLUMN clone.blob_copy.source_key IS
    'Key of the file in the source storage, as in a bucket (binary/<id>/<version>); directories leave the blob_prefix_in_bucket of the store away';
COMMENT ON COLUMN clone.blob_copy.target_key IS 'Key of the file to write, or to delete';
COMMENT ON COLUMN clone.blob_copy.source_location IS
    'Where the source is: that of the clone''s option blobs_from, or where a run copied the source to; NULL until done: the blobs option of the store';
COMMENT ON COLUMN clone.blob_copy.target_location IS
    'Where the file is written, or deleted: that of the clone''s option blobs_to; NULL until done: the blobs option of the store';
COMMENT ON COLUMN clone.blob_copy.size_expected IS 'Bytes the source should have, where the store knows; another size is an error';
COMMENT ON COLUMN clone.blob_copy.state IS
    'pending: due at next_attempt_at; running: claimed; done; failed: needs pg_clone blobs retry; cancelled: the target was deleted before it was copied';
COMMENT ON COLUMN clone.blob_copy.attempts IS 'How often a worker took the row; after the limit (8) it fails';
COMMENT ON COLUMN clone.blob_copy.error_is_permanent IS
    'true: trying again cannot help (no such source, access denied); false: the attempts were used up';
COMMENT ON COLUMN clone.blob_copy.method IS
    'How it was done: server: by the storage service itself; local: between directories; stream: through the worker; '
    'present: the target was there already; delete; absent: a delete of what was not there';
COMMENT ON COLUMN clone.blob_copy.bytes IS 'Size of the target';
COMMENT ON COLUMN clone.blob_copy.checksum IS 'Checksum of the target with its kind in front: crc32c:<hex>, md5:<hex>, etag:<as given>';
COMMENT ON COLUMN clone.blob_copy.claimed_by IS 'Number under which the worker holds its advisory lock (1668050798, n)';
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
COMMENT ON VIEW clone.blob_status IS 'Per run and operation: how many files wait, are done, failed';

REVOKE ALL ON clone.blob_copy, clone.blob_status FROM PUBLIC;
