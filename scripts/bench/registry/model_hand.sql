-- What an application would write: the four rows of a model, in one statement.
SELECT format($$WITH h AS MATERIALIZED (SELECT reg.next_handle() AS id, date_part('epoch', now())::bigint AS at),
    i AS (INSERT INTO reg.item (id, collection_id, owner_username, created_timestamp, updated_timestamp, item_category, item_subtype, versioning_info,
                display_name, user_metadata, domain_info)
          SELECT h.id, s.collection_id, 'ada', h.at, h.at, s.item_category, s.item_subtype, '{"previous_version": null, "version": 1, "next_version": null}',
                 s.display_name, s.user_metadata, s.domain_info || '{"name": "Copy %s"}' FROM h, reg.item s WHERE s.id = '10378.1/102' RETURNING *),
    a AS (INSERT INTO reg.item_auth (id, owner) SELECT i.id, 'ada' FROM i),
    l AS (INSERT INTO reg.item_lock (id) SELECT i.id FROM i)
    INSERT INTO reg.item_history SELECT i.id, 0, i.created_timestamp, 'Initial record creation', 'ada',
        i.domain_info || jsonb_build_object('display_name', i.display_name, 'user_metadata', i.user_metadata) FROM i
    RETURNING item$$, n) FROM generate_series(1, :calls) n
\gexec
