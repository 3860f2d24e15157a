package main

import (
	"segments/pipeline"
	"segments/pipeline/warehouse"
	"segments/pipeline/warehouse/duckdb"
	"segments/transforms"
	"segments/transforms/behavior"
	"segments/transforms/cluster"
	"segments/transforms/clv"
	"segments/transforms/frame"
	"segments/transforms/rfm"
	"segments/transforms/segment"
)

// What is built in, in the order of execution. A new transform or warehouse is a folder and a line here.

var transformers = []struct {
	name, table, doc string
	new              func() transforms.Estimator
	wide             []frame.Column // outputs that customer_segments has too
}{
	{
		"rfm", "customer_rfm", "Recency, frequency and money: scores, segment, and how far the next cuts are.", rfm.New,
		columns(rfm.SegmentColumn, rfm.ValueTier, rfm.DropsOn, rfm.DropsTo),
	},
	{"clv", "customer_clv", "Forecasts: the chance of a purchase, expected orders and value, and the value over the horizon.", clv.New, nil},
	{"cluster", "customer_clusters", "Clusters of customers who are alike, each with a name and a reason.", cluster.New, columns(cluster.Name)},
	{
		"behavior", "", "", behavior.New,
		columns(behavior.LifeCycle, behavior.LapsesOn, behavior.Engagement, behavior.Intent, behavior.JourneyStage, behavior.EngagedNotPurchased),
	},
	{"segment", "", "", segment.New, columns(segment.Core, segment.CoreSince)},
}

var warehouses = map[string]component[warehouse.Open]{
	"duckdb": {duckdb.Open, func() any { c := duckdb.Defaults(); c.Threads = 0; return &c }},
}

// forecast is what the backtest holds against what came.
var forecast = pipeline.Forecast{
	Model: "clv", HorizonDays: 90,
	Orders: clv.ExpectedOrders90d.Column, Value: clv.ExpectedValue90d.Column,
	Cell: columns(rfm.RScore, rfm.FScore),
	Withhold: columns(clv.PAlive, clv.PPurchase30d, clv.PPurchase60d, clv.PPurchase90d, clv.ExpectedOrders90d, clv.ExpectedValue90d,
		clv.HorizonDays, clv.ExpectedOrders, clv.OrdersLow, clv.OrdersHigh, clv.ExpectedOrderValue, clv.Revenue, clv.ExpectedNextOrderDate),
	WithholdValue: columns(clv.ExpectedValue90d, clv.ExpectedOrderValue, clv.Revenue),
	Status:        clv.Status.Column, WithheldAs: clv.WorseThanNaive, ValueWithheldAs: clv.ValueWorseThanNaive,
}

// A component is what opens or makes it, and its section of the configuration with the defaults.
type component[O any] struct {
	open     O
	defaults func() any
}

func columns(cs ...interface{ Decl() frame.Column }) []frame.Column {
	out := make([]frame.Column, len(cs))
	for i, c := range cs {
		out[i] = c.Decl()
	}
	return out
}
