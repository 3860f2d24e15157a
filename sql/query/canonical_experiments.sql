-- Who was given which variant of an experiment: one row each. Of several times for the same variant the first is used, the
-- others are duplicate_key; who was given several variants of an experiment says nothing about any, and is put aside.
WITH assignments AS (
  SELECT customer_id, experiment, variant, assigned_us, assigned_day, assigned_hour, count(*) AS copies
  FROM source
  GROUP BY 1, 2, 3, 4, 5, 6
),
judged AS (
  SELECT
    *,
    CASE
      WHEN customer_id IS NULL THEN 'missing_customer_id'
      WHEN experiment IS NULL OR variant IS NULL THEN 'missing_variant'
      WHEN assigned_us IS NULL OR assigned_day IS NULL THEN 'missing_time'
      WHEN assigned_day < 1 THEN 'implausible_time'
      WHEN assigned_day > @today_day THEN 'future'
    END AS flaw
  FROM assignments
),
ranked AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY flaw, experiment, customer_id ORDER BY assigned_us, variant) AS place,
    min(variant) OVER (PARTITION BY flaw, experiment, customer_id) AS first_variant,
    max(variant) OVER (PARTITION BY flaw, experiment, customer_id) AS last_variant
  FROM judged
)
SELECT
  customer_id, experiment, variant, assigned_us, assigned_day,
  copies,
  CASE
    WHEN flaw IS NOT NULL THEN flaw
    WHEN first_variant <> last_variant THEN 'several_variants'
    WHEN place > 1 THEN 'duplicate_key'
  END AS reject
FROM ranked
