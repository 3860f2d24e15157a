-- Forecasts as of the date and what came within the horizon, a row for each customer who had bought by then.
WITH came AS (
  SELECT customer_id, count(DISTINCT ordered_day) AS purchase_days, CAST(sum(net_e4) AS INT64) AS net_e4
  FROM later_purchases
  GROUP BY customer_id
)
SELECT
  l.customer_id, l.forecast_orders, l.forecast_value, l.purchase_days_last_horizon, l.value_last_horizon, l.first_order_on, l.cell,
  coalesce(c.purchase_days, 0) AS actual_orders,
  CAST(coalesce(c.net_e4, 0) AS FLOAT64) / 10000 AS actual_value
FROM labels AS l
LEFT JOIN came AS c ON c.customer_id = l.customer_id
WHERE l.first_order_on IS NOT NULL
