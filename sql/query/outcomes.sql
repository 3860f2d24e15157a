-- Who of the customers in features converted within each of the horizons after the as-of day, by kind of conversion. Purchases
-- are the conversions where there is no source of them, worth what they were at the end of the longest horizon.
WITH conversions AS (
  SELECT customer_id, kind, converted_day, coalesce(value_e4, 0) AS value_e4
  FROM canonical_conversions
  WHERE reject IS NULL AND converted_day BETWEEN @as_of_day + 1 AND @as_of_day + @horizon_days
  UNION ALL
  SELECT customer_id, 'order', ordered_day, net_e4
  FROM later_purchases
  WHERE NOT @has_conversions
)
SELECT
  f.customer_id,
  c.kind AS conversion_kind,
  h.horizon_days,
  count(*) AS conversions,
  CAST(sum(c.value_e4) AS INT64) AS value_e4
FROM features AS f
JOIN conversions AS c ON c.customer_id = f.customer_id
JOIN horizons AS h ON c.converted_day <= @as_of_day + h.horizon_days
GROUP BY f.customer_id, c.kind, h.horizon_days
