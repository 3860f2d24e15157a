-- What they did on the web as of the date, a row for each customer with a web event. Windows end with the as-of day.
WITH ever AS (
  SELECT customer_id, count(*) AS events, max(occurred_day) AS last_day
  FROM canonical_web_events
  WHERE reject IS NULL AND occurred_day <= @as_of_day
  GROUP BY customer_id
),
sessions AS (
  SELECT
    customer_id, session_key,
    max(occurred_us + duration_us) - min(occurred_us) AS length_us,
    sum(CASE WHEN event_name IN ('page_view', 'product_view') THEN 1 ELSE 0 END) AS page_views,
    sum(CASE WHEN event_name = 'product_view' THEN 1 ELSE 0 END) AS product_views,
    sum(CASE WHEN event_name = 'add_to_cart' THEN 1 ELSE 0 END) AS cart_adds,
    sum(CASE WHEN event_name = 'begin_checkout' THEN 1 ELSE 0 END) AS checkouts
  FROM canonical_web_events
  WHERE reject IS NULL AND occurred_day BETWEEN @as_of_day - @web_window_days + 1 AND @as_of_day
  GROUP BY customer_id, session_key
),
visits AS (
  SELECT
    customer_id,
    count(*) AS sessions,
    CAST(sum(
      CASE WHEN length_us >= @engaged_session_seconds * 1000000 AND page_views >= @engaged_session_page_views THEN 1 ELSE 0 END
    ) AS INT64) AS engaged_sessions,
    CAST(sum(page_views) AS INT64) AS page_views,
    CAST(sum(product_views) AS INT64) AS product_views,
    CAST(sum(cart_adds) AS INT64) AS cart_adds,
    CAST(sum(checkouts) AS INT64) AS checkouts,
    div(max(length_us), 1000000) AS session_seconds_max
  FROM sessions
  GROUP BY customer_id
),
last_bought AS (
  SELECT customer_id, max(bought_us) AS bought_us, max(bought_day) AS bought_day
  FROM buying_moments
  GROUP BY customer_id
),
intent AS (
  SELECT
    e.customer_id,
    count(DISTINCT e.session_key) AS sessions,
    CAST(sum(CASE WHEN e.event_name = 'product_view' THEN 1 ELSE 0 END) AS INT64) AS product_views,
    CAST(sum(CASE WHEN e.event_name = 'add_to_cart' THEN 1 ELSE 0 END) AS INT64) AS cart_adds,
    CAST(sum(CASE WHEN e.event_name = 'begin_checkout' THEN 1 ELSE 0 END) AS INT64) AS checkouts,
    CAST(sum(CASE WHEN e.event_name IN ('form_submit', 'download') THEN 1 ELSE 0 END) AS INT64) AS forms
  FROM canonical_web_events AS e
  LEFT JOIN last_bought AS b ON b.customer_id = e.customer_id
  WHERE e.reject IS NULL AND e.occurred_day BETWEEN @as_of_day - @intent_window_days + 1 AND @as_of_day
    AND (b.bought_us IS NULL OR e.occurred_us > b.bought_us)
    AND (b.bought_day IS NULL OR e.occurred_day > b.bought_day)
  GROUP BY e.customer_id
)
SELECT
  e.customer_id, e.events, e.last_day,
  coalesce(v.sessions, 0) AS sessions,
  coalesce(v.engaged_sessions, 0) AS engaged_sessions,
  coalesce(v.page_views, 0) AS page_views,
  coalesce(v.product_views, 0) AS product_views,
  coalesce(v.cart_adds, 0) AS cart_adds,
  coalesce(v.checkouts, 0) AS checkouts,
  coalesce(v.session_seconds_max, 0) AS session_seconds_max,
  coalesce(i.sessions, 0) AS intent_sessions,
  coalesce(i.product_views, 0) AS intent_product_views,
  coalesce(i.cart_adds, 0) AS intent_cart_adds,
  coalesce(i.checkouts, 0) AS intent_checkouts,
  coalesce(i.forms, 0) AS intent_forms
FROM ever AS e
LEFT JOIN visits AS v ON v.customer_id = e.customer_id
LEFT JOIN intent AS i ON i.customer_id = e.customer_id
