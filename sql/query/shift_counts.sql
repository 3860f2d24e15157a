-- How many customers were in which core segment at the beginning and at the end of 30, 60 and 90 days: those that end
-- with the as-of day (0 days ago), and the as many before (30, 60 and 90 days ago). labels_ago has the segments so many
-- days ago. An empty text is no segment: not known yet, or not any more.
WITH placed AS (
  SELECT
    customer_id,
    coalesce(max(CASE WHEN days_ago = 0 THEN segment END), '') AS ago_0,
    coalesce(max(CASE WHEN days_ago = 30 THEN segment END), '') AS ago_30,
    coalesce(max(CASE WHEN days_ago = 60 THEN segment END), '') AS ago_60,
    coalesce(max(CASE WHEN days_ago = 90 THEN segment END), '') AS ago_90,
    coalesce(max(CASE WHEN days_ago = 120 THEN segment END), '') AS ago_120,
    coalesce(max(CASE WHEN days_ago = 180 THEN segment END), '') AS ago_180
  FROM labels_ago
  GROUP BY customer_id
),
-- few ways to have gone, so that what follows is little work
ways AS (
  SELECT ago_0, ago_30, ago_60, ago_90, ago_120, ago_180, count(*) AS customers
  FROM placed
  GROUP BY ago_0, ago_30, ago_60, ago_90, ago_120, ago_180
),
spans AS (
  SELECT 30 AS horizon_days, 0 AS ended
  UNION ALL SELECT 60, 0
  UNION ALL SELECT 90, 0
  UNION ALL SELECT 30, 30
  UNION ALL SELECT 60, 60
  UNION ALL SELECT 90, 90
)
SELECT
  s.horizon_days,
  s.ended,
  CASE s.horizon_days + s.ended WHEN 30 THEN ago_30 WHEN 60 THEN ago_60 WHEN 90 THEN ago_90 WHEN 120 THEN ago_120 ELSE ago_180 END AS from_segment,
  CASE s.ended WHEN 0 THEN ago_0 WHEN 30 THEN ago_30 WHEN 60 THEN ago_60 ELSE ago_90 END AS to_segment,
  CAST(sum(w.customers) AS INT64) AS customers
FROM ways AS w
CROSS JOIN spans AS s
GROUP BY 1, 2, 3, 4
ORDER BY 1, 2, 3, 4
