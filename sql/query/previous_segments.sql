-- What the previous generation said of each customer. Where days before it have been published since, its since-when is no
-- longer that of the history: the first day of the last unbroken row of the same segment. What the history does not reach
-- back to stays.
WITH said AS (
  SELECT
    customer_id, core_segment, true_from,
    row_number() OVER (PARTITION BY customer_id, true_from ORDER BY known_from DESC, run_id DESC) AS nth
  FROM segment_history
  WHERE true_from <= @previous_as_of
),
steps AS (
  SELECT
    customer_id, core_segment, true_from,
    lag(core_segment) OVER (PARTITION BY customer_id ORDER BY true_from) AS was,
    row_number() OVER (PARTITION BY customer_id ORDER BY true_from) AS place
  FROM said
  WHERE nth = 1
),
since AS (
  SELECT customer_id, max(true_from) AS true_from, max(place) AS place
  FROM steps
  WHERE coalesce(core_segment, '') <> coalesce(was, '') OR place = 1
  GROUP BY customer_id
)
SELECT
  p.customer_id,
  p.core_segment,
  CASE WHEN s.place > 1 OR s.true_from < p.core_segment_since THEN s.true_from ELSE p.core_segment_since END AS core_segment_since
FROM customer_segments AS p
LEFT JOIN since AS s ON s.customer_id = p.customer_id
WHERE p.as_of = @previous_as_of
