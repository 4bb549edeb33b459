//! The text ids of a real registry export (Provena's 13 items): every handle of the bundle follows the clone, in id
//! fields and inside the serialised provenance.

use pg_clone_core::ids::{IdMap, IdVersion, NewIds, TextIdMap};
use pg_clone_core::jsonb;
use pg_clone_core::rewrite::{Dangling, IdField, IdPaths, Outcome, Rewriter};
use regex::{Captures, Regex};
use serde_json::Value;

use super::fixture::shared;

fn items() -> Vec<Value> {
    let text = shared("data/provena/registry_export_bundle_13_items.json");
    let bundle: Value = serde_json::from_str(&text).unwrap();
    bundle["items"].as_array().unwrap().clone()
}

/// The clone's handle: of another length than the source's.
fn target(handle: &str) -> String {
    format!("102.100.100/{}", handle.replace("10378.1/", "9"))
}

#[test]
#[cfg_attr(not(provena_data), ignore = "needs ../shared/data/provena")]
fn every_handle_of_a_registry_follows_the_clone() {
    let items = items();
    let ids = IdMap::new(NewIds::new(IdVersion::V7, 0, [0; 16]), 0);
    let mut texts = TextIdMap::new(usize::MAX);
    for item in &items {
        let handle = item["id"].as_str().unwrap();
        texts.insert(handle, &target(handle)).unwrap();
    }
    let mut paths = IdPaths::new();
    for field in ["**.id", "**.*_id", "**.identifier"] {
        paths.add(field, IdField::Whole).unwrap();
    }
    // The name of a model run is "Model run id: <handle>".
    for field in ["**.prov_serialisation", "**.display_name"] {
        paths.add(field, IdField::Embedded).unwrap();
    }
    let handle = Regex::new(r"10378\.1/\d+").unwrap();
    let (mut rewritten, mut embedded) = (0, 0);
    for item in &items {
        let text = item.to_string();
        let expected = handle.replace_all(&text, |found: &Captures<'_>| target(&found[0]));
        let mut rewriter = Rewriter::new(&ids, &texts, Dangling::Keep).with_id_paths(&paths);
        let Ok(Outcome::Rebuilt(new)) = rewriter.json_text(&mut text.clone().into_bytes()) else {
            panic!("every item has its own handle: {text}")
        };
        assert_eq!(String::from_utf8(new).unwrap(), expected);
        let Ok(Outcome::Rebuilt(new)) = rewriter.jsonb(&mut jsonb::from_value(item).unwrap()) else {
            panic!("every item has its own handle: {text}")
        };
        assert_eq!(
            jsonb::to_value(&new).unwrap(),
            serde_json::from_str::<Value>(&expected).unwrap()
        );
        assert_eq!(
            rewriter.counts().rewritten,
            2 * handle.find_iter(&text).count() as u64
        );
        rewritten += rewriter.counts().rewritten;
        embedded += usize::from(text.contains("prov_serialisation"));
    }
    assert!(
        rewritten > 200 && embedded > 0,
        "{rewritten} handles, {embedded} items with provenance"
    );
}
