-- What the profile of a segment says, of everybody in one: the same measures as segment_profiles.
WITH features AS (
  SELECT f.*
  FROM customer_features AS f
  JOIN customer_segments AS s ON s.customer_id = f.customer_id AND s.as_of = f.as_of
  WHERE f.as_of = @as_of AND s.core_segment IS NOT NULL
),
sums AS (
  SELECT
    count(*) AS customers,
    CAST(sum(CAST(round(value_last_horizon * 10000) AS INT64)) AS FLOAT64) / 10000 AS revenue_window,
    CAST(sum(CAST(round(average_order_value * orders * 10000) AS INT64)) AS FLOAT64) / 10000 AS purchased,
    CAST(sum(orders) AS FLOAT64) AS orders,
    CAST(sum(purchase_days) AS FLOAT64) AS purchase_days,
    CAST(sum(days_since_last_order) AS FLOAT64) AS days_since_last_order,
    count(days_since_last_order) AS buyers,
    CAST(sum(CASE WHEN email_clicked > 0 OR web_engaged_sessions > 0 THEN 1 ELSE 0 END) AS FLOAT64) AS engaged,
    count(coalesce(email_events_ever, web_events_ever)) AS observed,
    CAST(sum(CASE WHEN purchase_days_last_horizon > 0 THEN 1 ELSE 0 END) AS FLOAT64) AS converted,
    CAST(sum(CAST(round(discount_share * orders) AS INT64)) AS FLOAT64) AS discounted_orders,
    CAST(sum(CAST(round(store_share * orders) AS INT64)) AS FLOAT64) AS store_orders,
    CAST(sum(CASE WHEN purchase_days >= 2 THEN 1 ELSE 0 END) AS FLOAT64) AS repeaters,
    CAST(sum(CAST(round(purchase_interval_days * 2) AS INT64)) AS FLOAT64) / 2 AS interval_days,
    count(purchase_interval_days) AS with_interval,
    CAST(sum(web_sessions) AS FLOAT64) AS web_sessions,
    count(web_sessions) AS on_web,
    CAST(sum(CASE WHEN email_allowed THEN 1 ELSE 0 END) AS FLOAT64) AS mailable,
    count(email_allowed) AS asked
  FROM features
)
SELECT
  customers,
  revenue_window / customers AS revenue_per_customer,
  CASE WHEN orders > 0 THEN purchased / orders END AS average_order_value,
  CASE WHEN observed > 0 THEN engaged / customers END AS engagement_rate,
  converted / customers AS conversion_rate,
  CASE WHEN buyers > 0 THEN days_since_last_order / buyers END AS days_since_last_order_mean,
  purchase_days / customers AS purchase_days_mean,
  CASE WHEN orders > 0 THEN discounted_orders / orders END AS discount_share,
  CASE WHEN orders > 0 THEN store_orders / orders END AS store_share,
  CASE WHEN buyers >= @min_group THEN repeaters / buyers END AS repeat_rate,
  CASE WHEN with_interval >= @min_group THEN interval_days / with_interval END AS purchase_interval_days_mean,
  CASE WHEN on_web > 0 THEN web_sessions / on_web END AS web_sessions_mean,
  CASE WHEN asked >= @min_group THEN mailable / asked END AS mailable_share
FROM sums
WHERE customers >= @min_group
