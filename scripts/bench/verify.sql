-- What is measured: the verification of the last clone. One that fails is an error: a division by zero.
SELECT 1 / bool_and(ok)::int FROM project_clone_verify((SELECT target_project FROM clone.run ORDER BY id DESC LIMIT 1));
