CREATE TABLE IF NOT EXISTS `example-project`.`segments`.`run_lock` OPTIONS (description = "One row that every publish changes, so that of two at once BigQuery ends one.") AS
SELECT 0 AS changes;
CREATE OR REPLACE VIEW `example-project`.`segments`.`runs` OPTIONS (description = "The latest event of each run.") AS
SELECT * EXCEPT (nth) FROM (SELECT *, row_number() OVER (PARTITION BY run_id ORDER BY ended_at DESC, state) AS nth FROM `example-project`.`segments`.`run_events`) AS e WHERE nth = 1;
CREATE OR REPLACE VIEW `example-project`.`segments`.`dated_current` (`as_of` OPTIONS (description = "The \"day\"."), `run_id` OPTIONS (description = "The run."), `value` OPTIONS (description = "A number.")) OPTIONS (description = "The newest published date of dated.") AS
SELECT `as_of`, `run_id`, `value` FROM `example-project`.`segments`.`dated` WHERE as_of >= DATE '2026-11-20' AND as_of = (SELECT max(as_of) FROM `example-project`.`segments`.`runs` WHERE state = 'PUBLISHED' AND NOT backfill);
CREATE OR REPLACE VIEW `example-project`.`segments`.`audiences` OPTIONS (description = "Who.") AS
WITH `segment_profiles_current` AS (SELECT * FROM `example-project`.`segments`.`segment_profiles_current`
),
`segment_definitions` AS (SELECT * FROM `example-project`.`segments`.`segment_definitions`
)
SELECT p.as_of, p.segmentation, p.segment, p.customers, p.share, d.rule, d.action, p.sets_apart
FROM segment_profiles_current AS p
LEFT JOIN segment_definitions AS d ON d.segmentation = p.segmentation AND d.segment = p.segment;
