-- Purchases as of the date: orders that were not given back in full by then, less what was given back.
SELECT customer_id, order_id, ordered_us, ordered_day, ordered_hour, discounted, channel, in_store, paid_e4 - refunded_e4 AS net_e4
FROM known_orders
WHERE is_purchase
