-- The money of lines that were added to an order after its first day, by day: mostly nothing. Before that day the order
-- was smaller.
SELECT l.customer_id, l.order_id, l.ordered_day, CAST(sum(l.amount_e4) AS INT64) AS amount_e4
FROM order_lines AS l
JOIN (SELECT customer_id, order_id, ordered_day FROM orders WHERE last_day > ordered_day) AS o
  ON o.customer_id = l.customer_id AND o.order_id = l.order_id
WHERE l.amount_e4 > 0 AND l.ordered_day > o.ordered_day
GROUP BY l.customer_id, l.order_id, l.ordered_day
