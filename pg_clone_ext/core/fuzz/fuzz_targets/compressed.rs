//! Compressed values: any bytes are decompressed or refused; what `compress_alike` makes decompresses to the new bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pg_clone_core::compressed::Method;

fuzz_target!(|input: &[u8]| {
    let Some((&[choice, low, high, place, byte], stream)) = input.split_first_chunk::<5>() else {
        return;
    };
    let method = [Method::Pglz, Method::Lz4][usize::from(choice & 1)];
    let length = usize::from(u16::from_le_bytes([low, high]));
    let mut raw = Vec::new();
    if method.decompress(stream, length, &mut raw).is_err() {
        return;
    }
    let mut new = raw.clone();
    // Every so many bytes another one, as ids in a document.
    for at in (usize::from(place)..length).step_by(7 + usize::from(choice)) {
        new[at] = byte;
    }
    let mut out = Vec::new();
    if method.compress_alike(stream, &new, &mut out) == Ok(true) {
        assert_eq!(method.decompress(&out, length, &mut raw), Ok(()));
        assert_eq!(raw, new);
    }
});
