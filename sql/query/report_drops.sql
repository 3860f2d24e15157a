-- How many customers of each core segment silence alone will take to another RFM segment within 7 and within 30 days.
-- Numbers under min_group are NULL.
WITH due AS (
  SELECT
    core_segment,
    drops_to,
    sum(CASE WHEN drops_on <= date_from_unix_date(@as_of_day + 7) THEN 1 ELSE 0 END) AS within_7_days,
    count(*) AS within_30_days
  FROM customer_segments
  WHERE as_of = @as_of AND drops_on <= date_from_unix_date(@as_of_day + 30) AND core_segment IS NOT NULL
  GROUP BY core_segment, drops_to
)
SELECT
  core_segment,
  drops_to,
  CASE WHEN within_7_days >= @min_group THEN CAST(within_7_days AS INT64) END AS within_7_days,
  CASE WHEN within_30_days >= @min_group THEN within_30_days END AS within_30_days
FROM due
ORDER BY core_segment, drops_to
