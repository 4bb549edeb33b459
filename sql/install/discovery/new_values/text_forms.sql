-- Forms of unique texts that a suffix breaks: a hardware address with -1 behind it is none.

-- The form that all of these texts have; NULL if they have none that is known.
CREATE FUNCTION clone_internal.form_of_texts(vals text[]) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    first text := (SELECT v FROM unnest(vals) v WHERE v <> '' LIMIT 1);
    f record;
    day text := '([0-9]{4}[-/.](0?[1-9]|1[0-2])[-/.](0?[1-9]|[12][0-9]|3[01])|(0?[1-9]|[12][0-9]|3[01])[-/.](0?[1-9]|[12][0-9]|3[01])[-/.]([0-9]{4}|[0-9]{2})|(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01]))';
    hour text := '[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]+)?)?';
    octet text := '(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])';
BEGIN
    IF first IS NULL THEN
        RETURN NULL;
    END IF;
    FOR f IN
        SELECT * FROM (VALUES
            ('hardware', '^([0-9A-Fa-f]{2}(:|-))([0-9A-Fa-f]{2}\2){4}([0-9A-Fa-f]{2}\2[0-9A-Fa-f]{2}\2)?[0-9A-Fa-f]{2}$|^([0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}$'),
            ('ip', format('^\s*(%1$s(\.%1$s){3}|\[?(?=[^:]*:[^:]*:)[0-9A-Fa-f:]*(:[0-9.]+)?(%%\w+)?\]?)(/[0-9]{1,3}|:[0-9]{1,5}|-%1$s(\.%1$s){3})?\s*$', octet)),
            ('date', format('^\s*(%s([T ]+%s\s*([AaPp][Mm]|Z|[+-][0-9:]{2,5})?)?|%2$s|(19|20)[0-9]{2}-(W[0-9]{2}(-[1-7])?|Q[1-4]|(0[1-9]|1[0-2])))\s*$', day, hour)),
            ('telephone', '^\s*[+][0-9][0-9 ()/.-]{5,20}\s*$|^(tel|sms):[+]?[0-9()./-]{5,}$'),
            ('message', '^[^<>]*<[^<>@\s]+@[^<>@\s]+>$'),
            ('mail', '^[^\s@<>:/,;]+@[^\s@<>:/,;]+\.[A-Za-z]{2,24}$'),
            ('version', '^[vV]?[0-9]{1,6}\.[0-9]{1,6}\.[0-9]{1,6}(\.[0-9]{1,6})?([-.+][0-9A-Za-z][0-9A-Za-z.+-]*)?$'),
            ('address', '^[A-Za-z][A-Za-z0-9+.-]*://\S+$|^(mailto|urn|data|git@[^:]+):\S+$'),
            ('host', '^([A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,24}$'),
            ('file', '^[^\s:]*[/\\][^/\\]*\.[A-Za-z][A-Za-z0-9]{0,4}$|^([A-Za-z]:)?[/\\]\S*$')) AS v (form, pattern)
    LOOP
        IF first ~ f.pattern AND NOT EXISTS (SELECT FROM unnest(vals) v WHERE v <> '' AND v !~ f.pattern) THEN
            RETURN f.form;
        END IF;
    END LOOP;
    IF first ~ '^\s*[{\[]' AND NOT EXISTS (SELECT FROM unnest(vals[1:200]) v WHERE v <> '' AND jsonb_typeof(clone_internal.json_of(v)) NOT IN ('object', 'array')) THEN
        RETURN 'document';
    END IF;
    IF first ~ '^\s*<[A-Za-z?!]' AND NOT EXISTS (SELECT FROM unnest(vals) v WHERE v <> '' AND v !~ '^\s*<[A-Za-z?!].*>\s*$') THEN
        RETURN 'document';
    END IF;
    -- Readable within.
    IF NOT EXISTS (SELECT FROM unnest(vals[1:200]) v WHERE v <> '' AND NOT COALESCE(clone_internal.from_base64(v) ~ '^[ -~\s]{3,}$', false)) THEN
        RETURN 'base64';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clone_internal.form_of_texts(text[]) IS 'The form that all of these texts have and that a suffix breaks, such as hardware, ip or date; NULL if they have none';

-- The text of which this is the base64; NULL if it is none.
CREATE FUNCTION clone_internal.from_base64(value text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    bytes bytea;
BEGIN
    IF value !~ '^[A-Za-z0-9+/_-]{6,}={0,2}$' OR length(rtrim(value, '=')) % 4 = 1 THEN
        RETURN NULL;
    END IF;
    bytes := decode(rpad(translate(rtrim(value, '='), '-_', '+/'), (length(rtrim(value, '=')) + 3) / 4 * 4, '='), 'base64');
    -- In no encoding of a database is another byte a text by itself.
    RETURN CASE WHEN encode(bytes, 'escape') !~ '\\[0-7]{3}' THEN replace(encode(bytes, 'escape'), E'\\\\', E'\\') END;
EXCEPTION WHEN invalid_parameter_value OR data_exception THEN
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clone_internal.from_base64(text) IS 'The ASCII text of which a text is the base64; NULL if it is none';

-- What to ask about a unique column whose texts have such a form. answer: the expression that makes others of this form, NULL: none can be made up.
CREATE FUNCTION clone_internal.asked_of_form("column" name, vals text[], length int, OUT looks_like text, OUT answer text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    form text := clone_internal.form_of_texts(vals);
    text text := format('%I::pg_catalog.text', "column");
    -- Another one in each transaction.
    fresh text := '''c'' OPERATOR(pg_catalog.||) pg_catalog.pg_current_xact_id()::pg_catalog.text';
    room boolean := length IS NULL OR length >= 14 + (SELECT max(length(v)) FROM unnest(vals) v);
    digits text;
BEGIN
    looks_like := CASE form WHEN 'hardware' THEN 'hardware addresses' WHEN 'ip' THEN 'network addresses' WHEN 'date' THEN 'dates or times' WHEN 'telephone' THEN 'telephone numbers' WHEN 'message' THEN 'addresses of messages or persons'
        WHEN 'version' THEN 'versions' WHEN 'file' THEN 'names of files' WHEN 'document' THEN 'documents' WHEN 'base64' THEN 'texts in base64'
        WHEN 'mail' THEN CASE WHEN NOT room THEN 'addresses of mail' END WHEN 'host' THEN CASE WHEN NOT room THEN 'names of hosts' END
        -- Behind others a suffix is a part of the path.
        WHEN 'address' THEN CASE WHEN NOT room OR EXISTS (SELECT FROM unnest(vals) v WHERE v <> '' AND (v !~ '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]+/[^?#]*[^/?#]$' OR v ~ '\.[A-Za-z0-9]{1,5}$')) THEN 'addresses' END END;
    IF form = 'hardware' THEN
        -- Of those that everybody may give; the second digit says so.
        digits := '(''02'' OPERATOR(pg_catalog.||) pg_catalog.substr(pg_catalog.md5(pg_catalog.gen_random_uuid()::pg_catalog.text), 1, ' || CASE WHEN vals[1] ~ '^(..[:-]){7}' THEN 14 ELSE 10 END || '))';
        digits := CASE WHEN EXISTS (SELECT FROM unnest(vals) v WHERE v ~ '[a-f]') OR NOT EXISTS (SELECT FROM unnest(vals) v WHERE v ~ '[A-F]') THEN digits ELSE format('pg_catalog.upper%s', digits) END;
        answer := format('pg_catalog.regexp_replace(%s, %L, %L, ''g'')', digits, CASE WHEN vals[1] ~ '\.' THEN '(....)(?=.)' ELSE '(..)(?=.)' END, '\1' || substring(vals[1] FROM '[:.-]'));
    ELSIF looks_like IS NULL OR NOT room THEN
        answer := NULL;
    ELSIF form = 'message' THEN
        answer := format('pg_catalog.regexp_replace(%s, ''<(?=[^<]*$)'', ''<'' OPERATOR(pg_catalog.||) %s OPERATOR(pg_catalog.||) ''.'')', text, fresh);
    ELSIF form = 'version' THEN
        answer := format('%1$s OPERATOR(pg_catalog.||) CASE WHEN %1$s OPERATOR(pg_catalog.~) ''[+]'' THEN ''.'' ELSE ''+'' END OPERATOR(pg_catalog.||) %2$s', text, fresh);
    ELSIF form = 'address' AND NOT EXISTS (SELECT FROM unnest(vals) v WHERE v <> '' AND v !~ '^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]+') THEN
        answer := format('pg_catalog.regexp_replace(%s, ''^([A-Za-z][A-Za-z0-9+.-]*://[^/?#]+)/?'', ''\1/'' OPERATOR(pg_catalog.||) %s OPERATOR(pg_catalog.||) ''/'')', text, fresh);
    ELSIF form = 'address' AND NOT EXISTS (SELECT FROM unnest(vals) v WHERE v <> '' AND v !~ '^mailto:') THEN
        answer := format('pg_catalog.regexp_replace(%s, ''^mailto:'', ''mailto:'' OPERATOR(pg_catalog.||) %s OPERATOR(pg_catalog.||) ''.'')', text, fresh);
    ELSIF form = 'file' AND NOT EXISTS (SELECT FROM unnest(vals) v WHERE v <> '' AND v !~ '[^/\\]\.[A-Za-z0-9]{1,5}$') THEN
        answer := format('pg_catalog.regexp_replace(%s, ''(\.[A-Za-z0-9]+)$'', ''-'' OPERATOR(pg_catalog.||) %s OPERATOR(pg_catalog.||) ''\1'')', text, fresh);
    ELSIF form = 'file' AND NOT EXISTS (SELECT FROM unnest(vals) v WHERE v <> '' AND v !~ '[^/\\.]$') THEN
        looks_like := NULL;
    END IF;
END
$$;
COMMENT ON FUNCTION clone_internal.asked_of_form(name, text[], int) IS 'What the texts of a unique column look like, and an expression that makes others of their form';
