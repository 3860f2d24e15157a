-- The money given back that belongs to no order, and the money ordered, up to the as-of day, in ten-thousandths.
SELECT
  coalesce((SELECT CAST(sum(amount_e4) AS INT64) FROM refunds WHERE order_id IS NULL AND refunded_day <= @as_of_day), 0) AS unmatched,
  coalesce((SELECT CAST(sum(amount_e4) AS INT64) FROM orders WHERE ordered_day <= @as_of_day), 0) AS ordered
