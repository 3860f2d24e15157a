-- Who of an audience may be e-mailed.
SELECT customer_id, segmentation, segment, as_of
FROM audience_memberships
WHERE segmentation = @segmentation AND segment = @segment
ORDER BY customer_id
