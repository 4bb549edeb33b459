//! How the time that a server process takes grows with the rows.

use crate::scratch_database::Scratch;

/// Milliseconds of processor time that the server process of a session takes for a query. The time on the clock depends on other tests: on a
/// machine with two processors, one of these measurements failed three times in a row.
///
/// # Panics
/// The query fails.
pub async fn processor_milliseconds(db: &Scratch, query: &str) -> i64 {
    // Fields 14 and 15 of proc(5): hundredths of a second in user and kernel mode.
    let taken = "SELECT (field[14]::bigint + field[15]::bigint) * 10 FROM string_to_array(pg_read_file('/proc/self/stat', 0, 1000), ' ') AS field";
    let before = db.number(taken).await;
    db.run(query).await;
    db.number(taken).await - before
}

/// Fails if four times the rows take eight times the time or more. Both are measured up to three times. `milliseconds`: what a number of rows
/// takes.
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
