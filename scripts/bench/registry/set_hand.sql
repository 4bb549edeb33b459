\ir dataset_statement.sql
SELECT format('EXECUTE clone_by_hand(%L)', ARRAY(SELECT id FROM reg.item WHERE collection_id = 'many' ORDER BY id))
\gexec
DEALLOCATE clone_by_hand;
