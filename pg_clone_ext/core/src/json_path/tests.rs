use super::*;
use proptest::prelude::*;
use serde_json::json;

fn places(path: &str, document: &Value) -> Vec<Vec<Step>> {
    let mut places = JsonPath::parse(path).unwrap().places(document).unwrap();
    places.sort();
    places
}

/// The places that the library finds which reads the paths: it is slower and cannot be interrupted, but right.
fn expected(path: &str, document: &Value) -> Vec<Vec<Step>> {
    let path = serde_json_path::JsonPath::parse(path).unwrap();
    let step = |element: &serde_json_path::PathElement| match element {
        serde_json_path::PathElement::Name(name) => Step::Key((*name).to_owned()),
        serde_json_path::PathElement::Index(index) => Step::Index(*index),
    };
    let found = path.query_located(document);
    let mut places: Vec<Vec<Step>> = found
        .locations()
        .map(|place| place.iter().map(step).collect())
        .collect();
    places.sort();
    places.dedup();
    places
}

/// The pieces that a path of the tests is made of.
fn filter() -> impl Strategy<Value = String> {
    let operand = || {
        prop_oneof![
            Just("@"),
            Just("@.a"),
            Just("@['b'][0]"),
            Just("$.a"),
            Just("$.b[0]"),
            Just("1"),
            Just("-0"),
            Just("1.5e0"),
            Just("'x'"),
            Just("\"\\u0078\""),
            Just("null"),
            Just("true"),
            Just("length(@)"),
            Just("length( @.a )"),
            Just("count(@.*)"),
            Just("count(@..*)"),
            Just("value(@..a)"),
        ]
    };
    let equality = (operand(), prop_oneof![Just("=="), Just(" != ")], operand())
        .prop_map(|(left, op, right)| format!("{left}{op}{right}"));
    // What is neither a number nor a text has no order.
    let order = (
        prop_oneof![Just("@"), Just("@.a"), Just("$.b[0]")],
        prop_oneof![Just("<"), Just(" <= "), Just(">"), Just(">=")],
        prop_oneof![Just("1"), Just("'x'"), Just("0.5")],
    )
        .prop_map(|(left, op, right)| format!("{left}{op}{right}"));
    let exists = prop_oneof![
        Just("@.a"),
        Just("!@.b"),
        Just("@[?@.a]"),
        Just("@..*"),
        Just("$..a"),
        Just("match(@, 'x|a.*')"),
        Just("!search(@.a, '[xy]')"),
        Just("match(@.a, $.b)"),
        Just("match(@, '(')"),
    ]
    .prop_map(str::to_owned);
    let leaf = prop_oneof![equality, order, exists];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("{one} && {other}")),
            (inner.clone(), inner.clone()).prop_map(|(one, other)| format!("({one} || {other})")),
            inner.prop_map(|one| format!("!({one})")),
        ]
    })
}

fn path() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        Just(".a".to_owned()),
        Just(" .*".to_owned()),
        Just("..a".to_owned()),
        Just("..*".to_owned()),
        Just("[ 'b' , \"a\" ]".to_owned()),
        Just("..['a',0]".to_owned()),
        Just("[0, -1,7,-9]".to_owned()),
        Just("[*, 'a']".to_owned()),
        (-4_i64..4, -4_i64..4, -3_i64..4).prop_map(|(start, end, step)| format!("[{start}:{end}:{step}]")),
        Just("[:2]".to_owned()),
        Just("[1:]".to_owned()),
        Just("[::-1]".to_owned()),
        filter().prop_map(|filter| format!("[?{filter}]")),
        filter().prop_map(|filter| format!("..[? {filter} ,'b']")),
    ];
    prop::collection::vec(segment, 0..4).prop_map(|segments| format!("${}", segments.concat()))
}

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        Just(json!(true)),
        Just(json!(0)),
        Just(json!(1)),
        Just(json!(1.5)),
        Just(json!("x")),
        Just(json!("abc")),
    ];
    leaf.prop_recursive(4, 30, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map(
                prop_oneof![Just("a".to_owned()), Just("b".to_owned()), Just("é".to_owned())],
                inner,
                0..3
            )
            .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_a_path_finds_is_what_the_rfc_says(path in path(), document in document()) {
        prop_assert_eq!(places(&path, &document), expected(&path, &document), "{}", path);
    }
}

/// The library finds nothing there: the RFC lets a query of one node count from the end (2.3.5.1).
#[test]
fn a_compared_query_may_count_from_the_end() {
    let document = json!({"a": 2, "b": [1, 2]});
    assert_eq!(
        places("$[?@ == $.b[-1]]", &document),
        [[Step::Key("a".to_owned())]]
    );
    assert!(places("$[?@ == $.b[-3]]", &json!({"b": [1, 2]})).is_empty());
    assert_eq!(places("$[?@.none == $.b[-3]]", &document).len(), 2);
}

#[test]
fn order_is_for_numbers_and_texts_only() {
    let document = json!([true, false, null, [], {}, 1, "b"]);
    assert!(places("$[?@ > true]", &document).is_empty());
    assert_eq!(places("$[?@ >= true]", &document), [[Step::Index(0)]]);
    assert_eq!(places("$[?@.x >= @.y]", &document).len(), 7);
}

#[test]
fn names_are_read_as_json_reads_them() {
    let document = json!({"it's": 1, "a\"b": 2, "é\n": 3});
    for path in [r"$['it\'s']", r#"$["a\"b"]"#, r#"$["\u00e9\n"]"#, "$[?@ == 3]"] {
        assert_eq!(places(path, &document).len(), 1, "{path}");
        assert_eq!(places(path, &document), expected(path, &document));
    }
}

#[test]
fn what_takes_long_to_read_is_refused() {
    let nested = format!("${}@.a{}", "[?count($".repeat(30), ")>0]".repeat(30));
    let long = format!("$.{}", "a".repeat(10_000));
    let parentheses = format!("$[?{}@.a{}]", "(".repeat(100_000), ")".repeat(100_000));
    for path in [nested, long, parentheses, format!("${}", "[?@".repeat(5_000))] {
        let began = std::time::Instant::now();
        assert!(JsonPath::parse(&path).is_err());
        assert!(began.elapsed() < std::time::Duration::from_millis(100));
    }
    let brackets = format!("$['{}']", "[(".repeat(100));
    JsonPath::parse(&brackets).unwrap();
}

#[test]
fn places_found_again_and_again_are_counted_once() {
    let mut document = json!("x");
    for _ in 0..100 {
        document = json!([document]);
    }
    assert_eq!(places("$..*", &document).len(), 100);
    assert_eq!(places("$..*..*..*", &document).len(), 98);
    let wide = json!(vec![json!({"a".repeat(1000): 1}); 300_000]);
    assert_eq!(
        JsonPath::parse("$..*").unwrap().places(&wide),
        Err(DepthError::TooManyPlaces(PLACES))
    );
}
