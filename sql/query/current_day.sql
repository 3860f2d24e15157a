-- The day that the _current views show: the newest one of a published run that is no backfill.
SELECT max(as_of) AS as_of
FROM run_events
WHERE state = 'PUBLISHED' AND NOT backfill
HAVING max(as_of) IS NOT NULL
