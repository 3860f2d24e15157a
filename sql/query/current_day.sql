-- The day that the _current views show: the newest one of a published run that is no backfill.
SELECT max(e.as_of) AS as_of
FROM (
  SELECT as_of, state, backfill, row_number() OVER (PARTITION BY run_id ORDER BY ended_at DESC, state) AS nth
  FROM run_events
) AS e
WHERE nth = 1 AND state = 'PUBLISHED' AND NOT backfill
HAVING max(e.as_of) IS NOT NULL
