-- The project lives in both stores.
SELECT project_clone(:'source', store => :'store');
