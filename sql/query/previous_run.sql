-- The newest run published before @as_of.
SELECT run_id, as_of
FROM (
  SELECT run_id, as_of, state, ended_at, row_number() OVER (PARTITION BY run_id ORDER BY ended_at DESC, state) AS nth
  FROM run_events
) AS e
WHERE nth = 1 AND state = 'PUBLISHED' AND as_of < @as_of
ORDER BY as_of DESC, ended_at DESC, run_id
LIMIT 1
