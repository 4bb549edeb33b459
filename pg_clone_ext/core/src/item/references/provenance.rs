//! The PROV document of an item. It is generated from the item's content, never copied, and users cannot set it. The format is PROV-JSON, W3C
//! submission of 2013.
//!
//! The rules define the nodes (the item itself, and items referenced at a JSONPath, directly or through one more item) and the links between
//! them. A missing node has no links.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::item::pointer::Path;

/// Links that one document may have.
pub const LINKS: usize = 100_000;

/// How the PROV document of a subtype is made.
#[derive(Debug, Clone, Deserialize)]
pub struct Provenance {
    /// Top-level field that holds it, as a text.
    pub field: String,
    /// Default namespace of the ids.
    pub namespace: String,
    /// Every node gets the attribute `<mark>/<id of the item>`.
    pub mark: String,
    /// Nodes by name; `self` is the item.
    pub nodes: BTreeMap<String, Node>,
    /// Links, in the order in which they are written.
    pub links: Vec<Link>,
}

/// One kind of node.
#[derive(Debug, Clone, Deserialize)]
pub struct Node {
    /// JSONPath of the ids; absent for the item itself.
    #[serde(default)]
    pub path: Option<Path>,
    /// Pointer into the items at `path`, to the id of the node.
    #[serde(default)]
    pub follow: Option<String>,
    /// The attribute `item_category`; ACTIVITY, AGENT or ENTITY says what kind of PROV node it is.
    pub category: String,
    /// The attribute `item_subtype`.
    pub subtype: String,
}

/// One kind of link.
#[derive(Debug, Clone, Deserialize)]
pub struct Link {
    /// Name of a node.
    pub from: String,
    /// A relation of PROV, e.g. `used`.
    pub relation: String,
    /// Name of a node.
    pub to: String,
    /// Whether nodes are linked pairwise (first with first, second with second); otherwise each with each.
    #[serde(default)]
    pub pairwise: bool,
}

/// Content of other items, by handle, as far as `follow` needs it.
pub type Others = HashMap<String, Value>;

/// The names of the two ends in PROV-JSON.
fn ends(relation: &str) -> (&'static str, &'static str) {
    match relation {
        "used" => ("prov:activity", "prov:entity"),
        "wasGeneratedBy" | "wasInvalidatedBy" => ("prov:entity", "prov:activity"),
        "wasAssociatedWith" => ("prov:activity", "prov:agent"),
        "wasAttributedTo" => ("prov:entity", "prov:agent"),
        "hadMember" => ("prov:collection", "prov:entity"),
        "wasInformedBy" => ("prov:informed", "prov:informant"),
        "wasDerivedFrom" => ("prov:generatedEntity", "prov:usedEntity"),
        "specializationOf" => ("prov:specificEntity", "prov:generalEntity"),
        "alternateOf" => ("prov:alternate1", "prov:alternate2"),
        "actedOnBehalfOf" => ("prov:delegate", "prov:responsible"),
        _ => ("prov:influencee", "prov:influencer"),
    }
}

/// What the values of references mean.
pub struct Naming<'n> {
    /// The content of another item, for values that are followed.
    pub content_of: &'n dyn Fn(&str) -> Option<&'n Value>,
    /// The value that another item has in the document.
    pub renamed: &'n dyn Fn(&str) -> String,
}

impl Provenance {
    /// The values that name the items whose content `follow` needs.
    pub fn followed<'v>(&self, document: &'v Value) -> Vec<&'v str> {
        let followed = self.nodes.values().filter(|node| node.follow.is_some());
        followed
            .filter_map(|node| node.path.as_ref())
            .flat_map(|path| path.strings(document))
            .collect()
    }

    /// The PROV document of an item.
    ///
    /// # Errors
    /// 22023 for more than [`LINKS`] links.
    pub fn document(&self, handle: &str, content: &Value, naming: &Naming) -> Result<Value> {
        let ids: BTreeMap<&str, Vec<String>> = self
            .nodes
            .iter()
            .map(|(name, node)| (name.as_str(), node.ids(handle, content, naming)))
            .collect();
        let mut document = Document::default();
        for (name, node) in &self.nodes {
            for id in ids.get(name.as_str()).into_iter().flatten() {
                let mut attributes = Map::new();
                attributes.insert(format!("{}/{handle}", self.mark), true.into());
                attributes.insert("item_category".into(), node.category.clone().into());
                attributes.insert("item_subtype".into(), node.subtype.clone().into());
                let nodes = document.of(&node.category.to_ascii_lowercase());
                nodes.entry(id.clone()).or_insert(Value::Object(attributes));
            }
        }
        self.link(handle, &mut document, &ids)?;
        let mut written = Map::new();
        written.insert("prefix".into(), json!({"default": self.namespace}));
        written.extend(
            document
                .0
                .into_iter()
                .map(|(kind, members)| (kind, Value::Object(members))),
        );
        Ok(Value::Object(written))
    }

    fn link(&self, handle: &str, document: &mut Document, ids: &BTreeMap<&str, Vec<String>>) -> Result<()> {
        let mut written = BTreeSet::new();
        for link in &self.links {
            let (Some(from), Some(to)) = (ids.get(link.from.as_str()), ids.get(link.to.as_str())) else {
                continue;
            };
            let pairs: Vec<(&String, &String)> = match link.pairwise {
                true => from.iter().zip(to).collect(),
                false => from.iter().flat_map(|a| to.iter().map(move |b| (a, b))).collect(),
            };
            let (first, second) = ends(&link.relation);
            for (a, b) in pairs {
                if !written.insert((link.relation.as_str(), a.clone(), b.clone())) {
                    continue;
                }
                if written.len() > LINKS {
                    return Err(Error::bad_argument(format!(
                        "the provenance of {handle} would have more than {LINKS} links"
                    ))
                    .hint("Shorten the lists of items that the record names."));
                }
                let id = format!("_:id{}", written.len());
                document
                    .of(&link.relation)
                    .insert(id, json!({first: a, second: b}));
                if link.relation == "hadMember"
                    && let Some(Value::Object(collection)) = document.of("entity").get_mut(a)
                {
                    let kind = json!({"$": "prov:Collection", "type": "prov:QUALIFIED_NAME"});
                    collection.insert("prov:type".into(), kind);
                }
            }
        }
        Ok(())
    }
}

/// Nodes and links by kind, in the order of their first occurrence.
#[derive(Default)]
struct Document(Vec<(String, Map<String, Value>)>);

impl Document {
    fn of(&mut self, kind: &str) -> &mut Map<String, Value> {
        let at = self
            .0
            .iter()
            .position(|(name, _)| name == kind)
            .unwrap_or_else(|| {
                self.0.push((kind.to_owned(), Map::new()));
                self.0.len() - 1
            });
        &mut self.0[at].1
    }
}

impl Node {
    fn ids(&self, handle: &str, content: &Value, naming: &Naming) -> Vec<String> {
        let Some(path) = &self.path else {
            return vec![handle.to_owned()];
        };
        let named = path.strings(content);
        match &self.follow {
            None => named.map(naming.renamed).collect(),
            Some(pointer) => named
                .filter_map(|value| (naming.content_of)(value)?.pointer(pointer)?.as_str())
                .map(naming.renamed)
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Provenance {
        serde_json::from_value(json!({"field": "prov", "namespace": "http://hdl.handle.net/", "mark": "run", "nodes": {
            "self": {"category": "ACTIVITY", "subtype": "RUN"},
            "input": {"path": "$.inputs[*].data", "category": "ENTITY", "subtype": "DATASET"},
            "kind": {"path": "$.inputs[*].template", "category": "ENTITY", "subtype": "TEMPLATE"},
            "study": {"path": "$.study", "category": "ACTIVITY", "subtype": "STUDY"},
            "model": {"path": "$.workflow", "follow": "/software", "category": "ENTITY", "subtype": "MODEL"}},
            "links": [{"from": "self", "relation": "wasInformedBy", "to": "study"}, {"from": "self", "relation": "used", "to": "input"},
                {"from": "self", "relation": "used", "to": "model"}, {"from": "input", "relation": "wasInfluencedBy", "to": "kind", "pairwise": true},
                {"from": "model", "relation": "hadMember", "to": "kind"}]}))
        .unwrap()
    }

    fn document(content: &Value, others: &Others) -> Value {
        let naming = Naming {
            content_of: &|id| others.get(id),
            renamed: &str::to_owned,
        };
        rules().document("r", content, &naming).unwrap()
    }

    #[test]
    fn nodes_and_links_come_from_the_content() {
        let content = json!({"inputs": [{"data": "d1", "template": "t1"}, {"data": "d2", "template": "t1"}], "workflow": "w"});
        let others = Others::from([("w".to_string(), json!({"software": "m"}))]);
        let document = document(&content, &others);
        assert_eq!(rules().followed(&content), ["w"]);
        assert_eq!(document["prefix"]["default"], "http://hdl.handle.net/");
        assert_eq!(
            document["activity"],
            json!({"r": {"run/r": true, "item_category": "ACTIVITY", "item_subtype": "RUN"}})
        );
        assert_eq!(document["entity"].as_object().unwrap().len(), 4);
        assert_eq!(
            document["used"],
            json!({"_:id1": {"prov:activity": "r", "prov:entity": "d1"}, "_:id2": {"prov:activity": "r", "prov:entity": "d2"},
                   "_:id3": {"prov:activity": "r", "prov:entity": "m"}})
        );
        assert_eq!(
            document["wasInfluencedBy"],
            json!({"_:id4": {"prov:influencee": "d1", "prov:influencer": "t1"}, "_:id5": {"prov:influencee": "d2", "prov:influencer": "t1"}})
        );
        assert_eq!(
            document["hadMember"]["_:id6"],
            json!({"prov:collection": "m", "prov:entity": "t1"})
        );
        assert_eq!(document["entity"]["m"]["prov:type"]["$"], "prov:Collection");
        assert_eq!(document.get("wasInformedBy"), None, "without a study");
    }

    #[test]
    fn long_lists_are_not_linked_each_with_each() {
        let mut rules = rules();
        rules.links[1].from = "input".to_owned();
        let inputs: Vec<Value> = (0..320).map(|n| json!({"data": n.to_string()})).collect();
        let naming = Naming {
            content_of: &|_| None,
            renamed: &str::to_owned,
        };
        let error = rules
            .document("r", &json!({"inputs": inputs}), &naming)
            .unwrap_err();
        assert_eq!(error.code.sqlstate(), "22023");
        assert_eq!(
            error.message,
            "the provenance of r would have more than 100000 links"
        );
    }

    #[test]
    fn what_cannot_be_followed_is_left_out() {
        let document = document(&json!({"workflow": "gone"}), &Others::new());
        assert_eq!(document["activity"].as_object().unwrap().len(), 1);
        assert_eq!(document.get("used"), None);
    }
}
