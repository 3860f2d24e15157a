-- How many customers of each core segment are in each stage of the journey, and how many of those may be e-mailed. Of
-- how many that is not known is in unknown. Numbers under min_group are NULL.
WITH counted AS (
  SELECT
    s.core_segment,
    s.journey_stage,
    count(*) AS customers,
    sum(CASE WHEN f.email_allowed THEN 1 ELSE 0 END) AS mailable,
    sum(CASE WHEN f.email_allowed IS NULL THEN 1 ELSE 0 END) AS unknown
  FROM customer_segments AS s
  JOIN customer_features AS f ON f.customer_id = s.customer_id AND f.as_of = s.as_of
  WHERE s.as_of = @as_of AND s.core_segment IS NOT NULL
  GROUP BY s.core_segment, s.journey_stage
)
SELECT
  core_segment,
  journey_stage,
  CASE WHEN customers >= @min_group THEN customers END AS customers,
  CASE WHEN customers >= @min_group AND mailable >= @min_group THEN CAST(mailable AS INT64) END AS mailable,
  CASE WHEN customers >= @min_group AND unknown >= @min_group THEN CAST(unknown AS INT64) END AS unknown
FROM counted
ORDER BY core_segment, journey_stage
