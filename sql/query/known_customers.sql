-- Everybody of whom anything was known at the end of the as-of day, and why some are left out: who objects now, whatever
-- the date, and who had been deleted by the date. Whom the CRM has without a date is known on the day of the run, and on
-- earlier ones only by what they had done: who is there because they bought later would look as if they had never bought.
WITH crm AS (
  SELECT * FROM canonical_customers WHERE reject IS NULL
),
ids AS (
  SELECT customer_id FROM crm WHERE CASE WHEN @undated THEN coalesce(created_day, @as_of_day) ELSE created_day END <= @as_of_day
  UNION DISTINCT
  SELECT customer_id FROM customer_purchases
  UNION DISTINCT
  SELECT customer_id FROM customer_web
  UNION DISTINCT
  SELECT customer_id FROM customer_email
  UNION DISTINCT
  SELECT customer_id FROM canonical_conversions WHERE reject IS NULL AND converted_day <= @as_of_day
)
SELECT
  i.customer_id,
  CASE WHEN NOT c.consent_profiling THEN 'consent' WHEN c.deleted_day <= @as_of_day THEN 'deleted' END AS left_out
FROM ids AS i
LEFT JOIN crm AS c ON c.customer_id = i.customer_id
