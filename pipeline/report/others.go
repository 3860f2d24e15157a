package report

import (
	"fmt"
	"slices"
)

var othersPanel = panel{
	id: "others", question: "What else is known of them?", needs: []string{"segment_profiles", "segment_definitions"}, build: buildOthers,
}

// clusterSegmentation is the segmentation whose segments are found anew each time: a name of another day is another group.
const clusterSegmentation = "cluster"

// weakSilhouette is where clusters begin to be more than a weak structure: Kaufman and Rousseeuw, "Finding Groups in
// Data" (1990), table 2.4.
const weakSilhouette = 0.5

// Columns of a table of a segmentation.
const (
	otherGroup = iota
	otherRule
	otherCustomers
	otherShare
	otherRate
	otherVerdict
)

// buildOthers describes the segmentations beside the core segments.
func buildOthers(d *data) (*section, error) {
	s := &section{Tone: neutral}
	ranking := d.othersRanking()
	var unknown []*cell
	for _, name := range d.otherSegmentations() {
		t := d.other(name)
		if len(t.Rows) == 1 && t.Rows[0][otherGroup].Value == "unknown" {
			c := &cell{Value: plain(name), Format: formatText}
			unknown = append(unknown, c)
			continue
		}
		s.Tables = append(s.Tables, t)
		if lead := otherLead(plain(name), t); lead != nil && !useless(ranking, plain(name)) {
			s.Lead = append(s.Lead, lead)
		}
		if name == clusterSegmentation {
			candidates, at := d.clusterCandidates(), d.clustersAtOrigin()
			s.Lead = append(s.Lead, clusterLead(candidates)...)
			for _, more := range []*table{candidates, at} {
				if len(more.Rows) > 0 {
					s.Tables = append(s.Tables, more)
				}
			}
		}
	}
	if len(s.Tables) == 0 {
		return nil, nil
	}
	s.Title = othersTitle(ranking, len(s.Tables), d.judged())
	s.Lead = append(uselessLead(ranking), s.Lead...)
	if len(ranking.Rows) > 0 {
		s.Tables = slices.Insert(s.Tables, 0, ranking)
	}
	if len(unknown) > 0 {
		names := make([]sentence, len(unknown))
		for i, c := range unknown {
			names[i] = sentence{c.String()}
		}
		s.Lead = append(s.Lead, upper(say("{} {} unknown of everybody, since no web or e-mail events tell of {}.",
			listed(names), sentence{number(len(names), "is", "are")}, sentence{number(len(names), "it", "them")})))
	}
	s.Notes = []string{
		"Each segmentation looks at the same customers from another side; a customer is in one group of each.",
		"The rate is that of the group's members at the newest origin, after it. Clusters are found anew at every origin, so that theirs " +
			"stand in a table of their own.",
	}
	return s, nil
}

// otherSegmentations are those beside the core segments, without the RFM segments where these are the same groups.
func (d *data) otherSegmentations() []string {
	var out []string
	for _, name := range distinct(d.rows("segment_profiles"), "segmentation") {
		if name == d.CoreSegment || name == rfmSegmentation && d.sameAsCore() {
			continue
		}
		out = append(out, name)
	}
	return out
}

// sameAsCore says whether every RFM segment is a core segment of the same size.
func (d *data) sameAsCore() bool {
	core := d.profiles(d.CoreSegment)
	return !slices.ContainsFunc(d.profiles(rfmSegmentation), func(r record) bool {
		return find(core, "segment", r.text("segment"))["customers"] != r["customers"]
	})
}

// other is a segmentation with what its groups did after the newest origin.
func (d *data) other(name string) *table {
	t := &table{
		ID: "others-" + name, Caption: "Groups by " + plain(name), From: "segment_profiles, segment_definitions, segment_validation", Key: 1,
		Columns: []column{
			{Name: "segment", Title: "Group", Format: formatText, Doc: "The group, best first."},
			{Name: "rule", Title: "Rule", Format: formatText, Doc: "Who is in it, in words."},
			d.shows("segment_profiles", "customers", "Customers", formatCount), d.shows("segment_profiles", "share", "Share", formatShare),
			{Name: "rate", Title: "Converted after the origin", Format: formatShare, Doc: "Of those " +
				"in the group at the newest origin, the share that converted within the horizon."},
			{Name: "verdict", Title: "Than the rest", Format: formatText, Doc: "Whether that is more or less often than all others."},
		},
	}
	rows := d.validated(name)
	rows = at(rows, newest(rows), mainKind(rows))
	definitions := d.definitions(name)
	for _, p := range d.profiles(name) {
		var rate, verdict any
		if v := find(rows, "segment", p.text("segment")); v != nil && name != clusterSegmentation {
			values := d.conversionValues(v)
			rate, verdict = values[ofRate], values[ofVerdict]
		}
		t.add("", plain(p.text("segment")), find(definitions, "segment", p.text("segment"))["rule"], p["customers"], p["share"], rate, verdict)
	}
	return t
}

// clustersAtOrigin are the clusters that were found at the newest origin, and what they did after it.
func (d *data) clustersAtOrigin() *table {
	rows := d.validated(clusterSegmentation)
	return d.conversions("others-clusters-at-origin",
		"The clusters found at the newest origin, and what they did after it", at(rows, newest(rows), mainKind(rows)))
}

// clusterCandidates are the numbers of clusters that were tried.
func (d *data) clusterCandidates() *table {
	t := &table{
		ID: "others-candidates", Caption: "The numbers of clusters that were tried", From: "cluster_candidates", Key: 1,
		Columns: []column{
			d.shows("cluster_candidates", "k", "Clusters", formatCount), d.shows("cluster_candidates", "customers", "Customers", formatCount),
			d.shows("cluster_candidates", "inertia", "Inertia", formatCount), d.shows("cluster_candidates", "silhouette", "Silhouette", formatRate),
			{Name: "chosen", Title: "Taken", Format: formatText, Doc: "Whether it was taken."},
		},
	}
	rows := slices.SortedFunc(slices.Values(d.rows("cluster_candidates")), func(a, b record) int {
		x, y, _ := pair(a["k"], b["k"])
		return int(x - y)
	})
	for _, r := range rows {
		chosen := "no"
		if r["chosen"] == true {
			chosen = "yes"
		}
		t.add("", append(r.values("k", "customers", "inertia", "silhouette"), chosen)...)
	}
	return t
}

// clusterLead says how clear the clusters are.
func clusterLead(candidates *table) []sentence {
	for _, r := range candidates.Rows {
		if r[4].Value != "yes" || !known(r[3]) {
			continue
		}
		if value(r[3]) < weakSilhouette {
			return []sentence{say("The {} are weak (silhouette {}): many customers lie between two, so read them "+
				"as descriptions and do not build a campaign on their borders.",
				counted(r[0], "cluster", "clusters"), r[3])}
		}
		return []sentence{say("The {} are clearly apart (silhouette {}).", counted(r[0], "cluster", "clusters"), r[3])}
	}
	return nil
}

// othersRanking says how well each segmentation tells who converts, best first.
func (d *data) othersRanking() *table {
	of := func(name, title string, f format) column { return d.shows("segment_validation", name, title, f) }
	t := &table{
		ID: "others", Caption: "How well each segmentation tells who converts, from the newest origin", From: "segment_validation, segmentation_validation", Key: 1,
		Columns: []column{
			{Name: "segmentation", Title: "Segmentation", Format: formatText, Doc: "The column of customer_segments that names the group."},
			{Name: "groups", Title: "Groups", Format: formatCount, Doc: "Groups that somebody was in."},
			of("segmentation_auc", "AUC", formatRate), of("segmentation_auc_low", "At least", formatRate), of("segmentation_auc_high", "At most", formatRate),
			{Name: "verdict", Title: "Tells who converts", Format: formatText, Doc: "Whether it tells who converts, by the margin that the check of " +
				"the core groups asks for; useless where that is not shown."},
			{Name: "information_share", Title: "Of all there is to tell", Format: formatShare, Doc: "The share of what there is to tell about who converts that " +
				"the group tells, less what chance would."},
		},
	}
	all, whole := d.rows("segment_validation"), longest(d.rows("segmentation_validation"))
	var rows []record
	for _, name := range append(d.otherSegmentations(), d.CoreSegment) {
		v := d.validated(name)
		v = at(v, newest(all), mainKind(v))
		if len(v) > 1 && v[0]["segmentation_auc"] != nil {
			r := record{"segmentation": plain(name), "groups": int64(len(v))}
			w := find(where(where(whole, "origin", newest(all)), "conversion_kind", mainKind(v)), "segmentation", name)
			r["verdict"], r["information_share"] = findings[w.text("verdict")], w["information_share"]
			if r["verdict"] == "" {
				r["verdict"] = nil // of a run that did not say
			}
			for _, c := range []string{"segmentation_auc", "segmentation_auc_low", "segmentation_auc_high"} {
				r[c] = v[0][c]
			}
			rows = append(rows, r)
		}
	}
	slices.SortStableFunc(rows, func(a, b record) int {
		x, y, _ := pair(a["segmentation_auc"], b["segmentation_auc"])
		switch {
		case x > y:
			return -1
		case x < y:
			return 1
		}
		return 0
	})
	for _, r := range rows {
		t.add("", r.values(t.names()...)...)
	}
	return t
}

// findings in words, as segmentation_validation has them.
var findings = map[string]string{"tells": "yes", "useless": "useless", "not_evaluated": "not evaluated"}

// Columns of othersRanking.
const (
	rankName    = 0
	rankVerdict = 5
)

// useless says whether the segmentation is not shown to tell who converts.
func useless(ranking *table, name string) bool {
	return slices.ContainsFunc(ranking.Rows, func(r []*cell) bool {
		return r[rankName].Value == name && r[rankVerdict].Value == findings["useless"]
	})
}

// uselessLead names the segmentations that are not shown to tell who converts.
func uselessLead(ranking *table) []sentence {
	var names []sentence
	for _, r := range ranking.Rows {
		if r[rankVerdict].Value == findings["useless"] {
			names = append(names, say("{}", r[rankName]))
		}
	}
	if names == nil {
		return nil
	}
	return []sentence{say("Useless for telling who converts: {}. Do not build on {} what is to sell more.", listed(names),
		sentence{number(len(names), "it", "them")})}
}

// othersTitle says which segmentation tells best who converts.
func othersTitle(ranking *table, tables int, judged bool) sentence {
	if len(ranking.Rows) < 2 || !judged {
		return say("The same customers from {}", sentence{number(tables, "another side", "other sides")})
	}
	best, next := ranking.Rows[0], ranking.Rows[1]
	if !known(best[3]) || value(best[3]) <= 0.5 {
		return say("Not proven: no segmentation tells who converts from who does not")
	}
	return say("Who converts is told best by {} (AUC {}), then by {} ({})", best[0], best[2], next[0], next[2])
}

// otherLead says which group of a segmentation converts most.
func otherLead(name string, t *table) sentence {
	var most, least []*cell
	for _, r := range t.Rows {
		if known(r[otherRate]) && r[otherGroup].Value != "unknown" {
			if r[otherVerdict].Value == verdicts["above"] && (most == nil || value(r[otherRate]) > value(most[otherRate])) {
				most = r
			}
			if r[otherVerdict].Value == verdicts["below"] && (least == nil || value(r[otherRate]) < value(least[otherRate])) {
				least = r
			}
		}
	}
	if most == nil || least == nil {
		return nil
	}
	return say(fmt.Sprintf("By %s, {} converted most often ({}), {} least ({}).", name), most[otherGroup], most[otherRate], least[otherGroup], least[otherRate])
}
