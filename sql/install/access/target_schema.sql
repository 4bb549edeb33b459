-- From here on only functions in C are created, which call nothing while they are: types and keywords, which pg_catalog has, come first
-- on this path.
SET LOCAL search_path = @extschema@, pg_temp;
