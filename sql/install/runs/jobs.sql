-- Jobs: queued clones. A worker (pg_clone worker, or pg_cron calling clone.run_next_job()) runs them, one per call and transaction.
--
-- A worker locks the row while it runs the clone, in the transaction of the clone. When the worker dies, the server
-- rolls back and releases the lock, and the next worker finds the job unchanged. So "running" is not stored. clone.job derives it from a second
-- lock of the worker, of a kind that no SQL function can take. A background worker commits the start of each attempt before the job runs:
-- an attempt whose worker died counts too. A failed job stores its error, and is scheduled again if another attempt can succeed.

CREATE TABLE clone.job_queue (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    state           text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'done', 'failed', 'cancelled')),
    source_project  text NOT NULL,
    store           text NOT NULL,
    replaces        text,
    arguments       jsonb NOT NULL,
    settings        jsonb NOT NULL DEFAULT '{}',
    role            oid NOT NULL,
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
COMMENT ON TABLE clone.job_queue IS 'Queued and finished clones; the view clone.job also shows which of them are running';
COMMENT ON COLUMN clone.job_queue.replaces IS 'The clone that it refreshes; two jobs never refresh the same one at the same time';
COMMENT ON COLUMN clone.job_queue.role IS 'The role with whose rights the job runs; it must still have the name in queued_by';
COMMENT ON COLUMN clone.job_queue.queued_by IS 'The name of the role when it queued the job';
COMMENT ON COLUMN clone.job_queue.settings IS 'Settings of the session that queued it; the job runs with them';
COMMENT ON COLUMN clone.job_queue.attempts IS 'Number of attempts that have ended; an attempt whose worker died is counted by the next worker';

CREATE TABLE clone.job_attempt (
    job_id     bigint NOT NULL REFERENCES clone.job_queue ON DELETE CASCADE,
    number     int NOT NULL,
    worker_pid int NOT NULL,
    started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (job_id, number)
);
COMMENT ON TABLE clone.job_attempt IS 'Attempts at jobs, committed when they begin; an attempt with a number above job_queue.attempts is running, or its worker died';

CREATE TABLE clone.job_cancellation (
    job_id       bigint PRIMARY KEY REFERENCES clone.job_queue ON DELETE CASCADE,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE clone.job_cancellation IS 'Requests to cancel jobs that were running';

-- Number of the lock (clone_internal.lock_object) of the session that runs a job.
CREATE FUNCTION clone_internal.job_lock(job bigint) RETURNS int LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT (job % 2147483647)::int $$;

-- Process id of the session that holds it.
CREATE FUNCTION clone_internal.job_worker(job bigint) RETURNS int LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT w.pid FROM pg_locks w
    WHERE w.locktype = 'object' AND w.granted
      AND w.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
      AND w.classid = 'clone.job_queue'::regclass::oid AND w.objid = clone_internal.job_lock(job)::oid
$$;

CREATE VIEW clone.job WITH (security_barrier) AS
SELECT j.id,
       CASE WHEN j.state OPERATOR(pg_catalog.<>) 'queued'::text THEN j.state
            WHEN w.pid IS NOT NULL THEN 'running'
            WHEN c.job_id IS NOT NULL THEN 'cancelled'
            ELSE 'queued' END AS state,
       j.source_project,
       j.store,
       j.replaces,
       j.arguments,
       j.queued_by,
       j.queued_at,
       CASE WHEN j.state OPERATOR(pg_catalog.=) 'queued'::text AND w.pid IS NULL THEN j.next_attempt_at END AS next_attempt_at,
       j.attempts,
       w.pid AS worker_pid,
       CASE WHEN j.state OPERATOR(pg_catalog.=) 'queued'::text AND w.pid IS NOT NULL THEN (
           SELECT pg_catalog.format('%s: %s rows', p.relid::pg_catalog.regclass, p.tuples_processed)
           FROM pg_catalog.pg_stat_progress_copy p WHERE p.pid OPERATOR(pg_catalog.=) w.pid LIMIT 1) END AS progress,
       j.started_at,
       j.finished_at,
       j.run_id,
       j.result,
       j.sqlstate,
       j.error,
       j.hint
FROM clone.job_queue j
LEFT JOIN clone.job_cancellation c ON c.job_id OPERATOR(pg_catalog.=) j.id
LEFT JOIN pg_catalog.pg_locks w ON w.locktype OPERATOR(pg_catalog.=) 'object'::text AND w.granted
    AND w.database OPERATOR(pg_catalog.=) (
        SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())
    AND w.classid OPERATOR(pg_catalog.=) ('clone.job_queue'::pg_catalog.regclass)::pg_catalog.oid
    AND w.objid OPERATOR(pg_catalog.=) pg_catalog.mod(j.id, 2147483647::bigint)::pg_catalog.oid
-- Only superusers, operators and workers see the jobs of a role that does not exist any more.
WHERE EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid OPERATOR(pg_catalog.=) j.role AND r.rolname OPERATOR(pg_catalog.=) j.queued_by::pg_catalog.name
              AND pg_catalog.pg_has_role(r.oid, 'USAGE'))
   OR pg_catalog.has_function_privilege('clone.run_next_job()', 'EXECUTE')
   OR pg_catalog.has_function_privilege('clone_internal.sees_all()'::pg_catalog.regprocedure, 'EXECUTE');
COMMENT ON VIEW clone.job IS
    'Jobs with their state (queued, running, done, failed, cancelled), worker and progress: a role sees its own and those of roles that it is a member of, a worker sees all';
COMMENT ON COLUMN clone.job.progress IS 'The table that is being filled; NULL for roles that may not see the worker''s activity';

CREATE FUNCTION clone_internal.queue_job(
    source_project text, store text, replaces text, arguments jsonb, role oid, settings jsonb, most int) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    job bigint;
    waiting bigint;
    name text := pg_get_userbyid(role);
BEGIN
    SELECT count(*) INTO waiting FROM clone.job_queue q WHERE q.state = 'queued' AND q.role = queue_job.role;
    IF waiting >= most THEN
        RAISE EXCEPTION 'role "%" has % jobs queued already', name, waiting USING
            ERRCODE = '53400', HINT = format('Wait until a worker has run some of them, cancel one with project_clone_cancel(), or ask a superuser to raise pg_clone.max_queued_jobs (now %s).', most);
    END IF;
    -- Until the job can be seen, the store cannot be dropped: another of that name would be cloned.
    PERFORM FROM clone.store s WHERE s.name = queue_job.store FOR KEY SHARE;
    PERFORM clone_internal.check_store(store);
    INSERT INTO clone.job_queue AS j (source_project, store, replaces, arguments, role, queued_by, settings)
    VALUES (source_project, store, replaces, arguments, role, name, settings)
    RETURNING j.id INTO job;
    PERFORM pg_notify('clone_job', format('%s queued', job));
    RETURN job;
END
$$;
COMMENT ON FUNCTION clone_internal.queue_job(text, text, text, jsonb, oid, jsonb, int) IS 'For project_clone_start() only, which has checked the arguments';

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
    'The retry policy of jobs: the delay after the n-th attempt failed with this SQLSTATE; NULL: another attempt cannot succeed, or there were 5 attempts';

CREATE FUNCTION clone_internal.count_lost_attempt(j clone.job_queue) RETURNS clone.job_queue
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    last int := (SELECT max(a.number) FROM clone.job_attempt a WHERE a.job_id = j.id);
    wait interval;
BEGIN
    IF last IS NULL OR last <= j.attempts THEN
        RETURN j;
    END IF;
    -- At once after the first attempt: the worker may have been stopped. Later as after other transient errors.
    wait := CASE WHEN last = 1 THEN interval '0' ELSE clone_internal.retry_after('08006', last) END;
    UPDATE clone.job_queue q
    SET attempts = last,
        state = CASE WHEN wait IS NULL THEN 'failed' ELSE 'queued' END,
        finished_at = CASE WHEN wait IS NULL THEN clock_timestamp() END,
        next_attempt_at = clock_timestamp() + COALESCE(wait, interval '0'),
        sqlstate = '08006',
        error = format('the session of the worker ended during attempt %s', last),
        hint = 'The server''s log says why: a crash, a shutdown, a lost connection, or an error when the transaction committed.'
    WHERE q.id = j.id
    RETURNING * INTO j;
    IF j.state = 'failed' THEN
        PERFORM pg_notify('clone_job', format('%s failed', j.id));
    END IF;
    RETURN j;
END
$$;
COMMENT ON FUNCTION clone_internal.count_lost_attempt(clone.job_queue) IS
    'Counts the attempt of a worker that died; the caller holds the row''s lock, so that no other session runs the job';

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
            IF FOUND THEN
                j := clone_internal.count_lost_attempt(j);
                IF j.state <> 'queued' OR j.next_attempt_at > clock_timestamp() THEN
                    CONTINUE;
                END IF;
                IF clone_internal.lock_object('clone.job_queue', clone_internal.job_lock(j.id), false)
                    AND (j.replaces IS NULL OR clone_internal.try_lock_target(j.store, j.replaces)) THEN
                    RETURN j;
                END IF;
            END IF;
            -- Releases the lock of the row, so that another worker finds the job when its target is free.
            RAISE EXCEPTION USING ERRCODE = 'PC001';
        EXCEPTION WHEN SQLSTATE 'PC001' THEN
            NULL;
        END;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clone_internal.claim_job() IS 'The next due job that no session runs and whose target no session refreshes, locked until the transaction ends';

-- Releases advisory locks of this session that are not in `before`: session locks that the code of a job took would outlive the job.
CREATE FUNCTION clone_internal.release_advisory_locks(before text[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET client_min_messages = error
AS $$
DECLARE
    l record;
    released boolean;
BEGIN
    FOR l IN SELECT w.classid, w.objid, w.objsubid, w.mode FROM pg_locks w
             WHERE w.pid = pg_backend_pid() AND w.locktype = 'advisory' AND w.granted
               AND clone_internal.advisory_lock(w.classid, w.objid, w.objsubid, w.mode) <> ALL (before)
    LOOP
        released := true;
        -- Once for each time that it was taken. A lock of the transaction is not released and returns false.
        WHILE released LOOP
            released := CASE
                WHEN l.objsubid = 1 AND l.mode = 'ShareLock' THEN pg_advisory_unlock_shared((l.classid::bigint << 32) | l.objid::bigint)
                WHEN l.objsubid = 1 THEN pg_advisory_unlock((l.classid::bigint << 32) | l.objid::bigint)
                WHEN l.mode = 'ShareLock' THEN pg_advisory_unlock_shared(l.classid::bigint::bit(32)::int, l.objid::bigint::bit(32)::int)
                ELSE pg_advisory_unlock(l.classid::bigint::bit(32)::int, l.objid::bigint::bit(32)::int) END;
        END LOOP;
    END LOOP;
END
$$;

CREATE FUNCTION clone_internal.advisory_lock(classid oid, objid oid, objsubid int2, mode text) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT format('%s/%s/%s/%s', classid, objid, objsubid, mode) $$;

CREATE FUNCTION clone_internal.advisory_locks() RETURNS text[]
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(array_agg(clone_internal.advisory_lock(w.classid, w.objid, w.objsubid, w.mode)), '{}') FROM pg_locks w
    WHERE w.pid = pg_backend_pid() AND w.locktype = 'advisory' AND w.granted
$$;

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
    attempt int;
    locks text[];
    set_before text;
BEGIN
    PERFORM clone_internal.check_writable();
    j := clone_internal.claim_job();
    IF j.id IS NULL THEN
        RETURN NULL;
    END IF;
    -- What the caller has deferred is no part of the job: its errors are not those of the job, and it has the caller's rights.
    set_before := clone_internal.run_deferred_checks();
    attempt := j.attempts + 1;
    IF NOT clone_internal.record_attempt(j.id, attempt) THEN
        RAISE WARNING 'the attempt at job % is not counted if this session dies', j.id USING
            HINT = 'Raise max_worker_processes: no background worker was free to record it.';
    END IF;
    locks := clone_internal.advisory_locks();
    BEGIN
        answer := clone_internal.run_job(j.id);
    EXCEPTION WHEN query_canceled OR assert_failure OR OTHERS THEN
        GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE, message = MESSAGE_TEXT, advice = PG_EXCEPTION_HINT;
        wait := clone_internal.retry_after(code, attempt);
        outcome := CASE WHEN wait IS NULL THEN 'failed' ELSE 'queued' END;
        IF code = '57014' AND EXISTS (SELECT FROM clone.job_cancellation c WHERE c.job_id = j.id) THEN
            outcome := 'cancelled';
        END IF;
        RAISE WARNING 'job % of role "%": %', j.id, j.queued_by, message USING
            HINT = CASE outcome WHEN 'queued' THEN format('It is tried again in %s.', wait) ELSE format('The job is %s.', outcome) END;
    END;
    PERFORM clone_internal.release_advisory_locks(locks);
    UPDATE clone.job_queue q
    SET state = outcome, attempts = attempt, started_at = began,
        finished_at = CASE WHEN outcome <> 'queued' THEN clock_timestamp() END,
        next_attempt_at = clock_timestamp() + COALESCE(wait, interval '0'),
        run_id = (answer->>'run')::bigint, result = answer->'project',
        sqlstate = code, error = message, hint = NULLIF(advice, '')
    WHERE q.id = j.id;
    PERFORM clone_internal.restore_deferral(set_before);
    PERFORM pg_notify('clone_job', format('%s %s', j.id, outcome));
    RETURN j.id;
END
$$;
COMMENT ON FUNCTION clone.run_next_job() IS
    'Runs the next queued clone with the rights of the role that queued it, and returns the job''s number; NULL if no job is due. An error of the clone is stored in clone.job';

CREATE FUNCTION clone_internal.cancel_job(job bigint, caller oid) RETURNS text
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
    -- Only superusers are members of a role that does not exist any more.
    IF NOT pg_has_role(caller, j.role, 'USAGE') THEN
        RAISE EXCEPTION 'permission denied to cancel job %', job USING
            ERRCODE = '42501', DETAIL = format('Role "%s" queued it.', j.queued_by), HINT = 'Ask a member of that role, or a superuser.';
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
    INSERT INTO clone.job_cancellation VALUES (job, pg_get_userbyid(caller)) ON CONFLICT DO NOTHING;
    running := clone_internal.job_worker(job);
    PERFORM pg_cancel_backend(running);
    RETURN 'cancelling';
END
$$;
COMMENT ON FUNCTION clone_internal.cancel_job(bigint, oid) IS 'For project_clone_cancel() only, which passes the calling role';
