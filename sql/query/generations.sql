-- The newest published runs of the days from which retention looks back.
SELECT as_of, run_id
FROM (
  SELECT as_of, run_id, row_number() OVER (PARTITION BY as_of ORDER BY ended_at DESC, run_id) AS newest
  FROM (
    SELECT run_id, as_of, state, ended_at, row_number() OVER (PARTITION BY run_id ORDER BY ended_at DESC, state) AS nth
    FROM run_events
  ) AS e
  WHERE nth = 1 AND state = 'PUBLISHED' AND as_of IN (@as_of_30, @as_of_60, @as_of_90)
) AS g
WHERE newest = 1
ORDER BY as_of
