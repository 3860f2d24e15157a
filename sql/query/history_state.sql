-- The next day after @as_of that was published and that the history tells of; and when it was last told something.
WITH events AS (
  SELECT as_of, state, row_number() OVER (PARTITION BY run_id ORDER BY ended_at DESC, state) AS nth
  FROM run_events
),
told AS (
  SELECT min(true_from) AS first_on, max(known_from) AS known_from FROM segment_history
)
SELECT t.known_from, min(CASE WHEN e.as_of > @as_of AND e.as_of >= t.first_on THEN e.as_of END) AS next_on
FROM told AS t
CROSS JOIN events AS e
WHERE e.nth = 1 AND e.state IN ('PUBLISHED', 'BROKEN')
GROUP BY t.known_from
