//! Messages to the client that are not interrupted.

use pgrx::pg_sys;

/// Sends a NOTICE. A cancel during the message would leave Rust frames without running their destructors,
/// so pending cancels are handled before it and held off during it.
pub fn notice(message: &str, detail: &str) {
    pgrx::check_for_interrupts!();
    // SAFETY: the counter is only ever changed in pairs; an ERROR resets it to zero.
    unsafe { pg_sys::InterruptHoldoffCount += 1 };
    let report = pgrx::pg_sys::panic::ErrorReport::new(
        pgrx::PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION,
        message.to_owned(),
        "pg_clone",
    );
    let report = if detail.is_empty() {
        report
    } else {
        report.set_detail(detail.to_owned())
    };
    report.report(pgrx::PgLogLevel::NOTICE);
    // SAFETY: undoes the increment above.
    unsafe { pg_sys::InterruptHoldoffCount -= 1 };
}
