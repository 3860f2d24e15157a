-- What a run adds to segment_history: of whom it says otherwise than the history does of its day (said), and, where a later
-- day has been told of already (@next_on), what was said of that one, of whom nothing is told on it. Rows of the run from
-- before stay: it may have been published, taken over by another of its day, and published again.
WITH changed AS (
  SELECT coalesce(n.customer_id, b.customer_id) AS customer_id, n.segment, b.segment AS said
  FROM members AS n
  FULL OUTER JOIN said AS b ON b.customer_id = n.customer_id
  WHERE coalesce(n.segment, '') <> coalesce(b.segment, '')
),
told AS (
  SELECT DISTINCT customer_id FROM segment_history WHERE true_from = @next_on
)
SELECT
  @run_id AS run_id,
  c.customer_id,
  c.segment AS core_segment,
  p.segment AS previous_segment,
  date_from_unix_date(@as_of_day) AS true_from,
  @known_from AS known_from,
  CASE
    WHEN s.cause IS NOT NULL THEN s.cause
    WHEN @first AND c.segment IS NOT NULL THEN 'new'
    ELSE 'restated'
  END AS cause
FROM changed AS c
LEFT JOIN previous_members AS p ON p.customer_id = c.customer_id
LEFT JOIN segment_causes AS s ON s.customer_id = c.customer_id
UNION ALL
SELECT @run_id, c.customer_id, c.said, c.segment, CAST(@next_on AS DATE), @known_from, 'restated'
FROM changed AS c
LEFT JOIN told AS t ON t.customer_id = c.customer_id
WHERE @has_next AND t.customer_id IS NULL
UNION ALL
SELECT run_id, customer_id, core_segment, previous_segment, true_from, known_from, cause
FROM segment_history
WHERE run_id = @run_id
