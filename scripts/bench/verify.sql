-- What is measured: the verification of the last clone. One that fails is an error: a division by zero. Files are not copied here.
SELECT 1 / (count(*) FILTER (WHERE NOT ok AND check_name NOT LIKE 'files%') = 0)::int
FROM project_clone_verify((SELECT target_project FROM clone.run ORDER BY id DESC LIMIT 1));
