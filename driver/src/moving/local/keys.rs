//! Reserves values of the target's sequences.

use anyhow::Result;

use super::super::clone_rows::RowsRead;
use crate::connect::session::Session;
use crate::failure::Hinted;

/// Number of attempts when other sessions use the same sequence.
const ATTEMPTS: usize = 10;

/// Takes one value of each sequence per row, and sets the private server's sequence to return the same values.
///
/// # Errors
/// The role lacks the privilege on a sequence, or other sessions use the sequence during all attempts.
pub async fn reserve(
    target: &Session,
    private: &Session,
    tables: &Vec<String>,
    read: &RowsRead,
) -> Result<()> {
    for row in private
        .query(include_str!("sql/sequences.sql"), &[tables])
        .await?
    {
        let (sequence, increment): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
        let of: Vec<String> = row.try_get(2)?;
        let rows = read.tables.iter().filter(|(table, _)| of.contains(table));
        let count = i64::try_from(rows.map(|(_, rows)| rows).sum::<u64>())?;
        if count == 0 {
            continue;
        }
        let first = draw(target, &sequence, increment, count).await?;
        private
            .query(
                "SELECT pg_catalog.setval(($1::text)::pg_catalog.regclass, $2::int8, false)",
                &[&sequence, &first],
            )
            .await?;
    }
    Ok(())
}

/// The first of `count` consecutive values.
async fn draw(target: &Session, sequence: &str, increment: i64, count: i64) -> Result<i64> {
    for _ in 0..ATTEMPTS {
        let row = target
            .query_one(
                "SELECT pg_catalog.min(d.v), pg_catalog.max(d.v) FROM (SELECT pg_catalog.nextval(($1::text)::pg_catalog.regclass) AS v \
                 FROM pg_catalog.generate_series(1, $2::int8)) AS d",
                &[&sequence, &count],
            )
            .await?;
        let (least, most): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
        if most.checked_sub(least) == (count - 1).checked_mul(increment.abs()) {
            return Ok(if increment > 0 { least } else { most });
        }
    }
    Err(Hinted::new(
        format!(
            "others take numbers of the sequence {sequence} all the time: {count} in a row could not be had"
        ),
        "Try again when less is written to the target.",
    )
    .into())
}
