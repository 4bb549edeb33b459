\ir dataset_statement.sql
SELECT format('EXECUTE clone_by_hand(%L)', ARRAY['10378.1/d' || n]) FROM generate_series(1, :calls) n
\gexec
DEALLOCATE clone_by_hand;
