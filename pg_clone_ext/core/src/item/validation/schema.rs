//! What a JSON Schema says about one place of a document, as far as forms need it: its members, whether others are allowed, its type.
//! Conditions (`if`, `anyOf`) are left to the validator.

use serde_json::Value;

/// Maximum number of references (`$ref`) that are followed; it ends schemas that refer to themselves.
const FOLLOWED: usize = 16;

/// A schema and the place in it that describes a value.
#[derive(Debug, Clone)]
pub struct Place<'s> {
    root: &'s Value,
    parts: Vec<&'s Value>,
}

impl<'s> Place<'s> {
    /// The whole document.
    pub fn root(schema: &'s Value) -> Self {
        Place::of(schema, schema)
    }

    fn of(root: &'s Value, node: &'s Value) -> Self {
        let mut parts = Vec::new();
        collect(root, node, &mut parts, FOLLOWED);
        Place { root, parts }
    }

    /// The place of a member, if the schema knows it by name or allows members of any name with a schema of theirs.
    pub fn member(&self, name: &str) -> Option<Place<'s>> {
        let named = self
            .parts
            .iter()
            .find_map(|part| part.get("properties")?.get(name));
        let other = || {
            let found = self
                .parts
                .iter()
                .find_map(|part| part.get("additionalProperties"));
            found.filter(|schema| schema.is_object())
        };
        named.or_else(other).map(|node| Place::of(self.root, node))
    }

    /// The place of the elements of an array.
    pub fn element(&self) -> Option<Place<'s>> {
        let node = self.parts.iter().find_map(|part| part.get("items"))?;
        Some(Place::of(self.root, node))
    }

    /// Whether a member must not be there because the schema does not know it.
    pub fn forbids(&self, name: &str) -> bool {
        let closed = |part: &&Value| {
            part.get("additionalProperties")
                .is_some_and(|more| *more == Value::Bool(false))
        };
        self.parts.iter().any(closed) && self.member(name).is_none()
    }

    /// Whether a member has to be there.
    pub fn requires(&self, name: &str) -> bool {
        let lists = self
            .parts
            .iter()
            .filter_map(|part| part.get("required")?.as_array());
        lists.flatten().any(|required| required == name)
    }

    /// The names of the members that the schema knows, in its order.
    pub fn names(&self) -> impl Iterator<Item = &'s str> {
        let properties = self
            .parts
            .iter()
            .filter_map(|part| part.get("properties")?.as_object());
        properties
            .flat_map(|members| members.keys().map(String::as_str))
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// Whether the schema names this type.
    pub fn is(&self, name: &str) -> bool {
        self.parts.iter().any(|part| match part.get("type") {
            Some(Value::String(only)) => only == name,
            Some(Value::Array(several)) => several.iter().any(|one| one == name),
            _ => false,
        })
    }

    /// The value of a keyword.
    pub fn keyword(&self, name: &str) -> Option<&'s Value> {
        self.parts.iter().find_map(|part| part.get(name))
    }
}

fn collect<'s>(root: &'s Value, node: &'s Value, parts: &mut Vec<&'s Value>, left: usize) {
    parts.push(node);
    let Some(left) = left.checked_sub(1) else { return };
    let referred = node.get("$ref").and_then(Value::as_str);
    if let Some(target) = referred.and_then(|name| root.pointer(name.strip_prefix('#')?)) {
        collect(root, target, parts, left);
    }
    for also in node.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        collect(root, also, parts, left);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn references_and_parts_of_a_schema_are_put_together() {
        let schema = json!({"properties": {"list": {"type": ["array", "null"], "items": {"allOf": [{"$ref": "#/$defs/entry"}],
            "required": ["path"], "properties": {"path": {"type": "string"}}}}},
            "$defs": {"entry": {"additionalProperties": false, "properties": {"note": {"minLength": 1}}}}});
        let list = Place::root(&schema).member("list").unwrap();
        assert!(list.is("array") && list.is("null") && !list.is("object"));
        let entry = list.element().unwrap();
        assert!(entry.requires("path") && !entry.requires("note"));
        assert!(entry.forbids("typo") && !entry.forbids("path") && !entry.forbids("note"));
        assert_eq!(entry.names().collect::<Vec<_>>(), ["path", "note"]);
        assert_eq!(
            entry.member("note").unwrap().keyword("minLength"),
            Some(&json!(1))
        );
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({"$ref": "#"});
        assert!(Place::root(&schema).member("a").is_none());
        let open = json!({"additionalProperties": {"type": "string"}});
        assert!(Place::root(&open).member("any").unwrap().is("string"));
        assert!(!Place::root(&open).forbids("any"));
    }
}
