-- Runs: one row per clone, its counts per table and resource type, and its dangling references.
-- They are written in the clone's own transaction: a failed clone has no run.

CREATE TABLE clone.run (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    store           text NOT NULL,
    kind            text NOT NULL DEFAULT 'project' CHECK (kind IN ('project', 'item', 'deletion')),
    source_project  text NOT NULL,
    target_project  text NOT NULL,
    name            text,
    arguments       jsonb NOT NULL,
    run_by          text NOT NULL,
    session_by      text NOT NULL,
    started_at      timestamptz NOT NULL,
    finished_at     timestamptz,
    duration        interval GENERATED ALWAYS AS (finished_at - started_at) STORED,
    resources       bigint NOT NULL DEFAULT 0,
    rows            bigint NOT NULL DEFAULT 0,
    bytes           bigint NOT NULL DEFAULT 0,
    rewritten       bigint NOT NULL DEFAULT 0,
    kept            bigint NOT NULL DEFAULT 0,
    dangling        bigint NOT NULL DEFAULT 0,
    blobs           bigint NOT NULL DEFAULT 0,
    todo            jsonb NOT NULL DEFAULT '[]',
    expires_at      timestamptz,
    replaced        text,
    deleted_at      timestamptz,
    deleted_by      text,
    identity        jsonb,
    preserved       text[],
    added_rows      bigint NOT NULL DEFAULT 0
);
CREATE INDEX run_target ON clone.run (target_project);
CREATE INDEX run_expiry ON clone.run (expires_at) WHERE expires_at IS NOT NULL AND deleted_at IS NULL;
COMMENT ON TABLE clone.run IS 'One row per executed clone';
COMMENT ON COLUMN clone.run.kind IS
    'project, item: a clone; deletion: nothing was cloned, a project that no run made was deleted by force';
COMMENT ON COLUMN clone.run.expires_at IS 'After this time clone.expire() deletes the clone; see clone.set_expiry()';
COMMENT ON COLUMN clone.run.replaced IS 'Number of the run whose clone was replaced; the project kept its id';
COMMENT ON COLUMN clone.run.preserved IS 'Resource types whose ids are in clone.run_identity, as clone.preserve_ids() had named them then';
COMMENT ON COLUMN clone.run.added_rows IS 'Rows that were added to the clone which this run replaced, and that the new one has kept';
COMMENT ON COLUMN clone.run.identity IS
    'What tells an expiring clone from a project that gets its id later: the transactions that wrote its row and some of its rows, with their keys; NULL: its id alone';
COMMENT ON COLUMN clone.run.deleted_at IS 'When its clone was deleted, or replaced by the clone of a newer run';
COMMENT ON COLUMN clone.run.run_by IS 'The role with whose rights the clone ran; session_by is the role that was logged in';
COMMENT ON COLUMN clone.run.resources IS 'Number of cloned resources, including the project';
COMMENT ON COLUMN clone.run.rows IS 'Rows written in all tables of the store';
COMMENT ON COLUMN clone.run.bytes IS 'Bytes of the rows written, before compression by the table';
COMMENT ON COLUMN clone.run.rewritten IS 'Occurrences of a source id that now name the clone''s, in documents and columns';
COMMENT ON COLUMN clone.run.kept IS 'References to versions that were not cloned; their _history part was removed';
COMMENT ON COLUMN clone.run.dangling IS 'References to resources of the source that were not cloned';
COMMENT ON COLUMN clone.run.todo IS 'To-do list: what the operator must configure again, an array of texts';

CREATE TABLE clone.run_table (
    run_id        bigint NOT NULL REFERENCES clone.run ON DELETE CASCADE,
    relation      text NOT NULL,
    resource_type text NOT NULL DEFAULT '',
    path          text NOT NULL CHECK (path IN ('bulk', 'sql')),
    rows          bigint NOT NULL,
    bytes         bigint NOT NULL,
    rewritten     bigint NOT NULL,
    kept          bigint NOT NULL,
    dangling      bigint NOT NULL,
    milliseconds  double precision NOT NULL,
    PRIMARY KEY (run_id, relation, resource_type)
);
COMMENT ON TABLE clone.run_table IS 'Counts of a run by table and resource type';

CREATE TABLE clone.run_dangling (
    run_id      bigint NOT NULL REFERENCES clone.run ON DELETE CASCADE,
    target      text NOT NULL,
    occurrences bigint NOT NULL,
    PRIMARY KEY (run_id, target)
);
COMMENT ON TABLE clone.run_dangling IS
    'Resources of the source that were not cloned and that the clone still references: the first 1,000 of a run';
