-- How many buyers have each pair of recency and frequency scores, and the segment that it gives. Of pairs under min_group
-- people the number is NULL.
SELECT
  r_score,
  f_score,
  rfm_segment,
  CASE WHEN count(*) >= @min_group THEN count(*) END AS customers
FROM customer_rfm
WHERE as_of = @as_of AND r_score IS NOT NULL AND f_score IS NOT NULL
GROUP BY r_score, f_score, rfm_segment
ORDER BY r_score, f_score, rfm_segment
