-- How well each segmentation told who converts, at the newest origin of a day.
SELECT segmentation, conversion_kind, auc
FROM (
  SELECT
    segmentation, conversion_kind, auc,
    row_number() OVER (PARTITION BY segmentation, conversion_kind ORDER BY origin DESC) AS nth
  FROM segmentation_validation
  WHERE as_of = @as_of AND horizon_days = @horizon_days
) AS v
WHERE nth = 1
ORDER BY segmentation, conversion_kind
