-- What they did with e-mail as of the date, a row for each customer with an e-mail event.
WITH counts AS (
  SELECT
    customer_id,
    count(*) AS events,
    CAST(sum(CASE WHEN event_name IN ('open', 'click') THEN 1 ELSE 0 END) AS INT64) AS actions,
    CAST(sum(CASE WHEN event_name = 'delivered' THEN 1 ELSE 0 END) AS INT64) AS delivered_ever,
    CAST(sum(CASE WHEN event_name = 'delivered' AND occurred_day > @as_of_day - @web_window_days THEN 1 ELSE 0 END) AS INT64) AS delivered,
    CAST(sum(CASE WHEN event_name = 'sent' AND occurred_day > @as_of_day - @web_window_days THEN 1 ELSE 0 END) AS INT64) AS sent,
    CAST(sum(CASE WHEN event_name = 'bounce' AND occurred_day > @as_of_day - @web_window_days THEN 1 ELSE 0 END) AS INT64) AS bounced,
    CAST(sum(CASE WHEN event_name = 'open' AND occurred_day > @as_of_day - @web_window_days THEN 1 ELSE 0 END) AS INT64) AS opened,
    CAST(sum(CASE WHEN event_name = 'click' AND occurred_day > @as_of_day - @web_window_days THEN 1 ELSE 0 END) AS INT64) AS clicked,
    max(CASE WHEN event_name = 'click' THEN occurred_day END) AS last_click_day,
    max(CASE WHEN event_name IN ('unsubscribe', 'complaint') THEN occurred_day END) AS unsubscribed_day
  FROM canonical_email_events
  WHERE reject IS NULL AND occurred_day <= @as_of_day
  GROUP BY customer_id
)
SELECT
  customer_id, events, actions,
  CASE
    WHEN (SELECT max(delivered_ever) FROM counts) > 0 THEN delivered
    ELSE greatest(sent - bounced, 0)
  END AS delivered,
  opened, clicked, last_click_day, unsubscribed_day
FROM counts
