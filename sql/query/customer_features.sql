-- The customer features as of the date: what the columns mean is said in transforms/customer. Each source has been
-- brought to one row a customer before. What a missing source would have given is NULL, what a customer did not do is 0.
-- Money becomes a float here and nowhere before.
WITH crm AS (
  SELECT * FROM canonical_customers WHERE reject IS NULL AND coalesce(created_day, @as_of_day) <= @as_of_day
),
-- whatever the date, and where it cannot be read
refused AS (
  SELECT DISTINCT customer_id
  FROM canonical_email_events
  WHERE event_name IN ('unsubscribe', 'complaint') AND customer_id IS NOT NULL
)
SELECT
  date_from_unix_date(@as_of_day) AS as_of,
  k.customer_id,

  c.customer_id IS NOT NULL AS in_crm,
  date_from_unix_date(c.created_day) AS created_on,
  c.country,
  c.gender,
  CASE WHEN c.birth_date <= date_from_unix_date(@as_of_day) THEN
    extract(YEAR FROM date_from_unix_date(@as_of_day)) - extract(YEAR FROM c.birth_date)
    - CASE
      WHEN extract(MONTH FROM date_from_unix_date(@as_of_day)) * 100 + extract(DAY FROM date_from_unix_date(@as_of_day))
        < extract(MONTH FROM c.birth_date) * 100 + extract(DAY FROM c.birth_date)
      THEN 1 ELSE 0
    END
  END AS age_years,
  c.industry,
  c.employees,
  c.plan,
  c.acquisition_channel,
  c.consent_email,
  CASE WHEN u.customer_id IS NOT NULL OR c.deleted_day <= @today_day THEN FALSE ELSE c.consent_email END AS email_allowed,

  coalesce(p.orders, 0) AS orders,
  coalesce(p.purchase_days, 0) AS purchase_days,
  date_from_unix_date(p.first_day) AS first_order_on,
  date_from_unix_date(p.last_day) AS last_order_on,
  @as_of_day - p.last_day AS days_since_last_order,
  date_from_unix_date(p.band2_day) AS band2_on,
  date_from_unix_date(p.band3_day) AS band3_on,
  date_from_unix_date(p.band4_day) AS band4_on,
  date_from_unix_date(p.band5_day) AS band5_on,
  CASE WHEN p.purchase_days > 0 THEN p.purchase_days - 1 END AS btyd_x,
  p.last_day - p.first_day AS btyd_t_x_days,
  @as_of_day - p.first_day AS btyd_t_days,
  CAST(coalesce(p.monetary_e4, 0) AS FLOAT64) / 10000 AS monetary_total,
  CAST(coalesce(p.refund_e4, 0) AS FLOAT64) / 10000 AS refund_total,
  CASE WHEN p.purchase_days > 1 THEN CAST(p.repeat_net_e4 AS FLOAT64) / (10000 * (p.purchase_days - 1)) END AS monetary_repeat_mean,
  CASE WHEN p.orders > 0 THEN CAST(p.net_e4 AS FLOAT64) / (10000 * p.orders) END AS average_order_value,
  p.median_interval_days AS purchase_interval_days,
  coalesce(p.horizon_purchase_days, 0) AS purchase_days_last_horizon,
  CAST(coalesce(p.horizon_net_e4, 0) AS FLOAT64) / 10000 AS value_last_horizon,

  CASE WHEN @has_web THEN coalesce(w.events, 0) END AS web_events_ever,
  date_from_unix_date(w.last_day) AS last_web_on,
  CASE WHEN @has_web THEN coalesce(w.sessions, 0) END AS web_sessions,
  CASE WHEN @has_web THEN coalesce(w.engaged_sessions, 0) END AS web_engaged_sessions,
  CASE WHEN @has_web THEN coalesce(w.page_views, 0) END AS web_page_views,
  CASE WHEN @has_web THEN coalesce(w.product_views, 0) END AS web_product_views,
  CASE WHEN @has_web THEN coalesce(w.cart_adds, 0) END AS web_cart_adds,
  CASE WHEN @has_web THEN coalesce(w.checkouts, 0) END AS web_checkouts,
  CASE WHEN @has_web THEN coalesce(w.session_seconds_max, 0) END AS web_session_seconds_max,
  CASE WHEN @has_web THEN coalesce(m.product_views_24h_max, 0) END AS web_product_views_24h_max,
  CASE WHEN @has_web THEN coalesce(w.intent_sessions, 0) END AS intent_sessions,
  CASE WHEN @has_web THEN coalesce(w.intent_product_views, 0) END AS intent_product_views,
  CASE WHEN @has_web THEN coalesce(w.intent_cart_adds, 0) END AS intent_cart_adds,
  CASE WHEN @has_web THEN coalesce(w.intent_checkouts, 0) END AS intent_checkouts,
  CASE WHEN @has_web THEN coalesce(w.intent_forms, 0) END AS intent_forms,
  timestamp_micros(m.hot_lead_us) AS hot_lead_at,
  timestamp_micros(m.cart_abandoned_us) AS cart_abandoned_at,

  CASE WHEN @has_email THEN coalesce(e.events, 0) END AS email_events_ever,
  CASE WHEN @has_email THEN coalesce(e.actions, 0) END AS email_actions_ever,
  CASE WHEN @has_email THEN coalesce(e.delivered, 0) END AS email_delivered,
  CASE WHEN @has_email THEN coalesce(e.opened, 0) END AS email_opened,
  CASE WHEN @has_email THEN coalesce(e.clicked, 0) END AS email_clicked,
  date_from_unix_date(e.last_click_day) AS email_last_click_on,
  date_from_unix_date(e.unsubscribed_day) AS email_unsubscribed_on,

  h.weekday AS preferred_weekday,
  h.day_part AS preferred_day_part,
  h.channel AS preferred_channel,
  h.category AS preferred_category,
  h.device AS preferred_device,
  CASE WHEN @has_discounts AND p.orders > 0 THEN CAST(p.discounted_orders AS FLOAT64) / p.orders END AS discount_share,
  CASE WHEN @has_stores AND p.orders > 0 THEN CAST(p.store_orders AS FLOAT64) / p.orders END AS store_share,

  b.core_segment AS previous_core_segment,
  b.core_segment_since AS previous_core_segment_since
FROM known_customers AS k
LEFT JOIN crm AS c ON c.customer_id = k.customer_id
LEFT JOIN customer_purchases AS p ON p.customer_id = k.customer_id
LEFT JOIN customer_web AS w ON w.customer_id = k.customer_id
LEFT JOIN customer_moments AS m ON m.customer_id = k.customer_id
LEFT JOIN customer_email AS e ON e.customer_id = k.customer_id
LEFT JOIN refused AS u ON u.customer_id = k.customer_id
LEFT JOIN customer_habits AS h ON h.customer_id = k.customer_id
LEFT JOIN previous AS b ON b.customer_id = k.customer_id
WHERE k.left_out IS NULL
