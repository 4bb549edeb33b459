-- Everything that somebody could put in the way of our SQL, in two schemas: "evil", which the tests put first on the path, and
-- public, in which everybody may create objects in many databases. Each of them counts its call and tries to
-- make its owner a superuser. The counters are sequences: a rollback does not undo them.
SET search_path = pg_catalog;
CREATE SCHEMA evil;
GRANT CREATE, USAGE ON SCHEMA evil, public TO PUBLIC;
CREATE SEQUENCE evil.calls MINVALUE 0;
GRANT ALL ON SEQUENCE evil.calls TO PUBLIC;
CREATE SEQUENCE evil.objects MINVALUE 0;
CREATE TABLE evil.types (id pg_catalog.int4 GENERATED ALWAYS AS IDENTITY, type regtype, few boolean);
INSERT INTO evil.types (type, few)
SELECT t::regtype, t IN ('oid', 'regclass', 'text', 'name', 'integer', 'bigint', 'uuid', 'jsonb', '"char"', 'boolean', 'timestamptz', 'text[]')
FROM unnest('{oid,regclass,regproc,regprocedure,regtype,regrole,regnamespace,text,name,"\"char\"",varchar,bpchar,smallint,integer,bigint,numeric,
    float8,boolean,uuid,json,jsonb,timestamptz,timestamp,date,interval,bytea,text[],name[],oid[],bigint[],smallint[],regclass[],uuid[],"\"char\"[]"}'::text[]) t;

CREATE FUNCTION evil.make(head text, returns text) RETURNS void LANGUAGE plpgsql AS $make$
BEGIN
    EXECUTE format($f$CREATE FUNCTION %s RETURNS %s LANGUAGE plpgsql AS $body$ BEGIN
        PERFORM pg_catalog.nextval('evil.calls'::pg_catalog.regclass);
        RAISE WARNING 'hostile: %%', %L;
        BEGIN EXECUTE 'ALTER ROLE mallory SUPERUSER'; EXCEPTION WHEN OTHERS THEN NULL; END;
        RETURN NULL;
    END $body$ $f$, head, returns, head);
    PERFORM nextval('evil.objects');
EXCEPTION WHEN duplicate_function OR invalid_function_definition OR undefined_object OR wrong_object_type OR datatype_mismatch THEN NULL;
END
$make$;

-- Operators: every name that pg_catalog has, between any two of the types.
DO $$
DECLARE l record; r record; o record; s text;
BEGIN
    FOREACH s IN ARRAY '{evil,public}'::text[] LOOP
        FOR r IN SELECT * FROM evil.types LOOP
            PERFORM evil.make(format('%I.op_x_%s(%s)', s, r.id, r.type), 'boolean');
            FOR o IN SELECT unnest('{-,~,!!,@,@@}'::text[]) AS name LOOP
                EXECUTE format('CREATE OPERATOR %I.%s (RIGHTARG = %s, FUNCTION = %I.op_x_%s)', s, o.name, r.type, s, r.id);
            END LOOP;
            FOR l IN SELECT * FROM evil.types WHERE few OR r.few OR id = r.id LOOP
                PERFORM evil.make(format('%I.op_%s_%s(%s, %s)', s, l.id, r.id, l.type, r.type), 'boolean');
                FOR o IN SELECT unnest('{=,<>,<,>,<=,>=,+,-,*,/,%,||,->,->>,#>,#>>,@>,<@,?,?|,?&,&&,~,!~,~~,!~~,&,|,^@,#-}'::text[]) AS name LOOP
                    EXECUTE format('CREATE OPERATOR %I.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = %I.op_%s_%s)',
                        s, o.name, l.type, r.type, s, l.id, r.id);
                    PERFORM nextval('evil.objects');
                END LOOP;
            END LOOP;
        END LOOP;
    END LOOP;
END
$$;

-- Functions: every one of pg_catalog with its own signature; and those that take any type with each type, which is the better match.
DO $$
DECLARE f record; s text; l regtype; r regtype;
BEGIN
    FOREACH s IN ARRAY '{evil,public}'::text[] LOOP
        FOR f IN SELECT p.proname, oidvectortypes(p.proargtypes) AS arguments FROM pg_proc p
                 WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind IN ('f', 'a', 'w') AND p.pronargs <= 5
                   AND p.proname !~ '^(ts|tsvector|tsquery|range|multirange|gin|gist|spg|brin|hash|bt|point|box|circle|poly|path|lseg|line|xml|inet|cidr|macaddr|bit|cash|int8|float|numeric|binary_upgrade|pg_stat)'
                   AND NOT EXISTS (SELECT FROM unnest(p.proargtypes) a JOIN pg_type t ON t.oid = a WHERE t.typtype = 'p') LOOP
            PERFORM evil.make(format('%I.%I(%s)', s, f.proname, f.arguments), 'boolean');
        END LOOP;
        FOR f IN SELECT DISTINCT p.proname FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = ANY (
                 '{array_agg,jsonb_agg,json_agg,count,min,max,sum,string_agg,unnest,cardinality,array_length,array_remove,array_append,array_cat,
                   array_to_string,array_position,to_json,to_jsonb,jsonb_build_array,jsonb_build_object,jsonb_object_agg,format,concat,concat_ws,
                   num_nulls,num_nonnulls,pg_typeof,row_to_json,nextval,setval,quote_literal,quote_nullable,lower,upper,coalesce,nullif,greatest,least}'::name[]) LOOP
            FOR l IN SELECT type FROM evil.types LOOP
                PERFORM evil.make(format('%I.%I(%s)', s, f.proname, l), 'boolean');
                FOR r IN SELECT t.type FROM evil.types t JOIN evil.types o ON o.type = l WHERE t.few AND o.few LOOP
                    PERFORM evil.make(format('%I.%I(%s, %s)', s, f.proname, l, r), 'boolean');
                END LOOP;
            END LOOP;
        END LOOP;
    END LOOP;
END
$$;

-- Types and tables of the names that our SQL uses.
CREATE DOMAIN evil.uuid AS pg_catalog.text;
CREATE DOMAIN evil.jsonb AS pg_catalog.text;
CREATE DOMAIN evil.oid AS pg_catalog.text;
CREATE DOMAIN evil.regclass AS pg_catalog.text;
CREATE DOMAIN evil.text AS pg_catalog.int4;
CREATE TABLE evil.pg_class (oid pg_catalog.int4);
CREATE TABLE evil.pg_proc (oid pg_catalog.int4);
CREATE TABLE evil.pg_roles (oid pg_catalog.int4);
CREATE TABLE evil.pg_extension (oid pg_catalog.int4);
CREATE TABLE evil.pg_namespace (oid pg_catalog.int4);
CREATE TABLE evil.pg_attribute (oid pg_catalog.int4);
CREATE TABLE evil.pg_depend (oid pg_catalog.int4);

SELECT pg_catalog.setval('evil.calls'::pg_catalog.regclass, 0, false);
