-- The strings from which a Medplum server derives data, and the rules for its documents. These are rows, not code:
-- preset medplum writes them into the catalog.

-- The server hashes these strings into token columns, sorts by them, or stores them in lookup tables. An id inside
-- them is kept, in the document and in the derived data, so that a search in the clone finds what its document says.
-- Elsewhere the id is rewritten in both. Kind plain lists the exceptions from the patterns of kind kept.
CREATE TABLE clone_internal.medplum_derived_paths (
    kind    text NOT NULL CHECK (kind IN ('kept', 'plain')),
    path    text PRIMARY KEY,
    derived text NOT NULL
);
COMMENT ON TABLE clone_internal.medplum_derived_paths IS 'Strings in which ids are kept, because a Medplum server derives data from them; the patterns are those of options.id_paths';
INSERT INTO clone_internal.medplum_derived_paths (kind, path, derived)
SELECT 'kept', p, d FROM (VALUES
    ('token columns, __sharedTokens', '{**.identifier.value,**.identifier.system,**.identifier[].value,**.identifier[].system,**.*Identifier.value,**.*Identifier.system,'
        '**.*Identifier[].value,**.*Identifier[].system,**.requisition.value,**.requisition.system}'::text[]),
    ('token columns', '{**.coding[].code,**.coding[].display,**.coding[].system,**.*Coding.code,**.*Coding.display,**.*Coding.system}'),
    ('token columns', '{**.tag[].code,**.tag[].display,**.tag[].system,**.security[].code,**.security[].display,**.security[].system,**.securityLabel[].code,'
        '**.securityLabel[].display,**.securityLabel[].system,**.class.code,**.class.display,**.class.system,**.connectionType.code,**.connectionType.display,'
        '**.connectionType.system,**.format.code,**.format.display,**.format.system,**.modality.code,**.modality.display,**.modality.system}'),
    ('token columns and their texts', '{**.*.text,**.*[].text}'),
    ('token columns, phones and e-mails', '{**.telecom.value,**.telecom[].value,contact[].value}'),
    ('HumanName, __nameSort, phonetic', '{name[].text,name[].family,name[].given[],name[].prefix[],name[].suffix[]}'),
    ('Address', '{address.text,address.line[],address.city,address.district,address.state,address.postalCode,address.country,'
        'address[].text,address[].line[],address[].city,address[].district,address[].state,address[].postalCode,address[].country}'),
    ('Coding, Coding_Property', '{**.concept[].code,**.concept[].display,**.concept[].definition,**.concept[].designation[].value,**.concept[].property[].code,'
        '**.concept[].property[].valueCode,**.concept[].property[].valueString,**.contains[].code,**.contains[].display}'),
    ('CodeSystem_Property', '{property[].code,property[].uri,property[].description}'),
    ('ConceptMapping, ConceptMapping_Attribute', '{group[].source,group[].target,group[].element[].code,group[].element[].display,group[].element[].target[].code,'
        'group[].element[].target[].display,group[].element[].target[].comment,group[].element[].target[].dependsOn[].property,group[].element[].target[].dependsOn[].value,'
        'group[].element[].target[].dependsOn[].system,group[].element[].target[].product[].property,group[].element[].target[].product[].value,'
        'group[].element[].target[].product[].system}'),
    ('Device.deviceName, Observation.valueString', '{deviceName[].name,valueString}')
) AS v (d, paths) CROSS JOIN LATERAL unnest(v.paths) AS p
UNION ALL
-- Texts that are not part of a codeable concept: for some of them the server has a column, which is rewritten too.
SELECT 'plain', p, 'nothing, or a text column' FROM unnest('{**.note[].text,**.note.text,**.processNote[].text,**.item[].text,**.dosage[].text,**.dosage.text,'
    '**.dosageInstruction[].text,**.offer.text,**.asset[].text,**.term[].text,**.payload[].text}'::text[]) AS p;

-- Columns with data derived from those strings whose names do not begin with two underscores.
CREATE TABLE clone_internal.medplum_kept_columns (
    resource_type name NOT NULL,
    name          name NOT NULL,
    PRIMARY KEY (resource_type, name)
);
COMMENT ON TABLE clone_internal.medplum_kept_columns IS 'Columns of a Medplum server that are derived from strings in which ids are kept';
INSERT INTO clone_internal.medplum_kept_columns VALUES
    ('Patient', 'phonetic'), ('Person', 'phonetic'), ('Practitioner', 'phonetic'), ('RelatedPerson', 'phonetic'), ('Patient', 'race'), ('Patient', 'ethnicity'),
    ('Patient', 'genderIdentity'), ('CodeSystem', 'code'), ('ConceptMap', 'sourceCode'), ('ConceptMap', 'targetCode'), ('ConceptMap', 'sourceSystem'),
    ('ConceptMap', 'targetSystem'), ('Device', 'deviceName'), ('Observation', 'valueString');

-- Rules for documents, by type. A type or column that a version of the server does not have is skipped.
CREATE TABLE clone_internal.medplum_rules (
    position      int NOT NULL,
    resource_type text NOT NULL,
    path          text NOT NULL,
    action        text NOT NULL,
    value         jsonb,
    "when"        text,
    unless_cloned text,
    if_given      text,
    columns       text[] NOT NULL DEFAULT '{}',
    todo          text
);
COMMENT ON TABLE clone_internal.medplum_rules IS 'Rules for the documents of a Medplum project: names, secrets, outbound calls, scheduled tasks';
INSERT INTO clone_internal.medplum_rules (position, resource_type, path, action, value, "when", unless_cloned, if_given, columns, todo) VALUES
    (1, 'Project', '$.name', 'set', '"{name}"', NULL, NULL, 'name', '{name}', NULL),
    (2, 'ProjectMembership', '$.project.display', 'set', '"{name}"', NULL, NULL, 'name', '{}', NULL),
    (3, 'User', '$.project.display', 'set', '"{name}"', '@.project.display', NULL, 'name', '{}', NULL),
    -- The condition of this rule reads the old name, so it comes first.
    (4, 'ClientApplication', '$.description', 'set', '"Default client for {name}"', 'match(@.name, ''.* Default Client'')', NULL, 'name', '{}', NULL),
    (5, 'ClientApplication', '$.name', 'set', '"{name} Default Client"', 'match(@.name, ''.* Default Client'')', NULL, 'name', '{name}', NULL),
    (6, 'Project', '$.owner', 'set', '{"reference": "{owner}"}', NULL, NULL, 'owner', '{}', NULL),
    -- Changes only the column: the rule before has changed the document.
    (6, 'Project', '$.owner.reference', 'set', '"{owner}"', NULL, NULL, 'owner', '{owner}', NULL),
    -- Secrets.
    (7, 'Project', '$.secret', 'remove', NULL, NULL, NULL, NULL, '{}', 'Project/{target_id}: enter the project''s secrets again (Project.secret): bots read them'),
    (8, 'Project', '$.systemSecret', 'remove', NULL, NULL, NULL, NULL, '{}', 'Project/{target_id}: enter the project''s system secrets again (Project.systemSecret)'),
    (9, 'Project', '$.site', 'remove', NULL, NULL, NULL, NULL, '{googleClientId,recaptchaSiteKey}',
        'Project/{target_id}: describe the clone''s own sign-in sites (Project.site: domain, Google and reCAPTCHA keys)'),
    (10, 'ClientApplication', '$.secret', 'regenerate', '{"hex": 32}', NULL, NULL, NULL, '{}',
        'ClientApplication/{target_id}: has a new secret; give its users the new client id and secret'),
    (11, 'ClientApplication', '$.retiringSecret', 'remove', NULL, NULL, NULL, NULL, '{}', NULL),
    (12, 'ClientApplication', '$.identityProvider.clientSecret', 'remove', NULL, NULL, NULL, NULL, '{}',
        'ClientApplication/{target_id}: enter the secret of its external identity provider again'),
    -- The server finds a client by its issuer: two projects would match.
    (12, 'ClientApplication', '$.identityProvider.issuer', 'remove', NULL, NULL, NULL, NULL, '{identityProviderIssuer}',
        'ClientApplication/{target_id}: enter the issuer of its external identity provider, which the source project answers for'),
    (13, 'User', '$.passwordHash', 'remove', NULL, NULL, NULL, NULL, '{}', 'User/{target_id}: has no password in the clone; let the user set one'),
    (14, 'User', '$.mfaEnrolled', 'set', 'false', '@.mfaSecret && @.mfaEnrolled == true', NULL, NULL, '{}', NULL),
    (15, 'User', '$.mfaSecret', 'remove', NULL, NULL, NULL, NULL, '{}', 'User/{target_id}: must enrol the second factor again'),
    (16, 'Endpoint', '$.header', 'remove', NULL, NULL, NULL, NULL, '{}', 'Endpoint/{target_id}: enter the headers of its calls again'),
    (16, 'Agent', '$.setting', 'remove', NULL, NULL, NULL, NULL, '{}', 'Agent/{target_id}: enter its settings again'),
    (16, 'Login', '$[''cookie'', ''code'', ''refreshSecret'', ''codeChallenge'', ''nonce'', ''preAuthorizedCode'', ''preAuthorizedCodeHash'']', 'remove', NULL, NULL, NULL, NULL,
        '{cookie,code,refreshSecret,preAuthorizedCodeHash}', NULL),
    (16, 'Login', '$.revoked', 'set', 'true', NULL, NULL, NULL, '{}', NULL),
    (16, 'UserSecurityRequest', '$.secret', 'remove', NULL, NULL, NULL, NULL, '{}', NULL),
    (16, 'UserSecurityRequest', '$.used', 'set', 'true', NULL, NULL, NULL, '{}', NULL),
    (16, 'Subscription', '$.extension[?@.url == ''https://www.medplum.com/fhir/StructureDefinition/subscription-secret'']', 'remove', NULL, NULL, NULL, NULL, '{}',
        'Subscription/{target_id}: enter the secret its calls are signed with again'),
    (17, 'Subscription', '$.extension', 'remove', NULL, '@.extension && length(@.extension) == 0', NULL, NULL, '{}', NULL),
    (18, 'Subscription', '$.channel.header', 'remove', NULL, NULL, NULL, NULL, '{}', 'Subscription/{target_id}: enter the headers of its calls again'),
    -- Every endpoint that is not a bot is external.
    (19, 'Subscription', '$.status', 'set', '"off"', '@.channel.endpoint && !match(@.channel.endpoint, ''Bot/[0-9A-Za-z.-]+'')', NULL, NULL, '{status}',
        'Subscription/{target_id}: is off; point it to the clone''s own receiver and switch it on'),
    (20, 'Subscription', '$.status', 'set', '"off"', 'match(@.channel.endpoint, ''Bot/[0-9A-Za-z.-]+'')', '$.channel.endpoint', NULL, '{status}',
        'Subscription/{target_id}: is off: its bot was not cloned'),
    (21, 'Agent', '$.status', 'set', '"off"', NULL, NULL, NULL, '{status}', 'Agent/{target_id}: is off; install an agent for the clone and switch it on'),
    -- Scheduled tasks, and public links.
    (22, 'Cron', '$.active', 'set', 'false', '@.active != false', NULL, NULL, '{active}', 'Cron/{target_id}: is off; look at what it does and switch it on'),
    (23, 'SmartHealthLink', '$.status', 'set', '"revoked"', '@.status != ''revoked''', NULL, NULL, '{status}',
        'SmartHealthLink/{target_id}: is revoked: the source''s link is the one that was handed out'),
    -- A package must be installed again, with its secrets: the server does nothing while its status is installed.
    (24, 'PackageInstallation', '$.status', 'set', '"requested"', '@.status != ''requested''', NULL, NULL, '{status}',
        'PackageInstallation/{target_id}: install the package again ($install): its secrets and the deployment of its bots are not in the clone'),
    (25, 'PackageInstallation', '$.extension[?search(@.url, ''packageInstallation-(config-hash|error-phase|last-error|in-flight-target|migration-progress)$'')]', 'remove',
        NULL, NULL, NULL, NULL, '{}', NULL),
    (26, 'PackageInstallation', '$.extension', 'remove', NULL, '@.extension && length(@.extension) == 0', NULL, NULL, '{}', NULL),
    (27, 'Enterprise', '$.project[?@.code == ''production''].code', 'set', '"non-production"', NULL, NULL, NULL, '{}',
        'Enterprise/{target_id}: names no production project; the clone is not a member of the enterprise of its source');
