//! Hashes, sort columns and lookup tables agree with the documents, also after a rule has changed them.

use pg_clone_tests::medplum_source::{PROJECT, shared, source};

/// A patient of the project, whose id stands in odd places here.
const ID: &str = "773d0adb-ce39-4944-9b4b-292fd22077cd";

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn an_id_in_a_string_that_something_is_derived_from_stays_in_both() {
    let db = shared().await;
    db.run(&format!(
        r#"SELECT test.put('{PROJECT}', 'Basic', 'aaaaaaaa-0000-4000-8000-000000000001', '{{"code": {{"text": "case {ID}", "coding": [{{"system": "http://x/{ID}", "code": "c"}}]}},
               "subject": {{"type": "Patient", "identifier": {{"system": "http://x/{ID}", "value": "{ID}"}}}}, "extension": [{{"url": "note", "valueString": "see {ID}"}}]}}',
               '{{"subject": "identifier:http://x/{ID}|{ID}", "patient": "identifier:http://x/{ID}|{ID}", "__codeText": ["case {ID}"], "__codeSort": "case {ID}"}}');
           SELECT test.put('{PROJECT}', 'Practitioner', 'aaaaaaaa-0000-4000-8000-000000000002', '{{"name": [{{"family": "{ID}"}}], "address": [{{"city": "{ID}"}}]}}',
               '{{"__nameSort": "{ID}", "__familySort": "{ID}", "phonetic": ["{ID}"]}}');
           INSERT INTO "HumanName" ("resourceId", name, family) VALUES ('aaaaaaaa-0000-4000-8000-000000000002', '{ID}', '{ID}');
           INSERT INTO "Address" ("resourceId", address, city) VALUES ('aaaaaaaa-0000-4000-8000-000000000002', '{ID}', '{ID}');
           SELECT test.put('{PROJECT}', 'CodeSystem', 'aaaaaaaa-0000-4000-8000-000000000003', '{{"url": "http://x/cs", "concept": [{{"code": "{ID}", "display": "{ID}"}}]}}',
               '{{"url": "http://x/cs", "system": "http://x/cs", "code": ["{ID}"]}}');
           INSERT INTO "Coding" (system, code, display, "isSynonym") VALUES ('aaaaaaaa-0000-4000-8000-000000000003', '{ID}', '{ID}', false)"#
    ))
    .await;
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    let holds = async |sql: &str| {
        assert_eq!(
            db.number(&sql.replace("CLONE", &clone).replace("<id>", ID)).await,
            1,
            "{sql}"
        )
    };
    holds(r#"SELECT count(*) FROM "Basic" WHERE "projectId" = 'CLONE' AND content::jsonb #>> '{code,text}' = 'case <id>' AND "__codeText" = '{case <id>}' AND "__codeSort" = 'case <id>'
             AND content::jsonb #>> '{code,coding,0,system}' = 'http://x/<id>' AND content::jsonb #>> '{subject,identifier,system}' = 'http://x/<id>'
             AND content::jsonb #>> '{subject,identifier,value}' = '<id>' AND subject = 'identifier:http://x/<id>|<id>' AND patient = subject"#).await;
    // Nothing is derived from an extension: there the id follows the clone.
    holds(r#"SELECT count(*) FROM "Basic" WHERE "projectId" = 'CLONE' AND content::jsonb #>> '{code,text}' = 'case <id>'
             AND content::jsonb #>> '{extension,0,valueString}' = (SELECT 'see ' || p.id FROM "Patient" p JOIN "Patient" s ON s."lastUpdated" = p."lastUpdated"
                AND s.id = '<id>' WHERE p."projectId" = 'CLONE' LIMIT 1)"#).await;
    holds(r#"SELECT count(*) FROM "Practitioner" p JOIN "HumanName" n ON n."resourceId" = p.id JOIN "Address" a ON a."resourceId" = p.id
             WHERE p."projectId" = 'CLONE' AND p.content::jsonb #>> '{name,0,family}' = '<id>' AND n.family = '<id>' AND p."__familySort" = '<id>'
             AND p.phonetic = '{<id>}' AND p.content::jsonb #>> '{address,0,city}' = '<id>' AND a.city = '<id>'"#).await;
    holds(r#"SELECT count(*) FROM "CodeSystem" s JOIN "Coding" c ON c.system = s.id WHERE s."projectId" = 'CLONE' AND c.code = '<id>'
             AND s.content::jsonb #>> '{concept,0,code}' = '<id>' AND s.code = '{<id>}'"#).await;
    assert_eq!(
        db.rows(&format!(
            "SELECT * FROM project_clone_verify('{clone}', columns => true) WHERE NOT ok AND check_name !~ 'file'"
        ))
        .await,
        Vec::<Vec<Option<String>>>::new()
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn verification_finds_a_column_a_reference_row_and_a_lookup_row_that_say_something_else() {
    let db = shared().await;
    let clone = db
        .clone_project(&format!(
            "'{PROJECT}', resource_types => '{{Patient,Encounter,Organization}}'"
        ))
        .await;
    let one =
        |relation: &str| format!(r#"(SELECT id FROM "{relation}" WHERE "projectId" = '{clone}' LIMIT 1)"#);
    for (damage, subject) in [
        (
            format!(
                r#"UPDATE "Encounter" SET subject = NULL WHERE id = {}"#,
                one("Encounter")
            ),
            "Encounter.subject",
        ),
        (
            format!(
                r#"UPDATE "Patient" SET "generalPractitioner" = '{{}}' WHERE id = {}"#,
                one("Patient")
            ),
            "Patient.generalPractitioner",
        ),
        (
            format!(
                r#"DELETE FROM "Encounter_References" WHERE "resourceId" = {} AND code = 'subject'"#,
                one("Encounter")
            ),
            "Encounter_References",
        ),
        (
            format!(
                r#"INSERT INTO "Encounter_References" ("resourceId", "targetId", code) VALUES ({}, gen_random_uuid(), 'subject')"#,
                one("Encounter")
            ),
            "Encounter_References",
        ),
        (
            format!(
                r#"UPDATE "HumanName" SET family = 'Somebody' WHERE "resourceId" = {}"#,
                one("Patient")
            ),
            "HumanName",
        ),
        (
            format!(r#"DELETE FROM "Address" WHERE "resourceId" = {}"#, one("Patient")),
            "Address",
        ),
    ] {
        db.run("SAVEPOINT s").await;
        db.run(&damage).await;
        let found = db
            .list(&format!(
                "SELECT subject FROM project_clone_verify('{clone}', columns => true) WHERE NOT ok AND check_name ~ 'say what'"
            ))
            .await;
        assert_eq!(found, [subject], "{damage}");
        db.run("ROLLBACK TO s").await;
    }
}

#[tokio::test]
async fn a_store_without_such_a_check_says_so() {
    let db = pg_clone_tests::sample_documents::with_observations(1).await;
    let clone = db
        .clone_project(&format!("'{}'", pg_clone_tests::sample_documents::PROJECT))
        .await;
    let failure = db
        .fails(&format!(
            "SELECT * FROM project_clone_verify('{clone}', columns => true)"
        ))
        .await;
    assert_eq!(failure.code, "22023", "{failure:?}");
    assert!(
        failure.message.contains("documents") && !failure.hint.is_empty(),
        "{failure:?}"
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn masked_documents_leave_nothing_behind_in_what_is_derived_from_them() {
    let db = source().await;
    db.run(
        r#"SELECT clone.rule('medplum', 'Patient', '$.name[*].family', 'set', '"Masked"');
           SELECT clone.rule('medplum', 'Patient', '$.name[*].given', 'set', '["Anonymous"]');
           SELECT clone.rule('medplum', 'Patient', '$.telecom', 'remove');
           SELECT clone.rule('medplum', 'Patient', '$.address', 'remove');
           SELECT clone.rule('medplum', 'Patient', '$.identifier', 'remove');
           SELECT clone.rule('medplum', 'Patient', '$.birthDate', 'remove')"#,
    )
    .await;
    let clone = db
        .clone_project(&format!("'{PROJECT}', resource_types => '{{Patient}}'"))
        .await;
    // No word of the source's names, phones, addresses or identifiers is in any row of the clone's patients.
    let left = db
        .number(&format!(
            r#"SELECT count(*) FROM "Patient" p WHERE p."projectId" = '{clone}' AND (to_jsonb(p)::text ~ '@example\.com|\+47 |MRN0|Street'
                   OR p."birthdate" IS NOT NULL OR cardinality(p.__telecom) > 0 OR cardinality(p.__identifier) > 0 OR cardinality(p.__phone) > 0)"#
        ))
        .await;
    assert_eq!(left, 0);
    assert_eq!(
        db.rows(&format!(
            r#"SELECT DISTINCT n.family FROM "HumanName" n JOIN "Patient" p ON p.id = n."resourceId" WHERE p."projectId" = '{clone}' AND n.name LIKE '%Masked'"#
        ))
        .await,
        [[Some("Masked".to_owned())]]
    );
    assert_eq!(
        db.number(&format!(
            r#"SELECT count(*) FROM "Address" a JOIN "Patient" p ON p.id = a."resourceId" WHERE p."projectId" = '{clone}'"#
        ))
        .await,
        0
    );
    assert_eq!(
        db.number(&format!(
            r#"SELECT count(*) FROM "Patient" WHERE "projectId" = '{clone}' AND COALESCE("__nameSort", "__familySort", "__givenSort", phonetic[1]) IS NOT NULL"#
        ))
        .await,
        0
    );
    let todo = db.text("SELECT todo::text FROM clone.run").await;
    assert!(todo.contains("reindex"), "{todo}");
    assert_eq!(
        db.number(&format!(
            r#"SELECT count(*) FROM "HumanName" n JOIN "Patient" p ON p.id = n."resourceId"
               WHERE p."projectId" = '{clone}' AND (n.name !~ '^(Anonymous )?Masked$' OR n.given <> 'Anonymous')"#
        ))
        .await,
        0
    );
    // The source is as it was.
    assert_eq!(
        db.number(&format!(
            r#"SELECT count(*) FROM "Patient" p JOIN "HumanName" n ON n."resourceId" = p.id WHERE p."projectId" = '{PROJECT}' AND n.family <> 'Masked'"#
        ))
        .await,
        302
    );
}
