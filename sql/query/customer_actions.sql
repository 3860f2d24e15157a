-- How often each customer did something on the web or with e-mail as of the date: less than customer_web and
-- customer_email say, and cheaper. email_events are of any kind, email_actions opens and clicks.
SELECT
  customer_id,
  CAST(sum(web) AS INT64) AS web_events,
  CAST(sum(email) AS INT64) AS email_events,
  CAST(sum(action) AS INT64) AS email_actions
FROM (
  SELECT customer_id, 1 AS web, 0 AS email, 0 AS action
  FROM canonical_web_events
  WHERE reject IS NULL AND occurred_day <= @as_of_day
  UNION ALL
  SELECT customer_id, 0, 1, CASE WHEN event_name IN ('open', 'click') THEN 1 ELSE 0 END
  FROM canonical_email_events
  WHERE reject IS NULL AND occurred_day <= @as_of_day
) AS e
GROUP BY customer_id
