package main

// validationOracles are those of what is said of segmentations as a whole, of shorter horizons and of merges.
var validationOracles = map[string]string{
	"conversions-horizons": `SELECT horizon_days, ` + conversionColumns + ` FROM (SELECT v.*, d.segment_order, v.customers >= 20 AS told,
	  CASE WHEN v.customers < 20 THEN 'too few' ELSE CASE verdict WHEN 'above' THEN 'more often' WHEN 'below' THEN 'less often' ELSE replace(verdict, '_', ' ') END END AS said
	  FROM segment_validation v JOIN segment_definitions d USING (segmentation, segment)
	  WHERE v.as_of = {day} AND v.customers > 0 AND NOT v.main_horizon AND v.conversion_kind = 'any' AND v.segmentation = 'core_segment'
	    AND v.origin = (SELECT max(origin) FROM validated)) ORDER BY horizon_days, segment_order`,
	"conversions-merges": `SELECT step, m.segment, "into", segments_left,
	  CASE reason WHEN 'alike' THEN 'conversions cannot tell them apart' ELSE 'there are too many groups' END, CASE WHEN told THEN m.p_value END,
	  CASE WHEN told THEN information_lost / (first_value(information + information_lost) OVER (ORDER BY step)) END, CASE WHEN told THEN information_kept END
	FROM segment_merges m JOIN core ON core.segment = m.segment
	WHERE m.as_of = {day} AND m.segmentation = 'core_segment' AND m.conversion_kind = 'any' AND m.main_horizon
	  AND m.origin = (SELECT max(origin) FROM validated) ORDER BY step`,
	"others": `SELECT replace(segmentation, '_', ' '), segments, auc, auc_low, auc_high,
	  CASE verdict WHEN 'tells' THEN 'yes' WHEN 'useless' THEN 'useless' ELSE 'not evaluated' END, information_share
	FROM segmentation_validation WHERE as_of = {day} AND segmentation <> 'rfm_segment' AND conversion_kind = 'any' AND main_horizon
	  AND origin = (SELECT max(origin) FROM validated) ORDER BY auc DESC`,
}
