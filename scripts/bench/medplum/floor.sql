-- The floor: every statement that bench.prepare_floor wrote down, in this transaction.
SELECT statement FROM bench.statement ORDER BY position \gexec
