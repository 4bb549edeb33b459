//! `options.replace`: a new clone takes the place of an earlier one, in one transaction.
//!
//! A clone calls [`Refresh`] at five points: before anything is read, to lock the old clone; when the ids are mapped, to give the
//! old clone's ids again; before the first row is written, to delete the old clone; when all rows are written; and when
//! their keys are checked, for deferred triggers of the deletion. Other sessions see the old clone until the transaction commits, and the
//! new one afterwards.

use super::delete::cache;
use super::delete::conflicts::Conflicts;
use super::delete::deletion_set::DeletionSet;
use super::delete::files::{File, ProjectFiles, without_kept};
use super::delete::rows_of_others::SearchExtent;
use super::delete::triggers::DeferredTriggers;
use super::ids::{Ids, table_of_keys};
use super::refresh::manual_rows::{ManualRows, OldClone};
use super::refresh::preserved_ids::{Identities, Identity, PreservedType};
use super::refresh::preserved_secrets::PreservedSecrets;
use super::refresh::preserved_values::PreservedColumn;
use super::target::MadeBy;
use super::{authorize, identity, target};
use crate::error::{internal, or_raise};
use crate::pg::deferred_checks::{self, Callers};
use crate::pg::privileges::AsExtensionOwner;
use crate::pg::query::subtransaction::attempt;
use crate::pg::session::notice::notice;
use crate::records::{blob_queue, runs};
use crate::run::authorize::project_id;
use crate::run::keys::{Key, NewKey};
use crate::run::plan::call_values::source_key;
use crate::run::state::{Run, over_budget};
use pg_clone_core::error::{Error, Result, shown};
use pg_clone_core::ids::{Mapped, MappedText, uuid_text};
use pg_clone_core::plan::{Request, Store, quote};
use pg_clone_core::rules::Rule;
use pg_clone_core::scan;
use std::collections::{HashMap, HashSet};

/// What a new clone keeps from the clone that it replaces, and what it records for the next refresh.
pub struct Refresh {
    types: Vec<PreservedType>,
    rules: Vec<Rule>,
    replaced: Option<Replaced>,
    identities: Identities,
}

/// The clone that is replaced.
struct Replaced {
    project: String,
    /// The run that made it; none for a project whose rows are restored from another database.
    made_by: Option<MadeBy>,
    /// Nothing of it is kept: the new rows are the whole project.
    entirely: bool,
    identities: HashSet<Identity>,
    secrets: Option<PreservedSecrets>,
    /// Values of unique columns that the new rows have again.
    values: Vec<PreservedColumn>,
    files: Vec<File>,
    lost: Vec<(String, String)>,
    /// Rows that were added to it and stay.
    added_rows: usize,
    stale_cache_keys: i64,
    /// Keys whose checks wait for the new rows.
    deferred: Vec<String>,
    /// Whether the caller has deferred them: then they are checked when the caller wants it.
    deferred_by_caller: bool,
    /// Triggers that wait for the new rows.
    deferred_triggers: Option<DeferredTriggers>,
}

impl Refresh {
    /// Checks its options and, when writing, locks the old clone; waits for other sessions that replace or delete it.
    pub fn begin(
        store: &Store,
        rules: &[Rule],
        request: &Request,
        source: &str,
        writing: bool,
    ) -> Result<Self> {
        if let Some(expires_in) = &request.options.expires_in {
            let _owner = AsExtensionOwner::new();
            pgrx::Spi::run_with_args(
                "SELECT clone_internal.parse_interval($1, 'options.expires_in')",
                &[expires_in.as_str().into()],
            )
            .map_err(internal)?;
        }
        let replaced = match &request.options.replace {
            Some(project) => Some(Replaced::find(store, project, source, request, writing)?),
            None => None,
        };
        Ok(Refresh {
            types: preserved_ids::types(&store.name)?,
            rules: rules.to_vec(),
            replaced,
            identities: Identities::default(),
        })
    }

    /// The clone that is replaced.
    pub fn replaced_project(&self) -> Option<&str> {
        self.replaced.as_ref().map(|replaced| replaced.project.as_str())
    }

    /// Maps to the old clone's ids: that of the project, and those of preserved resources that are cloned again. Their unique texts,
    /// secrets and removed values are the old clone's, too.
    pub fn pin(&mut self, run: &mut Run) -> Result<()> {
        let Some(replaced) = self.replaced.as_mut().filter(|replaced| !replaced.entirely) else {
            return Ok(());
        };
        let project = Identity {
            table: table_of_keys(&run.store, run.store.project_table()?),
            source: source_key(run)?.to_text(),
            target: replaced.project.clone(),
        };
        for identity in replaced.identities.iter().chain([&project]) {
            pin_one(run, identity)?;
        }
        replaced.values = preserved_values::pin(run, replaced.identities.iter().chain([&project]))?;
        Ok(())
    }

    /// Deletes the old clone, except kept rows that were added to it. Nothing of the new one is written yet.
    pub fn before_copy(&mut self, run: &Run) -> Result<()> {
        self.identities = Identities::of(run, &self.types)?;
        match &mut self.replaced {
            Some(replaced) => replaced.remove(run, &self.types, &self.rules, &self.identities),
            None => Ok(()),
        }
    }

    /// Restores the old clone's secrets, queues its files for deletion and records the replacement. Updates
    /// the to-do list accordingly.
    pub fn after_copy(&self, run: &Run, todos: &mut Vec<String>) -> Result<()> {
        self.identities.record(run.id, &self.types)?;
        let Some(replaced) = &self.replaced else {
            return Ok(());
        };
        if let Some(secrets) = &replaced.secrets {
            let needless = secrets.restore(run, &self.rules)?;
            todos.retain(|todo| !needless.contains(todo));
        }
        for (resource_type, id) in &replaced.lost {
            todos.push(format!(
                "{resource_type}/{id}: is gone, the source has nothing that corresponds to it any more"
            ));
        }
        if !replaced.deferred_by_caller {
            replaced.constraints("IMMEDIATE")?;
        }
        todos.extend(cache::todo(&run.store, run.id, replaced.stale_cache_keys));
        let deleted: Vec<_> = replaced.files.iter().map(File::deleted).collect();
        blob_queue::queue_deletions(&run.store.name, run.id, &deleted)?;
        let old_run = replaced.made_by.as_ref().map(|made_by| made_by.run);
        runs::set_replaced(run.id, old_run, replaced.added_rows)
    }

    /// Runs the deferred triggers of the deletion; rows of others that they change are an error (0A000). All rows of the clone are there.
    pub fn run_deferred_triggers(&self, run: &Run) -> Result<()> {
        let replaced = self.replaced.as_ref();
        match replaced.and_then(|replaced| replaced.deferred_triggers.as_ref()) {
            Some(deferred) => deferred.run(&run.store.without_sources(), &run.path, false),
            None => Ok(()),
        }
    }
}

fn pin_one(run: &mut Run, identity: &Identity) -> Result<()> {
    let source = preserved_ids::key_in(&run.store, identity, &identity.source);
    let target = preserved_ids::key_in(&run.store, identity, &identity.target);
    if let (Some(table), Key::Int(_) | Key::Text(_)) = (identity.table, &source) {
        return run.pin(&source, table, &target);
    }
    match (source, target) {
        (Key::Uuid(source), Key::Uuid(target)) => {
            if matches!(run.ids.get(&source), Mapped::Cloned(_)) {
                run.ids_mut()?.insert_as(source, target).map_err(over_budget)?;
            }
        }
        (Key::Text(source), target) => {
            if matches!(run.texts.get(&source), MappedText::Cloned(_)) {
                run.texts_mut()?
                    .insert(&source, &target.to_text())
                    .map_err(over_budget)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Hint for rows that prevent a refresh.
const CONFLICT_HINT: &str = "Delete or move those rows first. Resource types that such rows reference can keep their ids \
                     (clone.preserve_ids), if the foreign key is deferrable. Or refresh anyway with options => '{\"others\": \"include\"}'.";

/// Whether the new clone has the same file: the same resource in the same version. Then the file is kept, so that it is always
/// available.
fn is_given_again(file: &File, project: &str, given_again: &Ids) -> bool {
    let ids: Vec<String> = scan::uuids(file.key.as_bytes())
        .map(|(_, id)| uuid_text::to_string(&id))
        .filter(|id| id != project)
        .collect();
    !ids.is_empty() && ids.iter().all(|id| given_again.has_in(None, id))
}

impl Replaced {
    /// Defers the checks of deferrable keys, or runs them.
    fn constraints(&self, when: &str) -> Result<()> {
        if self.deferred.is_empty() {
            return Ok(());
        }
        pgrx::Spi::run(&format!("SET CONSTRAINTS {} {when}", self.deferred.join(", "))).map_err(internal)
    }

    fn find(store: &Store, given: &str, source: &str, request: &Request, writing: bool) -> Result<Self> {
        let keep_ids = request.options.keep_ids;
        let project = project_id(store.project_table()?, given)?;
        if project == source && !keep_ids {
            return Err(Error::bad_argument(format!(
                "project \"{}\" cannot be replaced by a clone of itself",
                shown(&project)
            ))
            .hint("options.replace names an earlier clone of the source."));
        }
        if let Some(target) = &request.options.target {
            let target = project_id(store.project_table()?, target)?;
            if target != project {
                return Err(Error::bad_argument(format!(
                    "options.target \"{target}\" is not the project \"{project}\" of options.replace"
                ))
                .hint("A clone that replaces another one has its id: leave options.target out."));
            }
        }
        if writing {
            authorize::tables(store)?;
            target::lock(&store.name, &project)?;
        }
        let made_by = target::made_by(&store.name, &project)?;
        if keep_ids {
            return Ok(Replaced {
                project,
                made_by,
                entirely: true,
                identities: HashSet::new(),
                secrets: None,
                values: Vec::new(),
                files: Vec::new(),
                lost: Vec::new(),
                added_rows: 0,
                stale_cache_keys: 0,
                deferred: Vec::new(),
                deferred_by_caller: false,
                deferred_triggers: None,
            });
        }
        let Some(made_by) = made_by else {
            return Err(Error::bad_argument(format!(
                "project \"{}\" is not a clone in store \"{}\" and cannot be replaced",
                shown(&project),
                store.name
            ))
            .hint(
                "SELECT id, target_project, name FROM clone.run WHERE deleted_at IS NULL lists the clones.",
            ));
        };
        if identity::is_another(store, &project, made_by.run)? {
            return Err(target::another(&store.name, &project, &made_by));
        }
        // Ids and secrets of the old clone are kept for what they were cloned from.
        if made_by.source != source {
            return Err(Error::bad_argument(format!(
                "project \"{project}\" is a clone of project \"{}\" and cannot be replaced by a clone of project \"{source}\"",
                made_by.source
            ))
            .hint(format!(
                "{} For a clone of another project under its id, delete it first: project_delete({}), then options => '{{\"target\": …}}'.",
                match target::exists(store, &made_by.source)? {
                    true => format!(
                        "Refresh it from its own source: project_clone({}, options => '{{\"replace\": …}}').",
                        quote::literal(&made_by.source)
                    ),
                    false => "Its own source does not exist any more: it cannot be refreshed.".to_owned(),
                },
                quote::literal(&project)
            )));
        }
        Ok(Replaced {
            project,
            entirely: false,
            identities: Identities::recorded(made_by.run)?,
            made_by: Some(made_by),
            secrets: None,
            values: Vec::new(),
            files: Vec::new(),
            lost: Vec::new(),
            added_rows: 0,
            stale_cache_keys: 0,
            deferred: Vec::new(),
            deferred_by_caller: false,
            deferred_triggers: None,
        })
    }

    fn remove(&mut self, run: &Run, types: &[PreservedType], rules: &[Rule], new: &Identities) -> Result<()> {
        let store = &run.store.without_sources();
        if self.entirely {
            let deletion_set = DeletionSet::new(store, &self.project, &HashMap::new())?;
            self.delete(run, store, deletion_set, &Ids::default())?;
            return runs::mark_deleted(&store.name, &self.project);
        }
        let types = &self.known_types(types)?;
        let given: Ids = self
            .identities
            .iter()
            .map(|identity| {
                (
                    identity.table,
                    preserved_ids::in_form(store, identity, &identity.target),
                )
            })
            .collect();
        let given_again: Ids = self
            .identities
            .iter()
            .filter(|identity| {
                let domain: Vec<_> = identity.table.into_iter().collect();
                let source = preserved_ids::key_in(store, identity, &identity.source);
                matches!(run.new_key(&source, &domain), NewKey::To(new) if new.to_text() == identity.target)
            })
            .map(|identity| {
                (
                    identity.table,
                    preserved_ids::in_form(store, identity, &identity.target),
                )
            })
            .collect();
        let go_on = run.request.options.include_others;
        crate::item::check_references(store, &self.project, go_on, &|id| given_again.has_anywhere(id))?;
        let everything = DeletionSet::new(store, &self.project, &HashMap::new())?;
        let old = OldClone {
            store,
            project: &self.project,
            filled: everything.filled(),
            types,
            given: &given,
            given_again: &given_again,
            new,
        };
        let ManualRows { keys: mut kept, lost } = old.manual_rows()?;
        manual_rows::check_can_stay(store, &kept)?;
        self.lost = lost;
        self.added_rows = kept.values().map(Vec::len).sum();
        self.secrets = Some(PreservedSecrets::read(store, rules, &self.project, &given_again)?);
        let files = ProjectFiles::new(store, &everything);
        let list = files.list_with_copied()?;
        for (table, keys) in files.used_elsewhere(&list)? {
            kept.entry(table).or_default().extend(keys);
        }
        self.files = without_kept(list, &kept);
        self.files
            .retain(|file| !is_given_again(file, &self.project, &given_again));
        let deletion_set = DeletionSet::new(store, &self.project, &kept)?;
        let mut made_anew = given_again;
        made_anew.insert(table_of_keys(store, store.project_table()?), self.project.clone());
        for column in std::mem::take(&mut self.values) {
            made_anew.insert_values(column.table, column.name, column.values);
        }
        self.delete(run, store, deletion_set, &made_anew)?;
        preserved_ids::check_free(store, &made_anew)?;
        let (_, never_begun) = blob_queue::cancel_copies(&store.name, &self.project)?;
        self.files.retain(|file| !never_begun.contains(&file.key));
        runs::mark_deleted(&store.name, &self.project)
    }

    /// Those of the preserved types whose ids the old clone's run recorded. Which of its rows of another type were added to it, nobody knows.
    fn known_types(&self, types: &[PreservedType]) -> Result<Vec<PreservedType>> {
        let recorded = match &self.made_by {
            Some(made_by) => runs::preserved_types(made_by.run)?,
            None => None,
        };
        let is_known = |preserved: &PreservedType| match &recorded {
            Some(recorded) => recorded.contains(&preserved.resource_type),
            None => !self.identities.is_empty(),
        };
        let (known, new): (Vec<PreservedType>, Vec<PreservedType>) =
            types.iter().cloned().partition(is_known);
        const FROM_THE_NEXT: &str = "From the next refresh on the ids stay.";
        if known.is_empty() && !new.is_empty() {
            notice(
                "this refresh gives every row a new id: the clone that it replaces was made before clone.preserve_ids named a type",
                FROM_THE_NEXT,
            );
        } else if !new.is_empty() {
            let names: Vec<&str> = new
                .iter()
                .map(|preserved| preserved.resource_type.as_str())
                .collect();
            notice(
                &format!(
                    "this refresh gives rows of {} new ids: the clone that it replaces was made before clone.preserve_ids named them",
                    names.join(", ")
                ),
                FROM_THE_NEXT,
            );
        }
        Ok(known)
    }

    /// Deletes the old clone's rows, unless rows of others depend on them. Rows with keys in `made_anew` are inserted again.
    fn delete(&mut self, run: &Run, store: &Store, mut rows: DeletionSet, made_anew: &Ids) -> Result<()> {
        let go_on = run.request.options.include_others;
        let extent = SearchExtent {
            follows: go_on,
            documents: !go_on,
        };
        let conflicts = Conflicts::of(&rows, made_anew, extent)?;
        if go_on {
            conflicts.check_others()?;
            rows = rows.with_others(conflicts.also_deleted());
        } else {
            conflicts.refuse(&self.project, "replaced", CONFLICT_HINT)?;
        }
        // Keys that reference rows which this transaction inserts again are deferred.
        self.deferred.clone_from(&conflicts.deferred);
        // A check that fails now is one that the caller has deferred.
        self.deferred_by_caller = !self.deferred.is_empty()
            && (deferred_checks::of_caller()? == Callers::AllDeferred
                || attempt(|| or_raise(self.constraints("IMMEDIATE"))).is_err());
        self.constraints("DEFERRED")?;
        self.stale_cache_keys = cache::record(store, run.id, &rows)?;
        let old = self
            .made_by
            .as_ref()
            .map(|made_by| target::made_with_triggers(made_by.run));
        let fires = run.request.options.fire_triggers || go_on || old.transpose()? == Some(true);
        let deleted = rows.delete(&run.path, fires, &|| match go_on {
            true => Ok(()),
            false => conflicts
                .written_concurrently(&rows)?
                .refuse(&self.project, "replaced", CONFLICT_HINT),
        })?;
        self.deferred_triggers = deleted.deferred;
        match &self.made_by {
            Some(made_by) if deleted.rows.is_empty() && made_by.rows > 0 && !go_on => {
                Err(target::no_rows(&self.project, made_by))
            }
            _ => Ok(()),
        }
    }
}

mod manual_rows;
mod preserved_ids;
mod preserved_secrets;
mod preserved_values;
