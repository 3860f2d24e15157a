package report

import (
	"slices"
	"strings"
	"testing"
)

func TestOthers(t *testing.T) {
	of := func(segmentation string, rows []record) []record {
		for _, r := range rows {
			r["segmentation"] = segmentation
		}
		return rows
	}
	profiles := slices.Concat(
		of("engagement", rowsOf(t, "segment=high customers=100 share=0.25", "segment=low customers=300 share=0.75")),
		of("intent", rowsOf(t, "segment=unknown customers=400 share=1")))
	for _, x := range []said{
		{name: "nothing else", none: true},
		{
			name: "not evaluated", tone: neutral, tables: map[string][]record{"segment_profiles": profiles},
			title: "The same customers from another side", lead: "Intent is unknown of everybody, since no web or e-mail events tell of it.",
		},
		{
			name: "evaluated, and weak clusters", tone: neutral,
			tables: map[string][]record{
				"segment_profiles": append(of(clusterSegmentation, rowsOf(t, "segment=Recent customers=200 share=0.5", "segment=Lapsed customers=200 share=0.5")), profiles...),
				"segment_validation": append(
					of("engagement", outcomeRows(t, "order", "2026-08-02", "segment=high customers=100 rate=0.4 verdict=above segmentation_auc=0.7 segmentation_auc_low=0.6", "segment=low customers=300 rate=0.1 verdict=below segmentation_auc=0.7 segmentation_auc_low=0.6")),
					of(clusterSegmentation, outcomeRows(t, "order", "2026-08-02", "segment=Recent customers=100 rate=0.4 verdict=above segmentation_auc=0.6 segmentation_auc_low=0.5", "segment=Old customers=300 rate=0.1 verdict=below segmentation_auc=0.6"))...),
				"cluster_candidates": {{"k": int64(2), "silhouette": 0.29, "chosen": true}, {"k": int64(3), "silhouette": 0.2, "chosen": false}},
			},
			title: "Who converts is told best by engagement (AUC 0.70), then by cluster (0.60)",
			lead: "The 2 clusters are weak (silhouette 0.29): many customers lie between two, so read them as descriptions and do not build a campaign on their borders.\n" +
				"By engagement, high converted most often (40 %), low least (10 %).\nIntent is unknown of everybody, since no web or e-mail events tell of it.",
		},
		{
			name: "one is useless", tone: neutral,
			tables: map[string][]record{
				"segment_profiles": of("engagement", rowsOf(t, "segment=high customers=100 share=0.25", "segment=low customers=300 share=0.75")),
				"segment_validation": of("engagement", outcomeRows(t, "order", "2026-08-02",
					"segment=high customers=100 rate=0.21 verdict=above segmentation_auc=0.51 segmentation_auc_low=0.501",
					"segment=low customers=300 rate=0.2 verdict=below segmentation_auc=0.51 segmentation_auc_low=0.501")),
				"segmentation_validation": of("engagement", outcomeRows(t, "order", "2026-08-02", "verdict=useless information_share=0.001")),
			},
			title: "The same customers from another side", lead: "Useless for telling who converts: engagement. Do not build on it what is to sell more.",
		},
	} {
		x.run(t, othersPanel)
	}
}

// The stored models are large, and of no use to a reader; a fit that did not end well is said.
func TestProvenance(t *testing.T) {
	d := faked(map[string][]record{
		"model_parameters": {
			{"step": "rfm", "parameter": "model", "text": "{}"},
			{"step": "rfm", "parameter": "cut", "value": 2.0},
			{"step": "rfm", "parameter": "status", "text": "ok"},
			{"step": "clv", "parameter": "status", "text": "no_model"},
		},
		"run_checks": {{"check_name": runWarnings, "subject": "rfm", "state": checkWarned, "detail": "the learned cuts call a purchase of up to 432 days ago recent"}},
		"run_events": {{"run_id": "2026-10-31-3f9c1a7be210", "ended_at": "2026-11-01T03:00:00Z", "customers": int64(18369), "digest": "3f9c1a7be210"}},
	})
	d.Run.CodeVersion = "v1.2.3"
	s := built(t, d, provenancePanel)
	equal(t, "title", s.Title.String(), "This is run 2026-10-31-3f9c1a7be210, of the program's version v1.2.3")
	equal(t, "lead", lines(s.Lead), "Not every step was fitted without reservations:\n"+
		"The forecasts: too few have bought more than once to forecast what they will buy.\nThe scores: the learned cuts call a purchase of up to 432 days ago recent.")
	var rows []string
	for _, r := range append(s.Tables[0].Rows[4:], s.Tables[1].Rows...) {
		rows = append(rows, strings.Join(texts(r), " "))
	}
	equal(t, "rows", strings.Join(rows, "\n"), "Ended 2026-11-01T03:00:00Z\nCustomers segmented 18,369\nDigest 3f9c1a7be210\nclv status no_model\nrfm status ok\nrfm cut 2.00")
}
