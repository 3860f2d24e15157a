// Package steps is what the job is built of: the transforms in the order of execution, what becomes of their outputs, and
// the forecast that the backtest judges. A new transform is a folder below transforms and a line here.
package steps

import (
	"segments/pipeline"
	"segments/transforms/behavior"
	"segments/transforms/cluster"
	"segments/transforms/clv"
	"segments/transforms/frame"
	"segments/transforms/holdout"
	"segments/transforms/rfm"
	"segments/transforms/segment"
)

// CoreSegment is the segmentation that the gate judges.
func CoreSegment() string { return segment.Core.Name }

// All returns the steps in order, each with an estimator of its own that has the defaults.
func All() []pipeline.Step {
	return []pipeline.Step{
		{
			Name: "rfm", Table: "customer_rfm", Doc: "Recency, frequency and money: scores, segment, and how far the next cuts are.",
			Estimator: rfm.New(), Wide: columns(rfm.SegmentColumn, rfm.ValueTier, rfm.DropsOn, rfm.DropsTo),
		},
		{
			Name: "clv", Table: "customer_clv", Estimator: clv.New(),
			Doc: "Forecasts: the chance of a purchase, expected orders and value, and the value over the horizon.",
		},
		{
			Name: "cluster", Table: "customer_clusters", Doc: "Clusters of customers who are alike, each with a name and a reason.",
			Estimator: cluster.New(), Wide: columns(cluster.Name),
		},
		{
			Name: "behavior", Estimator: behavior.New(),
			Wide: columns(behavior.LifeCycle, behavior.LapsesOn, behavior.Engagement, behavior.Intent, behavior.JourneyStage,
				behavior.EngagedNotPurchased),
		},
		{Name: "segment", Estimator: segment.New(), Wide: columns(segment.Core, segment.CoreSince)},
		{Name: "holdout", Estimator: holdout.New(), Wide: columns(holdout.InHoldout)},
	}
}

// Forecast returns what the backtest holds against what came.
func Forecast() pipeline.Forecast {
	return pipeline.Forecast{
		Model: "clv", HorizonDays: 90,
		Orders: clv.ExpectedOrders90d.Column, Value: clv.ExpectedValue90d.Column,
		Cell: columns(rfm.RScore, rfm.FScore),
		Withhold: columns(clv.PAlive, clv.PPurchase30d, clv.PPurchase60d, clv.PPurchase90d, clv.ExpectedOrders90d, clv.ExpectedValue90d,
			clv.HorizonDays, clv.ExpectedOrders, clv.OrdersLow, clv.OrdersHigh, clv.ExpectedOrderValue, clv.Revenue, clv.ExpectedNextOrderDate),
		WithholdValue: columns(clv.ExpectedValue90d, clv.ExpectedOrderValue, clv.Revenue),
		Status:        clv.Status.Column, WithheldAs: clv.WorseThanNaive, ValueWithheldAs: clv.ValueWorseThanNaive,
	}
}

func columns(cs ...interface{ Decl() frame.Column }) []frame.Column {
	out := make([]frame.Column, len(cs))
	for i, c := range cs {
		out[i] = c.Decl()
	}
	return out
}
