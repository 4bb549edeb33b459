-- Jobs: clones that were asked for and not made yet. A worker (pg_clone worker, or pg_cron calling clone.run_next_job())
-- makes them, one per call and transaction.
--
-- A worker holds the row's lock while it makes the clone, in the transaction of the clone itself: when it dies, the server
-- rolls back, the lock is gone, and the next worker finds the job as it was. So "running" is not stored; clone.job shows it by a lock
-- that the worker holds besides, of a kind that nobody else can take. That an attempt began is committed before it, by a background worker:
-- an attempt whose worker died counts too. A job that fails keeps its error and, if trying again can help, gets another time.

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
COMMENT ON TABLE clone.job_queue IS 'Clones that were asked for; look at clone.job, which also shows what is running';
COMMENT ON COLUMN clone.job_queue.replaces IS 'The clone that it refreshes: two jobs never refresh the same one at once';
COMMENT ON COLUMN clone.job_queue.role IS 'The role with whose rights the job runs; it must still have the name in queued_by';
COMMENT ON COLUMN clone.job_queue.queued_by IS 'Its name when it queued the job';
COMMENT ON COLUMN clone.job_queue.settings IS 'Settings of the session that queued it, which the job runs with';
COMMENT ON COLUMN clone.job_queue.attempts IS 'Attempts that have ended; one whose worker died is counted by the next worker that finds the job';

CREATE TABLE clone.job_attempt (
    job_id     bigint NOT NULL REFERENCES clone.job_queue ON DELETE CASCADE,
    number     int NOT NULL,
    worker_pid int NOT NULL,
    started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (job_id, number)
);
COMMENT ON TABLE clone.job_attempt IS 'Attempts at jobs, committed when they begin; one with a number above job_queue.attempts is running, or its worker died';

CREATE TABLE clone.job_cancellation (
    job_id       bigint PRIMARY KEY REFERENCES clone.job_queue ON DELETE CASCADE,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE clone.job_cancellation IS 'Jobs that were to be cancelled while a worker had them';

-- Number of the lock (clone_internal.lock_object) that shows who runs a job.
CREATE FUNCTION clone_internal.job_lock(job bigint) RETURNS int LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT (job % 2147483647)::int $$;

-- Who holds it.
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
-- Of a role that is gone only superusers, operators and workers see the jobs.
WHERE EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.oid OPERATOR(pg_catalog.=) j.role AND r.rolname OPERATOR(pg_catalog.=) j.queued_by::pg_catalog.name
              AND pg_catalog.pg_has_role(r.oid, 'USAGE'))
   OR pg_catalog.has_function_privilege('clone.run_next_job()', 'EXECUTE')
   OR pg_catalog.has_function_privilege('clone_internal.sees_all()'::pg_catalog.regprocedure, 'EXECUTE');
COMMENT ON VIEW clone.job IS
    'One''s own jobs and those of roles one is a member of, for workers all, with their state: queued, running, done, failed, cancelled; who runs them, and how far it is';
COMMENT ON COLUMN clone.job.progress IS 'The table that is being filled, for whoever may see the worker''s activity';

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
    INSERT INTO clone.job_queue AS j (source_project, store, replaces, arguments, role, queued_by, settings)
    VALUES (source_project, store, replaces, arguments, role, name, settings)
    RETURNING j.id INTO job;
    PERFORM pg_notify('clone_job', format('%s queued', job));
    RETURN job;
END
$$;
COMMENT ON FUNCTION clone_internal.queue_job(text, text, text, jsonb, oid, jsonb, int) IS 'For project_clone_start only: it has checked the arguments';

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
    -- The first time at once: a worker may have been stopped. After that as after other errors that may pass.
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
    'Counts the attempt of a worker that died; the caller holds the row''s lock, so that nobody runs the job now';

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

-- Advisory locks of this session, without those of `before`: what a job's code took for the session would outlive the job.
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
        -- Each time that it was taken; one of the transaction is not released, and says false.
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
BEGIN
    j := clone_internal.claim_job();
    IF j.id IS NULL THEN
        RETURN NULL;
    END IF;
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
    PERFORM pg_notify('clone_job', format('%s %s', j.id, outcome));
    RETURN j.id;
END
$$;
COMMENT ON FUNCTION clone.run_next_job() IS
    'Makes the next queued clone with the rights of who queued it, and returns the job''s number; NULL when nothing is due. Its error, if any, is in clone.job';

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
    -- Of a role that is gone only a superuser is a member.
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
COMMENT ON FUNCTION clone_internal.cancel_job(bigint, oid) IS 'For project_clone_cancel only: it says who is calling';
