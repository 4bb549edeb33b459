-- Preset registry: the rules of the subtypes for model runs and data sets.

-- A model run is an event: a clone of it alone would record an event that never happened. Together with its study it is part of a copied study.
INSERT INTO clone.registry_subtype (name, category, title, description, cloneable, json_schema, ui_schema, resets, "references", provenance, title_paths, checks) VALUES
('MODEL_RUN', 'ACTIVITY', 'Model run', 'A run of a model.', 'set', $json$
{
  "x-lenient": true,
  "type": "object",
  "title": "Model run",
  "description": "A run of a model.",
  "additionalProperties": false,
  "required": ["display_name", "record_status", "record"],
  "properties": {
    "display_name": {"type": "string", "title": "Display name", "description": "The name shown in lists."},
    "record_status": {"title": "Status", "enum": ["INCOMPLETE", "COMPLETE"]},
    "record": {
      "type": "object",
      "title": "Record",
      "additionalProperties": false,
      "required": ["workflow_template_id", "inputs", "outputs", "display_name", "description", "associations", "start_time", "end_time"],
      "properties": {
        "workflow_template_id": {"type": "string", "title": "Workflow template", "description": "Its handle."},
        "model_version": {"type": ["string", "null"], "title": "Version of the model"},
        "inputs": {"type": "array", "title": "Input", "items": {"$ref": "#/$defs/dataset"}},
        "outputs": {"type": "array", "title": "Output", "items": {"$ref": "#/$defs/dataset"}},
        "annotations": {"type": ["object", "null"], "title": "Annotations", "additionalProperties": {"type": "string"}},
        "display_name": {"type": "string", "title": "Name of the run", "minLength": 1},
        "description": {"type": "string", "title": "Description", "minLength": 1},
        "study_id": {"type": ["string", "null"], "title": "Study", "description": "Its handle."},
        "associations": {
          "type": "object",
          "title": "People",
          "additionalProperties": false,
          "required": ["modeller_id"],
          "properties": {
            "modeller_id": {"type": "string", "title": "Modeller", "description": "The handle of the person."},
            "requesting_organisation_id": {"type": ["string", "null"], "title": "Requested by", "description": "The handle of the organisation."}
          }
        },
        "start_time": {"type": "integer", "title": "Start", "description": "Seconds since 1970, UTC."},
        "end_time": {"type": "integer", "title": "End", "description": "Seconds since 1970, UTC."}
      }
    },
    "user_metadata": {"type": ["object", "null"], "title": "Notes", "description": "Names and values of your own.", "additionalProperties": {"type": "string"}}
  },
  "$defs": {
    "dataset": {
      "type": "object",
      "additionalProperties": false,
      "required": ["dataset_template_id", "dataset_id", "dataset_type"],
      "properties": {
        "dataset_template_id": {"type": "string", "title": "Dataset template", "description": "Its handle."},
        "dataset_id": {"type": "string", "title": "Dataset", "description": "Its handle."},
        "dataset_type": {"title": "Where it is", "enum": ["DATA_STORE"]},
        "resources": {
          "type": ["object", "null"],
          "title": "Paths",
          "description": "The path of each file that the template leaves to the run.",
          "additionalProperties": {"type": "string"}
        }
      }
    }
  }
}
$json$, '{"ui:order": ["display_name", "record_status", "record", "user_metadata"], "record": {"description": {"ui:widget": "textarea"}}}', $json$
[
  {"op": "set", "path": "/record_status", "value": "COMPLETE", "was": "LODGED", "reason": "the clone was not lodged in the provenance store"},
  {"op": "default", "path": "/record/display_name", "from": "/display_name", "reason": "runs registered before 2024 have no name in their record"}
]
$json$, $json$
[
  {"path": "$.record.workflow_template_id", "subtypes": ["MODEL_RUN_WORKFLOW_TEMPLATE"]},
  {"path": "$.record.inputs[*].dataset_template_id", "subtypes": ["DATASET_TEMPLATE"]},
  {"path": "$.record.inputs[*].dataset_id", "subtypes": ["DATASET"]},
  {"path": "$.record.outputs[*].dataset_template_id", "subtypes": ["DATASET_TEMPLATE"]},
  {"path": "$.record.outputs[*].dataset_id", "subtypes": ["DATASET"]},
  {"path": "$.record.study_id", "subtypes": ["STUDY"], "member": true},
  {"path": "$.record.associations.modeller_id", "subtypes": ["PERSON"]},
  {"path": "$.record.associations.requesting_organisation_id", "subtypes": ["ORGANISATION"]}
]
$json$, $json$
{
  "field": "prov_serialisation",
  "namespace": "http://hdl.handle.net/",
  "mark": "model_run",
  "nodes": {
    "self": {"category": "ACTIVITY", "subtype": "MODEL_RUN"},
    "study": {"path": "$.record.study_id", "category": "ACTIVITY", "subtype": "STUDY"},
    "input": {"path": "$.record.inputs[*].dataset_id", "category": "ENTITY", "subtype": "DATASET"},
    "output": {"path": "$.record.outputs[*].dataset_id", "category": "ENTITY", "subtype": "DATASET"},
    "input_template": {"path": "$.record.inputs[*].dataset_template_id", "category": "ENTITY", "subtype": "DATASET_TEMPLATE"},
    "output_template": {"path": "$.record.outputs[*].dataset_template_id", "category": "ENTITY", "subtype": "DATASET_TEMPLATE"},
    "workflow": {"path": "$.record.workflow_template_id", "category": "ENTITY", "subtype": "MODEL_RUN_WORKFLOW_TEMPLATE"},
    "model": {"path": "$.record.workflow_template_id", "follow": "/software_id", "category": "ENTITY", "subtype": "MODEL"},
    "modeller": {"path": "$.record.associations.modeller_id", "category": "AGENT", "subtype": "PERSON"},
    "organisation": {"path": "$.record.associations.requesting_organisation_id", "category": "AGENT", "subtype": "ORGANISATION"}
  },
  "links": [
    {"from": "self", "relation": "wasInformedBy", "to": "study"},
    {"from": "self", "relation": "used", "to": "input"},
    {"from": "output", "relation": "wasGeneratedBy", "to": "self"},
    {"from": "self", "relation": "used", "to": "model"},
    {"from": "self", "relation": "used", "to": "workflow"},
    {"from": "self", "relation": "wasAssociatedWith", "to": "modeller"},
    {"from": "self", "relation": "wasAssociatedWith", "to": "organisation"},
    {"from": "output", "relation": "wasAttributedTo", "to": "modeller"},
    {"from": "workflow", "relation": "hadMember", "to": "input_template"},
    {"from": "input", "relation": "wasInfluencedBy", "to": "input_template", "pairwise": true},
    {"from": "workflow", "relation": "hadMember", "to": "output_template"},
    {"from": "output", "relation": "wasInfluencedBy", "to": "output_template", "pairwise": true},
    {"from": "workflow", "relation": "hadMember", "to": "model"}
  ]
}
$json$, '{/display_name,/record/display_name}', '[{"kind": "ascending", "paths": ["$.record.start_time", "$.record.end_time"]}]');

-- A data set with the model of early 2023 (an author instead of associations) is valid by that model. Edits that remove the
-- author turn it into a data set of the current model.
INSERT INTO clone.registry_subtype (name, category, title, description, cloneable, versionable, person_link, json_schema, ui_schema, variants, resets, derived, "references", title_paths, system_fields, checks, default_access, item_roles, storage) VALUES
('DATASET', 'ENTITY', 'Dataset', 'Data and what is to be known of them.', 'alone', true, true, $json$
{
  "type": "object",
  "title": "Dataset",
  "description": "Data and what is to be known of them.",
  "additionalProperties": false,
  "required": ["collection_format"],
  "properties": {
    "collection_format": {
      "type": "object",
      "title": "Dataset",
      "additionalProperties": false,
      "required": ["associations", "approvals", "dataset_info"],
      "properties": {
        "associations": {
          "type": "object",
          "title": "People and organisations",
          "additionalProperties": false,
          "required": ["organisation_id"],
          "properties": {
            "organisation_id": {"type": "string", "title": "Organisation", "description": "The handle of the organisation for which it is registered.", "minLength": 1},
            "data_custodian_id": {"type": "string", "title": "Custodian", "description": "The handle of the person who looks after it.", "minLength": 1},
            "point_of_contact": {"type": "string", "title": "Contact", "description": "Where to ask about it.", "minLength": 1}
          }
        },
        "approvals": {
          "type": "object",
          "title": "Approvals",
          "additionalProperties": false,
          "required": ["ethics_registration", "ethics_access", "indigenous_knowledge", "export_controls"],
          "properties": {
            "ethics_registration": {"$ref": "#/$defs/approval", "title": "Ethics and privacy of the registration"},
            "ethics_access": {"$ref": "#/$defs/approval", "title": "Ethics and privacy of the access"},
            "indigenous_knowledge": {"$ref": "#/$defs/approval", "title": "Indigenous knowledge"},
            "export_controls": {"$ref": "#/$defs/approval", "title": "Export controls"}
          }
        },
        "dataset_info": {
          "type": "object",
          "title": "Description",
          "additionalProperties": false,
          "required": ["name", "description", "access_info", "publisher_id", "created_date", "published_date", "license"],
          "properties": {
            "name": {"type": "string", "title": "Name", "minLength": 1},
            "description": {"type": "string", "title": "Description", "minLength": 1},
            "access_info": {
              "type": "object",
              "title": "Access",
              "additionalProperties": false,
              "properties": {
                "reposited": {"type": "boolean", "title": "Files are kept here"},
                "uri": {"type": "string", "title": "Address", "description": "Where the files are, if not here.", "minLength": 1, "format": "uri"},
                "description": {"type": "string", "title": "How to get them", "minLength": 1}
              },
              "if": {"required": ["reposited"], "properties": {"reposited": {"const": false}}},
              "then": {"required": ["uri", "description"]},
              "else": {"properties": {"uri": false, "description": false}}
            },
            "publisher_id": {"type": "string", "title": "Publisher", "description": "The handle of the organisation.", "minLength": 1},
            "created_date": {"$ref": "#/$defs/date", "title": "Created"},
            "published_date": {"$ref": "#/$defs/date", "title": "Published"},
            "license": {"type": "string", "title": "License", "description": "The address of its text.", "minLength": 1, "format": "http-url"},
            "purpose": {"type": "string", "title": "Purpose", "minLength": 1},
            "rights_holder": {"type": "string", "title": "Rights holder", "minLength": 1},
            "usage_limitations": {"type": "string", "title": "Limits of use", "minLength": 1},
            "preferred_citation": {"type": "string", "title": "How to cite it", "minLength": 1},
            "spatial_info": {
              "type": "object",
              "title": "Place",
              "additionalProperties": false,
              "properties": {
                "coverage": {
                  "type": "string",
                  "title": "Coverage",
                  "description": "EWKT, such as SRID=4326;POINT(1 2).",
                  "minLength": 1,
                  "format": "ewkt",
                  "maxLength": 50000
                },
                "extent": {"type": "string", "title": "Extent", "description": "EWKT of a box.", "minLength": 1, "format": "ewkt", "maxLength": 50000},
                "resolution": {"type": "string", "title": "Resolution", "description": "Degrees, a number over zero.", "minLength": 1, "format": "positive-number"}
              }
            },
            "temporal_info": {
              "type": "object",
              "title": "Time",
              "additionalProperties": false,
              "properties": {
                "duration": {
                  "type": "object",
                  "title": "Duration",
                  "additionalProperties": false,
                  "required": ["begin_date", "end_date"],
                  "properties": {
                    "begin_date": {"type": "string", "title": "Begin", "format": "date"},
                    "end_date": {"type": "string", "title": "End", "format": "date"}
                  }
                },
                "resolution": {
                  "type": "string",
                  "title": "Resolution",
                  "description": "An ISO 8601 duration, such as P1D.",
                  "minLength": 1,
                  "format": "iso8601-duration"
                }
              }
            },
            "formats": {"type": "array", "title": "File formats", "items": {"type": "string", "minLength": 1}},
            "keywords": {"type": "array", "title": "Keywords", "items": {"type": "string", "minLength": 1}},
            "user_metadata": {
              "type": "object",
              "title": "Notes",
              "description": "Names and values of your own.",
              "propertyNames": {"minLength": 1},
              "additionalProperties": {"type": "string", "minLength": 1}
            }
          }
        }
      }
    }
  },
  "$defs": {
    "approval": {
      "type": "object",
      "additionalProperties": false,
      "properties": {"relevant": {"type": "boolean", "title": "Needed"}, "obtained": {"type": "boolean", "title": "Obtained"}},
      "if": {"required": ["relevant"], "properties": {"relevant": {"const": true}}},
      "then": {"required": ["obtained"], "properties": {"obtained": {"const": true}}},
      "else": {"properties": {"obtained": {"const": false}}}
    },
    "date": {
      "type": "object",
      "additionalProperties": false,
      "properties": {"relevant": {"type": "boolean", "title": "Has happened"}, "value": {"type": "string", "title": "Day", "format": "date"}},
      "if": {"required": ["relevant"], "properties": {"relevant": {"const": true}}},
      "then": {"required": ["value"]},
      "else": {"properties": {"value": false}}
    }
  }
}
$json$, '{"collection_format": {"ui:order": ["dataset_info", "associations", "approvals"], "dataset_info": {"description": {"ui:widget": "textarea"}, "preferred_citation": {"ui:widget": "textarea"}}}}', $json$
[
  {
    "name": "early 2023",
    "when": {"required": ["collection_format"], "properties": {"collection_format": {"required": ["author"]}}},
    "json_schema": {
      "type": "object",
      "title": "Dataset of early 2023",
      "required": ["collection_format"],
      "properties": {
        "collection_format": {
          "type": "object",
          "required": ["author", "dataset_info"],
          "properties": {
            "author": {"type": "object", "required": ["name", "email", "organisation"]},
            "dataset_info": {
              "type": "object",
              "required": ["name", "description", "publisher", "created_date", "published_date", "license"],
              "properties": {
                "name": {"type": "string", "minLength": 1},
                "description": {"type": "string", "minLength": 1},
                "license": {"type": "string", "minLength": 1}
              }
            }
          }
        }
      }
    }
  }
]
$json$, $json$
[
  {
    "op": "set",
    "path": "/collection_format/approvals/ethics_registration/obtained",
    "value": false,
    "reason": "an approval is obtained for one data set"
  },
  {"op": "set", "path": "/collection_format/approvals/ethics_access/obtained", "value": false, "reason": "an approval is obtained for one data set"},
  {
    "op": "set",
    "path": "/collection_format/approvals/indigenous_knowledge/obtained",
    "value": false,
    "reason": "an approval is obtained for one data set"
  },
  {"op": "set", "path": "/collection_format/approvals/export_controls/obtained", "value": false, "reason": "an approval is obtained for one data set"},
  {
    "op": "default",
    "path": "/collection_format/dataset_info/access_info/reposited",
    "value": false,
    "if_present": ["/collection_format/dataset_info/access_info/uri", "/collection_format/dataset_info/access_info/description"],
    "reason": "an address says that the files are elsewhere"
  },
  {"op": "default", "path": "/collection_format/dataset_info/access_info/reposited", "value": true, "reason": "without an address the files are here"},
  {"op": "remove", "path": "/collection_format/dataset_info/version", "reason": "no longer a field of data sets"}
]
$json$, $json$
[
  {"field": "display_name", "from": "/collection_format/dataset_info/name"},
  {"field": "user_metadata", "from": "/collection_format/dataset_info/user_metadata"},
  {"field": "access_info_uri", "from": "/collection_format/dataset_info/access_info/uri"}
]
$json$, $json$
[
  {"path": "$.collection_format.associations.organisation_id", "subtypes": ["ORGANISATION"]},
  {"path": "$.collection_format.associations.data_custodian_id", "subtypes": ["PERSON"]},
  {"path": "$.collection_format.dataset_info.publisher_id", "subtypes": ["ORGANISATION"]},
  {"path": "$.rocrate_metadata['@graph'][*].identifier", "own": true}
]
$json$, '{/collection_format/dataset_info/name}', $json$
{
  "s3": {"reason": "a location of its own, from the new handle; files are cloned only with options.files"},
  "release_status": {"initial": "NOT_RELEASED", "reason": "a release is approved for one data set"},
  "release_history": {"initial": [], "reason": "a release is approved for one data set"},
  "release_approver": {"reason": "a release is approved for one data set"},
  "release_timestamp": {"reason": "a release is approved for one data set"}
}
$json$, $json$
[
  {"kind": "ascending", "paths": ["$.collection_format.dataset_info.created_date.value", "$.collection_format.dataset_info.published_date.value"]},
  {
    "kind": "ascending",
    "paths": ["$.collection_format.dataset_info.temporal_info.duration.begin_date", "$.collection_format.dataset_info.temporal_info.duration.end_date"]
  }
]
$json$, '{metadata-read,dataset-data-read}', '{metadata-read,metadata-write,admin,dataset-data-read,dataset-data-write}', $json$
{
  "field": "s3",
  "bucket": "bucket_name",
  "key": "path",
  "role": "dataset-data-read",
  "template": {"bucket_name": "{bucket}", "path": "{prefix}{slug}/", "s3_uri": "s3://{bucket}/{prefix}{slug}/"}
}
$json$);
