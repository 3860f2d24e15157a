-- From which day to which somebody counts as of which core segment: from the day after the one that it was true of, so
-- that no day is judged by itself. Of several for one day, what a run published first goes before what was reconstructed.
WITH ranked AS (
  SELECT
    customer_id, segment, from_day,
    row_number() OVER (PARTITION BY customer_id, from_day ORDER BY known_us NULLS LAST, segment NULLS LAST) AS place
  FROM segments_then
)
SELECT
  customer_id, segment,
  from_day + 1 AS first_day,
  coalesce(lead(from_day) OVER (PARTITION BY customer_id ORDER BY from_day), @as_of_day) AS last_day
FROM ranked
WHERE place = 1
