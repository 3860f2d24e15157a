-- The lines of the orders that count, with their money in the currency of the outputs.
SELECT
  l.customer_id, l.order_id, l.ordered_us, l.ordered_day, l.ordered_hour, l.refunded_day, l.discounted, l.channel, l.store_id, l.category,
  CASE WHEN r.rate IS NULL THEN l.amount_e4 ELSE CAST(round(l.amount_e4 * r.rate) AS INT64) END AS amount_e4,
  CASE WHEN r.rate IS NULL THEN l.refund_e4 ELSE CAST(round(l.refund_e4 * r.rate) AS INT64) END AS refund_e4
FROM canonical_orders AS l
LEFT JOIN rates AS r ON r.currency = l.currency
WHERE l.reject IS NULL
