//! The `jsonb` codec: any bytes decode or fail; what decodes can be encoded, and that is stable; values survive.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pg_clone_core::jsonb;
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    if let Ok(node) = jsonb::decode(input) {
        let _ = node.to_value();
        let payload = node.encode().expect("what was decoded can be encoded");
        let again = jsonb::decode(&payload).expect("what was encoded can be decoded");
        assert_eq!(again.encode().as_ref(), Ok(&payload));
    }
    if let Ok(value) = serde_json::from_slice::<Value>(input)
        && let Ok(payload) = jsonb::from_value(&value)
    {
        let read = jsonb::to_value(&payload).expect("what was written can be read");
        assert_eq!(jsonb::from_value(&read).as_ref(), Ok(&payload));
        assert_eq!(
            jsonb::decode(&payload).expect("a payload").encode().as_ref(),
            Ok(&payload)
        );
    }
});
