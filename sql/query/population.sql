-- How many customers the sources name up to the as-of day, and how many are left out of segmentation: for consent,
-- as deleted, or quarantined, when nothing but rows that were put aside names them.
WITH named AS (
  SELECT customer_id FROM canonical_customers WHERE coalesce(created_day, @as_of_day) <= @as_of_day
  UNION DISTINCT
  SELECT customer_id FROM canonical_orders WHERE coalesce(ordered_day, @as_of_day) <= @as_of_day
  UNION DISTINCT
  SELECT customer_id FROM canonical_web_events WHERE coalesce(occurred_day, @as_of_day) <= @as_of_day
  UNION DISTINCT
  SELECT customer_id FROM canonical_email_events WHERE coalesce(occurred_day, @as_of_day) <= @as_of_day
  UNION DISTINCT
  SELECT customer_id FROM canonical_conversions WHERE coalesce(converted_day, @as_of_day) <= @as_of_day
),
judged AS (
  SELECT CASE WHEN k.customer_id IS NULL THEN 'quarantined' ELSE k.left_out END AS reason
  FROM named AS n
  LEFT JOIN known_customers AS k ON k.customer_id = n.customer_id
  WHERE n.customer_id IS NOT NULL
)
SELECT 'known' AS reason, count(*) AS "rows"
FROM judged
UNION ALL
SELECT reason, count(*)
FROM judged
WHERE reason IS NOT NULL
GROUP BY reason
ORDER BY reason
