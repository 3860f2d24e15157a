-- How many runs of @as_of and of later days were published.
SELECT count(*) AS n
FROM (
  SELECT as_of, state, row_number() OVER (PARTITION BY run_id ORDER BY ended_at DESC, state) AS nth
  FROM run_events
) AS e
WHERE nth = 1 AND state IN ('PUBLISHED', 'BROKEN') AND as_of >= @as_of
