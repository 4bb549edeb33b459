SELECT s.name, s.options ->> 'blobs', COALESCE(s.options ->> 'blob_prefix_in_bucket', '') FROM clone.store AS s
