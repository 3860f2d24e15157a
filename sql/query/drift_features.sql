-- How many customers of each generation have the features in which buckets: see the relation buckets, which has them
-- counted. Of texts there are the 20 commonest, each as far as it is that of @min_group customers in some generation; all
-- others are one, the empty text.
WITH commonness AS (
  SELECT
    generation, feature, bucket, value, customers,
    max(customers) OVER (PARTITION BY feature, value) AS most,
    sum(customers) OVER (PARTITION BY feature, value) AS total
  FROM buckets
),
ranked AS (
  SELECT
    generation, feature, bucket, value, customers, most,
    dense_rank() OVER (PARTITION BY feature ORDER BY CASE WHEN value IS NULL THEN 1 ELSE 0 END, total DESC, value) AS place
  FROM commonness
),
told AS (
  SELECT
    generation, feature, bucket, customers,
    CASE WHEN value IS NULL THEN value WHEN place <= 20 AND most >= @min_group THEN value ELSE '' END AS value
  FROM ranked
)
SELECT generation, feature, bucket, value, CAST(sum(customers) AS INT64) AS customers
FROM told
GROUP BY generation, feature, bucket, value
ORDER BY generation, feature, bucket, value
