package report

// A panel answers a question of the reader's. Adding one is a file and a line in panels.
type panel struct {
	id       string
	question string
	needs    []string                      // tables without which it is left out
	build    func(*data) (*section, error) // nil where there is nothing to say
}

// panels are in the order of the reader's questions.
var panels = []panel{
	trustPanel, customersPanel, groupsPanel, contentPanel,
	scoresPanel, movesPanel, shiftsPanel, worthPanel, calibrationPanel, differencesPanel, conversionsPanel, othersPanel,
	experimentsPanel, trendPanel, channelsPanel, funnelPanel,
	qualityPanel, driftPanel, provenancePanel,
}
