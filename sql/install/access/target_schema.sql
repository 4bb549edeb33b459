-- From here on only C functions are created, and creating them calls nothing. The names of types in their signatures resolve to pg_catalog first.
SET LOCAL search_path = @extschema@, pg_temp;
