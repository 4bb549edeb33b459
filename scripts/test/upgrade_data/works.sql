-- All functions still work: a verified clone, a refresh, the next job with its role's privileges, a deletion. Prints one line.
\o /dev/null
SELECT project_clone('00000000-0000-4000-8000-000000000001', :'name')->>'id' AS made \gset
SELECT project_clone('00000000-0000-4000-8000-000000000001', :'name', options => jsonb_build_object('replace', :'made'))->>'id' AS made \gset
SELECT count(*) FILTER (WHERE NOT ok AND check_name <> 'files copied') = 0 AS verified FROM project_clone_verify(:'made') \gset
SELECT project_clone_start('00000000-0000-4000-8000-000000000001', 'Next job');
SELECT clone.run_next_job() AS job \gset
SELECT state = 'done' AS worked, (SELECT r.run_by = j.queued_by FROM clone.run r WHERE r.id = j.run_id) AS as_who FROM clone.job j WHERE id = :job \gset
SELECT project_delete(:'made')->>'rows' = '201' AS deleted \gset
SELECT count(*) > 0 AS checked FROM public.checked \gset
\o
SELECT :'name', :'verified' || :'worked' || :'as_who' || :'deleted' || :'checked' AS works;
SELECT 1 / (:'verified' AND :'worked' AND :'as_who' AND :'deleted' AND :'checked')::int AS all_work \gset
