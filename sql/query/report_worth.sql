-- What the customers of each core segment are expected to be worth, those with a forecast. Nothing is said of fewer than
-- min_group.
SELECT
  s.core_segment,
  count(c.clv_revenue) AS forecast_customers,
  max(c.horizon_days) AS horizon_days,
  CAST(sum(CAST(round(c.clv_revenue * 10000) AS INT64)) AS FLOAT64) / 10000 AS clv_revenue,
  CAST(sum(CAST(round(c.clv_revenue * 10000) AS INT64)) AS FLOAT64) / 10000 / count(c.clv_revenue) AS clv_revenue_mean,
  CAST(sum(CAST(round(c.expected_orders_90d * 1000000) AS INT64)) AS FLOAT64) / 1000000 AS expected_orders_90d,
  CAST(sum(CAST(round(c.expected_value_90d * 10000) AS INT64)) AS FLOAT64) / 10000 AS expected_value_90d
FROM customer_segments AS s
JOIN customer_clv AS c ON c.customer_id = s.customer_id AND c.as_of = s.as_of
WHERE s.as_of = @as_of AND s.core_segment IS NOT NULL AND c.clv_revenue IS NOT NULL
GROUP BY s.core_segment
HAVING count(c.clv_revenue) >= @min_group
ORDER BY s.core_segment
