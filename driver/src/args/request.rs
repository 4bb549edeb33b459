//! The arguments of [`crate::args`], checked and typed as the SQL functions take them.

use anyhow::{Result, bail};
use serde_json::{Map, Value};

use crate::args::{CloneArgs, DeleteArgs, ItemArgs};

/// The arguments of `project_clone` and `project_clone_plan`.
#[derive(Clone, Debug, PartialEq)]
pub struct CloneRequest {
    /// Id of the source project.
    pub source: String,
    /// The clone's name.
    pub name: Option<String>,
    /// `None`: all.
    pub resource_types: Option<Vec<String>>,
    /// `None`: all.
    pub include_ids: Option<Vec<String>>,
    /// `None`: none.
    pub exclude_ids: Option<Vec<String>>,
    /// Owner of the clone.
    pub owner: Option<String>,
    /// `None`: the server finds the one that holds the project.
    pub store: Option<String>,
    /// A JSON object.
    pub options: Value,
}

impl CloneRequest {
    /// A request for all of project `source`, with default options.
    pub fn of_project(source: &str) -> Self {
        Self {
            source: source.to_owned(),
            name: None,
            resource_types: None,
            include_ids: None,
            exclude_ids: None,
            owner: None,
            store: None,
            options: Value::Object(Map::new()),
        }
    }
}

impl TryFrom<&CloneArgs> for CloneRequest {
    type Error = anyhow::Error;

    fn try_from(args: &CloneArgs) -> Result<Self> {
        let replace = ("--replace", "replace", args.replace.as_deref().map(Value::from));
        args.new
            .request(&args.project, args.store.as_deref(), &args.blobs, vec![replace])
    }
}

/// The arguments of `item_clone` and `item_clone_draft`.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemRequest {
    /// Id of the source item.
    pub item: String,
    /// Changed fields of the clone: a JSON object that is merged into the item.
    pub edits: Value,
    /// A JSON object.
    pub options: Value,
}

impl TryFrom<&ItemArgs> for ItemRequest {
    type Error = anyhow::Error;

    fn try_from(args: &ItemArgs) -> Result<Self> {
        let mut edits = Map::new();
        for (path, value) in key_values("--edit", &args.edits)? {
            set_path(&mut edits, &path, value)?;
        }
        Ok(Self {
            item: args.item.clone(),
            edits: Value::Object(edits),
            options: Value::Object(clone_options(&args.options)?),
        })
    }
}

/// The options of `project_delete`.
pub fn delete_options(args: &DeleteArgs) -> Value {
    let mut options = Map::new();
    if args.force {
        options.insert("force".to_owned(), true.into());
    }
    if args.dry_run {
        options.insert("dry_run".to_owned(), true.into());
    }
    if args.include_others {
        options.insert("others".to_owned(), "include".into());
    }
    if args.ignore_documents {
        options.insert("shared".to_owned(), "ignore".into());
    }
    Value::Object(options)
}

/// `key=value` pairs as a JSON object. A valid JSON value is read as JSON, any other as a string: `id_version=4` is a
/// number, `name="4"` a string.
///
/// # Errors
/// A pair without `=`, with an empty key, or with a key that occurs twice.
pub fn key_values(flag: &str, pairs: &[String]) -> Result<Map<String, Value>> {
    let mut object = Map::new();
    for pair in pairs {
        let Some((key, value)) = pair.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            bail!("{flag} takes KEY=VALUE, not {pair:?}");
        };
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        if object.insert(key.to_owned(), value).is_some() {
            bail!("{flag} {key} is given twice");
        }
    }
    Ok(object)
}

/// The pairs of `--option` of a clone. `dangling=null` is the name of a way, not a value that is missing.
///
/// # Errors
/// Those of [`key_values`].
pub fn clone_options(pairs: &[String]) -> Result<Map<String, Value>> {
    let mut options = key_values("--option", pairs)?;
    if let Some(dangling) = options.get_mut("dangling").filter(|dangling| dangling.is_null()) {
        *dangling = "null".into();
    }
    Ok(options)
}

/// Sets member b of object a for the path `a.b`; creates the object if it does not exist.
fn set_path(object: &mut Map<String, Value>, path: &str, value: Value) -> Result<()> {
    let Some((first, rest)) = path.split_once('.') else {
        object.insert(path.to_owned(), value);
        return Ok(());
    };
    match object.entry(first).or_insert_with(|| Value::Object(Map::new())) {
        Value::Object(inner) => set_path(inner, rest, value),
        _ => bail!("--edit sets {first:?} both as a value and as an object"),
    }
}

/// An argument of the SQL function for a list of the command line: NULL if it is empty.
pub fn filter(values: &[String]) -> Option<Vec<String>> {
    (!values.is_empty()).then(|| values.to_vec())
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use serde_json::json;

    use super::*;
    use crate::args::{Cli, Command};

    fn clone_request(line: &str) -> Result<CloneRequest> {
        let cli = Cli::try_parse_from(line.split(' '))?;
        let Command::Clone(args) = &cli.command else {
            bail!("not a clone")
        };
        CloneRequest::try_from(args)
    }

    fn item_request(line: &str) -> Result<ItemRequest> {
        let cli = Cli::try_parse_from(line.split(' '))?;
        let Command::Item(args) = &cli.command else {
            bail!("not an item")
        };
        ItemRequest::try_from(args)
    }

    #[test]
    fn a_deletion_passes_its_flags_on() {
        let options = |line: &str| {
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            let Command::Delete(args) = &cli.command else {
                panic!("not a deletion")
            };
            delete_options(args)
        };
        assert_eq!(options("pg_clone delete p --yes"), json!({}));
        assert_eq!(
            options("pg_clone delete p --force --dry-run --include-others --ignore-documents"),
            json!({"force": true, "dry_run": true, "others": "include", "shared": "ignore"})
        );
    }

    #[test]
    fn a_clone_without_flags_leaves_everything_to_the_server() {
        assert_eq!(
            clone_request("pg_clone clone p").unwrap(),
            CloneRequest::of_project("p")
        );
    }

    #[test]
    fn filters_may_be_repeated_or_separated_by_commas() {
        let request = clone_request(
            "pg_clone clone p --resource-type Patient,Bot --resource-type=Task --exclude-id 1 --name N --owner User/1",
        )
        .unwrap();
        assert_eq!(request.resource_types.unwrap(), ["Patient", "Bot", "Task"]);
        assert_eq!(request.exclude_ids.unwrap(), ["1"]);
        assert_eq!(request.include_ids, None);
        assert_eq!(
            (request.name.as_deref(), request.owner.as_deref()),
            (Some("N"), Some("User/1"))
        );
    }

    #[test]
    fn option_values_are_json_where_they_can_be() {
        let request =
            clone_request("pg_clone clone p -o id_version=4 -o history=full -o max_memory=64MB --no-blobs")
                .unwrap();
        let expected = json!({"id_version": 4, "history": "full", "max_memory": "64MB", "blobs": "none"});
        assert_eq!(request.options, expected);
        let request = clone_request("pg_clone clone p --replace q --expires-in 3days").unwrap();
        assert_eq!(request.options, json!({"replace": "q", "expires_in": "3days"}));
    }

    #[test]
    fn the_places_of_files_go_to_the_server_in_full_unless_there_are_no_files() {
        let request = clone_request("pg_clone clone p --blobs-to s3://b/x?region=r").unwrap();
        assert_eq!(request.options["blobs_to"], "s3://b/x/?region=r");
        // The variable may be set in the environment.
        let without = clone_request("pg_clone clone p --no-blobs --blobs-to file:/x").unwrap();
        assert_eq!(without.options.get("blobs_to"), None);
    }

    #[test]
    fn options_that_make_no_sense_are_refused() {
        for line in [
            "-o history",
            "-o =x",
            "-o a=1 -o a=2",
            "--no-blobs -o blobs=copy",
            "--replace q -o replace=r",
        ] {
            assert!(
                clone_request(&format!("pg_clone clone p {line}")).is_err(),
                "{line}"
            );
        }
        for line in [
            "--no-blobs --blobs-later",
            "--dry-run --background",
            "--dry-run --verify",
        ] {
            assert!(
                clone_request(&format!("pg_clone clone p {line}")).is_err(),
                "{line}"
            );
        }
    }

    #[test]
    fn edits_with_dots_make_objects() {
        let request =
            item_request("pg_clone item 1/2 --edit display_name=x --edit a.b=1 --edit a.c=true").unwrap();
        assert_eq!(
            request.edits,
            json!({"display_name": "x", "a": {"b": 1, "c": true}})
        );
        assert!(item_request("pg_clone item 1/2 --edit a=1 --edit a.b=2").is_err());
        assert!(item_request("pg_clone item 1/2 --draft --edit a=1").is_err());
    }
}
