-- The core segments on the days up to this one.
SELECT as_of, segment, customers, share, revenue_window, window_days, conversion_rate, engagement_rate
FROM segment_profiles
WHERE segmentation = @segmentation AND as_of <= @as_of
ORDER BY as_of, segment
