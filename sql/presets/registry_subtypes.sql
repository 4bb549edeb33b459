-- Preset registry, the data: what a new registry store knows of each subtype of item. Every store gets its own copy, the
-- table subtype in its schema, and reads only that: change a row there and the next clone follows it.

CREATE TABLE clone.registry_subtype (
    name            text PRIMARY KEY,
    category        text NOT NULL CHECK (category IN ('ACTIVITY', 'AGENT', 'ENTITY')),
    cloneable       text NOT NULL CHECK (cloneable IN ('alone', 'set', 'never')),
    versionable     boolean NOT NULL DEFAULT false,
    person_link     boolean NOT NULL DEFAULT false,
    json_schema     jsonb NOT NULL DEFAULT '{}',
    resets          jsonb NOT NULL DEFAULT '[]' CHECK (pg_catalog.jsonb_typeof(resets) = 'array'),
    derived         jsonb NOT NULL DEFAULT '[]' CHECK (pg_catalog.jsonb_typeof(derived) = 'array'),
    "references"    jsonb NOT NULL DEFAULT '[]' CHECK (pg_catalog.jsonb_typeof("references") = 'array'),
    embedded        text[] NOT NULL DEFAULT '{}',
    title_paths     text[] NOT NULL DEFAULT '{/display_name}',
    system_fields   jsonb NOT NULL DEFAULT '{}' CHECK (pg_catalog.jsonb_typeof(system_fields) = 'object'),
    checks          jsonb NOT NULL DEFAULT '[]' CHECK (pg_catalog.jsonb_typeof(checks) = 'array'),
    default_access  text[] NOT NULL DEFAULT '{metadata-read}',
    item_roles      text[] NOT NULL DEFAULT '{metadata-read,metadata-write,admin}',
    storage         jsonb
);
COMMENT ON TABLE clone.registry_subtype IS 'What a new registry store starts with in its own table subtype';
COMMENT ON COLUMN clone.registry_subtype.cloneable IS 'alone: one by one and in sets; set: only by items_clone; never: the system makes such items';
COMMENT ON COLUMN clone.registry_subtype.versionable IS 'Whether items have versions; a clone of one is the first version of its own line';
COMMENT ON COLUMN clone.registry_subtype.person_link IS
    'Whether its author must be linked to a person (username_person_link), in stores with options.person_link = require';
COMMENT ON COLUMN clone.registry_subtype.json_schema IS 'JSON Schema of what the user edits: display_name, user_metadata and domain_info on one level';
COMMENT ON COLUMN clone.registry_subtype.resets IS
    'Changes of a draft, in order, where the parent of the path (JSON pointer) exists: {"op": "set", "path", "value", "reason"}, {"op": "remove", '
    '"path", "reason"}, {"op": "default", "path", "value" or "from", "if_present": [...], "reason"}';
COMMENT ON COLUMN clone.registry_subtype.derived IS 'Fields computed whenever a clone is written: {"field", "from": JSON pointer}';
COMMENT ON COLUMN clone.registry_subtype."references" IS
    'Where other items are named: {"path": JSONPath of names and [*], "subtypes": [...] (empty: any)}; "own": true where the item''s own handle stands';
COMMENT ON COLUMN clone.registry_subtype.embedded IS 'JSONPaths of texts that are JSON themselves and name items anywhere, such as PROV-JSON';
COMMENT ON COLUMN clone.registry_subtype.title_paths IS 'JSON pointers to the texts that options.title of item_clone changes';
COMMENT ON COLUMN clone.registry_subtype.system_fields IS 'Fields no user sets: {"field": {"initial": value in a clone, "reason"}}';
COMMENT ON COLUMN clone.registry_subtype.checks IS
    'Rules between values, by JSONPath: {"kind": "unique", "paths"}: no value twice; {"kind": "ascending", "paths"}: in order';
COMMENT ON COLUMN clone.registry_subtype.default_access IS 'Item roles that everybody has on a clone';
COMMENT ON COLUMN clone.registry_subtype.item_roles IS 'Item roles that exist for the subtype; others have no effect';
COMMENT ON COLUMN clone.registry_subtype.storage IS
    'Where the files of an item are: {"field", "bucket": key, "key": key, "template": {key: text with {bucket}, {prefix}, {slug}}}';

INSERT INTO clone.registry_subtype (name, category, cloneable) VALUES
    ('WORKFLOW_RUN', 'ACTIVITY', 'never'),
    ('CREATE', 'ACTIVITY', 'never'),
    ('VERSION', 'ACTIVITY', 'never'),
    ('SOFTWARE', 'ENTITY', 'never'),
    ('WORKFLOW_TEMPLATE', 'ENTITY', 'never');
UPDATE clone.registry_subtype SET "references" = '[{"path": "$.created_item_id"}]' WHERE name = 'CREATE';
UPDATE clone.registry_subtype SET "references" = '[{"path": "$.from_item_id"}, {"path": "$.to_item_id"}]' WHERE name = 'VERSION';

INSERT INTO clone.registry_subtype (name, category, cloneable, json_schema, title_paths) VALUES
('ORGANISATION', 'AGENT', 'alone', $json$
{
  "type": "object",
  "required": ["display_name", "name"],
  "properties": {
    "display_name": {"type": "string", "minLength": 1},
    "name": {"type": "string", "minLength": 1},
    "ror": {"type": ["string", "null"]},
    "user_metadata": {"type": ["object", "null"], "additionalProperties": {"type": "string"}}
  }
}
$json$, '{/display_name,/name}'),
('STUDY', 'ACTIVITY', 'alone', $json$
{
  "type": "object",
  "required": ["display_name", "title", "description"],
  "properties": {
    "display_name": {"type": "string", "minLength": 1},
    "title": {"type": "string", "minLength": 1},
    "description": {"type": "string"},
    "study_alternative_id": {"type": ["string", "null"]},
    "user_metadata": {"type": ["object", "null"], "additionalProperties": {"type": "string"}}
  }
}
$json$, '{/display_name,/title}');
UPDATE clone.registry_subtype SET person_link = true WHERE name = 'STUDY';

-- A person must consent for themselves: a clone is another person.
INSERT INTO clone.registry_subtype (name, category, cloneable, json_schema, resets) VALUES
('PERSON', 'AGENT', 'alone', $json$
{
  "type": "object",
  "required": ["display_name", "email", "first_name", "last_name", "ethics_approved"],
  "properties": {
    "display_name": {"type": "string", "minLength": 1},
    "email": {"type": "string", "pattern": "^[^@\\s]+@[^@\\s]+$"},
    "first_name": {"type": "string", "minLength": 1},
    "last_name": {"type": "string", "minLength": 1},
    "orcid": {"type": ["string", "null"]},
    "ethics_approved": {"const": true},
    "user_metadata": {"type": ["object", "null"], "additionalProperties": {"type": "string"}}
  }
}
$json$, $json$
[{"op": "set", "path": "/ethics_approved", "value": false, "reason": "consent to be registered is given anew"}]
$json$);

INSERT INTO clone.registry_subtype (name, category, cloneable, versionable, person_link, json_schema, title_paths) VALUES
('MODEL', 'ENTITY', 'alone', true, true, $json$
{
  "type": "object",
  "required": ["display_name", "name", "description", "documentation_url", "source_url"],
  "properties": {
    "display_name": {"type": "string", "minLength": 1},
    "name": {"type": "string", "minLength": 1},
    "description": {"type": "string"},
    "documentation_url": {"type": "string", "pattern": "^https?://"},
    "source_url": {"type": "string", "pattern": "^https?://"},
    "user_metadata": {"type": ["object", "null"], "additionalProperties": {"type": "string"}}
  }
}
$json$, '{/display_name,/name}');

INSERT INTO clone.registry_subtype (name, category, cloneable, versionable, person_link, json_schema, checks) VALUES
('DATASET_TEMPLATE', 'ENTITY', 'alone', true, true, $json$
{
  "type": "object",
  "required": ["display_name"],
  "properties": {
    "display_name": {"type": "string", "minLength": 1},
    "description": {"type": ["string", "null"]},
    "defined_resources": {"type": "array", "items": {
      "allOf": [{"$ref": "#/$defs/resource"}], "required": ["path"], "properties": {"path": {"type": "string"}}}},
    "deferred_resources": {"type": "array", "items": {
      "allOf": [{"$ref": "#/$defs/resource"}], "required": ["key"], "properties": {"key": {"type": "string"}}}},
    "user_metadata": {"type": ["object", "null"], "additionalProperties": {"type": "string"}}
  },
  "$defs": {
    "resource": {
      "type": "object",
      "required": ["description", "usage_type"],
      "properties": {
        "description": {"type": "string"},
        "usage_type": {"enum": ["PARAMETER_FILE", "CONFIG_FILE", "FORCING_DATA", "GENERAL_DATA"]},
        "optional": {"type": ["boolean", "null"]},
        "is_folder": {"type": ["boolean", "null"]},
        "additional_metadata": {"type": ["object", "null"]}
      }
    }
  }
}
$json$, '[{"kind": "unique", "paths": ["$.deferred_resources[*].key"]}]');

INSERT INTO clone.registry_subtype (name, category, cloneable, versionable, person_link, json_schema, "references", checks) VALUES
('MODEL_RUN_WORKFLOW_TEMPLATE', 'ENTITY', 'alone', true, true, $json$
{
  "type": "object",
  "required": ["display_name", "software_id", "input_templates", "output_templates"],
  "properties": {
    "display_name": {"type": "string", "minLength": 1},
    "software_id": {"type": "string", "minLength": 1},
    "input_templates": {"type": "array", "items": {"$ref": "#/$defs/template"}},
    "output_templates": {"type": "array", "items": {"$ref": "#/$defs/template"}},
    "annotations": {
      "type": ["object", "null"],
      "properties": {
        "required": {"type": "array", "items": {"type": "string"}},
        "optional": {"type": "array", "items": {"type": "string"}}
      }
    },
    "user_metadata": {"type": ["object", "null"], "additionalProperties": {"type": "string"}}
  },
  "$defs": {
    "template": {
      "type": "object",
      "required": ["template_id"],
      "properties": {"template_id": {"type": "string", "minLength": 1}, "optional": {"type": ["boolean", "null"]}}
    }
  }
}
$json$, $json$
[{"path": "$.software_id", "subtypes": ["MODEL"]},
 {"path": "$.input_templates[*].template_id", "subtypes": ["DATASET_TEMPLATE"]},
 {"path": "$.output_templates[*].template_id", "subtypes": ["DATASET_TEMPLATE"]}]
$json$, $json$
[{"kind": "unique", "paths": ["$.input_templates[*].template_id"]},
 {"kind": "unique", "paths": ["$.output_templates[*].template_id"]},
 {"kind": "unique", "paths": ["$.annotations.required[*]", "$.annotations.optional[*]"]}]
$json$);

-- A run happened once: alone its clone would claim a run that never was. Within a set it is part of a copied study.
INSERT INTO clone.registry_subtype (name, category, cloneable, json_schema, resets, "references", embedded, title_paths, system_fields, checks) VALUES
('MODEL_RUN', 'ACTIVITY', 'set', $json$
{
  "type": "object",
  "required": ["display_name", "record_status", "record"],
  "properties": {
    "display_name": {"type": "string", "minLength": 1},
    "record_status": {"enum": ["INCOMPLETE", "COMPLETE", "LODGED"]},
    "record": {
      "type": "object",
      "required": ["workflow_template_id", "inputs", "outputs", "display_name", "description", "associations", "start_time", "end_time"],
      "properties": {
        "workflow_template_id": {"type": "string", "minLength": 1},
        "model_version": {"type": ["string", "null"]},
        "inputs": {"type": "array", "items": {"$ref": "#/$defs/dataset"}},
        "outputs": {"type": "array", "items": {"$ref": "#/$defs/dataset"}},
        "annotations": {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
        "display_name": {"type": "string", "minLength": 1},
        "description": {"type": "string"},
        "study_id": {"type": ["string", "null"]},
        "associations": {
          "type": "object",
          "required": ["modeller_id"],
          "properties": {
            "modeller_id": {"type": "string", "minLength": 1},
            "requesting_organisation_id": {"type": ["string", "null"]}
          }
        },
        "start_time": {"type": "integer"},
        "end_time": {"type": "integer"}
      }
    },
    "user_metadata": {"type": ["object", "null"], "additionalProperties": {"type": "string"}}
  },
  "$defs": {
    "dataset": {
      "type": "object",
      "required": ["dataset_template_id", "dataset_id", "dataset_type"],
      "properties": {
        "dataset_template_id": {"type": "string", "minLength": 1},
        "dataset_id": {"type": "string", "minLength": 1},
        "dataset_type": {"enum": ["DATA_STORE"]},
        "resources": {"type": ["object", "null"], "additionalProperties": {"type": "string"}}
      }
    }
  }
}
$json$, $json$
[{"op": "default", "path": "/record/display_name", "from": "/display_name", "reason": "runs registered before 2024 have no name in their record"}]
$json$, $json$
[{"path": "$.record.workflow_template_id", "subtypes": ["MODEL_RUN_WORKFLOW_TEMPLATE"]},
 {"path": "$.record.inputs[*].dataset_template_id", "subtypes": ["DATASET_TEMPLATE"]},
 {"path": "$.record.inputs[*].dataset_id", "subtypes": ["DATASET"]},
 {"path": "$.record.outputs[*].dataset_template_id", "subtypes": ["DATASET_TEMPLATE"]},
 {"path": "$.record.outputs[*].dataset_id", "subtypes": ["DATASET"]},
 {"path": "$.record.study_id", "subtypes": ["STUDY"]},
 {"path": "$.record.associations.modeller_id", "subtypes": ["PERSON"]},
 {"path": "$.record.associations.requesting_organisation_id", "subtypes": ["ORGANISATION"]}]
$json$, '{$.prov_serialisation}', '{/display_name,/record/display_name}', '{}',
'[{"kind": "ascending", "paths": ["$.record.start_time", "$.record.end_time"]}]');

-- A data set registered with the model of early 2023 (an author instead of associations) is valid as it was then; edits that
-- remove the author make it one of today's model.
INSERT INTO clone.registry_subtype (name, category, cloneable, versionable, person_link, json_schema, resets, derived, "references", title_paths,
    system_fields, checks, default_access, item_roles, storage) VALUES
('DATASET', 'ENTITY', 'alone', true, true, $json$
{
  "type": "object",
  "required": ["collection_format"],
  "properties": {
    "collection_format": {
      "type": "object",
      "if": {"required": ["author"]},
      "then": {"$ref": "#/$defs/early_2023"},
      "else": {"$ref": "#/$defs/collection_format"}
    }
  },
  "$defs": {
    "text": {"type": "string", "minLength": 1},
    "optional_text": {"type": ["string", "null"], "minLength": 1},
    "approval": {
      "type": "object",
      "additionalProperties": false,
      "properties": {"relevant": {"type": "boolean"}, "obtained": {"type": "boolean"}},
      "if": {"required": ["relevant"], "properties": {"relevant": {"const": true}}},
      "then": {"required": ["obtained"], "properties": {"obtained": {"const": true}}},
      "else": {"properties": {"obtained": {"const": false}}}
    },
    "date": {
      "type": "object",
      "additionalProperties": false,
      "required": ["relevant"],
      "properties": {"relevant": {"type": "boolean"}, "value": {"type": ["string", "null"], "pattern": "^\\d{4}-\\d{2}-\\d{2}$"}},
      "if": {"properties": {"relevant": {"const": true}}},
      "then": {"required": ["value"], "properties": {"value": {"type": "string"}}},
      "else": {"properties": {"value": {"type": "null"}}}
    },
    "area": {"type": ["string", "null"], "pattern": "^SRID=\\d+;.+$"},
    "early_2023": {
      "required": ["author", "dataset_info"],
      "properties": {
        "author": {"type": "object", "required": ["name", "email", "organisation"]},
        "dataset_info": {
          "type": "object",
          "required": ["name", "description", "publisher", "created_date", "published_date", "license"],
          "properties": {"name": {"$ref": "#/$defs/text"}, "description": {"$ref": "#/$defs/text"}, "license": {"$ref": "#/$defs/text"}}
        }
      }
    },
    "collection_format": {
      "additionalProperties": false,
      "required": ["associations", "approvals", "dataset_info"],
      "properties": {
        "associations": {
          "type": "object",
          "additionalProperties": false,
          "required": ["organisation_id"],
          "properties": {
            "organisation_id": {"$ref": "#/$defs/text"},
            "data_custodian_id": {"$ref": "#/$defs/optional_text"},
            "point_of_contact": {"$ref": "#/$defs/optional_text"}
          }
        },
        "approvals": {
          "type": "object",
          "additionalProperties": false,
          "required": ["ethics_registration", "ethics_access", "indigenous_knowledge", "export_controls"],
          "properties": {
            "ethics_registration": {"$ref": "#/$defs/approval"},
            "ethics_access": {"$ref": "#/$defs/approval"},
            "indigenous_knowledge": {"$ref": "#/$defs/approval"},
            "export_controls": {"$ref": "#/$defs/approval"}
          }
        },
        "dataset_info": {
          "type": "object",
          "additionalProperties": false,
          "required": ["name", "description", "access_info", "publisher_id", "created_date", "published_date", "license"],
          "properties": {
            "name": {"$ref": "#/$defs/text"},
            "description": {"$ref": "#/$defs/text"},
            "access_info": {
              "type": "object",
              "additionalProperties": false,
              "required": ["reposited"],
              "properties": {
                "reposited": {"type": "boolean"},
                "uri": {"type": ["string", "null"], "pattern": "^[A-Za-z][A-Za-z0-9+.-]*:"},
                "description": {"$ref": "#/$defs/optional_text"}
              },
              "if": {"properties": {"reposited": {"const": false}}},
              "then": {"required": ["uri", "description"], "properties": {"uri": {"type": "string"}, "description": {"type": "string"}}},
              "else": {"properties": {"uri": {"type": "null"}, "description": {"type": "null"}}}
            },
            "publisher_id": {"$ref": "#/$defs/text"},
            "created_date": {"$ref": "#/$defs/date"},
            "published_date": {"$ref": "#/$defs/date"},
            "license": {"$ref": "#/$defs/text"},
            "purpose": {"$ref": "#/$defs/optional_text"},
            "rights_holder": {"$ref": "#/$defs/optional_text"},
            "usage_limitations": {"$ref": "#/$defs/optional_text"},
            "preferred_citation": {"$ref": "#/$defs/optional_text"},
            "spatial_info": {
              "type": ["object", "null"],
              "additionalProperties": false,
              "properties": {
                "coverage": {"$ref": "#/$defs/area"},
                "extent": {"$ref": "#/$defs/area"},
                "resolution": {"type": ["string", "null"], "pattern": "^(0*[1-9]\\d*(\\.\\d+)?|0*\\.\\d*[1-9]\\d*)$"}
              }
            },
            "temporal_info": {
              "type": ["object", "null"],
              "additionalProperties": false,
              "properties": {
                "duration": {
                  "type": ["object", "null"],
                  "additionalProperties": false,
                  "required": ["begin_date", "end_date"],
                  "properties": {
                    "begin_date": {"type": "string", "pattern": "^\\d{4}-\\d{2}-\\d{2}$"},
                    "end_date": {"type": "string", "pattern": "^\\d{4}-\\d{2}-\\d{2}$"}
                  }
                },
                "resolution": {
                  "type": ["string", "null"],
                  "pattern": "^P(?=.)(\\d+Y)?(\\d+M)?(\\d+W)?(\\d+D)?(T(?=\\d)(\\d+H)?(\\d+M)?(\\d+(\\.\\d+)?S)?)?$"
                }
              }
            },
            "formats": {"type": ["array", "null"], "items": {"$ref": "#/$defs/text"}},
            "keywords": {"type": ["array", "null"], "items": {"$ref": "#/$defs/text"}},
            "user_metadata": {"type": ["object", "null"], "additionalProperties": {"type": "string"}}
          }
        }
      }
    }
  }
}
$json$, $json$
[{"op": "set", "path": "/collection_format/approvals/ethics_registration/obtained", "value": false, "reason": "an approval is obtained for one data set"},
 {"op": "set", "path": "/collection_format/approvals/ethics_access/obtained", "value": false, "reason": "an approval is obtained for one data set"},
 {"op": "set", "path": "/collection_format/approvals/indigenous_knowledge/obtained", "value": false, "reason": "an approval is obtained for one data set"},
 {"op": "set", "path": "/collection_format/approvals/export_controls/obtained", "value": false, "reason": "an approval is obtained for one data set"},
 {"op": "default", "path": "/collection_format/dataset_info/access_info/reposited", "value": false,
  "if_present": ["/collection_format/dataset_info/access_info/uri", "/collection_format/dataset_info/access_info/description"],
  "reason": "an address says that the files are elsewhere"},
 {"op": "default", "path": "/collection_format/dataset_info/access_info/reposited", "value": true, "reason": "without an address the files are here"},
 {"op": "remove", "path": "/collection_format/dataset_info/version", "reason": "no longer a field of data sets"}]
$json$, $json$
[{"field": "display_name", "from": "/collection_format/dataset_info/name"},
 {"field": "user_metadata", "from": "/collection_format/dataset_info/user_metadata"},
 {"field": "access_info_uri", "from": "/collection_format/dataset_info/access_info/uri"}]
$json$, $json$
[{"path": "$.collection_format.associations.organisation_id", "subtypes": ["ORGANISATION"]},
 {"path": "$.collection_format.associations.data_custodian_id", "subtypes": ["PERSON"]},
 {"path": "$.collection_format.dataset_info.publisher_id", "subtypes": ["ORGANISATION"]},
 {"path": "$.rocrate_metadata['@graph'][*].identifier", "own": true}]
$json$, '{/collection_format/dataset_info/name}', $json$
{"s3": {"reason": "a place of its own, made of the new handle; files come along only with options.files"},
 "release_status": {"initial": "NOT_RELEASED", "reason": "a release is approved for one data set"},
 "release_history": {"initial": [], "reason": "a release is approved for one data set"},
 "release_approver": {"reason": "a release is approved for one data set"},
 "release_timestamp": {"reason": "a release is approved for one data set"}}
$json$, $json$
[{"kind": "ascending", "paths": ["$.collection_format.dataset_info.created_date.value", "$.collection_format.dataset_info.published_date.value"]},
 {"kind": "ascending", "paths": ["$.collection_format.dataset_info.temporal_info.duration.begin_date",
                                 "$.collection_format.dataset_info.temporal_info.duration.end_date"]}]
$json$, '{metadata-read,dataset-data-read}', '{metadata-read,metadata-write,admin,dataset-data-read,dataset-data-write}', $json$
{"field": "s3", "bucket": "bucket_name", "key": "path",
 "template": {"bucket_name": "{bucket}", "path": "{prefix}{slug}/", "s3_uri": "s3://{bucket}/{prefix}{slug}/"}}
$json$);
