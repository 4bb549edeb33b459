-- Preset registry: the rules of each subtype. Every store gets its own copy, the
-- tables category and subtype in its schema, and reads only those: a change of a row there is effective from the next clone on. Data sets and
-- model runs are in registry_datasets.sql.

CREATE TABLE clone.registry_subtype (
    name            text PRIMARY KEY,
    category        text NOT NULL,
    title           text,
    description     text,
    cloneable       text NOT NULL CHECK (cloneable IN ('alone', 'set', 'never')),
    versionable     boolean NOT NULL DEFAULT false,
    person_link     boolean NOT NULL DEFAULT false,
    json_schema     jsonb NOT NULL DEFAULT '{}',
    ui_schema       jsonb NOT NULL DEFAULT '{}' CHECK (pg_catalog.jsonb_typeof(ui_schema) = 'object'),
    variants        jsonb NOT NULL DEFAULT '[]' CHECK (pg_catalog.jsonb_typeof(variants) = 'array'),
    resets          jsonb NOT NULL DEFAULT '[]' CHECK (pg_catalog.jsonb_typeof(resets) = 'array'),
    derived         jsonb NOT NULL DEFAULT '[]' CHECK (pg_catalog.jsonb_typeof(derived) = 'array'),
    "references"    jsonb NOT NULL DEFAULT '[]' CHECK (pg_catalog.jsonb_typeof("references") = 'array'),
    embedded        text[] NOT NULL DEFAULT '{}',
    provenance      jsonb,
    title_paths     text[] NOT NULL DEFAULT '{/display_name}',
    system_fields   jsonb NOT NULL DEFAULT '{}' CHECK (pg_catalog.jsonb_typeof(system_fields) = 'object'),
    checks          jsonb NOT NULL DEFAULT '[]' CHECK (pg_catalog.jsonb_typeof(checks) = 'array'),
    default_access  text[] NOT NULL DEFAULT '{metadata-read}',
    item_roles      text[] NOT NULL DEFAULT '{metadata-read,metadata-write,admin}',
    storage         jsonb
);
COMMENT ON TABLE clone.registry_subtype IS 'Initial rows of the table subtype of a new registry';
COMMENT ON COLUMN clone.registry_subtype.category IS 'A row of the store''s table category';
COMMENT ON COLUMN clone.registry_subtype.title IS 'Name shown to people';
COMMENT ON COLUMN clone.registry_subtype.cloneable IS 'alone: one by one and in sets; set: only together with other items; never: the system makes such items';
COMMENT ON COLUMN clone.registry_subtype.versionable IS 'Whether items have versions; a clone is the first version of a new item';
COMMENT ON COLUMN clone.registry_subtype.person_link IS
    'Whether its author must be linked to a person (username_person_link), in stores with options.person_link = require';
COMMENT ON COLUMN clone.registry_subtype.json_schema IS
    'JSON Schema of what the user edits: display_name, user_metadata and domain_info on one level. Formats: date, email, uri, http-url, orcid, ror, '
    'iso8601-duration, positive-number, ewkt and those of the standard. "x-lenient": true at its root also accepts, for example, numbers in place of texts';
COMMENT ON COLUMN clone.registry_subtype.ui_schema IS 'How a form shows the fields: the uiSchema of react-jsonschema-form';
COMMENT ON COLUMN clone.registry_subtype.variants IS
    'Older forms: {"name", "when": JSON Schema that identifies them, "json_schema"}; selected by the source, never by edits';
COMMENT ON COLUMN clone.registry_subtype.resets IS
    'Changes of a draft, in order, if the parent of the path (JSON pointer) exists: {"op": "set", "path", "value", "was" (only if the value is this), "reason"}, '
    '{"op": "remove", "path", "reason"}, {"op": "default", "path", "value" or "from", "if_present": [...], "reason"}';
COMMENT ON COLUMN clone.registry_subtype.derived IS 'Fields computed whenever a clone is written: {"field", "from": JSON pointer}';
COMMENT ON COLUMN clone.registry_subtype."references" IS
    'References to other items: {"path": JSONPath of names and [*], "subtypes": [...] (empty: any), "prefixes": texts that may precede the id, '
    'or {"prefix": "https://doi.org/", "id_prefix": "doi:"} where the id has another beginning, '
    '"member": true if an item is a member of the item that it references, "external": true if the value may refer to something outside of the registry, '
    '"own": true where the item''s own handle stands}';
COMMENT ON COLUMN clone.registry_subtype.embedded IS 'JSONPaths of texts that contain JSON with references to items';
COMMENT ON COLUMN clone.registry_subtype.provenance IS
    'How the PROV document of an item is generated from its content: {"field", "namespace", "mark", "nodes", "links"}';
COMMENT ON COLUMN clone.registry_subtype.title_paths IS 'JSON pointers to the texts that options.title of item_clone changes';
COMMENT ON COLUMN clone.registry_subtype.system_fields IS 'Fields that users cannot set: {"field": {"initial": value in a clone, "reason"}}';
COMMENT ON COLUMN clone.registry_subtype.checks IS
    'Checks of several values: {"kind": "unique", "paths": JSONPaths}: no value occurs twice; {"kind": "ascending", "paths"}: values are in order';
COMMENT ON COLUMN clone.registry_subtype.default_access IS 'Item roles that everybody has on a clone';
COMMENT ON COLUMN clone.registry_subtype.item_roles IS 'Item roles of the subtype; others have no effect';
COMMENT ON COLUMN clone.registry_subtype.storage IS
    'Location of the files of an item: {"field", "bucket": key, "key": key, "role": item role that reading them needs, "template": {key: text with {bucket}, {prefix}, {slug}}}';

INSERT INTO clone.registry_subtype (name, category, title, cloneable) VALUES
    ('WORKFLOW_RUN', 'ACTIVITY', 'Workflow run', 'never'),
    ('CREATE', 'ACTIVITY', 'Creation', 'never'),
    ('VERSION', 'ACTIVITY', 'New version', 'never'),
    ('SOFTWARE', 'ENTITY', 'Software', 'never'),
    ('WORKFLOW_TEMPLATE', 'ENTITY', 'Workflow template', 'never');
UPDATE clone.registry_subtype SET "references" = '[{"path": "$.created_item_id"}]' WHERE name = 'CREATE';
UPDATE clone.registry_subtype SET "references" = '[{"path": "$.from_item_id"}, {"path": "$.to_item_id"}]' WHERE name = 'VERSION';

INSERT INTO clone.registry_subtype (name, category, title, description, cloneable, json_schema, ui_schema, title_paths) VALUES
('ORGANISATION', 'AGENT', 'Organisation', 'An organisation that owns, makes or publishes data.', 'alone', $json$
{
  "x-lenient": true,
  "type": "object",
  "title": "Organisation",
  "description": "An organisation that owns, makes or publishes data.",
  "additionalProperties": false,
  "required": ["display_name", "name"],
  "properties": {
    "display_name": {"type": "string", "title": "Display name", "description": "The name shown in lists."},
    "name": {"type": "string", "title": "Name", "description": "The full name of the organisation."},
    "ror": {"type": ["string", "null"], "title": "ROR", "description": "Its address in the Research Organization Registry.", "format": "http-url"},
    "user_metadata": {"type": ["object", "null"], "title": "Notes", "description": "Names and values of your own.", "additionalProperties": {"type": "string"}}
  }
}
$json$, '{"ui:order": ["name", "display_name", "ror", "user_metadata"]}', '{/display_name,/name}');

INSERT INTO clone.registry_subtype (name, category, title, description, cloneable, person_link, json_schema, ui_schema, title_paths) VALUES
('STUDY', 'ACTIVITY', 'Study', 'What a number of model runs are made for.', 'alone', true, $json$
{
  "x-lenient": true,
  "type": "object",
  "title": "Study",
  "description": "What a number of model runs are made for.",
  "additionalProperties": false,
  "required": ["display_name", "title", "description"],
  "properties": {
    "display_name": {"type": "string", "title": "Display name", "description": "The name shown in lists."},
    "title": {"type": "string", "title": "Title"},
    "description": {"type": "string", "title": "Description", "description": "What is studied, and why."},
    "study_alternative_id": {"type": ["string", "null"], "title": "Other id", "description": "An id of the study elsewhere."},
    "user_metadata": {"type": ["object", "null"], "title": "Notes", "description": "Names and values of your own.", "additionalProperties": {"type": "string"}}
  }
}
$json$, '{"ui:order": ["title", "display_name", "description", "study_alternative_id", "user_metadata"], "description": {"ui:widget": "textarea"}}', '{/display_name,/title}');

-- A clone is another person, who must give consent again.
INSERT INTO clone.registry_subtype (name, category, title, description, cloneable, json_schema, ui_schema, resets) VALUES
('PERSON', 'AGENT', 'Person', 'Somebody who makes, keeps or models data.', 'alone', $json$
{
  "x-lenient": true,
  "type": "object",
  "title": "Person",
  "description": "Somebody who makes, keeps or models data.",
  "additionalProperties": false,
  "required": ["display_name", "email", "first_name", "last_name", "ethics_approved"],
  "properties": {
    "display_name": {"type": "string", "title": "Display name", "description": "The name shown in lists."},
    "email": {"type": "string", "title": "E-mail address", "format": "email"},
    "first_name": {"type": "string", "title": "First name"},
    "last_name": {"type": "string", "title": "Last name"},
    "orcid": {"type": ["string", "null"], "title": "ORCID", "description": "The address of the ORCID record.", "format": "http-url"},
    "ethics_approved": {"type": "boolean", "title": "Consent", "description": "The person has agreed to be registered.", "const": true},
    "user_metadata": {"type": ["object", "null"], "title": "Notes", "description": "Names and values of your own.", "additionalProperties": {"type": "string"}}
  }
}
$json$, '{"ui:order": ["first_name", "last_name", "display_name", "email", "orcid", "ethics_approved", "user_metadata"], "email": {"ui:widget": "email"}}', $json$
[{"op": "set", "path": "/ethics_approved", "value": false, "reason": "consent to be registered is given anew"}]
$json$);

INSERT INTO clone.registry_subtype (name, category, title, description, cloneable, versionable, person_link, json_schema, ui_schema, title_paths) VALUES
('MODEL', 'ENTITY', 'Model', 'A computer model: a program that simulates.', 'alone', true, true, $json$
{
  "x-lenient": true,
  "type": "object",
  "title": "Model",
  "description": "A computer model: a program that simulates.",
  "additionalProperties": false,
  "required": ["display_name", "name", "description", "documentation_url", "source_url"],
  "properties": {
    "display_name": {"type": "string", "title": "Display name", "description": "The name shown in lists."},
    "name": {"type": "string", "title": "Name"},
    "description": {"type": "string", "title": "Description", "description": "What it models."},
    "documentation_url": {"type": "string", "title": "Documentation", "description": "Where to read about it.", "format": "http-url"},
    "source_url": {"type": "string", "title": "Source code", "description": "Where to find its source.", "format": "http-url"},
    "user_metadata": {"type": ["object", "null"], "title": "Notes", "description": "Names and values of your own.", "additionalProperties": {"type": "string"}}
  }
}
$json$, '{"ui:order": ["name", "display_name", "description", "documentation_url", "source_url", "user_metadata"], "description": {"ui:widget": "textarea"}}', '{/display_name,/name}');

INSERT INTO clone.registry_subtype (name, category, title, description, cloneable, versionable, person_link, json_schema, ui_schema, checks) VALUES
('DATASET_TEMPLATE', 'ENTITY', 'Dataset template', 'The files that data sets of a kind have.', 'alone', true, true, $json$
{
  "x-lenient": true,
  "type": "object",
  "title": "Dataset template",
  "description": "The files that data sets of a kind have.",
  "additionalProperties": false,
  "required": ["display_name"],
  "properties": {
    "display_name": {"type": "string", "title": "Display name", "description": "The name shown in lists."},
    "description": {"type": ["string", "null"], "title": "Description"},
    "defined_resources": {"type": "array", "title": "Files whose path is known", "items": {"$ref": "#/$defs/defined"}},
    "deferred_resources": {"type": "array", "title": "Files whose path each run says", "items": {"$ref": "#/$defs/deferred"}},
    "user_metadata": {"type": ["object", "null"], "title": "Notes", "description": "Names and values of your own.", "additionalProperties": {"type": "string"}}
  },
  "$defs": {
    "defined": {
      "type": "object",
      "additionalProperties": false,
      "required": ["path", "description", "usage_type"],
      "properties": {
        "path": {"type": "string", "title": "Path"},
        "description": {"type": "string", "title": "Description", "description": "What is in the file."},
        "usage_type": {"title": "Use", "enum": ["PARAMETER_FILE", "CONFIG_FILE", "FORCING_DATA", "GENERAL_DATA"]},
        "optional": {"type": ["boolean", "null"], "title": "Optional"},
        "is_folder": {"type": ["boolean", "null"], "title": "Folder"},
        "additional_metadata": {"type": ["object", "null"], "title": "Notes", "additionalProperties": {"type": "string"}}
      }
    },
    "deferred": {
      "type": "object",
      "additionalProperties": false,
      "required": ["key", "description", "usage_type"],
      "properties": {
        "key": {"type": "string", "title": "Key"},
        "description": {"type": "string", "title": "Description", "description": "What is in the file."},
        "usage_type": {"title": "Use", "enum": ["PARAMETER_FILE", "CONFIG_FILE", "FORCING_DATA", "GENERAL_DATA"]},
        "optional": {"type": ["boolean", "null"], "title": "Optional"},
        "is_folder": {"type": ["boolean", "null"], "title": "Folder"},
        "additional_metadata": {"type": ["object", "null"], "title": "Notes", "additionalProperties": {"type": "string"}}
      }
    }
  }
}
$json$, '{"ui:order": ["display_name", "description", "defined_resources", "deferred_resources", "user_metadata"], "description": {"ui:widget": "textarea"}}', '[{"kind": "unique", "paths": ["$.deferred_resources[*].key"]}]');

INSERT INTO clone.registry_subtype (name, category, title, description, cloneable, versionable, person_link, json_schema, ui_schema, "references", checks) VALUES
('MODEL_RUN_WORKFLOW_TEMPLATE', 'ENTITY', 'Workflow template', 'A model with the kinds of data that its runs take and give.', 'alone', true, true, $json$
{
  "x-lenient": true,
  "type": "object",
  "title": "Workflow template",
  "description": "A model with the kinds of data that its runs take and give.",
  "additionalProperties": false,
  "required": ["display_name", "software_id"],
  "properties": {
    "display_name": {"type": "string", "title": "Display name", "description": "The name shown in lists."},
    "software_id": {"type": "string", "title": "Model", "description": "The handle of the model."},
    "input_templates": {"type": "array", "title": "Input", "items": {"$ref": "#/$defs/template"}},
    "output_templates": {"type": "array", "title": "Output", "items": {"$ref": "#/$defs/template"}},
    "annotations": {
      "type": ["object", "null"],
      "title": "Annotations of runs",
      "additionalProperties": false,
      "properties": {
        "required": {"type": "array", "title": "Required", "items": {"type": "string"}},
        "optional": {"type": "array", "title": "Optional", "items": {"type": "string"}}
      }
    },
    "user_metadata": {"type": ["object", "null"], "title": "Notes", "description": "Names and values of your own.", "additionalProperties": {"type": "string"}}
  },
  "$defs": {
    "template": {
      "type": "object",
      "additionalProperties": false,
      "required": ["template_id"],
      "properties": {
        "template_id": {"type": "string", "title": "Dataset template", "description": "Its handle."},
        "optional": {"type": ["boolean", "null"], "title": "Optional"}
      }
    }
  }
}
$json$, '{"ui:order": ["display_name", "software_id", "input_templates", "output_templates", "annotations", "user_metadata"]}', $json$
[
  {"path": "$.software_id", "subtypes": ["MODEL"]},
  {"path": "$.input_templates[*].template_id", "subtypes": ["DATASET_TEMPLATE"]},
  {"path": "$.output_templates[*].template_id", "subtypes": ["DATASET_TEMPLATE"]}
]
$json$, $json$
[
  {"kind": "unique", "paths": ["$.input_templates[*].template_id"]},
  {"kind": "unique", "paths": ["$.output_templates[*].template_id"]},
  {"kind": "unique", "paths": ["$.annotations.required[*]", "$.annotations.optional[*]"]}
]
$json$);
