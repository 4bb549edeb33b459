//! `pg_clone copy --engine local`: a private server clones, source and target have no extension.

use anyhow::Result;
use serde_json::Value;

use super::Context;
use super::moving::Move;
use crate::args::moving::{CopyArgs, DescriptionArgs};
use crate::args::request::CloneRequest;
use crate::connect::Target;
use crate::failure::{Exit, Usage};
use crate::interrupt::begin_clean_up;
use crate::moving::{Description, Destination, LocalServer, Snapshot};

pub(super) async fn copy(
    context: &mut Context,
    args: &CopyArgs,
    mut request: CloneRequest,
    from: &Target,
    to: &Target,
) -> Result<Exit> {
    let description = description(&args.description)?;
    check(args, &request)?;
    // Files are copied by the queue of the private server, which does not know where those of the target go.
    let files = ["blobs_from", "blobs_to"].map(|key| request.options.get(key).is_some());
    if files == [false, false]
        && let Value::Object(options) = &mut request.options
    {
        options.insert("blobs".to_owned(), "none".into());
    }
    begin_clean_up();
    let rows_for = context.session(to).await?;
    let source = Snapshot::open(from, &context.interrupt, args.snapshot.as_deref()).await?;
    let interrupt = context.interrupt.clone();
    let server =
        LocalServer::start(to, &args.schemas, &description, &interrupt, &mut context.progress).await?;
    let session = context.session(&server.target).await?;
    let schema = session.extension_schema().await?;
    let move_to = Move {
        destination: Destination {
            session: &session,
            target: &server.target,
            rows_for: &rows_for,
            schema: &schema,
            request: &request,
            interrupt: &interrupt,
        },
        engine: args.engine,
        dry_run: args.new.dry_run,
        places: &args.blobs,
        blobs_later: false,
    };
    move_to.run(context, source).await
}

fn description(args: &DescriptionArgs) -> Result<Description> {
    match (&args.store_file, &args.tenant, &args.preset) {
        (Some(file), _, _) => Ok(Description::File(file.clone())),
        (_, Some(tenant), _) => Ok(Description::Tenant(tenant.clone())),
        (_, _, Some(preset)) => Ok(Description::Preset(preset.clone())),
        (None, None, None) => Err(usage("--engine local needs --store-file, --tenant or --preset")),
    }
}

/// What a private server cannot do is refused before it starts.
fn check(args: &CopyArgs, request: &CloneRequest) -> Result<()> {
    let option = |key: &str| request.options.get(key).is_some();
    if option("keep_ids") || option("replace") || option("expires_in") {
        return Err(usage(
            "--engine local gives new ids and keeps no record in the target: --keep-ids, --replace and --expires-in need the extension there",
        ));
    }
    if args.blobs_later {
        return Err(usage(
            "--engine local copies files at once: its queue ends with the private server",
        ));
    }
    let places = ["blobs_from", "blobs_to"].map(option);
    if places[0] != places[1] {
        return Err(usage(
            "--engine local needs both --blobs-from and --blobs-to, or neither",
        ));
    }
    if request.store.is_some() {
        return Err(usage("--engine local has one store: leave out --store"));
    }
    Ok(())
}

fn usage(text: &'static str) -> anyhow::Error {
    Usage(anyhow::anyhow!(text)).into()
}
