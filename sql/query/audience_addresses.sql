-- Who of an audience may be e-mailed, and where: as the customers source says now.
SELECT m.customer_id, m.segmentation, m.segment, m.as_of, p.email, p.phone
FROM audience_memberships AS m
JOIN people AS p ON p.customer_id = m.customer_id
WHERE m.segmentation = @segmentation AND m.segment = @segment
ORDER BY m.customer_id
