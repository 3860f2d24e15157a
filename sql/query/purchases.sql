-- Purchases as of the date: orders that were not given back in full by then, less what was given back. An order of
-- nothing is a purchase.
SELECT
  o.customer_id, o.order_id, o.ordered_us, o.ordered_day, o.ordered_hour, o.discounted, o.channel, o.in_store,
  o.amount_e4 - coalesce(r.amount_e4, 0) AS net_e4
FROM orders AS o
LEFT JOIN (
  SELECT customer_id, order_id, CAST(sum(amount_e4) AS INT64) AS amount_e4
  FROM refunds
  WHERE order_id IS NOT NULL AND refunded_day <= @as_of_day
  GROUP BY customer_id, order_id
) AS r ON r.customer_id = o.customer_id AND r.order_id = o.order_id
WHERE o.ordered_day <= @as_of_day AND (o.amount_e4 = 0 OR o.amount_e4 > coalesce(r.amount_e4, 0))
