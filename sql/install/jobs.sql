-- Jobs: clones that were asked for and not made yet. A worker (pg_clone worker, or pg_cron calling clone.run_next_job())
-- makes them, one per call and transaction.
--
-- A worker holds the row's lock while it makes the clone, in the transaction of the clone itself: when it dies, the server
-- rolls back, the lock is gone, and the next worker finds the job as it was. So "running" is not stored; clone.job shows it by the
-- advisory lock that the worker holds besides. A job that fails keeps its error and, if trying again can help, gets another time.

CREATE TABLE clone.job_queue (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    state           text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'done', 'failed', 'cancelled')),
    source_project  text NOT NULL,
    store           text NOT NULL,
    replaces        text,
    arguments       jsonb NOT NULL,
    settings        jsonb NOT NULL DEFAULT '{}',
    queued_by       text NOT NULL,
    queued_at       timestamptz NOT NULL DEFAULT pg_catalog.now(),
    next_attempt_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    attempts        int NOT NULL DEFAULT 0,
    started_at      timestamptz,
    finished_at     timestamptz,
    run_id          bigint REFERENCES clone.run ON DELETE SET NULL,
    result          jsonb,
    sqlstate        text,
    error           text,
    hint            text
);
CREATE INDEX job_queue_due ON clone.job_queue (next_attempt_at, id) WHERE state = 'queued';
COMMENT ON TABLE clone.job_queue IS 'Clones that were asked for; look at clone.job, which also shows what is running';
COMMENT ON COLUMN clone.job_queue.replaces IS 'The clone that it refreshes: two jobs never refresh the same one at once';
COMMENT ON COLUMN clone.job_queue.queued_by IS 'The role with whose rights the job runs';
COMMENT ON COLUMN clone.job_queue.settings IS 'Settings of the session that queued it, which the job runs with';
COMMENT ON COLUMN clone.job_queue.attempts IS 'Attempts that ended with a result or an error; one whose worker died is not counted';

CREATE TABLE clone.job_cancellation (
    job_id       bigint PRIMARY KEY REFERENCES clone.job_queue ON DELETE CASCADE,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE clone.job_cancellation IS 'Jobs that were to be cancelled while a worker had them';

-- Class of the advisory lock that shows who runs a job.
CREATE FUNCTION clone_internal.job_lock_class() RETURNS int LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT 1668050800 $$;

CREATE VIEW clone.job AS
SELECT j.id,
       CASE WHEN j.state <> 'queued' THEN j.state
            WHEN w.pid IS NOT NULL THEN 'running'
            WHEN c.job_id IS NOT NULL THEN 'cancelled'
            ELSE 'queued' END AS state,
       j.source_project,
       j.store,
       j.replaces,
       j.arguments,
       j.queued_by,
       j.queued_at,
       CASE WHEN j.state = 'queued' AND w.pid IS NULL THEN j.next_attempt_at END AS next_attempt_at,
       j.attempts,
       w.pid AS worker_pid,
       CASE WHEN j.state = 'queued' AND w.pid IS NOT NULL THEN (
           SELECT pg_catalog.format('%s: %s rows', p.relid::pg_catalog.regclass, p.tuples_processed)
           FROM pg_catalog.pg_stat_progress_copy p WHERE p.pid = w.pid LIMIT 1) END AS progress,
       j.started_at,
       j.finished_at,
       j.run_id,
       j.result,
       j.sqlstate,
       j.error,
       j.hint
FROM clone.job_queue j
LEFT JOIN clone.job_cancellation c ON c.job_id = j.id
LEFT JOIN pg_catalog.pg_locks w ON w.locktype = 'advisory' AND w.granted AND w.objsubid = 2
    AND w.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
    AND w.classid = 1668050800::pg_catalog.oid AND w.objid = (j.id % 2147483647)::pg_catalog.oid;
COMMENT ON VIEW clone.job IS 'Jobs with their state: queued, running, done, failed, cancelled; who runs them, and how far it is';
COMMENT ON COLUMN clone.job.progress IS 'The table that is being filled, for whoever may see the worker''s activity';

CREATE FUNCTION clone_internal.queue_job(source_project text, store text, replaces text, arguments jsonb, queued_by text, settings jsonb) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    job bigint;
BEGIN
    INSERT INTO clone.job_queue AS j (source_project, store, replaces, arguments, queued_by, settings)
    VALUES (source_project, store, replaces, arguments, queued_by, settings)
    RETURNING j.id INTO job;
    PERFORM pg_notify('clone_job', format('%s queued', job));
    RETURN job;
END
$$;
COMMENT ON FUNCTION clone_internal.queue_job(text, text, text, jsonb, text, jsonb) IS 'For project_clone_start only: it has checked the arguments';

CREATE FUNCTION clone_internal.retry_after(sqlstate text, attempts int) RETURNS interval
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN attempts < 5 AND (
            -- Lost connections, serialization and deadlock, operator intervention, system errors, resources, locks.
            left(sqlstate, 2) IN ('08', '40', '57', '58') OR sqlstate IN ('53000', '53100', '53300', '53400', '55006', '55P03'))
        THEN interval '30 seconds' * power(4, attempts - 1) END
$$;
COMMENT ON FUNCTION clone_internal.retry_after(text, int) IS
    'The retry policy of jobs: how long to wait after the n-th attempt ended with this SQLSTATE; NULL: trying again cannot help, or 5 attempts are over';

CREATE FUNCTION clone_internal.claim_job() RETURNS clone.job_queue
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    candidate record;
    j clone.job_queue;
BEGIN
    FOR candidate IN
        SELECT q.id FROM clone.job_queue q
        WHERE q.state = 'queued' AND q.next_attempt_at <= clock_timestamp()
        ORDER BY q.next_attempt_at, q.id
    LOOP
        BEGIN
            SELECT * INTO j FROM clone.job_queue q
            WHERE q.id = candidate.id AND q.state = 'queued' AND q.next_attempt_at <= clock_timestamp()
            FOR NO KEY UPDATE SKIP LOCKED;
            IF FOUND AND EXISTS (SELECT FROM clone.job_cancellation c WHERE c.job_id = j.id) THEN
                UPDATE clone.job_queue q SET state = 'cancelled', finished_at = clock_timestamp() WHERE q.id = j.id;
                CONTINUE;
            END IF;
            IF FOUND AND (j.replaces IS NULL OR clone_internal.try_lock_target(j.store, j.replaces)) THEN
                PERFORM pg_advisory_xact_lock(clone_internal.job_lock_class(), (j.id % 2147483647)::int);
                RETURN j;
            END IF;
            -- Gives the row's lock back, so that another worker finds the job when its target is free again.
            RAISE EXCEPTION USING ERRCODE = 'PC001';
        EXCEPTION WHEN SQLSTATE 'PC001' THEN
            NULL;
        END;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clone_internal.claim_job() IS 'The next job that nobody runs and whose target nobody refreshes, locked until the transaction ends';

CREATE FUNCTION clone.run_next_job() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    j clone.job_queue;
    began timestamptz := clock_timestamp();
    answer jsonb;
    outcome text := 'done';
    code text;
    message text;
    advice text;
    wait interval;
BEGIN
    j := clone_internal.claim_job();
    IF j.id IS NULL THEN
        RETURN NULL;
    END IF;
    BEGIN
        answer := clone_internal.run_job(j.id);
    EXCEPTION WHEN query_canceled OR OTHERS THEN
        GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, advice = PG_EXCEPTION_HINT;
        wait := clone_internal.retry_after(code, j.attempts + 1);
        outcome := CASE WHEN wait IS NULL THEN 'failed' ELSE 'queued' END;
        IF code = '57014' AND EXISTS (SELECT FROM clone.job_cancellation c WHERE c.job_id = j.id) THEN
            outcome := 'cancelled';
        END IF;
        RAISE WARNING 'job % of role "%": %', j.id, j.queued_by, message USING
            HINT = CASE outcome WHEN 'queued' THEN format('It is tried again in %s.', wait) ELSE format('The job is %s.', outcome) END;
    END;
    UPDATE clone.job_queue q
    SET state = outcome, attempts = q.attempts + 1, started_at = began,
        finished_at = CASE WHEN outcome <> 'queued' THEN clock_timestamp() END,
        next_attempt_at = clock_timestamp() + COALESCE(wait, interval '0'),
        run_id = (answer->>'run')::bigint, result = answer->'project',
        sqlstate = code, error = message, hint = NULLIF(advice, '')
    WHERE q.id = j.id;
    PERFORM pg_notify('clone_job', format('%s %s', j.id, outcome));
    RETURN j.id;
END
$$;
COMMENT ON FUNCTION clone.run_next_job() IS
    'Makes the next queued clone with the rights of who queued it, and returns the job''s number; NULL when nothing is due. Its error, if any, is in clone.job';

CREATE FUNCTION clone_internal.cancel_job(job bigint, caller text) RETURNS text
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    j clone.job_queue;
    running int;
BEGIN
    SELECT * INTO j FROM clone.job_queue q WHERE q.id = job;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no job %', job USING ERRCODE = 'P0002', HINT = 'SELECT id, state FROM clone.job lists the jobs.';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = caller AND (r.rolsuper OR r.rolname = j.queued_by
                   OR EXISTS (SELECT FROM pg_roles o WHERE o.rolname = j.queued_by AND pg_has_role(r.oid, o.oid, 'USAGE')))) THEN
        RAISE EXCEPTION 'permission denied to cancel job %', job USING
            ERRCODE = '42501', DETAIL = format('Role "%s" queued it.', j.queued_by);
    END IF;
    SELECT * INTO j FROM clone.job_queue q WHERE q.id = job FOR NO KEY UPDATE SKIP LOCKED;
    IF FOUND THEN
        IF j.state = 'queued' THEN
            UPDATE clone.job_queue q SET state = 'cancelled', finished_at = clock_timestamp() WHERE q.id = job;
            PERFORM pg_notify('clone_job', format('%s cancelled', job));
            RETURN 'cancelled';
        END IF;
        RETURN j.state;
    END IF;
    INSERT INTO clone.job_cancellation VALUES (job, caller) ON CONFLICT DO NOTHING;
    SELECT w.pid INTO running FROM pg_locks w
    WHERE w.locktype = 'advisory' AND w.granted AND w.objsubid = 2
      AND w.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
      AND w.classid = clone_internal.job_lock_class()::oid AND w.objid = (job % 2147483647)::oid;
    PERFORM pg_cancel_backend(running);
    RETURN 'cancelling';
END
$$;
COMMENT ON FUNCTION clone_internal.cancel_job(bigint, text) IS 'For project_clone_cancel only: it says who is calling';
