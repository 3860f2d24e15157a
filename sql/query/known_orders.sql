-- Orders as of the date: what was paid and what was given back by then. is_purchase says whether something was kept; an
-- order of nothing is a purchase.
SELECT
  o.customer_id, o.order_id, o.ordered_us, o.ordered_day, o.ordered_hour, o.discounted, o.channel, o.in_store,
  o.amount_e4 - coalesce(l.amount_e4, 0) AS paid_e4,
  coalesce(r.amount_e4, 0) AS refunded_e4,
  o.amount_e4 - coalesce(l.amount_e4, 0) = 0 OR o.amount_e4 - coalesce(l.amount_e4, 0) > coalesce(r.amount_e4, 0) AS is_purchase
FROM orders AS o
LEFT JOIN (
  SELECT customer_id, order_id, CAST(sum(amount_e4) AS INT64) AS amount_e4
  FROM late_lines
  WHERE ordered_day > @as_of_day
  GROUP BY customer_id, order_id
) AS l ON l.customer_id = o.customer_id AND l.order_id = o.order_id
LEFT JOIN (
  SELECT customer_id, order_id, CAST(sum(amount_e4) AS INT64) AS amount_e4
  FROM refunds
  WHERE order_id IS NOT NULL AND refunded_day <= @as_of_day
  GROUP BY customer_id, order_id
) AS r ON r.customer_id = o.customer_id AND r.order_id = o.order_id
WHERE o.ordered_day <= @as_of_day
