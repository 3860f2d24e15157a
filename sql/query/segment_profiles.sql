-- What the segments of one segmentation are like. members are its customers, members_before those that the generations
-- published about 30, 60 and 90 days before named (days_ago), previous_members those of the generation published last;
-- where there was none the columns that need it are NULL. Groups under @min_group are counted and not described: what
-- would tell of their few members is NULL, and so is a mean over fewer. Sums are of integers, so that they do not depend
-- on the order of rows.
WITH features AS (
  SELECT m.segment, f.*, v.clv_revenue, v.expected_value_90d
  FROM members AS m
  JOIN customer_features AS f ON f.customer_id = m.customer_id
  LEFT JOIN forecasts AS v ON v.customer_id = m.customer_id
  WHERE m.segment IS NOT NULL
),
sizes AS (
  SELECT
    segment,
    count(*) AS customers,
    CAST(sum(CAST(round(monetary_total * 10000) AS INT64)) AS FLOAT64) / 10000 AS revenue_total,
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
    CAST(sum(CAST(round(clv_revenue * 10000) AS INT64)) AS FLOAT64) / 10000 AS clv_revenue,
    count(clv_revenue) AS with_clv,
    CAST(sum(CAST(round(expected_value_90d * 10000) AS INT64)) AS FLOAT64) / 10000 AS expected_value_90d,
    count(expected_value_90d) AS with_value,
    CAST(sum(CASE WHEN purchase_days >= 2 THEN 1 ELSE 0 END) AS FLOAT64) AS repeaters,
    CAST(sum(CAST(round(purchase_interval_days * 2) AS INT64)) AS FLOAT64) / 2 AS interval_days,
    count(purchase_interval_days) AS with_interval,
    CAST(sum(web_sessions) AS FLOAT64) AS web_sessions,
    count(web_sessions) AS on_web,
    CAST(sum(CASE WHEN email_allowed THEN 1 ELSE 0 END) AS FLOAT64) AS mailable,
    count(email_allowed) AS asked
  FROM features
  GROUP BY segment
),
everybody AS (
  SELECT count(*) AS customers FROM features
),
-- what is at least 1.2 times as common in the segment as with everybody, both among those of whom the trait is known,
-- and said of a tenth of these and of a whole group, in no more than 120 characters
described AS (
  SELECT
    f.segment, t.trait, t.value,
    count(*) AS n,
    sum(count(*)) OVER (PARTITION BY f.segment, t.trait) AS known,
    sum(count(*)) OVER (PARTITION BY t.trait, t.value) AS n_everybody,
    sum(count(*)) OVER (PARTITION BY t.trait) AS known_everybody
  FROM traits AS t
  JOIN features AS f ON f.customer_id = t.customer_id
  GROUP BY f.segment, t.trait, t.value
),
lifts AS (
  SELECT
    d.segment, d.trait, d.value, d.n,
    CAST(round(10 * CAST(d.n AS FLOAT64) * CAST(d.known_everybody AS FLOAT64) / (CAST(d.n_everybody AS FLOAT64) * CAST(d.known AS FLOAT64))) AS INT64)
      AS lift_tenths
  FROM described AS d
  WHERE d.n >= @min_group AND d.n * 10 >= d.known AND length(d.value) <= 120
    AND 5 * CAST(d.n AS FLOAT64) * CAST(d.known_everybody AS FLOAT64) >= 6 * CAST(d.n_everybody AS FLOAT64) * CAST(d.known AS FLOAT64)
),
placed AS (
  SELECT *, row_number() OVER (PARTITION BY segment ORDER BY lift_tenths DESC, n DESC, trait, value) AS place
  FROM lifts
),
apart AS (
  SELECT
    segment,
    string_agg(
      concat(trait, ' ', value, ' (', CAST(div(lift_tenths, 10) AS STRING), '.', CAST(mod(lift_tenths, 10) AS STRING), 'x)'),
      ', ' ORDER BY place
    ) AS sets_apart
  FROM placed
  WHERE place <= 3
  GROUP BY segment
),
kept AS (
  SELECT
    b.segment, b.days_ago,
    CAST(sum(CASE WHEN f.last_order_on > date_from_unix_date(@as_of_day - b.days_ago) THEN 1 ELSE 0 END) AS FLOAT64) / count(*) AS share
  FROM members_before AS b
  JOIN customer_features AS f ON f.customer_id = b.customer_id
  GROUP BY b.segment, b.days_ago
  HAVING count(*) >= @min_group
),
retention AS (
  SELECT
    segment,
    max(CASE WHEN days_ago = 30 THEN share END) AS retention_30d,
    max(CASE WHEN days_ago = 60 THEN share END) AS retention_60d,
    max(CASE WHEN days_ago = 90 THEN share END) AS retention_90d
  FROM kept
  GROUP BY segment
),
before AS (
  SELECT segment, count(*) AS customers
  FROM previous_members
  WHERE segment IS NOT NULL
  GROUP BY segment
)
SELECT
  date_from_unix_date(@as_of_day) AS as_of,
  @segmentation AS segmentation,
  n.segment,
  n.customers,
  CAST(n.customers AS FLOAT64) / e.customers AS share,
  s.revenue_total,
  s.revenue_window,
  @horizon_days AS window_days,
  CASE WHEN s.orders > 0 THEN s.purchased / s.orders END AS average_order_value,
  CASE WHEN s.observed > 0 THEN s.engaged / s.customers END AS engagement_rate,
  s.converted / s.customers AS conversion_rate,
  CASE WHEN s.buyers > 0 THEN s.days_since_last_order / s.buyers END AS days_since_last_order_mean,
  s.purchase_days / s.customers AS purchase_days_mean,
  CASE WHEN s.orders > 0 THEN s.discounted_orders / s.orders END AS discount_share,
  CASE WHEN s.orders > 0 THEN s.store_orders / s.orders END AS store_share,
  CASE WHEN s.with_clv >= @min_group THEN s.clv_revenue / s.with_clv END AS clv_revenue_mean,
  CASE WHEN s.with_value >= @min_group THEN s.expected_value_90d / s.with_value END AS expected_value_90d_mean,
  CASE WHEN s.buyers >= @min_group THEN s.repeaters / s.buyers END AS repeat_rate,
  CASE WHEN s.with_interval >= @min_group THEN s.interval_days / s.with_interval END AS purchase_interval_days_mean,
  CASE WHEN s.on_web > 0 THEN s.web_sessions / s.on_web END AS web_sessions_mean,
  CASE WHEN s.asked >= @min_group THEN s.mailable / s.asked END AS mailable_share,
  a.sets_apart,
  r.retention_30d,
  r.retention_60d,
  r.retention_90d,
  b.customers AS customers_before,
  CAST(n.customers AS FLOAT64) / b.customers - 1 AS growth
FROM sizes AS n
CROSS JOIN everybody AS e
LEFT JOIN sizes AS s ON s.segment = n.segment AND s.customers >= @min_group
LEFT JOIN apart AS a ON a.segment = s.segment
LEFT JOIN retention AS r ON r.segment = s.segment
LEFT JOIN before AS b ON b.segment = n.segment
