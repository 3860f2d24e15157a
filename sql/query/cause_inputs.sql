-- What the core segment is scored from, with one input changed at a time, of each customer whose segment is another than
-- before and who was there on both days. Each variant has the changes of those before it:
--   rule        the features as published on the previous day, for today's rules with the cuts of that day
--   cut         the same, for today's model; what the bands count is asked anew where they have moved
--   silence     the same, with the days since then gone by and nothing else
--   corrected   what the sources say today of the days up to the previous one
--   purchase    today's orders and refunds
-- What core_inputs lacks stays as it was published: where a step of the user's own reads it, it belongs to activity.
WITH before AS (
  SELECT f.*
  FROM movers AS m
  JOIN previous_features AS f ON f.customer_id = m.customer_id
  WHERE m.was_there AND m.is_there
),
recounted AS (
  SELECT c.customer_id, c.band2_on, c.band3_on, c.band4_on, c.band5_on
  FROM core_inputs AS c
  JOIN before AS f ON f.customer_id = c.customer_id
  WHERE @cut_moved AND c.purchase_days = f.purchase_days AND c.first_order_on = f.first_order_on AND c.last_order_on = f.last_order_on
),
cut AS (
  SELECT
    f.* REPLACE (
      CASE WHEN r.customer_id IS NULL THEN f.band2_on ELSE r.band2_on END AS band2_on,
      CASE WHEN r.customer_id IS NULL THEN f.band3_on ELSE r.band3_on END AS band3_on,
      CASE WHEN r.customer_id IS NULL THEN f.band4_on ELSE r.band4_on END AS band4_on,
      CASE WHEN r.customer_id IS NULL THEN f.band5_on ELSE r.band5_on END AS band5_on
    )
  FROM before AS f
  LEFT JOIN recounted AS r ON r.customer_id = f.customer_id
)
SELECT 'rule' AS variant, f.*
FROM before AS f
WHERE @hybrid
UNION ALL
SELECT 'cut' AS variant, f.*
FROM cut AS f
UNION ALL
SELECT
  'silence' AS variant,
  f.* REPLACE (
    date_from_unix_date(@as_of_day) AS as_of,
    f.days_since_last_order + @elapsed_days AS days_since_last_order
  )
FROM cut AS f
UNION ALL
SELECT
  'corrected' AS variant,
  f.* REPLACE (
    date_from_unix_date(@as_of_day) AS as_of,
    coalesce(c.orders, 0) AS orders,
    coalesce(c.purchase_days, 0) AS purchase_days,
    c.first_order_on AS first_order_on,
    c.last_order_on AS last_order_on,
    c.days_since_last_order + @elapsed_days AS days_since_last_order,
    c.band2_on AS band2_on,
    c.band3_on AS band3_on,
    c.band4_on AS band4_on,
    c.band5_on AS band5_on,
    coalesce(c.monetary_total, 0) AS monetary_total,
    CASE WHEN @has_web THEN coalesce(c.web_events_ever, 0) END AS web_events_ever,
    CASE WHEN @has_email THEN coalesce(c.email_actions_ever, 0) END AS email_actions_ever
  )
FROM before AS f
LEFT JOIN core_inputs AS c ON c.customer_id = f.customer_id
UNION ALL
SELECT
  'purchase' AS variant,
  f.* REPLACE (
    n.as_of AS as_of,
    n.orders AS orders,
    n.purchase_days AS purchase_days,
    n.first_order_on AS first_order_on,
    n.last_order_on AS last_order_on,
    n.days_since_last_order AS days_since_last_order,
    n.band2_on AS band2_on,
    n.band3_on AS band3_on,
    n.band4_on AS band4_on,
    n.band5_on AS band5_on,
    n.monetary_total AS monetary_total,
    CASE WHEN @has_web THEN coalesce(c.web_events_ever, 0) END AS web_events_ever,
    CASE WHEN @has_email THEN coalesce(c.email_actions_ever, 0) END AS email_actions_ever
  )
FROM before AS f
JOIN customer_features AS n ON n.customer_id = f.customer_id
LEFT JOIN core_inputs AS c ON c.customer_id = f.customer_id
