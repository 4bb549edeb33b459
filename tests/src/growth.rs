//! How a time grows with the rows.

/// Fails if four times the rows take eight times the time or more. Both are measured up to three times: other tests may run during one of
/// them, but a time in the square of the rows shows each time. `milliseconds`: what a number of rows takes.
///
/// # Panics
/// The times grow more.
pub async fn assert_less_than_square(milliseconds: impl AsyncFn(i32) -> i64) {
    let mut measured = Vec::new();
    for _ in 0..3 {
        let few = milliseconds(10_000).await;
        let many = milliseconds(40_000).await;
        if many < 8 * few {
            return;
        }
        measured.push((few, many));
    }
    panic!("milliseconds for 10,000 and for 40,000 rows: {measured:?}");
}
