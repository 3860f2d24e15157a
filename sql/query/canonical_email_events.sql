-- E-mail events, a row for each distinct one.
WITH events AS (
  SELECT customer_id, occurred_us, occurred_day, occurred_hour, event_name, message_id, campaign_id, count(*) AS copies
  FROM source
  GROUP BY 1, 2, 3, 4, 5, 6, 7
),
names AS (
  SELECT *, replace(replace(lower(event_name), ' ', '_'), '-', '_') AS name
  FROM events
)
SELECT
  customer_id, occurred_us, occurred_day,
  CASE
    WHEN name IN ('sent', 'delivered', 'open', 'click', 'bounce', 'unsubscribe', 'complaint') THEN name
    WHEN name = 'opened' THEN 'open'
    WHEN name = 'clicked' THEN 'click'
    WHEN name = 'bounced' THEN 'bounce'
    WHEN name IN ('unsubscribed', 'unsub', 'opt_out', 'optout', 'opted_out', 'group_unsubscribe', 'list_unsubscribe') THEN 'unsubscribe'
    WHEN name IN ('complained', 'spam', 'spamreport', 'spam_report', 'spam_complaint', 'marked_as_spam') THEN 'complaint'
    ELSE 'other'
  END AS event_name,
  copies,
  CASE
    WHEN customer_id IS NULL THEN 'missing_customer_id'
    WHEN occurred_us IS NULL OR occurred_day IS NULL THEN 'missing_time'
    WHEN occurred_day < 1 THEN 'implausible_time'
    WHEN occurred_day > @today_day THEN 'future'
  END AS reject
FROM names
