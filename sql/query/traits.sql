-- What describes the customers in customer_features: a row for each thing known of one. attributes are those that the
-- configuration names.
SELECT customer_id, 'country' AS trait, country AS value FROM customer_features WHERE country IS NOT NULL
UNION ALL
SELECT customer_id, 'gender', gender FROM customer_features WHERE gender IS NOT NULL
UNION ALL
SELECT customer_id, 'industry', industry FROM customer_features WHERE industry IS NOT NULL
UNION ALL
SELECT customer_id, 'plan', plan FROM customer_features WHERE plan IS NOT NULL
UNION ALL
SELECT customer_id, 'acquired through', acquisition_channel FROM customer_features WHERE acquisition_channel IS NOT NULL
UNION ALL
SELECT
  customer_id, 'buys on',
  CASE preferred_weekday
    WHEN 1 THEN 'Mondays' WHEN 2 THEN 'Tuesdays' WHEN 3 THEN 'Wednesdays' WHEN 4 THEN 'Thursdays' WHEN 5 THEN 'Fridays'
    WHEN 6 THEN 'Saturdays' ELSE 'Sundays'
  END
FROM customer_features
WHERE preferred_weekday IS NOT NULL
UNION ALL
SELECT customer_id, 'buys in the', preferred_day_part FROM customer_features WHERE preferred_day_part IS NOT NULL
UNION ALL
SELECT customer_id, 'buys through', preferred_channel FROM customer_features WHERE preferred_channel IS NOT NULL
UNION ALL
SELECT customer_id, 'buys', preferred_category FROM customer_features WHERE preferred_category IS NOT NULL
UNION ALL
SELECT customer_id, 'visits with', preferred_device FROM customer_features WHERE preferred_device IS NOT NULL
UNION ALL
SELECT customer_id, trait, value FROM attributes
