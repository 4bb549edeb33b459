//! `options.replace`: a new clone takes the place of an earlier one, in one transaction.
//!
//! The engine calls [`Succession`] at four points: before anything is read (the lock on the old clone), when the ids are
//! mapped (the old clone's ids are given again), before the first row is written (the old clone goes), and when all rows
//! are there. Readers see the old clone until the transaction commits, and the new one afterwards.

use super::deletion_set::DeletionSet;
use super::files::{File, ProjectFiles};
use super::manual_rows::{ManualRows, OldClone};
use super::preserved_ids::{self, Identities, Identity, PreservedType};
use super::preserved_secrets::PreservedSecrets;
use super::{authorize, queue, target};
use crate::error::internal;
use crate::pg::privileges::AsExtensionOwner;
use crate::run::{Key, NewKey, Run, over_budget, project_id};
use pg_clone_core::error::{Error, Result};
use pg_clone_core::ids::{Mapped, MappedText};
use pg_clone_core::plan::{Request, Store};
use pg_clone_core::rules::Rule;
use std::collections::{HashMap, HashSet};

/// What connects a clone with the one before it and the one after it.
pub struct Succession {
    types: Vec<PreservedType>,
    rules: Vec<Rule>,
    replaced: Option<Replaced>,
    identities: Identities,
}

/// The clone that goes.
struct Replaced {
    project: String,
    /// The run that made it; none where it is a project of its own whose rows come back from another database.
    run: Option<i64>,
    /// Nothing of it is carried over: the new rows are all of the project.
    entirely: bool,
    identities: HashSet<Identity>,
    values: Option<PreservedSecrets>,
    files: Vec<File>,
    lost: Vec<(String, String)>,
}

impl Succession {
    /// Checks the options that concern it and, when writing, waits until nobody else replaces or deletes the same clone.
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
            Some(project) => Some(Replaced::find(
                store,
                project,
                source,
                request.options.keep_ids,
                writing,
            )?),
            None => None,
        };
        Ok(Succession {
            types: preserved_ids::types(&store.name)?,
            rules: rules.to_vec(),
            replaced,
            identities: Identities::default(),
        })
    }

    /// The clone that goes.
    pub fn replaced_project(&self) -> Option<&str> {
        self.replaced.as_ref().map(|replaced| replaced.project.as_str())
    }

    /// Gives the old clone's ids again: the project's, and those of stable resources that are cloned this time too.
    pub fn pin(&self, run: &mut Run) -> Result<()> {
        let Some(replaced) = self.replaced.as_ref().filter(|replaced| !replaced.entirely) else {
            return Ok(());
        };
        let table = run.store.project_table()?.oid;
        let project = Identity {
            table: Some(table).filter(|_| replaced.project.parse::<i64>().is_ok()),
            source: run.source.clone(),
            target: replaced.project.clone(),
        };
        for identity in replaced.identities.iter().chain([&project]) {
            pin_one(run, identity)?;
        }
        Ok(())
    }

    /// Removes the old clone, except for what was added to it by hand and stays. Nothing of the new one is written yet.
    pub fn before_copy(&mut self, run: &Run) -> Result<()> {
        self.identities = Identities::of(run, &self.types)?;
        match &mut self.replaced {
            Some(replaced) => replaced.remove(run, &self.types, &self.rules, &self.identities),
            None => Ok(()),
        }
    }

    /// Gives the new clone the old one's secrets, queues the old files for deletion and records who follows whom. Changes
    /// the list of what the operator must do accordingly.
    pub fn after_copy(&self, run: &Run, todos: &mut Vec<String>) -> Result<()> {
        self.identities.record(run.id)?;
        let Some(replaced) = &self.replaced else {
            return Ok(());
        };
        if let Some(values) = &replaced.values {
            let needless = values.restore(run, &self.rules)?;
            todos.retain(|todo| !needless.contains(todo));
        }
        for (resource_type, id) in &replaced.lost {
            todos.push(format!(
                "{resource_type}/{id}: is gone, the source has nothing that corresponds to it any more"
            ));
        }
        queue::delete_files(&run.store.name, run.id, &replaced.files)?;
        let _owner = AsExtensionOwner::new();
        pgrx::Spi::run_with_args(
            "UPDATE clone.run n SET replaced = o.id::pg_catalog.text, expires_at = COALESCE(n.expires_at, o.expires_at) FROM clone.run o \
             WHERE n.id OPERATOR(pg_catalog.=) $1 AND o.id OPERATOR(pg_catalog.=) $2",
            &[run.id.into(), replaced.run.into()],
        )
        .map_err(internal)
    }
}

fn pin_one(run: &mut Run, identity: &Identity) -> Result<()> {
    let source = preserved_ids::key_in(&run.store, identity, &identity.source);
    let target = preserved_ids::key_in(&run.store, identity, &identity.target);
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
        (Key::Int(source), Key::Int(target)) => {
            let known = identity.table.and_then(|table| run.integers.get_mut(&table));
            if let Some(entry @ Some(_)) = known.and_then(|keys| keys.get_mut(&source)) {
                *entry = Some(target);
            }
        }
        _ => {}
    }
    Ok(())
}

impl Replaced {
    fn find(store: &Store, given: &str, source: &str, keep_ids: bool, writing: bool) -> Result<Self> {
        let project = project_id(store.project_table()?, given)?;
        if project == source && !keep_ids {
            return Err(Error::bad_argument(format!(
                "project \"{project}\" cannot be replaced by a clone of itself"
            ))
            .hint("options.replace names an earlier clone of the source."));
        }
        if writing {
            authorize::tables(store)?;
            target::lock(&store.name, &project)?;
        }
        let made_by = target::made_by(&store.name, &project)?;
        if keep_ids {
            return Ok(Replaced {
                project,
                run: made_by.map(|made_by| made_by.run),
                entirely: true,
                identities: HashSet::new(),
                values: None,
                files: Vec::new(),
                lost: Vec::new(),
            });
        }
        let Some(made_by) = made_by else {
            return Err(Error::bad_argument(format!(
                "project \"{project}\" is no clone in store \"{}\", so none can replace it",
                store.name
            ))
            .hint(
                "SELECT id, target_project, name FROM clone.run WHERE deleted_at IS NULL lists the clones.",
            ));
        };
        Ok(Replaced {
            project,
            run: Some(made_by.run),
            entirely: false,
            identities: Identities::recorded(made_by.run)?,
            values: None,
            files: Vec::new(),
            lost: Vec::new(),
        })
    }

    fn remove(&mut self, run: &Run, types: &[PreservedType], rules: &[Rule], new: &Identities) -> Result<()> {
        let store = &run.store.without_sources();
        if self.entirely {
            let deletion_set = DeletionSet::new(store, &self.project, &HashMap::new())?;
            authorize::no_foreign_row_follows(&deletion_set)?;
            deletion_set.delete(&run.path)?;
            return target::mark_deleted(&store.name, &self.project);
        }
        let given: HashSet<String> = self
            .identities
            .iter()
            .map(|identity| identity.target.clone())
            .collect();
        let given_again: HashSet<String> = self
            .identities
            .iter()
            .filter(|identity| {
                let domain: Vec<_> = identity.table.into_iter().collect();
                let source = preserved_ids::key_in(store, identity, &identity.source);
                matches!(run.new_key(&source, &domain), NewKey::To(new) if new.to_text() == identity.target)
            })
            .map(|identity| identity.target.clone())
            .collect();
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
        let ManualRows { keys: mut kept, lost } = old.carried()?;
        self.lost = lost;
        self.values = Some(PreservedSecrets::read(store, rules, &self.project, &given_again)?);
        let files = ProjectFiles::new(store, &self.project, everything.filled());
        self.files = files.list()?;
        for (table, keys) in files.used_elsewhere(&self.files)? {
            kept.entry(table).or_default().extend(keys);
        }
        let kept_ids: HashSet<&Key> = kept.values().flatten().collect();
        self.files.retain(|file| !kept_ids.contains(&file.id));
        let deletion_set = DeletionSet::new(store, &self.project, &kept)?;
        authorize::no_foreign_row_follows(&deletion_set)?;
        deletion_set.delete(&run.path)?;
        let (_, never_begun) = queue::cancel_copies(&store.name, &self.project)?;
        self.files.retain(|file| !never_begun.contains(&file.key));
        target::mark_deleted(&store.name, &self.project)
    }
}
