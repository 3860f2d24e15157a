-- What the core segment is scored from as of the date, as customer_features has it, and nothing else: a row for each
-- customer who is segmented on that day. customer_web and customer_email need no more than the numbers of events.
SELECT
  date_from_unix_date(@as_of_day) AS as_of,
  k.customer_id,
  coalesce(p.orders, 0) AS orders,
  coalesce(p.purchase_days, 0) AS purchase_days,
  date_from_unix_date(p.first_day) AS first_order_on,
  date_from_unix_date(p.last_day) AS last_order_on,
  @as_of_day - p.last_day AS days_since_last_order,
  date_from_unix_date(p.band2_day) AS band2_on,
  date_from_unix_date(p.band3_day) AS band3_on,
  date_from_unix_date(p.band4_day) AS band4_on,
  date_from_unix_date(p.band5_day) AS band5_on,
  CAST(coalesce(p.monetary_e4, 0) AS FLOAT64) / 10000 AS monetary_total,
  CASE WHEN @has_web THEN coalesce(w.events, 0) END AS web_events_ever,
  CASE WHEN @has_email THEN coalesce(e.actions, 0) END AS email_actions_ever,
  CAST(NULL AS STRING) AS previous_core_segment,
  CAST(NULL AS DATE) AS previous_core_segment_since
FROM known_customers AS k
LEFT JOIN customer_purchases AS p ON p.customer_id = k.customer_id
LEFT JOIN customer_web AS w ON w.customer_id = k.customer_id
LEFT JOIN customer_email AS e ON e.customer_id = k.customer_id
WHERE k.left_out IS NULL
