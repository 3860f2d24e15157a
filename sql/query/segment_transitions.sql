-- How many went from which core segment to which since the previous generation, by cause.
WITH pairs AS (
  SELECT customer_id, from_segment, to_segment, cause FROM segment_causes
  UNION ALL
  SELECT n.customer_id, n.segment, n.segment, 'none'
  FROM members AS n
  LEFT JOIN segment_causes AS c ON c.customer_id = n.customer_id
  WHERE c.customer_id IS NULL AND n.segment IS NOT NULL
)
SELECT
  date_from_unix_date(@as_of_day) AS as_of,
  @segmentation AS segmentation,
  p.from_segment,
  p.to_segment,
  p.cause,
  count(*) AS customers,
  CAST(sum(CAST(round(coalesce(f.value_last_horizon, 0) * 10000) AS INT64)) AS FLOAT64) / 10000 AS value
FROM pairs AS p
LEFT JOIN customer_features AS f ON f.customer_id = p.customer_id
GROUP BY p.from_segment, p.to_segment, p.cause
