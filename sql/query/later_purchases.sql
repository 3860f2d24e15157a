-- Purchases within the horizon after the as-of day, as they stood at its end.
SELECT o.customer_id, o.order_id, o.ordered_day, o.amount_e4 - coalesce(l.amount_e4, 0) - coalesce(r.amount_e4, 0) AS net_e4
FROM orders AS o
LEFT JOIN (
  SELECT customer_id, order_id, CAST(sum(amount_e4) AS INT64) AS amount_e4
  FROM late_lines
  WHERE ordered_day > @as_of_day + @horizon_days
  GROUP BY customer_id, order_id
) AS l ON l.customer_id = o.customer_id AND l.order_id = o.order_id
LEFT JOIN (
  SELECT customer_id, order_id, CAST(sum(amount_e4) AS INT64) AS amount_e4
  FROM refunds
  WHERE order_id IS NOT NULL AND refunded_day <= @as_of_day + @horizon_days
  GROUP BY customer_id, order_id
) AS r ON r.customer_id = o.customer_id AND r.order_id = o.order_id
WHERE o.ordered_day BETWEEN @as_of_day + 1 AND @as_of_day + @horizon_days
  AND (
    o.amount_e4 - coalesce(l.amount_e4, 0) = 0
    OR o.amount_e4 - coalesce(l.amount_e4, 0) > coalesce(r.amount_e4, 0)
  )
