-- What describes the customers in customer_features: a row for each thing known of one. attributes are those that the
-- configuration names; one that is called like a trait of the features stands in its place. Habits are no traits: they
-- are known of who buys often, so that naming them would only say how often somebody buys.
WITH own AS (
  SELECT customer_id, 'country' AS trait, country AS value FROM customer_features WHERE country IS NOT NULL
  UNION ALL
  SELECT customer_id, 'gender', gender FROM customer_features WHERE gender IS NOT NULL
  UNION ALL
  SELECT
    customer_id,
    'age',
    CASE
      WHEN age_years < 18 THEN 'under 18'
      WHEN age_years < 25 THEN '18-24'
      WHEN age_years < 35 THEN '25-34'
      WHEN age_years < 45 THEN '35-44'
      WHEN age_years < 55 THEN '45-54'
      WHEN age_years < 65 THEN '55-64'
      ELSE '65 and over'
    END
  FROM customer_features
  WHERE age_years IS NOT NULL
  UNION ALL
  SELECT customer_id, 'industry', industry FROM customer_features WHERE industry IS NOT NULL
  UNION ALL
  SELECT customer_id, 'plan', plan FROM customer_features WHERE plan IS NOT NULL
  UNION ALL
  SELECT customer_id, 'acquired through', acquisition_channel FROM customer_features WHERE acquisition_channel IS NOT NULL
)
SELECT customer_id, trait, value
FROM own
WHERE trait NOT IN (SELECT DISTINCT lower(trait) FROM attributes)
UNION ALL
SELECT customer_id, trait, value FROM attributes
