//! Fields of a JSON Schema: title, kind of value, members.

use serde_json::Value;

/// Maximum number of references in a row before a schema counts as circular.
const REFERENCES: usize = 16;

/// The kind of value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A text.
    Text,
    /// A number.
    Number,
    /// Yes or no.
    Boolean,
    /// One of these values.
    Choice(Vec<Value>),
    /// Named members.
    Object,
    /// A map with names that the user chooses.
    Map,
    /// A list of elements of one kind.
    List,
    /// Another kind: it is entered as JSON.
    Json,
}

/// A field in a schema. References within the schema are resolved.
#[derive(Debug, Clone, Copy)]
pub struct Field<'s> {
    root: &'s Value,
    node: &'s Value,
    title: Option<&'s str>,
    description: Option<&'s str>,
}

impl<'s> Field<'s> {
    /// The root of the form.
    pub fn root(schema: &'s Value) -> Self {
        Self::at(schema, schema)
    }

    fn at(root: &'s Value, mut node: &'s Value) -> Self {
        let text = |node: &'s Value, name: &str| node.get(name).and_then(Value::as_str);
        let (mut title, mut description) = (text(node, "title"), text(node, "description"));
        for _ in 0..REFERENCES {
            let Some(target) = text(node, "$ref").and_then(|reference| reference.strip_prefix('#')) else {
                break;
            };
            let Some(target) = root.pointer(target) else { break };
            node = target;
            title = title.or(text(node, "title"));
            description = description.or(text(node, "description"));
        }
        Self {
            root,
            node,
            title,
            description,
        }
    }

    /// Its title, if the schema gives one.
    pub fn title(&self) -> Option<&'s str> {
        self.title
    }

    /// Its description, if the schema gives one.
    pub fn description(&self) -> Option<&'s str> {
        self.description
    }

    /// The kind of its value.
    pub fn kind(&self) -> Kind {
        if let Some(values) = self.node.get("enum").and_then(Value::as_array) {
            return Kind::Choice(values.clone());
        }
        let types: Vec<&str> = match self.node.get("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let mut types = types.into_iter().filter(|name| *name != "null");
        match (types.next(), types.next()) {
            (Some("boolean"), None) => Kind::Boolean,
            (Some("string"), None) => Kind::Text,
            (Some("number" | "integer"), None) => Kind::Number,
            (Some("array"), None) if self.node.get("items").is_some_and(Value::is_object) => Kind::List,
            (Some("object"), None) if self.node.get("properties").is_some() => Kind::Object,
            (Some("object"), None) => Kind::Map,
            (None, None) if self.node.get("properties").is_some() => Kind::Object,
            _ => Kind::Json,
        }
    }

    /// The member of that name.
    pub fn member(&self, name: &str) -> Option<Self> {
        let node = self.node.get("properties")?.get(name)?;
        node.is_object().then(|| Self::at(self.root, node))
    }

    /// The field of each entry of a map.
    pub fn entry(&self) -> Option<Self> {
        let node = self
            .node
            .get("additionalProperties")
            .filter(|node| node.is_object())?;
        Some(Self::at(self.root, node))
    }

    /// The field of each element of a list.
    pub fn element(&self) -> Option<Self> {
        Some(Self::at(self.root, self.node.get("items")?))
    }

    /// Whether the member is required.
    pub fn requires(&self, name: &str) -> bool {
        let required = self.node.get("required").and_then(Value::as_array);
        required.is_some_and(|names| names.iter().any(|required| required == name))
    }

    /// The names of the members as the form shows them: those of `ui:order`, then the required, then the others.
    pub fn names(&self, ui: &Value) -> Vec<&'s str> {
        let Some(members) = self.node.get("properties").and_then(Value::as_object) else {
            return Vec::new();
        };
        let order: Vec<&str> = ui
            .get("ui:order")
            .and_then(Value::as_array)
            .map(|order| order.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let rank = |name: &str| {
            let place = order.iter().position(|ordered| *ordered == name);
            (place.unwrap_or(usize::MAX), !self.requires(name))
        };
        let mut names: Vec<&str> = members
            .iter()
            .filter(|(_, node)| node.is_object())
            .map(|(name, _)| name.as_str())
            .collect();
        names.sort_by_key(|name| rank(name));
        names
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kinds_titles_and_order_follow_the_schema() {
        let schema = json!({
            "required": ["b"],
            "properties": {
                "a": {"type": ["string", "null"]},
                "b": {"$ref": "#/$defs/b", "title": "Own"},
                "c": {"type": "array", "items": {"type": "number"}},
                "d": {"type": "object", "additionalProperties": {"type": "string"}},
                "e": {"enum": [1, "x"]},
                "f": {"anyOf": [{"type": "string"}, {"type": "number"}]},
                "gone": false
            },
            "$defs": {"b": {"type": "boolean", "title": "Other", "description": "Said there."}}
        });
        let form = Field::root(&schema);
        assert_eq!(form.kind(), Kind::Object);
        assert_eq!(
            form.names(&json!({"ui:order": ["d"]})),
            ["d", "b", "a", "c", "e", "f"]
        );
        let kinds: Vec<Kind> = ["a", "b", "c", "d", "e", "f"]
            .iter()
            .map(|name| form.member(name).unwrap().kind())
            .collect();
        let choice = Kind::Choice(vec![json!(1), json!("x")]);
        assert_eq!(
            kinds,
            [
                Kind::Text,
                Kind::Boolean,
                Kind::List,
                Kind::Map,
                choice,
                Kind::Json
            ]
        );
        let referred = form.member("b").unwrap();
        assert_eq!(
            (referred.title(), referred.description()),
            (Some("Own"), Some("Said there."))
        );
        assert_eq!(form.member("c").unwrap().element().unwrap().kind(), Kind::Number);
        assert!(form.member("gone").is_none());
    }

    #[test]
    fn a_circular_reference_ends() {
        let schema = json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}});
        assert_eq!(Field::root(&schema).kind(), Kind::Json);
    }
}
