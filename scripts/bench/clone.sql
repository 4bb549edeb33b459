-- What is measured: project :source, everything in it, every reference rewritten.
SELECT project_clone(:'source');
