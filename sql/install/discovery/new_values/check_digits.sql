-- Numbers with a check digit: a random one or a suffix makes them invalid.

-- Whether the last digit checks the others: from the right, weights of 3 and 1 (EAN, UPC, ISBN of 13 digits), or every second digit twice (Luhn).
CREATE FUNCTION clone_internal.has_check_digit(digits text, luhn boolean) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    sum int := 0;
    digit int;
BEGIN
    FOR place IN 0..length(digits) - 1 LOOP
        digit := substr(digits, length(digits) - place, 1)::int;
        sum := sum + CASE WHEN place % 2 = 0 THEN digit WHEN NOT luhn THEN 3 * digit WHEN digit > 4 THEN 2 * digit - 9 ELSE 2 * digit END;
    END LOOP;
    RETURN sum % 10 = 0;
END
$$;
COMMENT ON FUNCTION clone_internal.has_check_digit(text, boolean) IS 'Whether the last digit of a number checks the others, as in EANs or by Luhn';

-- Which numbers with check digits these texts are; NULL: none. By chance one of ten numbers looks so, one of 97 IBANs.
CREATE FUNCTION clone_internal.checked_numbers("column" name, vals text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    plain text[] := ARRAY(SELECT DISTINCT upper(regexp_replace(v, '[ -]', '', 'g')) FROM unnest(vals[:60]) v);
    -- The name says it: few values suffice.
    named boolean := clone_internal.snake("column") ~ '(^|_)(ean|ean13|gtin|upc|jan|barcode|isbn|card|pan|imei|siren|siret|sin|npi)(_|$)';
BEGIN
    IF cardinality(plain) < 2 THEN
        RETURN NULL;
    ELSIF NOT EXISTS (SELECT FROM unnest(plain) p WHERE p !~ '^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$') THEN
        RETURN CASE WHEN NOT EXISTS (
            SELECT FROM unnest(plain) p CROSS JOIN LATERAL (
                SELECT string_agg(CASE WHEN c ~ '[0-9]' THEN c ELSE (ascii(c) - 55)::text END, '' ORDER BY n)::numeric AS number
                FROM regexp_split_to_table(substr(p, 5) || left(p, 4), '') WITH ORDINALITY AS u (c, n)) s WHERE s.number % 97 <> 1) THEN 'IBANs' END;
    ELSIF cardinality(plain) < 6 AND NOT named OR EXISTS (SELECT FROM unnest(plain) p WHERE p !~ '^[0-9]{8,19}$') THEN
        RETURN NULL;
    ELSIF NOT EXISTS (SELECT FROM unnest(plain) p WHERE length(p) NOT IN (8, 12, 13, 14) OR NOT clone_internal.has_check_digit(p, false)) THEN
        RETURN CASE WHEN NOT EXISTS (SELECT FROM unnest(plain) p WHERE p !~ '^97[89][0-9]{10}$') THEN 'ISBNs' ELSE 'EANs' END;
    ELSIF NOT EXISTS (SELECT FROM unnest(plain) p WHERE length(p) < 9 OR NOT clone_internal.has_check_digit(p, true)) THEN
        RETURN 'numbers with a check digit, as of cards and devices';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clone_internal.checked_numbers(name, text[]) IS 'Which numbers with check digits these texts are, such as IBANs; NULL if they are none';

-- An SQL expression that makes another number of this length with a right check digit, of those that everybody may give within a company: EANs
-- that begin with 2, UPCs that begin with 4. NULL: there are none of this length.
CREATE FUNCTION clone_internal.fresh_ean("column" name, vals text[]) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('(SELECT d.x OPERATOR(pg_catalog.||) (pg_catalog.mod(10 OPERATOR(pg_catalog.-) pg_catalog.mod((SELECT pg_catalog.sum(pg_catalog.substr(d.x, g, 1)::pg_catalog.int4 OPERATOR(pg_catalog.*) CASE WHEN pg_catalog.mod(g, 2) OPERATOR(pg_catalog.=) %1$s THEN 3 ELSE 1 END)'
            || ' FROM pg_catalog.generate_series(1, %2$s) AS g), 10), 10))::pg_catalog.text FROM (SELECT %3$L OPERATOR(pg_catalog.||) pg_catalog.substr(pg_catalog.translate(pg_catalog.md5(pg_catalog.gen_random_uuid()::pg_catalog.text OPERATOR(pg_catalog.||) %4$I::pg_catalog.text), ''abcdef'', ''012345''), 1, %5$s) AS x OFFSET 0) AS d)',
            (l.length - 1) % 2, l.length - 1, CASE l.length WHEN 12 THEN '4' ELSE '2' END, $1, l.length - 2)
    FROM (SELECT min(length(v)) AS length FROM unnest($2) v HAVING count(DISTINCT length(v)) = 1 AND bool_and(v ~ '^[0-9]+$')) l WHERE l.length IN (8, 12, 13)
$$;
COMMENT ON FUNCTION clone_internal.fresh_ean(name, text[]) IS 'The expression that makes another EAN or UPC of the length that all these have, with its check digit; NULL if there is none';

-- settled and cleared: the calls that say that the role is right, and that give NULL.
CREATE FUNCTION clone_internal.ask_about_checked_numbers(store text, relation regclass, "column" name, vals text[], kind text, cleared text, settled text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    fresh text := CASE WHEN kind = 'EANs' THEN clone_internal.fresh_ean("column", vals) END;
    made text := CASE WHEN fresh IS NOT NULL THEN format('SELECT clone.store_column(%L, %L, %L, ''expression'', value => %L);%s', store, relation, "column", fresh, settled) END;
    -- Valid ones could be those of others.
    invalid text := format('SELECT clone.store_column(%L, %L, %L, ''random'');%s', store, relation, "column", settled);
BEGIN
    PERFORM clone_internal.ask(store, relation, "column", '$unique', 'error',
        format('%s.%I is unique across all tenants and looks like %s, such as %s. A clone cannot have the source''s, and with random digits or a suffix the check fails: ', relation, "column", kind, clone_internal.quoted(vals[1]))
            || CASE WHEN made IS NOT NULL THEN 'does it get new ones for use within the company?' WHEN cleared IS NOT NULL THEN 'does it get none?' ELSE 'does it get invalid ones?' END,
        COALESCE(made, cleared, invalid), CASE WHEN made IS NOT NULL THEN COALESCE(cleared, invalid) WHEN cleared IS NOT NULL THEN invalid END);
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_checked_numbers(text, regclass, name, text[], text, text, text) IS 'Records a question about a unique column with numbers that have a check digit';
