//! The registry of a call: its tables, its options, its rules.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::item::generator::Generator;
use pg_clone_core::item::record::Files;
use pg_clone_core::item::subtype::Subtype;
use pg_clone_core::plan::quote;
use serde_json::Value;

use super::query;
use crate::error::internal;
use crate::pg::privileges::AsExtensionOwner;

/// A store of preset registry.
pub struct ItemStore {
    /// Its name.
    pub name: String,
    schema: String,
    options: Value,
    /// Other relations that the rows of the source are read from, ready for SQL, by the name of the table.
    sources: HashMap<String, String>,
    subtypes: RefCell<HashMap<String, Rc<Subtype>>>,
}

struct Known {
    name: String,
    schema: Option<String>,
    options: String,
}

/// Every registry, with the current name of the schema of its tables.
const KNOWN: &str = "SELECT s.name, COALESCE((SELECT n.nspname::pg_catalog.text FROM clone.store_relation r \
     JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) r.relation::pg_catalog.oid \
     JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
     WHERE r.store OPERATOR(pg_catalog.=) s.name AND r.role OPERATOR(pg_catalog.=) 'project' LIMIT 1), \
     CASE WHEN NOT EXISTS (SELECT FROM clone.store_relation r WHERE r.store OPERATOR(pg_catalog.=) s.name) \
     THEN s.options OPERATOR(pg_catalog.->>) 'schema' END), s.options \
     FROM clone.store s WHERE s.preset OPERATOR(pg_catalog.=) 'registry' ORDER BY s.name";

/// Rules by store and subtype, each with the text of its row.
type ReadSubtypes = HashMap<(String, String), (String, Rc<Subtype>)>;

thread_local! {
    /// Cache of the rules of subtypes with the row's text: only a changed row is parsed again.
    static READ: RefCell<ReadSubtypes> = RefCell::default();
}

impl ItemStore {
    /// The store of that name; without a name the only registry, or the one that contains the item.
    ///
    /// # Errors
    /// 22023 if there is none or more than one.
    pub fn resolve(name: Option<&str>, item: Option<&str>) -> Result<Self> {
        let known = known()?;
        let names: Vec<&str> = known.iter().map(|k| k.name.as_str()).collect();
        let none = names.is_empty();
        let list = match none {
            true => "Create one: SELECT clone.store_create('registry', 'registry', '{\"handle_prefix\": \"20.500.1\"}');"
                .to_string(),
            false => format!("Registries: {}.", names.join(", ")),
        };
        let meant = match name {
            Some(name) => known.into_iter().filter(|k| k.name == name).collect(),
            None if known.len() < 2 => known,
            None => holding(known, item)?,
        };
        match <[Known; 1]>::try_from(meant) {
            Ok([one]) => ItemStore::of(one),
            Err(_) => Err(match name {
                Some(name) => Error::bad_argument(format!(
                    "there is no registry \"{}\"",
                    pg_clone_core::error::shown(name)
                )),
                None if none => Error::bad_argument("there is no registry"),
                None => Error::bad_argument("there is more than one registry: specify store"),
            }
            .hint(list)),
        }
    }

    fn of(known: Known) -> Result<Self> {
        let Some(schema) = known.schema else {
            return Err(Error::new(
                Code::StoreChanged,
                format!("the tables of registry \"{}\" do not exist", known.name),
            )
            .hint(format!(
                "To remove its description: SELECT clone.store_drop({});",
                quote::literal(&known.name)
            )));
        };
        Ok(ItemStore {
            name: known.name,
            schema: quote::identifier(&schema),
            options: serde_json::from_str(&known.options).map_err(internal)?,
            sources: HashMap::new(),
            subtypes: RefCell::default(),
        })
    }

    /// A table of the store, ready for SQL. The name is a constant, never user input.
    pub fn table(&self, name: &str) -> String {
        format!("{}.{name}", self.schema)
    }

    /// Reads the rows of the source from other relations: names of tables and relations, ready for SQL.
    pub fn read_from(&mut self, sources: &serde_json::Map<String, Value>) {
        let texts = sources
            .iter()
            .filter_map(|(table, relation)| Some((table.clone(), relation.as_str()?.to_owned())));
        self.sources = texts.collect();
    }

    /// Where the rows of the source are read from, ready for SQL.
    pub fn source(&self, name: &str) -> String {
        self.sources
            .get(name)
            .cloned()
            .unwrap_or_else(|| self.table(name))
    }

    /// The current rules of a subtype.
    ///
    /// # Errors
    /// 22023 for an unknown one; 55000 if the row cannot be read.
    pub fn subtype(&self, name: &str) -> Result<Rc<Subtype>> {
        if let Some(known) = self.subtypes.borrow().get(name) {
            return Ok(Rc::clone(known));
        }
        let sql = format!(
            "SELECT pg_catalog.to_jsonb(s) FROM {} s WHERE s.name::pg_catalog.text OPERATOR(pg_catalog.=) $1",
            self.table("subtype")
        );
        let mut row = None;
        query::rows(&sql, &[name.into()], &mut |found| {
            row = found.json(1)?;
            Ok(())
        })?;
        let Some(row) = row else {
            let known = query::text(
                &format!(
                    "SELECT pg_catalog.string_agg(s.name::pg_catalog.text, ', ' ORDER BY s.name) FROM {} s",
                    self.table("subtype")
                ),
                &[],
            )?;
            return Err(Error::bad_argument(format!("unknown subtype \"{name}\""))
                .hint(format!("Subtypes: {}.", known.unwrap_or_default())));
        };
        let key = (self.schema.clone(), name.to_owned());
        let read = READ.with_borrow(|read| {
            let (text, subtype) = read.get(&key)?;
            (*text == row).then(|| Rc::clone(subtype))
        });
        let subtype = match read {
            Some(subtype) => subtype,
            None => {
                let subtype = Rc::new(Subtype::from_row(serde_json::from_str(&row).map_err(internal)?)?);
                READ.with_borrow_mut(|read| read.insert(key, (row, Rc::clone(&subtype))));
                subtype
            }
        };
        self.subtypes
            .borrow_mut()
            .insert(name.to_owned(), Rc::clone(&subtype));
        Ok(subtype)
    }

    fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).and_then(Value::as_str)
    }

    /// Whether authors of some subtypes must be linked to a person.
    pub fn requires_person_link(&self) -> bool {
        self.option("person_link") == Some("require")
    }

    /// Whether authors must have an e-mail address.
    pub fn requires_email(&self) -> bool {
        self.option("email") == Some("require")
    }

    /// The location of files.
    pub fn files(&self) -> Files {
        let prefix = self
            .option("dataset_path")
            .unwrap_or("datasets")
            .trim_end_matches('/');
        Files {
            bucket: self.option("bucket").map(String::from),
            prefix: format!("{prefix}/"),
        }
    }

    /// New handles for items of these subtypes, by the store's generator, with the caller's rights.
    ///
    /// # Errors
    /// 22023 if options.id_generator does not name a function; 55000 if it returns no handle.
    pub fn new_handles(&self, subtypes: &[&str]) -> Result<Vec<String>> {
        let generator = match self.option("id_generator") {
            Some(named) => Generator::parse(named)?,
            None => Generator {
                function: self.table("next_handle"),
                takes_subtype: false,
            },
        };
        let argument = if generator.takes_subtype { "s.name" } else { "" };
        let sql = format!(
            "SELECT {}({argument})::pg_catalog.text FROM (SELECT u.name FROM pg_catalog.unnest($1) WITH ORDINALITY u (name, n) \
             ORDER BY u.n OFFSET 0) s",
            generator.function
        );
        let names: Vec<String> = subtypes.iter().map(|name| (*name).to_owned()).collect();
        let mut handles = Vec::with_capacity(names.len());
        query::rows(&sql, &[names.into()], &mut |row| {
            let handle = row.string(1)?;
            if handle.is_empty() {
                return Err(Error::new(
                    Code::StoreChanged,
                    format!("the handle generator {} returned no handle", generator.function),
                )
                .hint(
                    "The function in options.id_generator of the store must return a new handle for each call.",
                ));
            }
            handles.push(handle);
            Ok(())
        })?;
        Ok(handles)
    }
}

fn known() -> Result<Vec<Known>> {
    let _owner = AsExtensionOwner::new();
    let mut known = Vec::new();
    query::rows(KNOWN, &[], &mut |row| {
        known.push(Known {
            name: row.string(1)?,
            schema: row.text(2)?,
            options: row.json(3)?.unwrap_or_else(|| "{}".to_owned()),
        });
        Ok(())
    })?;
    Ok(known)
}

/// The registries that contain an item; those that the caller may not read are left out.
fn holding(known: Vec<Known>, item: Option<&str>) -> Result<Vec<Known>> {
    let Some(item) = item else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for candidate in known {
        let Some(schema) = candidate.schema.as_deref() else {
            continue;
        };
        let table = format!("{}.item", quote::identifier(schema));
        let readable = query::truth(
            "SELECT CASE WHEN pg_catalog.has_schema_privilege($1, 'USAGE') THEN pg_catalog.has_table_privilege($2, 'SELECT') END",
            &[schema.into(), table.as_str().into()],
        )?;
        let sql = format!("SELECT EXISTS (SELECT FROM {table} i WHERE i.id OPERATOR(pg_catalog.=) $1)");
        if readable && query::truth(&sql, &[item.into()])? {
            found.push(candidate);
        }
    }
    Ok(found)
}
