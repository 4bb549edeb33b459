//! `pg_clone verify`.

use anyhow::Result;

use super::Context;
use crate::args::VerifyArgs;
use crate::cloning::verification::Verification;
use crate::failure::Exit;

pub(super) async fn run(context: &mut Context, args: &VerifyArgs) -> Result<Exit> {
    let target = context.target()?;
    let session = context.session(&target).await?;
    let schema = session.extension_schema().await?;
    context.progress.phase("verifying");
    let store = args.store.as_deref();
    let mut verification =
        Verification::run(&session, &schema, &args.project, store, args.columns, args.sample).await?;
    if !args.no_blobs {
        let interrupt = context.interrupt.clone();
        interrupt
            .or(verification.add_files(&session, &target, store, &context.allowed))
            .await?;
    }
    context.progress.finish();
    verification.print(&mut context.output);
    context.output.document(&verification);
    Ok(if verification.is_ok() {
        Exit::Done
    } else {
        Exit::Failed
    })
}
