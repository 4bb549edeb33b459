//! Registries of other kinds, described by rows: a subtype of one's own, records behind DOIs, and a registry over the views of an
//! application that is there already. The two are of our own making, in the spirit of InvenioRDM and Dataverse.

use serde_json::{Value, json};

use super::fixture::*;

#[tokio::test]
async fn a_subtype_with_references_and_files_is_a_row() {
    let reg = with_items().await;
    reg.run(
        r#"INSERT INTO reg.category VALUES ('DEVICE', 'What measures');
           INSERT INTO reg.subtype (name, category, title, cloneable, json_schema, "references", storage, item_roles) VALUES
           ('INSTRUMENT', 'DEVICE', 'Instrument', 'alone', '{"additionalProperties": false, "required": ["display_name", "owner_id"],
             "properties": {"display_name": {"type": "string"}, "owner_id": {"type": "string"}, "see": {"type": "array", "items": {"type": "string"}}}}',
            '[{"path": "$.owner_id", "subtypes": ["ORGANISATION"], "prefixes": ["https://hdl.handle.net/", "hdl:"]},
              {"path": "$.see[*]", "prefixes": ["https://hdl.handle.net/"], "external": true}]',
            '{"field": "place", "bucket": "bucket", "key": "folder", "role": "admin", "template": {"bucket": "{bucket}", "folder": "instruments/{slug}/", "url": "https://files/{slug}"}}',
            '{metadata-read,metadata-write,admin}');
           INSERT INTO reg.item (id, collection_id, owner_username, item_category, item_subtype, display_name, domain_info) VALUES
           ('10378.1/500', 'reef', 'ada', 'DEVICE', 'INSTRUMENT', 'Sensor', '{"owner_id": "https://hdl.handle.net/10378.1/100",
             "see": ["10378.1/102", "https://hdl.handle.net/10378.1/102", "https://example.org/x"], "place": {"folder": "instruments/10378-1-500/", "bucket": "b"}}');
           INSERT INTO reg.item_auth (id, owner) VALUES ('10378.1/500', 'ada')"#,
    )
    .await;
    let set = reg
        .clone_set(
            &["10378.1/500", ORGANISATION, MODEL],
            Value::Null,
            json!({"files": true}),
        )
        .await
        .unwrap();
    let (instrument, organisation, model) = (&set[0], id(&set[1]), id(&set[2]));
    assert_eq!(instrument["item_category"], "DEVICE");
    assert_eq!(
        instrument["owner_id"],
        format!("https://hdl.handle.net/{organisation}")
    );
    assert_eq!(
        instrument["see"],
        json!([
            model,
            format!("https://hdl.handle.net/{model}"),
            "https://example.org/x"
        ])
    );
    let slug = id(instrument).replace(['.', '/'], "-");
    assert_eq!(
        instrument["place"],
        json!({"bucket": "b", "folder": format!("instruments/{slug}/"), "url": format!("https://files/{slug}")})
    );
    assert_eq!(
        reg.json("SELECT jsonb_agg(source_key) FROM clone.blob_copy")
            .await,
        json!(["instruments/10378-1-500/"])
    );
    let wrong = reg
        .clone_item(
            "10378.1/500",
            json!({"owner_id": format!("hdl:{MODEL}")}),
            "ada",
            Value::Null,
        )
        .await
        .unwrap_err();
    assert_eq!(
        wrong.detail,
        "/owner_id: item 10378.1/102 is a MODEL, not a ORGANISATION"
    );
    // The collection follows the same rows.
    let collection = reg.json("SELECT project_clone('reef', 'Two')->>'id'").await;
    let of = |source: &str| {
        format!(
            "SELECT i.id FROM reg.item i JOIN clone.item_origin o ON o.item = i.id WHERE o.source = '{source}' AND i.collection_id = '{}'",
            collection.as_str().unwrap()
        )
    };
    let (instrument, organisation) = (
        reg.json(&of("10378.1/500")).await,
        reg.json(&of(ORGANISATION)).await,
    );
    let instrument = reg.item(instrument.as_str().unwrap()).await;
    assert_eq!(
        instrument["owner_id"],
        format!("https://hdl.handle.net/{}", organisation.as_str().unwrap())
    );
}

/// Data sets with a DOI, metadata in blocks, as a Dataverse has them: rows of a store's own tables.
#[tokio::test]
async fn data_sets_with_dois_and_metadata_in_blocks() {
    let reg = empty().await;
    reg.run(
        r#"SELECT clone.store_create('dv', 'registry', '{"handle_prefix": "doi:10.5072/FK2"}');
           DELETE FROM dv.subtype;
           INSERT INTO dv.subtype (name, category, cloneable, versionable, json_schema, title_paths, resets, "references", derived) VALUES
           ('DATASET', 'ENTITY', 'alone', true, '{"required": ["datasetVersion"]}',
            '{/datasetVersion/metadataBlocks/citation/fields/0/value}',
            '[{"op": "remove", "path": "/datasetVersion/releaseTime", "reason": "not published"}, {"op": "set", "path": "/datasetVersion/versionState", "value": "DRAFT", "reason": "not published"}]',
            '[{"path": "$.datasetVersion.metadataBlocks.citation.relatedDatasets[*]", "subtypes": ["DATASET"], "prefixes": ["https://doi.org/"]}]',
            '[{"field": "display_name", "from": "/datasetVersion/metadataBlocks/citation/fields/0/value"}]');
           INSERT INTO dv.user_role VALUES ('ada', 'registry-read'), ('ada', 'registry-write');
           INSERT INTO dv.item (id, owner_username, item_category, item_subtype, display_name, domain_info)
           SELECT 'doi:10.5072/FK2/' || n, 'ada', 'ENTITY', 'DATASET', 'D' || n, jsonb_build_object('datasetVersion', jsonb_build_object('versionState', 'RELEASED',
             'releaseTime', '2024-01-01', 'metadataBlocks', jsonb_build_object('citation', jsonb_build_object('fields', jsonb_build_array(
               jsonb_build_object('typeName', 'title', 'value', 'D' || n)), 'relatedDatasets', CASE n WHEN 1 THEN '["https://doi.org/10.5072/x"]'::jsonb ELSE '[]' END)))) FROM generate_series(1, 2) n;
           UPDATE dv.item SET domain_info = jsonb_set(domain_info, '{datasetVersion,metadataBlocks,citation,relatedDatasets}', '["doi:10.5072/FK2/2"]') WHERE id LIKE '%/1';
           INSERT INTO dv.item_auth (id, owner) SELECT id, 'ada' FROM dv.item; SELECT setval('dv.handle_number', 2)"#,
    )
    .await;
    let set = reg.json("SELECT jsonb_agg(c) FROM items_clone('{doi:10.5072/FK2/1,doi:10.5072/FK2/2}', actor => 'ada', store => 'dv', options => '{\"title\": \"Copy of %s\"}') c").await;
    assert_eq!(set[0]["id"], "doi:10.5072/FK2/3");
    assert_eq!(set[0]["display_name"], "Copy of D1");
    assert_eq!(
        (
            &set[0]["datasetVersion"]["versionState"],
            set[0]["datasetVersion"].get("releaseTime")
        ),
        (&json!("DRAFT"), None)
    );
    assert_eq!(
        set[0]["datasetVersion"]["metadataBlocks"]["citation"]["relatedDatasets"],
        json!(["doi:10.5072/FK2/4"])
    );
}

/// DOIs in every spelling: ids stored with a scheme are named by their address, ids stored bare with a scheme.
#[tokio::test]
async fn dois_are_one_id_in_every_spelling() {
    for (scheme, prefixes, spellings) in [
        (
            "doi:",
            r#"[{"prefix": "https://doi.org/", "id_prefix": "doi:"}, {"prefix": "", "id_prefix": "doi:"}]"#,
            ["doi:", "https://doi.org/", ""],
        ),
        (
            "",
            r#"["doi:", "https://doi.org/", "https://doi.org/doi:"]"#,
            ["", "doi:", "https://doi.org/"],
        ),
    ] {
        let reg = empty().await;
        reg.run(&format!(
            r#"SELECT clone.store_create('dv', 'registry', '{{"handle_prefix": "{scheme}10.5072"}}');
               DELETE FROM dv.subtype;
               INSERT INTO dv.subtype (name, category, cloneable, json_schema, "references") VALUES
               ('DATASET', 'ENTITY', 'alone', '{{}}', '[{{"path": "$.related[*]", "prefixes": {prefixes}}}]');
               INSERT INTO dv.user_role VALUES ('ada', 'registry-read'), ('ada', 'registry-write');
               INSERT INTO dv.collection (id, name, owner_username) VALUES ('sea', 'Sea', 'ada');
               INSERT INTO dv.item (id, collection_id, owner_username, item_category, item_subtype, display_name, domain_info)
               SELECT '{scheme}10.5072/' || n, 'sea', 'ada', 'ENTITY', 'DATASET', 'D' || n, jsonb_build_object('related',
                 CASE n WHEN 1 THEN '["{}10.5072/2", "{}10.5072/2", "{}10.5072/2"]'::jsonb ELSE '[]' END) FROM generate_series(1, 2) n;
               INSERT INTO dv.item_auth (id, owner) SELECT id, 'ada' FROM dv.item; SELECT setval('dv.handle_number', 2)"#,
            spellings[0], spellings[1], spellings[2]
        ))
        .await;
        let spelled = |number: u32| json!(spellings.map(|spelling| format!("{spelling}10.5072/{number}")));
        let one = format!("{scheme}10.5072/1");
        let set = reg
            .json(&format!("SELECT jsonb_agg(c) FROM items_clone('{{{one}}}', actor => 'ada', store => 'dv', options => '{{\"include\": [\"DATASET\"]}}') c"))
            .await;
        assert_eq!(
            (&set[0]["id"], &set[1]["id"]),
            (
                &json!(format!("{scheme}10.5072/3")),
                &json!(format!("{scheme}10.5072/4"))
            )
        );
        assert_eq!(set[0]["related"], spelled(4));
        let unknown = reg
            .json(&format!(
                "SELECT item_clone_check('{one}', '{{\"related\": [\"{}10.5072/9\"]}}', 'ada', 'dv')",
                spellings[1]
            ))
            .await;
        assert_eq!(
            unknown["problems"],
            json!([{"path": "/related/0", "code": "no_item", "message": format!("no item {scheme}10.5072/9")}])
        );
        // What names the data set, in the other direction, by its spelling.
        let two = format!("{scheme}10.5072/2");
        let naming = reg
            .json(&format!("SELECT jsonb_agg(c->>'cloned_from') FROM items_clone('{{{two}}}', actor => 'ada', store => 'dv', options => '{{\"dry_run\": true, \"include\": {{\"naming\": [\"DATASET\"]}}}}') c"))
            .await;
        assert_eq!(naming, json!([two, one]));

        // The collection follows, and a reference that stays at the source is found in every spelling.
        reg.run("DELETE FROM dv.item WHERE id LIKE '%/3' OR id LIKE '%/4'; SET pg_clone.actor = 'ada'")
            .await;
        let new = reg
            .json("SELECT project_clone('sea', 'Two', store => 'dv')->>'id'")
            .await;
        let new = new.as_str().unwrap();
        let failed = format!("SELECT jsonb_agg(c) FROM project_clone_verify('{new}', 'dv') c WHERE NOT ok");
        assert_eq!(reg.json(&failed).await, Value::Null);
        let first = format!("WHERE collection_id = '{new}' AND display_name = 'D1'");
        let related = reg
            .json(&format!("SELECT domain_info->'related' FROM dv.item {first}"))
            .await;
        assert_eq!(related, spelled(7));
        for spelling in spellings {
            reg.run(&format!(
                "UPDATE dv.item SET domain_info = '{{\"related\": [\"{spelling}10.5072/2\"]}}' {first}"
            ))
            .await;
            let failed = reg.json(&failed).await;
            assert_eq!(
                failed[0]["check_name"], "references to sources of items",
                "{failed}"
            );
            assert_eq!(
                failed[0]["found"],
                format!("1, one is {scheme}10.5072/6 /related/0 {spelling}10.5072/2")
            );
            // A reference from outside is found before a deletion.
            reg.run(&format!("UPDATE dv.item SET domain_info = '{{\"related\": [\"{spelling}10.5072/7\"]}}' WHERE id = '{one}'"))
                .await;
            let refused = reg
                .failure(&format!("SELECT project_delete('{new}', store => 'dv')"))
                .await;
            assert_eq!(refused.code, "23503", "{}", refused.message);
            assert!(
                refused.detail.contains(&format!("{one} names {scheme}10.5072/7")),
                "{}",
                refused.detail
            );
        }
    }
}

/// An application with records of JSON in a table of its own: the registry is a few views over it.
const RECORDS: &str = r#"
CREATE SCHEMA rdm;
CREATE TABLE rdm.community (slug text PRIMARY KEY, title text NOT NULL);
CREATE TABLE rdm.record (pid text PRIMARY KEY, community text REFERENCES rdm.community, owner text NOT NULL, created timestamptz NOT NULL DEFAULT now(),
    public boolean NOT NULL DEFAULT false, json jsonb NOT NULL, kind text NOT NULL);
CREATE TABLE rdm.revision (pid text REFERENCES rdm.record ON DELETE CASCADE, number int, at timestamptz, who text, json jsonb, PRIMARY KEY (pid, number));
CREATE TABLE rdm.account (username text PRIMARY KEY, may_edit boolean);
CREATE SEQUENCE rdm.pids;
CREATE FUNCTION rdm.next_pid(kind text) RETURNS text LANGUAGE sql AS $$ SELECT lower(kind) || '-' || lpad(to_hex(nextval('rdm.pids')), 5, '0') $$;
CREATE TABLE rdm.subtype (LIKE clone.registry_subtype INCLUDING ALL);
INSERT INTO rdm.subtype (name, category, cloneable, json_schema, "references", title_paths, resets) VALUES
('REC', 'ENTITY', 'alone', '{"required": ["metadata"], "properties": {"metadata": {"required": ["title"], "properties": {"title": {"type": "string", "minLength": 1}}}}}',
 '[{"path": "$.metadata.related_identifiers[*].identifier", "prefixes": ["https://example.org/records/", "doi:"], "external": true}]', '{/metadata/title}',
 '[{"op": "remove", "path": "/pids", "reason": "a DOI is registered for one record"}]');
CREATE VIEW rdm.collection AS SELECT slug AS id, title AS name, NULL::text AS description, NULL::text AS owner_username, NULL::bigint AS created_timestamp, NULL::bigint AS updated_timestamp FROM rdm.community;
CREATE VIEW rdm.item AS SELECT pid AS id, community AS collection_id, owner AS owner_username, extract(epoch FROM created)::bigint AS created_timestamp,
    extract(epoch FROM created)::bigint AS updated_timestamp, 'ENTITY'::text AS item_category, kind AS item_subtype, 'COMPLETE_ITEM'::text AS record_type, NULL::jsonb AS workflow_links,
    NULL::jsonb AS versioning_info, json#>>'{metadata,title}' AS display_name, NULL::jsonb AS user_metadata, json AS domain_info FROM rdm.record;
CREATE VIEW rdm.item_auth AS SELECT pid AS id, owner, CASE WHEN public THEN '{metadata-read}'::text[] ELSE '{}' END AS general, '{}'::jsonb AS groups FROM rdm.record;
CREATE VIEW rdm.item_lock AS SELECT pid AS id, false AS locked, '[]'::jsonb AS history FROM rdm.record;
CREATE VIEW rdm.item_history AS SELECT pid AS item_id, number AS id, extract(epoch FROM at)::bigint AS "timestamp", ''::text AS reason, who AS username, json AS item FROM rdm.revision;
CREATE VIEW rdm.user_role AS SELECT username, r AS role FROM rdm.account, unnest(CASE WHEN may_edit THEN '{registry-read,registry-write}'::text[] ELSE '{registry-read}' END) r;
CREATE VIEW rdm.group_user AS SELECT NULL::text AS group_id, NULL::text AS username WHERE false;
CREATE VIEW rdm.username_person_link AS SELECT NULL::text AS username, NULL::text AS person_id WHERE false;
CREATE FUNCTION rdm.write_item() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO rdm.record (pid, community, owner, json, kind) VALUES (NEW.id, NEW.collection_id, NEW.owner_username, NEW.domain_info, NEW.item_subtype); RETURN NEW; END $$;
CREATE FUNCTION rdm.write_auth() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    UPDATE rdm.record SET public = 'metadata-read' = ANY (NEW.general) WHERE pid = NEW.id; RETURN NEW; END $$;
CREATE FUNCTION rdm.write_history() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO rdm.revision VALUES (NEW.item_id, NEW.id, to_timestamp(NEW."timestamp"), NEW.username, NEW.item); RETURN NEW; END $$;
CREATE FUNCTION rdm.write_nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER write INSTEAD OF INSERT ON rdm.item FOR EACH ROW EXECUTE FUNCTION rdm.write_item();
CREATE TRIGGER write INSTEAD OF INSERT ON rdm.item_auth FOR EACH ROW EXECUTE FUNCTION rdm.write_auth();
CREATE TRIGGER write INSTEAD OF INSERT ON rdm.item_history FOR EACH ROW EXECUTE FUNCTION rdm.write_history();
CREATE TRIGGER write INSTEAD OF INSERT ON rdm.item_lock FOR EACH ROW EXECUTE FUNCTION rdm.write_nothing();
INSERT INTO rdm.community VALUES ('sea', 'The sea');
INSERT INTO rdm.account VALUES ('ada', true), ('eve', false);
INSERT INTO rdm.record (pid, community, owner, public, json, kind) VALUES
('rec-a', 'sea', 'ada', true, '{"metadata": {"title": "A", "related_identifiers": [{"identifier": "https://example.org/records/rec-b"}, {"identifier": "doi:10.1/other"}]}, "pids": {"doi": "10.1/a"}}', 'REC'),
('rec-b', 'sea', 'ada', false, '{"metadata": {"title": "B"}}', 'REC');
SELECT clone.store_create('rdm', 'registry', '{"id_generator": "rdm.next_pid(text)"}');
"#;

#[tokio::test]
async fn a_registry_over_the_views_of_an_application() {
    let reg = empty().await;
    reg.run(RECORDS).await;
    let draft = reg.json("SELECT item_clone_draft('rec-a', 'eve', 'rdm')").await;
    assert_eq!(
        (&draft["item"]["metadata"]["title"], &draft["reset"][0]["path"]),
        (&json!("A"), &json!("/pids"))
    );
    assert_eq!(
        reg.failure("SELECT item_clone_draft('rec-b', 'eve', 'rdm')")
            .await
            .code,
        "P0002"
    );
    assert_eq!(
        reg.failure("SELECT item_clone('rec-a', actor => 'eve', store => 'rdm')")
            .await
            .code,
        "42501"
    );
    let set = reg.json("SELECT jsonb_agg(c) FROM items_clone('{rec-a,rec-b}', '{\"rec-a\": {\"metadata\": {\"title\": \"A2\"}}}', 'ada', 'rdm') c").await;
    let (a, b) = (set[0]["id"].as_str().unwrap(), set[1]["id"].as_str().unwrap());
    assert_eq!((a, b), ("rec-00001", "rec-00002"));
    let stored = reg
        .json(&format!("SELECT to_jsonb(r) FROM rdm.record r WHERE pid = '{a}'"))
        .await;
    assert_eq!(
        (
            &stored["owner"],
            &stored["public"],
            &stored["community"],
            &stored["json"]["metadata"]
        ),
        (
            &json!("ada"),
            &json!(true),
            &json!("sea"),
            &json!({"title": "A2", "related_identifiers": [
            {"identifier": format!("https://example.org/records/{b}")}, {"identifier": "doi:10.1/other"}]})
        )
    );
    assert_eq!(reg.json("SELECT count(*) FROM rdm.revision").await, 2);
    assert_eq!(reg.json("SELECT count(*) FROM clone.item_origin").await, 2);
    let refused = reg
        .failure("SELECT item_clone('rec-a', '{\"metadata\": {\"title\": \"\"}}', 'ada', 'rdm')")
        .await;
    assert_eq!(
        refused.detail,
        "/metadata/title: \"\" is shorter than 1 character"
    );
    // The answer to a repeated call is read from item_payload, which this application does not have.
    let refused = reg
        .failure("SELECT item_clone('rec-a', actor => 'ada', store => 'rdm', options => '{\"idempotency_key\": \"k\"}')")
        .await;
    assert_eq!(
        (refused.code.as_str(), refused.message.as_str()),
        (
            "22023",
            "option \"idempotency_key\" needs the relation \"rdm\".item_payload, which does not exist"
        )
    );
    assert!(refused.hint.contains("leave the option out"), "{}", refused.hint);
    assert_eq!(reg.json("SELECT count(*) FROM rdm.record").await, 4);
    assert_eq!(reg.json("SELECT count(*) FROM clone.item_request").await, 0);
}

#[tokio::test]
async fn what_is_missing_for_a_registry_over_views_is_listed_at_once() {
    let reg = empty().await;
    let create = RECORDS.rfind("SELECT clone.store_create").unwrap();
    let (views, create) = RECORDS.split_at(create);
    reg.run(views).await;
    reg.run(
        "DROP VIEW rdm.item_lock; DROP VIEW rdm.group_user; DROP TRIGGER write ON rdm.item_history;
         DROP VIEW rdm.user_role; CREATE VIEW rdm.user_role AS SELECT username, 1 AS role FROM rdm.account;
         DROP VIEW rdm.collection; CREATE VIEW rdm.collection AS SELECT slug AS id, title FROM rdm.community;
         ALTER TABLE rdm.subtype DROP COLUMN item_roles",
    )
    .await;
    let refused = reg.failure(create).await;
    assert_eq!(
        (refused.code.as_str(), refused.message.as_str()),
        (
            "22023",
            "the relations in schema \"rdm\" are not those of a registry: 10 differences"
        )
    );
    let lines = [
        "rdm.collection has no column name",
        "rdm.collection has no column description",
        "rdm.collection has no column owner_username",
        "rdm.collection has no column created_timestamp",
        "rdm.collection has no column updated_timestamp",
        "there is no relation rdm.item_lock",
        "rdm.item_history takes no rows: it has no INSTEAD OF INSERT trigger",
        "column role of rdm.user_role is of type integer, not text",
        "there is no relation rdm.group_user",
        "rdm.subtype has no column item_roles",
    ];
    assert_eq!(refused.detail, lines.join("\n"));
    assert!(
        refused.hint.contains("CREATE TABLE rdm.subtype"),
        "{}",
        refused.hint
    );
    assert_eq!(
        reg.json("SELECT count(*) FROM clone.store WHERE name = 'rdm'")
            .await,
        0
    );
}

/// What an application's views cannot do is said before anything is read or written.
#[tokio::test]
async fn what_only_some_functions_need_of_views_is_said_by_them() {
    let reg = empty().await;
    reg.run(RECORDS).await;
    let item = r#"[{"item_payload": {"id": "r9", "item_category": "ENTITY", "item_subtype": "REC", "owner_username": "ada", "created_timestamp": 1,
        "display_name": "x", "metadata": {"title": "x"}}}]"#;
    for (call, code, said) in [
        (
            "SELECT project_clone('sea', 'Two', store => 'rdm', owner => 'ada')".to_owned(),
            "22023",
            "the view \"rdm\".collection takes no new collection",
        ),
        (
            "SELECT clone.registry_export(store => 'rdm')".to_owned(),
            "22023",
            "registry \"rdm\" has no relation rdm.item_payload",
        ),
        (
            format!("SELECT clone.registry_load('{item}', 'rdm')"),
            "22023",
            "a bundle is loaded into the tables of a registry, and registry \"rdm\" has no such table: rdm.collection, rdm.item, \
             rdm.item_auth, rdm.item_lock, rdm.item_history, rdm.user_group, rdm.user_role",
        ),
    ] {
        let refused = reg.failure(&call).await;
        assert_eq!((refused.code.as_str(), refused.message.as_str()), (code, said));
        assert!(refused.hint.ends_with(['.', ';']), "{}", refused.hint);
    }
    // With a trigger a whole collection is cloned, too.
    reg.run(
        "CREATE FUNCTION rdm.write_collection() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             INSERT INTO rdm.community VALUES (NEW.id, NEW.name); RETURN NEW; END $$;
         CREATE TRIGGER write INSTEAD OF INSERT ON rdm.collection FOR EACH ROW EXECUTE FUNCTION rdm.write_collection()",
    )
    .await;
    let clone = reg
        .json("SELECT project_clone('sea', 'Two', store => 'rdm', owner => 'ada')->>'id'")
        .await;
    let related = reg
        .json(&format!(
            "SELECT json#>>'{{metadata,related_identifiers,0,identifier}}' = 'https://example.org/records/' || (SELECT b.pid FROM rdm.record b
             WHERE b.community = r.community AND b.json#>>'{{metadata,title}}' = 'B') FROM rdm.record r WHERE r.community = {} AND r.json#>>'{{metadata,title}}' = 'A'",
            clone.to_string().replace('"', "'")
        ))
        .await;
    assert_eq!(related, true);
    reg.run("DROP SCHEMA rdm CASCADE").await;
    for call in [
        "SELECT clone.store_alter('rdm', '{\"email\": \"require\"}')",
        "SELECT clone.registry_export(store => 'rdm')",
        "SELECT clone.registry_load('[]', 'rdm')",
        "SELECT item_clone('rec-a', store => 'rdm')",
    ] {
        let refused = reg.failure(call).await;
        assert_eq!(
            (refused.code.as_str(), refused.message.as_str()),
            ("55000", "the tables of registry \"rdm\" do not exist"),
            "{call}"
        );
    }
}
