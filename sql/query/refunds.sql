-- Money given back, by customer, order and day. It comes from lines that were refunded and from lines of negative
-- amount; where the data has no order of that name, order_id is NULL and the refund belongs to the customer alone.
WITH money AS (
  SELECT
    customer_id, order_id,
    CASE WHEN amount_e4 < 0 THEN ordered_day ELSE refunded_day END AS refunded_day,
    CASE WHEN amount_e4 < 0 THEN -amount_e4 ELSE refund_e4 END AS amount_e4
  FROM order_lines
  WHERE amount_e4 < 0 OR refund_e4 > 0
)
SELECT m.customer_id, o.order_id, m.refunded_day, CAST(sum(m.amount_e4) AS INT64) AS amount_e4
FROM money AS m
LEFT JOIN orders AS o ON o.customer_id = m.customer_id AND o.order_id = m.order_id
GROUP BY m.customer_id, o.order_id, m.refunded_day
