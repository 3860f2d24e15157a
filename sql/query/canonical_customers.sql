-- The CRM, a row for each distinct record. One record of a customer is used, the others are duplicate_key: used is the
-- newest; of equally new ones the one that allows least, and of those the smallest. The customer counts as known since
-- the oldest. No record is put aside for a senseless date, since it says who objects: such dates are NULL.
WITH records AS (
  SELECT
    customer_id, created_us, created_day, country, gender, birth_date, industry, employees, plan, acquisition_channel,
    consent_profiling, consent_email, consent_profiling_unreadable OR consent_email_unreadable AS unreadable_consent,
    deleted_us, deleted_day, attributes, count(*) AS copies
  FROM source
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
),
ranked AS (
  SELECT
    *,
    row_number() OVER (
      PARTITION BY customer_id
      ORDER BY
        created_us DESC NULLS LAST, consent_profiling NULLS LAST, consent_email NULLS LAST, unreadable_consent,
        deleted_us NULLS LAST, country NULLS LAST, gender NULLS LAST, birth_date NULLS LAST, industry NULLS LAST, employees NULLS LAST,
        plan NULLS LAST, acquisition_channel NULLS LAST, attributes NULLS LAST
    ) AS place,
    min(CASE WHEN created_day >= 1 THEN created_day END) OVER (PARTITION BY customer_id) AS first_created_day
  FROM records
)
SELECT
  customer_id,
  first_created_day AS created_day,
  country, gender,
  CASE WHEN birth_date BETWEEN DATE '1890-01-01' AND date_from_unix_date(@today_day) THEN birth_date END AS birth_date,
  industry,
  CASE WHEN employees >= 0 THEN employees END AS employees,
  plan, acquisition_channel, consent_profiling, consent_email, unreadable_consent, deleted_day, attributes,
  copies,
  CASE
    WHEN customer_id IS NULL THEN 'missing_customer_id'
    WHEN place > 1 THEN 'duplicate_key'
  END AS reject
FROM ranked
