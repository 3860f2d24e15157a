-- Customers by segment.
SELECT segment, count(*) AS customers
FROM members
WHERE segment IS NOT NULL
GROUP BY segment
ORDER BY segment
