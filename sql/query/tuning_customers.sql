-- What thresholds are tuned on: the customers in features, on how many days of the last @frequency_days they bought, and
-- whether they converted within the horizon after the as-of day, by a conversion of one kind or of any. Purchases are the
-- conversions where there is no source of them.
WITH bought AS (
  SELECT customer_id, count(DISTINCT ordered_day) AS days
  FROM purchases
  WHERE ordered_day > @as_of_day - @frequency_days
  GROUP BY customer_id
),
conversions AS (
  SELECT customer_id, kind
  FROM canonical_conversions
  WHERE reject IS NULL AND converted_day BETWEEN @as_of_day + 1 AND @as_of_day + @horizon_days
  UNION ALL
  SELECT customer_id, 'order'
  FROM later_purchases
  WHERE NOT @has_conversions
),
converted AS (
  SELECT customer_id
  FROM conversions
  WHERE @conversion_kind = 'any' OR kind = @conversion_kind
  GROUP BY customer_id
)
SELECT
  f.*,
  coalesce(b.days, 0) AS purchase_days_window,
  c.customer_id IS NOT NULL AS converted
FROM features AS f
LEFT JOIN bought AS b ON b.customer_id = f.customer_id
LEFT JOIN converted AS c ON c.customer_id = f.customer_id
