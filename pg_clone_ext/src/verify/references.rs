//! Verification of references by independent queries: counts the rows that every reference of the clone names, by the
//! catalog's keys and conditions and never by the map of a run.

use super::Check;
use super::column_references::{self, Columns};
use super::contents::Contents;
use super::document_references;
use super::key_sets::KeySets;
use crate::pg::query::for_each_row;
use crate::run::any_reference::{AnyReference, follows_source, references};
use pg_clone_core::error::Result;
use pg_clone_core::plan::{self, Oid, ReferenceForm, SourceQuery, Store, Table, quote};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A clone and its source.
pub struct Pair<'a> {
    /// The store.
    pub store: &'a Store,
    /// The source project.
    pub source: &'a str,
    /// The clone.
    pub target: &'a str,
    /// Tables with rows.
    pub filled: &'a HashSet<Oid>,
    /// Occurrences of references that the run left at the source's rows.
    pub dangling: i64,
    /// Rows that the run wrote, by table.
    pub rows: &'a BTreeMap<String, i64>,
    /// Tables that inherit from each other.
    pub relatives: &'a HashMap<Oid, Vec<Oid>>,
    /// Number of rows of each table that are checked; `None`: all.
    pub sample: Option<i64>,
    /// Whether further rows are wanted: those that triggers have added (`options.triggers` = `fire`), those that a refresh has kept.
    pub may_be_more: bool,
}

/// Counts of the rows that references of one project's rows name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// Rows of the project itself.
    pub own: i64,
    /// Rows of the other project of source and clone.
    pub other: i64,
    /// Rows of neither.
    pub others: i64,
    /// A sum over the others' values.
    pub digest: String,
    /// A sum over the contents of rows and of the project's own rows that they reference; 0 if they are not compared.
    pub pairs: u64,
}

impl Named {
    /// The number of rows of neither project that are named, for a check.
    fn found_others(&self, same: bool) -> String {
        if same {
            self.others.to_string()
        } else {
            format!("{}, not the same ones", self.others)
        }
    }
}

/// A reference and its counts.
struct Found<'a> {
    table: &'a Table,
    reference: AnyReference,
    of_clone: Named,
    of_source: Option<Named>,
    /// Rows that reference a wrong row of the clone.
    differing: Option<i64>,
}

/// Checks of all references.
pub fn check(pair: &Pair<'_>, checks: &mut Vec<Check>) -> Result<()> {
    let contents = Contents::of(pair)?;
    let budget = usize::try_from(crate::settings::max_memory_bytes()).unwrap_or(usize::MAX);
    let mut keys = KeySets::new(budget);
    let mut found = Vec::new();
    for table in pair.store.tables.iter().filter(|t| !t.empty) {
        follow(pair, table, &contents, &mut keys, &mut found)?;
    }
    let left_at_source: i64 = found.iter().map(|found| found.of_clone.other).sum();
    let tolerated = left_at_source <= pair.dangling;
    for found in found {
        let Found {
            table,
            reference,
            of_clone,
            of_source,
            differing,
        } = found;
        let subject = format!(
            "{}.{}{}",
            table.sql_name,
            reference.columns.join(", "),
            reference.place
        );
        let is_shared = pair.store.table(reference.parent).is_none();
        if is_shared {
            let same = of_source.as_ref().is_none_or(|of_source| {
                pair.dangling > 0
                    || of_clone.others == of_source.others && of_clone.digest == of_source.digest
            });
            checks.push(Check {
                name: "reference names the same shared rows".into(),
                subject,
                expected: of_source.as_ref().unwrap_or(&of_clone).others.to_string(),
                found: of_clone.found_others(same),
                ok: same,
            });
            continue;
        }
        checks.push(Check {
            name: "reference names the source's rows".into(),
            subject: subject.clone(),
            expected: if pair.dangling > 0 {
                format!("at most {} that dangle", pair.dangling)
            } else {
                "0".to_owned()
            },
            found: of_clone.other.to_string(),
            ok: of_clone.other == 0 || tolerated,
        });
        // Dangling references are a permitted difference from the source's counts.
        if let Some(of_source) = of_source
            && pair.dangling == 0
        {
            checks.push(Check {
                name: "reference names as many rows as in the source".into(),
                subject: subject.clone(),
                expected: of_source.own.to_string(),
                found: match differing {
                    _ if of_clone.own != of_source.own || of_clone.pairs == of_source.pairs => {
                        of_clone.own.to_string()
                    }
                    Some(n) => format!("{}, {n} of them others", of_clone.own),
                    None => format!("{}, some of them others", of_clone.own),
                },
                ok: of_clone.own == of_source.own && of_clone.pairs == of_source.pairs
                    || pair.may_be_more && of_clone.own > of_source.own,
            });
            let same = of_clone.others == of_source.others && of_clone.digest == of_source.digest;
            if !reference.mixed && (of_source.others > 0 || !same) {
                checks.push(Check {
                    name: "reference names the same shared rows".into(),
                    subject,
                    expected: of_source.others.to_string(),
                    found: of_clone.found_others(same),
                    ok: same,
                });
            }
        }
    }
    undescribed(pair, checks);
    Ok(())
}

/// Follows the references of a table: single-column ones in one pass, each other one by a query.
fn follow<'a>(
    pair: &Pair<'a>,
    table: &'a Table,
    contents: &Contents,
    keys: &mut KeySets,
    found: &mut Vec<Found<'a>>,
) -> Result<()> {
    let references = references(pair.store, table);
    let comparable = contents.comparable(table.oid);
    let mut columns = Columns {
        pair,
        contents,
        table,
        references: references
            .iter()
            .filter_map(|reference| Some((reference, column_references::kind_of(pair, table, reference)?)))
            .collect(),
    };
    columns.read_keys(keys)?;
    let mut read: HashMap<*const AnyReference, (Named, Option<Named>, Option<i64>)> = HashMap::new();
    if !columns.references.is_empty() {
        let of_clone = columns.named(keys, true)?;
        let of_source = if comparable {
            columns.named(keys, false)?
        } else {
            None
        };
        for (place, of_clone) in of_clone.into_iter().flatten().enumerate() {
            let of_source = of_source
                .as_ref()
                .filter(|_| follows_source(table, columns.references[place].0))
                .and_then(|all| all.get(place))
                .cloned();
            let differing = match &of_source {
                Some(of_source)
                    if of_source.own == of_clone.own
                        && of_source.pairs != of_clone.pairs
                        && pair.dangling == 0 =>
                {
                    Some(columns.differing(keys, place)?)
                }
                _ => None,
            };
            read.insert(
                std::ptr::from_ref(columns.references[place].0),
                (of_clone, of_source, differing),
            );
        }
    }
    let mut named_by = Vec::with_capacity(references.len());
    for reference in &references {
        named_by.push(match read.remove(&std::ptr::from_ref(reference)) {
            Some(known) => Some(known),
            None => match named(pair, contents, table, reference, pair.target)? {
                Some(of_clone) if comparable && follows_source(table, reference) => Some((
                    of_clone,
                    named(pair, contents, table, reference, pair.source)?,
                    None,
                )),
                Some(of_clone) => Some((of_clone, None, None)),
                None => None,
            },
        });
    }
    for (reference, known) in references.into_iter().zip(named_by) {
        if let Some((of_clone, of_source, differing)) = known {
            found.push(Found {
                table,
                reference,
                of_clone,
                of_source,
                differing,
            });
        }
    }
    Ok(())
}

/// The keys of a project that a reference may have, as a query with the columns k0, k1, …
/// and d, a hash of the row's content.
fn keys_of(
    pair: &Pair<'_>,
    contents: &Contents,
    reference: &AnyReference,
    project: &str,
) -> Result<Option<String>> {
    let Some(target) = pair.store.table(reference.parent) else {
        return Ok(None);
    };
    let columns: Vec<String> = reference
        .parent_columns
        .iter()
        .enumerate()
        .map(|(place, column)| {
            let key = reference.key(target, column);
            format!("{key} AS k{place}")
        })
        .collect();
    // Nothing proves that declared keys are unique.
    let places: Vec<String> = (1..=columns.len()).map(|place| place.to_string()).collect();
    let (content, group) = match reference.declared {
        true => (
            format!("pg_catalog.bit_xor({})", contents.digest(target.oid)),
            format!(" GROUP BY {}", places.join(", ")),
        ),
        false => (contents.digest(target.oid), String::new()),
    };
    let mut parts = Vec::new();
    if let Some(condition) = plan::condition(pair.store, target, project, pair.filled, true)? {
        let rows = SourceQuery::over(&target.from_sql()).filter(condition);
        parts.push(rows.select(&format!("{}, {content} AS d", columns.join(", "))) + &group);
    }
    for (oid, column) in &reference.or_of {
        let Some(target) = pair.store.table(*oid) else {
            continue;
        };
        if let Some(condition) = plan::condition(pair.store, target, project, pair.filled, true)? {
            let rows = SourceQuery::over(&target.from_sql()).filter(condition);
            parts.push(rows.select(&format!(
                "{} AS k0, {} AS d",
                reference.key(target, column),
                contents.digest(target.oid)
            )));
        }
    }
    Ok((!parts.is_empty()).then(|| parts.join(" UNION ALL ")))
}

/// The keys of the other project's rows: also of tables that inherit from the referenced one, or from which it inherits.
fn keys_of_other(
    pair: &Pair<'_>,
    contents: &Contents,
    reference: &AnyReference,
    project: &str,
) -> Result<Option<String>> {
    let keys = keys_of(pair, contents, reference, project)?;
    let ([column], Some(relatives)) = (
        reference.parent_columns.as_slice(),
        pair.relatives.get(&reference.parent),
    ) else {
        return Ok(keys);
    };
    let mut parts: Vec<String> = keys.into_iter().collect();
    for relative in relatives {
        let Some(table) = pair
            .store
            .table(*relative)
            .filter(|table| table.column(column).is_some())
        else {
            continue;
        };
        if let Some(condition) = plan::condition(pair.store, table, project, pair.filled, true)? {
            let rows = SourceQuery::over(&table.from_sql()).filter(condition);
            parts.push(rows.select(&format!(
                "{} AS k0, 0::pg_catalog.int8 AS d",
                reference.key(table, column)
            )));
        }
    }
    // A key may be one of several tables.
    Ok((!parts.is_empty()).then(|| {
        format!(
            "SELECT a.k0, pg_catalog.min(a.d) AS d FROM ({}) AS a GROUP BY a.k0",
            parts.join(" UNION ALL ")
        )
    }))
}

/// The rows of a project, with the values of a reference in the columns c0, c1, … and the hash of their content in d.
fn values_of(
    pair: &Pair<'_>,
    contents: &Contents,
    table: &Table,
    reference: &AnyReference,
    belongs: &str,
) -> String {
    let (from, values) = reference.values(pair.store, table);
    let condition = reference
        .condition
        .as_ref()
        .map_or(String::new(), |condition| format!(" AND ({condition})"));
    let not_null: Vec<String> = values
        .iter()
        .map(|value| format!("{value} IS NOT NULL"))
        .collect();
    let named: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(place, value)| format!("{value} AS c{place}"))
        .collect();
    let rows = match pair.sample {
        None => format!("{} AS t{from} WHERE {belongs}", table.from_sql()),
        Some(rows) => format!(
            "(SELECT t.* FROM {} AS t WHERE {belongs} LIMIT {rows}) AS t{from} WHERE true",
            table.from_sql()
        ),
    };
    format!(
        "SELECT {}, {} AS d FROM {rows}{condition} AND {}",
        named.join(", "),
        contents.digest(table.oid),
        not_null.join(" AND ")
    )
}

fn named(
    pair: &Pair<'_>,
    contents: &Contents,
    table: &Table,
    reference: &AnyReference,
    project: &str,
) -> Result<Option<Named>> {
    // Rows of the source that are not live were not cloned.
    let all = project == pair.target;
    let Some(belongs) = plan::condition(pair.store, table, project, pair.filled, all)? else {
        return Ok(None);
    };
    // A key that clones keep is in both projects: it refers to the project's own row.
    let another = if project == pair.source {
        pair.target
    } else {
        pair.source
    };
    let (own, other) = (
        keys_of(pair, contents, reference, project)?,
        keys_of_other(pair, contents, reference, another)?,
    );
    if let ReferenceForm::Json(path) = &reference.form {
        return document_references::named(pair, contents, table, reference, path, &belongs, own, other)
            .map(Some);
    }
    let values = values_of(pair, contents, table, reference, &belongs);
    let nothing = || {
        let columns: Vec<String> = (0..reference.parent_columns.len())
            .map(|place| format!("v.c{place} AS k{place}"))
            .collect();
        format!("SELECT {}, v.d FROM v WHERE false", columns.join(", "))
    };
    let on = |alias: &str| {
        let pairs: Vec<String> = reference
            .operators
            .iter()
            .chain(std::iter::repeat(&reference.operators[0]))
            .take(reference.columns.len())
            .enumerate()
            .map(|(place, operator)| format!("{alias}.k{place} {operator} v.c{place}"))
            .collect();
        pairs.join(" AND ")
    };
    let all: Vec<String> = (0..reference.columns.len())
        .map(|place| format!("v.c{place}"))
        .collect();
    // A value of neither project that holds a key beside other text changes; the search for the source's ids sees it.
    let of_neither = if reference.embedded {
        let type_name = match (&reference.form, reference.as_text) {
            (ReferenceForm::Column, false) => table.type_of(&reference.columns[0]),
            _ => "text",
        };
        let value = quote::text_of("v.c0", type_name);
        format!(
            "s.k0 IS NULL AND c.k0 IS NULL AND ({value} OPERATOR(pg_catalog.!~*) {} OR {value} OPERATOR(pg_catalog.~*) {})",
            plan::EMBEDDED_KEY,
            plan::UUID_INPUT
        )
    } else {
        "s.k0 IS NULL AND c.k0 IS NULL".to_owned()
    };
    let sql = format!(
        "WITH v AS NOT MATERIALIZED ({values}) \
         SELECT pg_catalog.count(*) FILTER (WHERE s.k0 IS NOT NULL), pg_catalog.count(*) FILTER (WHERE c.k0 IS NOT NULL AND s.k0 IS NULL), \
         pg_catalog.count(*) FILTER (WHERE {of_neither}), \
         COALESCE(pg_catalog.sum(pg_catalog.hashtextextended(ROW({})::pg_catalog.text, 0)::pg_catalog.numeric) \
         FILTER (WHERE {of_neither}), 0)::pg_catalog.text, \
         COALESCE(pg_catalog.sum(pg_catalog.hash_record(ROW(v.d, s.d))) FILTER (WHERE s.k0 IS NOT NULL), 0)::pg_catalog.int8 \
         FROM v LEFT JOIN ({}) AS s ON {} LEFT JOIN ({}) AS c ON {}",
        all.join(", "),
        own.unwrap_or_else(nothing),
        on("s"),
        other.unwrap_or_else(nothing),
        on("c")
    );
    let mut found = Named::default();
    for_each_row(&sql, &mut |row| {
        if let Some(row) = row {
            found = Named {
                own: row.bigint(0).unwrap_or(0),
                other: row.bigint(1).unwrap_or(0),
                others: row.bigint(2).unwrap_or(0),
                digest: row.text(3)?.map(std::borrow::Cow::into_owned).unwrap_or_default(),
                pairs: row.bigint(4).unwrap_or(0).cast_unsigned(),
            };
        }
        Ok(())
    })?;
    Ok(Some(found))
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
