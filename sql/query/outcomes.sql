-- Who of the customers in features converted within the horizon after the as-of day, by kind of conversion. Purchases
-- are the conversions where there is no source of them.
WITH conversions AS (
  SELECT customer_id, kind, coalesce(value_e4, 0) AS value_e4
  FROM canonical_conversions
  WHERE reject IS NULL AND converted_day BETWEEN @as_of_day + 1 AND @as_of_day + @horizon_days
  UNION ALL
  SELECT customer_id, 'order', net_e4
  FROM later_purchases
  WHERE NOT @has_conversions
)
SELECT
  f.customer_id,
  c.kind AS conversion_kind,
  count(*) AS conversions,
  CAST(CAST(sum(c.value_e4) AS INT64) AS FLOAT64) / 10000 AS value
FROM features AS f
JOIN conversions AS c ON c.customer_id = f.customer_id
GROUP BY f.customer_id, c.kind
