-- The newest run of a day before @previous_as_of that was published after the run @previous_run.
WITH events AS (
  SELECT run_id, as_of, state, ended_at, row_number() OVER (PARTITION BY run_id ORDER BY ended_at DESC, state) AS nth
  FROM run_events
)
SELECT b.run_id
FROM events AS b
JOIN events AS p ON p.run_id = @previous_run AND p.nth = 1 AND b.ended_at > p.ended_at
WHERE b.nth = 1 AND b.state IN ('PUBLISHED', 'BROKEN') AND b.as_of < @previous_as_of
ORDER BY b.ended_at DESC, b.run_id
LIMIT 1
