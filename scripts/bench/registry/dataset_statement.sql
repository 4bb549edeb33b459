-- What an application would write: the four rows of each of some data sets, in one statement.
PREPARE clone_by_hand (text[]) AS
WITH h AS MATERIALIZED (SELECT s.id AS source, reg.next_handle() AS id, date_part('epoch', now())::bigint AS at FROM reg.item s WHERE s.id = ANY ($1)),
    i AS (INSERT INTO reg.item (id, collection_id, owner_username, created_timestamp, updated_timestamp, item_category, item_subtype, versioning_info,
                display_name, user_metadata, domain_info)
          SELECT h.id, s.collection_id, 'ada', h.at, h.at, s.item_category, s.item_subtype, '{"previous_version": null, "version": 1, "next_version": null}',
                 s.domain_info #>> '{collection_format,dataset_info,name}', s.domain_info #> '{collection_format,dataset_info,user_metadata}',
                 jsonb_set(jsonb_set(jsonb_set(jsonb_set(s.domain_info, '{collection_format,approvals,ethics_registration,obtained}', 'false'),
                     '{collection_format,approvals,ethics_access,obtained}', 'false'), '{collection_format,approvals,indigenous_knowledge,obtained}', 'false'),
                     '{collection_format,approvals,export_controls,obtained}', 'false') - '{release_approver,release_timestamp}'::text[]
                 || jsonb_build_object('release_status', 'NOT_RELEASED', 'release_history', '[]'::jsonb, 's3', jsonb_build_object(
                     'bucket_name', s.domain_info #>> '{s3,bucket_name}', 'path', 'datasets/' || translate(h.id, './', '--') || '/',
                     's3_uri', format('s3://%s/datasets/%s/', s.domain_info #>> '{s3,bucket_name}', translate(h.id, './', '--'))))
          FROM h JOIN reg.item s ON s.id = h.source RETURNING *),
    a AS (INSERT INTO reg.item_auth (id, owner, general) SELECT i.id, 'ada', '{metadata-read,dataset-data-read}' FROM i),
    l AS (INSERT INTO reg.item_lock (id) SELECT i.id FROM i)
INSERT INTO reg.item_history SELECT i.id, 0, i.created_timestamp, 'Initial record creation', 'ada',
    i.domain_info || jsonb_build_object('display_name', i.display_name, 'user_metadata', i.user_metadata) FROM i
RETURNING item;
