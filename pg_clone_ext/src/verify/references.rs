//! Verification of references by independent queries: counts the rows that every reference of the clone names, by the
//! catalog's keys and conditions and never by the map of a run.

use super::Check;
use super::column_references::{Columns, NEIGHBOURS, NamedTogether, of_column};
use super::contents::Contents;
use super::incoming::Incoming;
use super::key_sets::{Followed, KeySets};
pub use super::pair::{Changed, Named, Pair};
use super::sql_references::named;
use super::uuid_values;
use crate::run::any_reference::{AnyReference, declared_references, follows_source};
use pg_clone_core::error::Result;
use pg_clone_core::plan::{Oid, ReferenceForm, Store, Table};
use std::collections::{HashMap, HashSet};

/// A reference and its counts.
struct Found<'a> {
    table: &'a Table,
    reference: AnyReference,
    of_clone: Named,
    of_source: Option<Named>,
    /// Of the source's rows that have not changed since the clone, those that reference rows of the source, if they are not as many as were cloned.
    of_unchanged: Option<i64>,
    /// Rows that reference a wrong row of the clone.
    differing: Option<i64>,
    /// Rows that reference a row of the source which the source's row does not.
    astray: Option<i64>,
    /// Another reference of the same rows, if the two name rows that are not named together in the source.
    not_beside: Option<String>,
}

impl Found<'_> {
    /// Rows of the project that the source's rows reference and the clone's do not.
    fn missing(&self) -> i64 {
        self.of_source
            .as_ref()
            .map_or(0, |of_source| (of_source.own - self.of_clone.own).max(0))
    }
}

/// Checks of all references.
pub fn check(pair: &Pair<'_>, contents: &Contents, checks: &mut Vec<Check>) -> Result<()> {
    values(pair, contents, checks);
    super::values::array_forms::check(pair, contents, checks)?;
    let budget = usize::try_from(crate::settings::max_memory_bytes()).unwrap_or(usize::MAX);
    let mut keys = KeySets::new(budget);
    let mut incoming = Incoming::new(budget / 4);
    let mut found = Vec::new();
    for table in parents_first(pair.store) {
        follow(pair, table, contents, &mut keys, &mut incoming, &mut found)?;
    }
    found.sort_by_cached_key(|found| {
        pair.store
            .tables
            .iter()
            .position(|table| table.oid == found.table.oid)
    });
    // References that dangle are a permitted difference from the source's counts, as many as the run has counted.
    let left_at_source: i64 = found.iter().map(|found| found.of_clone.other).sum();
    let missing: i64 = found.iter().map(Found::missing).sum();
    let dangle = Dangle {
        permitted: pair.dangling,
        at_source: left_at_source <= pair.dangling,
        missing: missing <= pair.dangling,
    };
    for found in &found {
        check_reference(pair, found, &dangle, checks)?;
    }
    uuid_values::check(pair, contents, true, &mut incoming, checks)?;
    incoming.check(pair, checks)?;
    undescribed(pair, checks);
    Ok(())
}

/// Whether the run's number of dangling references explains the differences of all references.
struct Dangle {
    permitted: i64,
    /// Those that name the source's rows.
    at_source: bool,
    /// Those that name nothing.
    missing: bool,
}

fn check_reference(
    pair: &Pair<'_>,
    found: &Found<'_>,
    dangle: &Dangle,
    checks: &mut Vec<Check>,
) -> Result<()> {
    let (reference, of_clone) = (&found.reference, &found.of_clone);
    let subject = format!(
        "{}.{}{}",
        found.table.sql_name,
        reference.columns.join(", "),
        reference.place
    );
    let changed = match &found.of_source {
        Some(of_source) if of_source != of_clone || found.not_beside.is_some() => {
            pair.changed(found.table)?
        }
        _ => Changed::NONE,
    };
    let same_shared = |of_source: &Named| {
        let difference = (of_clone.others - of_source.others).abs();
        let rows = match reference.form {
            ReferenceForm::Column => difference.max(1),
            _ => 1,
        };
        difference == 0 && of_clone.digest == of_source.digest
            || (1..=dangle.permitted).contains(&difference)
            || changed.explain(rows)
    };
    if pair.store.table(reference.parent).is_none() {
        let same = found.of_source.as_ref().is_none_or(same_shared);
        checks.push(Check {
            name: "reference names the same shared rows".into(),
            subject: subject.clone(),
            expected: found.of_source.as_ref().unwrap_or(of_clone).others.to_string(),
            found: changed.said(of_clone.found_others(same)),
            ok: same,
        });
        checks.extend(found.beside(subject, changed));
        return Ok(());
    }
    checks.push(Check {
        name: "reference names the source's rows".into(),
        subject: subject.clone(),
        expected: if dangle.permitted > 0 {
            format!("at most {} that dangle", dangle.permitted)
        } else {
            "0".to_owned()
        },
        found: match found.astray {
            Some(rows @ 1..) => changed.said(format!(
                "{}, in {rows} rows others than the source's",
                of_clone.other
            )),
            _ => of_clone.other.to_string(),
        },
        ok: of_clone.other == 0 || dangle.at_source && found.astray.is_none_or(|rows| changed.explain(rows)),
    });
    if let Some(of_unchanged) = found.of_unchanged
        && of_clone.own < of_unchanged
    {
        // A transaction that ran during the clone can have written some of them.
        let few =
            of_clone.own.saturating_mul(2) < of_unchanged && of_unchanged - of_clone.own > dangle.permitted;
        checks.push(Check {
            name: "reference names as many rows as in the source".into(),
            subject: subject.clone(),
            expected: format!("at least {of_unchanged}"),
            found: of_clone.own.to_string(),
            ok: !few,
        });
    }
    let Some(of_source) = &found.of_source else {
        return Ok(());
    };
    let compares = !pair.relatives.contains_key(&reference.parent);
    let dangle = of_clone.own < of_source.own
        && match pair.dangling_nulls {
            true => dangle.missing,
            false => dangle.at_source && of_clone.same_but_dangling(of_source, compares),
        };
    // An array or a document has several references.
    let differing = match reference.form {
        ReferenceForm::Column => (of_clone.own - of_source.own)
            .abs()
            .max(found.differing.unwrap_or(1))
            .max(1),
        _ => 1,
    };
    checks.push(Check {
        name: "reference names as many rows as in the source".into(),
        subject: subject.clone(),
        expected: of_source.own.to_string(),
        found: changed.said(match found.differing {
            _ if of_clone.own != of_source.own || of_clone.pairs == of_source.pairs => {
                of_clone.own.to_string()
            }
            Some(n) => format!("{}, {n} of them others", of_clone.own),
            None => format!("{}, some of them others", of_clone.own),
        }),
        ok: of_clone.own == of_source.own && of_clone.pairs == of_source.pairs
            || dangle
            || changed.explain(differing)
            || pair.may_be_more && of_clone.own > of_source.own,
    });
    let same = same_shared(of_source);
    if !reference.mixed && !reference.in_parts && (of_source.others > 0 || !same) {
        checks.push(Check {
            name: "reference names the same shared rows".into(),
            subject: subject.clone(),
            expected: of_source.others.to_string(),
            found: changed.said(of_clone.found_others(same)),
            ok: same,
        });
    }
    checks.extend(found.beside(subject, changed));
    Ok(())
}

impl Found<'_> {
    /// The check that fails if a reference is right and stands beside the wrong one of another column.
    fn beside(&self, subject: String, changed: Changed) -> Option<Check> {
        self.not_beside.as_ref().map(|other| Check {
            name: "two references of a row name rows that belong together".into(),
            subject: format!("{subject} and {other}"),
            expected: "as in the source".to_owned(),
            found: changed.said("other combinations".to_owned()),
            ok: changed.explain(1),
        })
    }
}

/// Tables with rows, each after those that it references, as far as they do not reference each other.
fn parents_first(store: &Store) -> Vec<&Table> {
    fn visit<'s>(store: &'s Store, table: &'s Table, seen: &mut HashSet<Oid>, ordered: &mut Vec<&'s Table>) {
        if table.empty || !seen.insert(table.oid) {
            return;
        }
        let declared = table.keys.references.iter().map(|reference| reference.target);
        for parent in table.references.iter().copied().chain(declared) {
            if let Some(parent) = store.table(parent) {
                visit(store, parent, seen, ordered);
            }
        }
        ordered.push(table);
    }
    let (mut seen, mut ordered) = (HashSet::new(), Vec::new());
    for table in &store.tables {
        visit(store, table, &mut seen, &mut ordered);
    }
    ordered
}

/// Columns that a clone keeps and that have other values in it: users and triggers may have changed them since. A clone that was just made
/// has the source's values.
fn values(pair: &Pair<'_>, contents: &Contents, checks: &mut Vec<Check>) {
    for table in &pair.store.tables {
        let Some(content) = contents.get(table.oid) else {
            continue;
        };
        let cloned = pair.rows.get(&table.sql_name).copied().unwrap_or(0);
        if let Some(unchanged) = contents.unchanged(table.oid).filter(|_| pair.whole && cloned > 0) {
            checks.push(Check {
                name: "not compared with the source".into(),
                subject: table.sql_name.clone(),
                expected: format!("{cloned} rows that have not changed since"),
                found: unchanged.to_string(),
                ok: true,
            });
        }
        let check = |subject: String, found: String| Check {
            name: "values of the source".into(),
            subject,
            expected: "the same".to_owned(),
            found,
            ok: !pair.now || pair.may_be_more,
        };
        let columns = content.differing.iter();
        checks
            .extend(columns.map(|column| check(format!("{}.{column}", table.sql_name), "others".to_owned())));
        match contents.differing_rows(table.oid) {
            0 => {}
            rows => checks.push(check(
                table.sql_name.clone(),
                format!("those of other rows, in {rows} rows"),
            )),
        }
    }
}

/// What was found for a reference.
#[derive(Default)]
struct Known {
    of_clone: Named,
    of_source: Option<Named>,
    of_unchanged: Option<i64>,
    differing: Option<i64>,
    astray: Option<i64>,
    not_beside: Option<String>,
}

/// Follows the references of a table: single-column ones in one pass, each other one by a query.
fn follow<'a>(
    pair: &Pair<'a>,
    table: &'a Table,
    contents: &Contents,
    keys: &mut KeySets,
    incoming: &mut Incoming,
    found: &mut Vec<Found<'a>>,
) -> Result<()> {
    let references = declared_references(pair.store, table);
    let comparable = contents.comparable(table.oid);
    let mut columns = Columns {
        pair,
        contents,
        table,
        references: references
            .iter()
            .filter_map(|reference| of_column(pair, table, reference))
            .collect(),
    };
    columns.read_keys(keys)?;
    let mut read: HashMap<*const AnyReference, Known> = HashMap::new();
    if !columns.references.is_empty() {
        read_columns(&columns, comparable, keys, incoming, &mut read)?;
    }
    let mut named_by = Vec::with_capacity(references.len());
    for reference in &references {
        named_by.push(match read.remove(&std::ptr::from_ref(reference)) {
            Some(known) => Some(known),
            None => match named(pair, contents, table, reference, pair.target)? {
                Some(of_clone) => Some(Known {
                    of_source: match comparable && follows_source(table, reference) {
                        true => named(pair, contents, table, reference, pair.source)?,
                        false => None,
                    },
                    of_clone,
                    ..Known::default()
                }),
                None => None,
            },
        });
    }
    for (reference, known) in references.into_iter().zip(named_by) {
        if let Some(known) = known {
            found.push(Found {
                table,
                reference,
                of_clone: known.of_clone,
                of_source: known.of_source,
                of_unchanged: known.of_unchanged,
                differing: known.differing,
                astray: known.astray,
                not_beside: known.not_beside,
            });
        }
    }
    Ok(())
}

/// Follows references with one column and one key in one pass over the rows of each project.
fn read_columns(
    columns: &Columns<'_>,
    comparable: bool,
    keys: &mut KeySets,
    incoming: &mut Incoming,
    read: &mut HashMap<*const AnyReference, Known>,
) -> Result<()> {
    let of_clone = columns.named(keys, true, incoming)?;
    let cloned = columns
        .pair
        .rows
        .get(&columns.table.sql_name)
        .copied()
        .unwrap_or(0);
    // A part of the rows that were cloned.
    let has_unchanged = columns.pair.whole
        && columns
            .contents
            .unchanged(columns.table.oid)
            .is_some_and(|rows| rows > 0 && rows < cloned);
    let of_unchanged = match has_unchanged {
        true => columns.named(keys, false, incoming)?,
        false => None,
    };
    let of_source = match comparable {
        true => columns.named(keys, false, incoming)?,
        false => None,
    };
    let Some(of_clone) = of_clone else { return Ok(()) };
    let follows: Vec<bool> = columns
        .references
        .iter()
        .map(|followed| follows_source(columns.table, followed.reference))
        .collect();
    let same = |place: usize| {
        follows[place]
            && of_source
                .as_ref()
                .is_some_and(|all| all.named[place] == of_clone.named[place])
    };
    if (0..columns.references.len()).any(|place| follows[place] && !same(place)) {
        incoming.leave_out(
            columns
                .references
                .iter()
                .map(|followed| followed.reference.parent),
        );
    }
    for (place, followed) in columns.references.iter().enumerate() {
        let source = of_source
            .as_ref()
            .filter(|_| follows[place])
            .map(|all| all.named[place].clone());
        let differing = match &source {
            Some(source)
                if source.own == of_clone.named[place].own && source.pairs != of_clone.named[place].pairs =>
            {
                Some(columns.differing(keys, place)?)
            }
            _ => None,
        };
        let astray = match &source {
            Some(_) if of_clone.named[place].other > 0 => Some(columns.astray(keys, place)?),
            _ => None,
        };
        let not_beside = of_source.as_ref().filter(|_| same(place)).and_then(|all| {
            let sums =
                |found: &NamedTogether| found.together[place * NEIGHBOURS..(place + 1) * NEIGHBOURS].to_vec();
            let other = sums(all)
                .iter()
                .zip(sums(&of_clone))
                .enumerate()
                .find(|(next, (source, clone))| {
                    *source != clone
                        && columns.references.get(place + 1 + next).is_some()
                        && same(place + 1 + next)
                })
                .map(|(next, _)| place + 1 + next)?;
            Some(columns.references[other].reference.columns.join(", "))
        });
        read.insert(
            std::ptr::from_ref(followed.reference),
            Known {
                of_clone: of_clone.named[place].clone(),
                of_unchanged: of_unchanged
                    .as_ref()
                    .filter(|_| follows[place])
                    .map(|all| all.named[place].own),
                of_source: source,
                differing,
                astray,
                not_beside,
            },
        );
    }
    let followed = (0..columns.references.len())
        .filter(|place| same(*place) && of_clone.named[*place].own > 0)
        // Where its condition is not met, a value may be a key by chance.
        .filter(|place| columns.references[*place].reference.condition.is_none())
        .map(|place| {
            let followed = columns.references[place];
            Followed {
                column: followed.column.to_owned(),
                kind: followed.kind,
                parent: (followed.reference.parent, followed.key.to_owned()),
            }
        })
        .collect();
    keys.follow(columns.table.oid, followed);
    Ok(())
}

/// Reports undescribed tables whose foreign keys refer to the project.
fn undescribed(pair: &Pair<'_>, checks: &mut Vec<Check>) {
    for (_, name) in &pair.store.outside.reaching {
        checks.push(Check {
            name: "not described".into(),
            subject: name.clone(),
            expected: "described, or declared to be shared".to_owned(),
            found: "its foreign keys lead to the project; its rows were not cloned".to_owned(),
            ok: true,
        });
    }
}
