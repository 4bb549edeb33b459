//! Documents of the greatest depth, and one level more, through everything that makes trees of them.

#![allow(clippy::unwrap_used, reason = "a test stops at the first broken assumption")]

use pg_clone_core::depth::{DepthError, MAX_LEVELS, of_text, parse, with_room};
use pg_clone_core::edit::{Edit, EditError, Step, prune, text, value};
use pg_clone_core::jsonb;

fn nested(levels: usize, innermost: &str) -> String {
    let levels = levels - 1;
    format!(
        "{}{innermost}{}",
        "{\"a\":[".repeat(levels / 2) + if levels % 2 == 1 { "[" } else { "" },
        (if levels % 2 == 1 { "]" } else { "" }).to_owned() + &"]}".repeat(levels / 2),
    )
}

#[test]
fn a_document_of_the_greatest_depth_goes_through_everything_that_makes_trees() {
    // The innermost object has another one in it.
    let document = nested(MAX_LEVELS - 1, r#"{"secret":"x","gone":{}}"#);
    let levels = of_text(document.as_bytes());
    assert_eq!(levels, MAX_LEVELS);
    let (payload, again) = with_room(levels, || {
        let value = parse(document.as_bytes()).unwrap();
        let payload = jsonb::from_value(&value).unwrap();
        let copy = value.clone();
        assert_eq!(copy, jsonb::to_value(&payload).unwrap());
        (payload, copy.to_string())
    })
    .unwrap();
    assert_eq!(again, document);
    assert_eq!(jsonb::levels(&payload), MAX_LEVELS);
    let pruned = prune::empties(&document).unwrap();
    assert_eq!(pruned.as_deref(), Some(&*document.replace(r#","gone":{}"#, "")));
    // The innermost object is left empty, and so are all around it.
    let bare = document.replace(r#"{"secret":"x","gone":{}}"#, r#"{"gone":{}}"#);
    assert_eq!(prune::empties(&bare).unwrap().as_deref(), Some("{}"));
}

#[test]
fn edits_at_the_end_of_a_long_way_mean_the_same_in_text_and_jsonb() {
    let document = nested(3_001, r#"{"secret":"x","gone":{}}"#);
    let mut path: Vec<Step> = Vec::new();
    for _ in 0..1_500 {
        path.extend([Step::from("a"), Step::from(0)]);
    }
    path.push("secret".into());
    let edits = [Edit::remove(path)];
    let edited = text::apply(&document, &edits).unwrap().unwrap();
    assert_eq!(edited, document.replace("\"secret\":\"x\",", ""));
    let levels = of_text(document.as_bytes());
    with_room(levels, || {
        let payload = jsonb::from_value(&parse(document.as_bytes()).unwrap()).unwrap();
        let payload = jsonb::edited(&payload, &edits).unwrap().unwrap();
        let mut tree = jsonb::to_value(&payload).unwrap();
        assert_eq!(tree.to_string(), edited);
        assert!(!value::apply(&mut tree, &edits[0]).unwrap());
    })
    .unwrap();
}

#[test]
fn one_level_more_is_refused_everywhere() {
    let document = nested(MAX_LEVELS + 1, "{}");
    let too_deep = || EditError::Depth(DepthError::TooDeep);
    assert_eq!(prune::empties(&document), Err(too_deep()));
    let edits = [Edit::remove([Step::from("b")])];
    assert_eq!(text::apply(&document, &edits), Err(too_deep()));
}
