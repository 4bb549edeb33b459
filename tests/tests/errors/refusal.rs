//! What a refusal looks like.

use pg_clone_tests::scratch_database::{Failure, Scratch, Session};

/// The call fails with that SQLSTATE, its message and hint hold these words, and no clone is left.
pub async fn refused(session: &Session, call: &str, code: &str, message: &str, hint: &str) -> Failure {
    let failure = session.fails(call).await;
    assert_eq!(failure.code, code, "{call}: {failure:?}");
    assert!(failure.message.contains(message), "{call}: {failure:?}");
    assert!(
        failure.hint.contains(hint) && !failure.hint.is_empty(),
        "{call}: {failure:?}"
    );
    failure
}

/// Projects and runs there are.
pub async fn clones(db: &Scratch) -> (i64, i64) {
    let session = db.session().await;
    (
        session.number("SELECT count(*) FROM documents.project").await - 1,
        session.number("SELECT count(*) FROM clone.run").await,
    )
}
