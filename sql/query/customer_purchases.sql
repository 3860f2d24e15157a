-- What they bought as of the date, a row for each customer with an order or a refund. Money is in ten-thousandths.
WITH days AS (
  SELECT
    customer_id, ordered_day,
    count(*) AS orders,
    CAST(sum(net_e4) AS INT64) AS net_e4,
    CAST(sum(CASE WHEN discounted THEN 1 ELSE 0 END) AS INT64) AS discounted_orders,
    CAST(sum(CASE WHEN in_store THEN 1 ELSE 0 END) AS INT64) AS store_orders
  FROM purchases
  GROUP BY customer_id, ordered_day
),
ranked AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY customer_id ORDER BY ordered_day DESC) AS latest, -- 1 is the last purchase day
    ordered_day - lead(ordered_day) OVER (PARTITION BY customer_id ORDER BY ordered_day DESC) AS interval_days
  FROM days
),
bought AS (
  SELECT
    customer_id,
    CAST(sum(orders) AS INT64) AS orders,
    count(*) AS purchase_days,
    min(ordered_day) AS first_day,
    max(ordered_day) AS last_day,
    max(CASE WHEN latest = @band_2 THEN ordered_day END) AS band2_day,
    max(CASE WHEN latest = @band_3 THEN ordered_day END) AS band3_day,
    max(CASE WHEN latest = @band_4 THEN ordered_day END) AS band4_day,
    max(CASE WHEN latest = @band_5 THEN ordered_day END) AS band5_day,
    CAST(sum(net_e4) AS INT64) AS net_e4,
    CAST(sum(CASE WHEN interval_days > 0 THEN net_e4 END) AS INT64) AS repeat_net_e4,
    CAST(sum(discounted_orders) AS INT64) AS discounted_orders,
    CAST(sum(store_orders) AS INT64) AS store_orders,
    CAST(sum(CASE WHEN ordered_day > @as_of_day - @horizon_days THEN 1 ELSE 0 END) AS INT64) AS horizon_purchase_days,
    CAST(sum(CASE WHEN ordered_day > @as_of_day - @horizon_days THEN net_e4 ELSE 0 END) AS INT64) AS horizon_net_e4
  FROM ranked
  GROUP BY customer_id
),
-- the median: the mean of the one or two intervals in the middle
intervals AS (
  SELECT
    customer_id, interval_days,
    row_number() OVER (PARTITION BY customer_id ORDER BY interval_days) AS place,
    count(*) OVER (PARTITION BY customer_id) AS n
  FROM ranked
  WHERE interval_days > 0
),
medians AS (
  SELECT customer_id, sum(interval_days) / count(*) AS median_interval_days
  FROM intervals
  WHERE n >= 2 AND place IN (div(n + 1, 2), div(n + 2, 2))
  GROUP BY customer_id
),
ordered AS (
  SELECT customer_id, CAST(sum(paid_e4) AS INT64) AS amount_e4
  FROM known_orders
  GROUP BY customer_id
),
refunded AS (
  SELECT customer_id, CAST(sum(amount_e4) AS INT64) AS amount_e4
  FROM refunds
  WHERE refunded_day <= @as_of_day
  GROUP BY customer_id
)
SELECT
  c.customer_id,
  coalesce(b.orders, 0) AS orders,
  coalesce(b.purchase_days, 0) AS purchase_days,
  b.first_day, b.last_day, b.band2_day, b.band3_day, b.band4_day, b.band5_day,
  coalesce(o.amount_e4, 0) - coalesce(r.amount_e4, 0) AS monetary_e4,
  coalesce(r.amount_e4, 0) AS refund_e4,
  coalesce(b.net_e4, 0) AS net_e4,
  b.repeat_net_e4,
  CAST(m.median_interval_days AS FLOAT64) AS median_interval_days,
  coalesce(b.discounted_orders, 0) AS discounted_orders,
  coalesce(b.store_orders, 0) AS store_orders,
  coalesce(b.horizon_purchase_days, 0) AS horizon_purchase_days,
  coalesce(b.horizon_net_e4, 0) AS horizon_net_e4
FROM (SELECT customer_id FROM ordered UNION DISTINCT SELECT customer_id FROM refunded) AS c
LEFT JOIN ordered AS o ON o.customer_id = c.customer_id
LEFT JOIN refunded AS r ON r.customer_id = c.customer_id
LEFT JOIN bought AS b ON b.customer_id = c.customer_id
LEFT JOIN medians AS m ON m.customer_id = c.customer_id
