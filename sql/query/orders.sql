-- Orders before refunds, a row for each. An order_id that two customers have is two orders. Its day is that of its first
-- line; late_lines says which money came later.
SELECT
  customer_id, order_id,
  min(ordered_us) AS ordered_us,
  min(ordered_day) AS ordered_day,
  min(ordered_day * 24 + ordered_hour) - 24 * min(ordered_day) AS ordered_hour,
  max(ordered_day) AS last_day,
  CAST(sum(amount_e4) AS INT64) AS amount_e4,
  max(discounted) AS discounted,
  min(channel) AS channel,
  max(store_id IS NOT NULL) AS in_store
FROM order_lines
WHERE amount_e4 >= 0
GROUP BY customer_id, order_id
