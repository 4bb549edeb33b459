-- $1 worker number, $2 ids: given back as if never taken.
UPDATE clone.blob_copy AS q
SET state = 'pending', claimed_by = NULL, attempts = q.attempts - 1
WHERE q.id = ANY ($2::bigint[]) AND q.claimed_by = $1
