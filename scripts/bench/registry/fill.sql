CREATE EXTENSION pg_clone_ext;
SELECT clone.store_create('reg', 'registry', '{"handle_prefix": "10378.1"}');
SELECT clone.registry_load(:'bundle');
INSERT INTO reg.collection (id, name, owner_username) VALUES ('many', 'Many data sets', 'ada');
-- Data sets without approvals that would have to be given anew: they can be cloned as they are.
INSERT INTO reg.item SELECT '10378.1/d' || n, 'many', owner_username, created_timestamp, updated_timestamp, item_category, item_subtype, record_type,
    workflow_links, versioning_info, display_name || ' ' || n, user_metadata,
    jsonb_set(jsonb_set(domain_info, '{collection_format,approvals}', '{"ethics_registration": {"relevant": false, "obtained": false},
        "ethics_access": {"relevant": false, "obtained": false}, "indigenous_knowledge": {"relevant": false, "obtained": false},
        "export_controls": {"relevant": false, "obtained": false}}'),
        '{collection_format,dataset_info,name}', to_jsonb(display_name || ' ' || n))
FROM reg.item, generate_series(1, :datasets) n WHERE id = '10378.1/106';
INSERT INTO reg.item_auth SELECT i.id, a.owner, a.general, a.groups FROM reg.item i, reg.item_auth a WHERE i.collection_id = 'many' AND a.id = '10378.1/106';
INSERT INTO reg.item_lock (id) SELECT i.id FROM reg.item i WHERE i.collection_id = 'many';
INSERT INTO reg.item_history SELECT i.id, 0, i.created_timestamp, 'Initial record creation', 'ada', i.domain_info FROM reg.item i WHERE i.collection_id = 'many';
