-- Conversions, a row for each distinct one. Of those with the same conversion_id the first is used, the others are
-- duplicate_key. Money is in ten-thousandths.
WITH conversions AS (
  SELECT customer_id, converted_us, converted_day, converted_hour, conversion_id, kind, value_e4, count(*) AS copies
  FROM source
  GROUP BY 1, 2, 3, 4, 5, 6, 7
),
judged AS (
  SELECT
    *,
    CASE
      WHEN customer_id IS NULL THEN 'missing_customer_id'
      WHEN converted_us IS NULL OR converted_day IS NULL THEN 'missing_time'
      WHEN converted_day < 1 THEN 'implausible_time'
      WHEN converted_day > @today_day THEN 'future'
      WHEN abs(value_e4) >= 1000000000000000 THEN 'bad_amount'
    END AS flaw
  FROM conversions
),
ranked AS (
  SELECT
    *,
    row_number() OVER (
      PARTITION BY
        flaw, conversion_id, CASE WHEN conversion_id IS NULL THEN customer_id END, CASE WHEN conversion_id IS NULL THEN converted_us END
      ORDER BY converted_us, customer_id, kind NULLS LAST, value_e4 NULLS LAST
    ) AS place
  FROM judged
)
SELECT
  customer_id, converted_us, converted_day, converted_hour,
  coalesce(kind, 'conversion') AS kind,
  value_e4,
  copies,
  CASE WHEN flaw IS NULL AND conversion_id IS NOT NULL AND place > 1 THEN 'duplicate_key' ELSE flaw END AS reject
FROM ranked
