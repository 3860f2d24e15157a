-- Orders before refunds, a row for each. An order_id that two customers have is two orders. Its day is that of its first
-- line, and so is all that is said of it but the money; late_lines says which money came later.
WITH grown AS (
  SELECT customer_id, order_id, min(ordered_day) AS first_day
  FROM order_lines
  WHERE amount_e4 >= 0
  GROUP BY customer_id, order_id
  HAVING max(ordered_day) > min(ordered_day)
),
lines AS (
  SELECT l.*, coalesce(l.ordered_day > g.first_day, FALSE) AS late
  FROM order_lines AS l
  LEFT JOIN grown AS g ON g.customer_id = l.customer_id AND g.order_id = l.order_id
  WHERE l.amount_e4 >= 0
)
SELECT
  customer_id, order_id,
  min(ordered_us) AS ordered_us,
  min(ordered_day) AS ordered_day,
  min(CASE WHEN NOT late THEN ordered_hour END) AS ordered_hour,
  max(ordered_day) AS last_day,
  CAST(sum(amount_e4) AS INT64) AS amount_e4,
  max(discounted AND NOT late) AS discounted,
  min(CASE WHEN NOT late THEN channel END) AS channel,
  max(store_id IS NOT NULL AND NOT late) AS in_store
FROM lines
GROUP BY customer_id, order_id
