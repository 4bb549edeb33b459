//! Terminology tables: integer keys are new, what refers to them refers to the clone's.

use pg_clone_tests::medplum_source::{PROJECT, cloned, shared, source_with_additions};

/// The project's codings with everything that hangs on them, without keys.
fn codings(project: &str) -> String {
    format!(
        r#"SELECT c.code, c.display, c."isSynonym", c.language, s.code AS synonym_of, s.display AS synonym_display, s.system = c.system AS same_system,
               (SELECT jsonb_agg(jsonb_build_array(p.code, p.type, p.uri, cp.value, t.code, t.display, t.system = c.system, p.system = c.system)
                                 ORDER BY p.code, cp.value)
                FROM "Coding_Property" cp LEFT JOIN "CodeSystem_Property" p ON p.id = cp.property LEFT JOIN "Coding" t ON t.id = cp.target
                WHERE cp.coding = c.id) AS properties
           FROM "Coding" c JOIN "CodeSystem" y ON y.id = c.system LEFT JOIN "Coding" s ON s.id = c."synonymOf"
           WHERE y."projectId" = '{project}'"#
    )
}

/// The project's mappings with their attributes, without keys; code systems are shared by all projects.
fn mappings(project: &str) -> String {
    format!(
        r#"SELECT m."sourceSystem", m."sourceCode", m."targetSystem", m."targetCode", m.relationship, m.comment,
               (SELECT jsonb_agg(jsonb_build_array(a.uri, a.type, a.value, a.kind) ORDER BY a.uri) FROM "ConceptMapping_Attribute" a WHERE a.mapping = m.id)
           FROM "ConceptMapping" m JOIN "ConceptMap" c ON c.id = m."conceptMap" WHERE c."projectId" = '{project}'"#
    )
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn codings_and_mappings_of_the_dump_are_cloned_with_new_keys() {
    let (db, clone) = cloned().await;
    for (what, rows) in [(codings as fn(&str) -> String, 150), (mappings, 20)] {
        assert_eq!(
            db.number(&format!("SELECT count(*) FROM ({}) r", what(&clone)))
                .await,
            rows
        );
        for (a, b) in [(PROJECT, clone.as_str()), (clone.as_str(), PROJECT)] {
            assert_eq!(
                db.number(&format!(
                    "SELECT count(*) FROM ({} EXCEPT ALL {}) d",
                    what(a),
                    what(b)
                ))
                .await,
                0
            );
        }
    }
    // Keys come from the tables' own sequences: the server's next insert must not collide.
    for table in ["Coding", "CodeSystem_Property", "ConceptMapping"] {
        assert_eq!(
            db.text(&format!(
                r#"SELECT (SELECT last_value FROM "{table}_id_seq") >= (SELECT max(id) FROM "{table}")"#
            ))
            .await,
            "t",
            "{table}"
        );
    }
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn synonyms_properties_and_attributes_refer_to_the_clones_rows() {
    let db = source_with_additions().await;
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    for what in [codings, mappings] {
        for (a, b) in [(PROJECT, clone.as_str()), (clone.as_str(), PROJECT)] {
            assert_eq!(
                db.rows(&format!("({} EXCEPT ALL {}) LIMIT 2", what(a), what(b)))
                    .await,
                Vec::<Vec<Option<String>>>::new()
            );
        }
    }
    let synonyms = format!(
        "SELECT count(*) FROM ({}) r WHERE synonym_of IS NOT NULL AND same_system",
        codings(&clone)
    );
    assert_eq!(
        db.number(&synonyms).await,
        50 + 3,
        "those of the dump and the added ones"
    );
    // No row of the clone names a key of the source's.
    assert_eq!(
        db.number(&format!(
            r#"WITH source AS (SELECT c.id FROM "Coding" c JOIN "CodeSystem" y ON y.id = c.system WHERE y."projectId" = '{PROJECT}'),
                    clone AS (SELECT c.* FROM "Coding" c JOIN "CodeSystem" y ON y.id = c.system WHERE y."projectId" = '{clone}')
               SELECT (SELECT count(*) FROM clone JOIN source USING (id)) + (SELECT count(*) FROM clone c JOIN source s ON s.id = c."synonymOf")
                    + (SELECT count(*) FROM "Coding_Property" p JOIN clone c ON c.id = p.coding JOIN source s ON s.id = p.target)"#
        ))
        .await,
        0
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn a_code_system_brings_its_codings_and_others_none() {
    let db = shared().await;
    let clone = db
        .clone_project(&format!("'{PROJECT}', resource_types => '{{CodeSystem}}'"))
        .await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM ({}) r", codings(&clone)))
            .await,
        150
    );
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM ({}) r", mappings(&clone)))
            .await,
        0
    );
    let before = db.number(r#"SELECT count(*) FROM "Coding""#).await;
    db.clone_project(&format!("'{PROJECT}', resource_types => '{{Patient}}'"))
        .await;
    assert_eq!(db.number(r#"SELECT count(*) FROM "Coding""#).await, before);
}
