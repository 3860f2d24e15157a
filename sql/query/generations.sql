-- The newest published run of each day from which retention may look back: 30, 60 and 90 days, and up to three more.
SELECT as_of, run_id
FROM (
  SELECT as_of, run_id, row_number() OVER (PARTITION BY as_of ORDER BY ended_at DESC, run_id) AS newest
  FROM (
    SELECT run_id, as_of, state, ended_at, row_number() OVER (PARTITION BY run_id ORDER BY ended_at DESC, state) AS nth
    FROM run_events
  ) AS e
  WHERE nth = 1 AND state = 'PUBLISHED' AND (
    as_of BETWEEN @from_30 AND @as_of_30 OR as_of BETWEEN @from_60 AND @as_of_60 OR as_of BETWEEN @from_90 AND @as_of_90
  )
) AS g
WHERE newest = 1
ORDER BY as_of
