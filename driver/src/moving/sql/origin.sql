-- When and by whom an archive is written, the versions, and the store: the one that is named, or the only one.
SELECT pg_catalog.now()::text, current_user::text, pg_catalog.current_setting('server_version'),
       (SELECT e.extversion FROM pg_catalog.pg_extension e WHERE e.extname = 'pg_clone_ext'),
       s.name, s.preset, s.options ->> 'blobs'
FROM clone.store s
WHERE $1::text IS NULL OR s.name = $1
