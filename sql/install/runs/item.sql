-- The sources of cloned items. They are stored as handles without a foreign key, so they survive the deletion of the source and of the store.

CREATE TABLE clone.item_origin (
    store       text NOT NULL,
    item        text NOT NULL,
    source      text NOT NULL,
    source_name text,
    revision    int,
    run_id      bigint REFERENCES clone.run ON DELETE SET NULL,
    cloned_at   timestamptz NOT NULL DEFAULT pg_catalog.now(),
    cloned_by   text NOT NULL,
    PRIMARY KEY (store, item)
);
CREATE INDEX item_origin_source ON clone.item_origin (store, source);
CREATE INDEX item_origin_run ON clone.item_origin (run_id);
COMMENT ON TABLE clone.item_origin IS 'The source of each cloned item';
COMMENT ON COLUMN clone.item_origin.source_name IS 'The source''s display name when it was cloned';
COMMENT ON COLUMN clone.item_origin.revision IS 'History entry that was cloned (options.from_history); NULL: the latest content';
COMMENT ON COLUMN clone.item_origin.cloned_by IS 'The actor: the user on whose behalf it was cloned';

CREATE TABLE clone.item_request (
    store        text NOT NULL,
    actor        text NOT NULL,
    key          text NOT NULL,
    request      text NOT NULL,
    run_id       bigint REFERENCES clone.run ON DELETE SET NULL,
    items        text[] NOT NULL DEFAULT '{}',
    requested_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (store, actor, key)
);
CREATE INDEX item_request_run ON clone.item_request (run_id);
COMMENT ON TABLE clone.item_request IS 'Calls with the option idempotency_key and their items; old rows may be deleted';
COMMENT ON COLUMN clone.item_request.request IS 'A digest of the items, edits and options; a different call with the same key is refused';
